import type { Config } from '#config/config.ts'
import type { DriverPayload } from '#contract/drivers.ts'
import type { Credentials, FieldIssue } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { StorageSpec } from '#storage/open.ts'
import { localType } from './local-type.ts'
import { s3Type } from './s3-type.ts'

/** A payload that passed its type's checks: the fields of its type only, nothing empty. Kept as JSON with the driver. */
export type DriverConfig = Readonly<Record<string, string | boolean>>

/** What a driver type is to the core: how its payload is checked, told apart and opened. */
export interface DriverType {
  readonly type: string
  /** Kinds of integration that fit (DR-04, DR-12); null: it needs none. */
  readonly integrationTypes: readonly string[] | null
  /** Fields that say which objects the driver reaches; they stay while datasets use it (DR-14). */
  readonly placeFields: readonly string[]
  /** Picks and checks the fields of this type; pushes one issue for each field that is wrong. */
  check(payload: DriverPayload, issues: FieldIssue[]): DriverConfig
  /** Readable text that is equal for two drivers exactly when they reach the same bucket of the same provider, as far as can be told. */
  fingerprint(config: DriverConfig): string
  /** What the storage kit needs to open it. */
  spec(config: DriverConfig, credentials: Credentials | null, settings: Config): StorageSpec
}

const types: readonly DriverType[] = [s3Type, localType]

/** Kinds the API knows of that cannot be made yet. */
const comingTypes: readonly string[] = [
  'gcs',
  'azureblob',
  'azureDatalakeGen2',
  'powerscaleS3',
  'powerscaleNfs',
  'faasProxy',
  'computeCluster',
]

/** The type of this name; throws `driver.unsupported` for any other. */
export function driverType(type: string): DriverType {
  const found = types.find((each) => each.type === type)
  if (found !== undefined) return found
  const names = types.map((each) => each.type).join(', ')
  const message = comingTypes.includes(type)
    ? `Storage drivers of the type ${type} are not supported yet; there are: ${names}.`
    : `There is no such type of storage driver; there are: ${names}.`
  throw new AppError('driver.unsupported', { message, details: [{ path: 'type', message }] })
}
