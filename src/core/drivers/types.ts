import type { Config } from '#config/config.ts'
import type { DriverPayload } from '#contract/drivers.ts'
import type { Credentials, FieldIssue, Trust } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { StorageSpec } from '#storage/open.ts'
import type { Capabilities } from '#storage/port.ts'
import { azureDrivers } from './azure-type.ts'
import { gcsType } from './gcs-type.ts'
import { keptTypes } from './kept-types.ts'
import { localType } from './local-type.ts'
import { missingType, moduleTypes } from './module-type.ts'
import { registryType } from './registry-type.ts'
import { s3Type } from './s3-type.ts'

/** A payload that passed its type's checks: the fields of its type only, nothing empty. Kept as JSON with the driver. */
export type DriverConfig = Readonly<Record<string, string | boolean>>

/** Whose storage a driver reaches; what lists are grouped by (DR-17). */
export type DriverProvider =
  | 'aws'
  | 'gcp'
  | 'azure'
  | 'powerscale'
  | 'faas'
  | 'compute'
  | 'registry'
  | 'local'
  | 'module'

/** What of a driver besides its payload its storage may depend on. */
export interface SpecContext {
  readonly settings: Config
  readonly credentials: Credentials | null
  /** Whose credentials they are; null where there are none. */
  readonly integration: {
    readonly orgId: string
    readonly id: string
    readonly type: string
    readonly trust: Trust | null
  } | null
  /** Empty, or with a slash at the end. */
  readonly folder: string
  readonly allowDelete: boolean
  /** What the last check found out about the storage; null before the first. */
  readonly known: Capabilities | null
}

/** What a driver type is to the core: how its payload is checked, told apart and opened. */
export interface DriverType {
  readonly type: string
  readonly provider: DriverProvider
  /** Kinds of integration that fit (DR-04, DR-12); null: it needs none. */
  readonly integrationTypes: readonly string[] | null
  /** Whether it may also be made without an integration, which scripts call `system`. */
  isIntegrationOptional?(config: DriverConfig): boolean
  /** Kinds of integration with which this version reaches the storage; `null` among them stands for none. */
  readonly opensWith: readonly (string | null)[]
  /** Fields that say which objects the driver reaches; they stay while datasets use it (DR-14). */
  readonly placeFields: readonly string[]
  /** Picks and checks the fields of this type; pushes one issue for each field that is wrong. */
  check(payload: DriverPayload, issues: FieldIssue[]): DriverConfig
  /** Why an integration of a kind that fits does not fit this payload; null when it does. */
  misfit?(config: DriverConfig, integrationType: string, settings: Config): string | null
  /** Readable text that is equal for two drivers exactly when they reach the same bucket of the same provider, as far as can be told. */
  fingerprint(config: DriverConfig, integrationId: string | null): string
  /** What the storage kit needs to open it; asked only where `opensWith` says that it can be opened. */
  spec(config: DriverConfig, context: SpecContext): StorageSpec
}

const ownTypes: readonly DriverType[] = [s3Type, gcsType, ...azureDrivers, ...keptTypes, registryType, localType]

/** The type of this name; throws `driver.invalid` for any other. */
export function driverType(type: string): DriverType {
  const types = [...ownTypes, ...moduleTypes()]
  const found = types.find((each) => each.type === type)
  if (found !== undefined) return found
  if (/^x-[a-z0-9-]{1,41}$/.test(type)) return missingType(type)
  const names = types.map((each) => each.type).join(', ')
  const message = `There is no such type of storage driver; there are: ${names}.`
  throw new AppError('driver.invalid', { message, details: [{ path: 'type', message }] })
}

/** Null when this version reaches the storage of such a driver, otherwise what to tell whoever tries. */
export function unsupported(type: DriverType, integrationType: string | null): AppError | null {
  if (type.opensWith.includes(integrationType)) return null
  const by = integrationType === null || type.opensWith.length === 0 ? '' : ` through an integration ${integrationType}`
  return new AppError('driver.not_supported', {
    message: `Storage drivers of the type ${type.type}${by} are not supported yet: everything is kept, but this version of the server cannot reach their storage.`,
  })
}
