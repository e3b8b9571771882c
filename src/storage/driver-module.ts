// What a module that brings a storage driver of its own is written against: `import type { … } from 'sluice/storage'` (docs/drivers.md).
import type { Secret } from '#lib/secret.ts'
import type { checkStorage } from './check.ts'
import type { Egress } from './egress.ts'
import type { pageOf, rangeOf, selectPage } from './entry-page.ts'
import type { exactBody } from './exact-body.ts'
import type { addressableKey } from './key.ts'
import type { ModuleType, Storage } from './port.ts'
import type { StorageError } from './storage-error.ts'

export type { Secret } from '#lib/secret.ts'
export type { CheckWords } from './check.ts'
export type { Egress } from './egress.ts'
export type { ListedObject } from './entry-page.ts'
export type {
  Capabilities,
  CheckOptions,
  CheckReport,
  Entry,
  EntryCursor,
  Key,
  ListPage,
  ListQuery,
  ModuleType,
  Opened,
  ReadOptions,
  RemoveOptions,
  RemoveOutcome,
  SignedRequest,
  SignReadOptions,
  SignWriteOptions,
  Storage,
  WriteOptions,
} from './port.ts'
export type { StorageErrorFacts, StorageErrorKind } from './storage-error.ts'

/** Version of what modules are given and asked for; one written for another version is refused at start. */
export const DRIVER_API = 1

/** One thing that is asked of whoever makes a driver, besides its folder; forms and the API take it from here. */
export interface ModuleField {
  /** As it stands in the driver's payload: letters and digits, beginning with a small letter. */
  readonly name: string
  /** As a form shows it. */
  readonly label: string
  /** A secret is none of these: it comes from an integration. */
  readonly type: 'string' | 'boolean'
  readonly required: boolean
  /** What a text must match as a whole; any text of up to 4,096 characters unless said. */
  readonly pattern?: RegExp
  /** Told when it does not: a sentence that says what to give. */
  readonly wanted?: string
  /** Whether it says which objects the driver reaches: it stays while datasets use the driver, and drivers with equal ones share a bucket. */
  readonly isPlace?: boolean
}

/** What a module gets from the server at run time, so that it need not import anything of it. */
export interface DriverKit {
  /** The only error a driver may throw. */
  readonly StorageError: typeof StorageError
  readonly addressableKey: typeof addressableKey
  /** The check of a driver, which only uses the driver's own methods. */
  readonly checkStorage: typeof checkStorage
  /** A page of a listing, for drivers that can walk their keys in byte order. */
  readonly selectPage: typeof selectPage
  readonly pageOf: typeof pageOf
  readonly rangeOf: typeof rangeOf
  readonly exactBody: typeof exactBody
}

/** With what a storage is opened. */
export interface ModuleContext {
  /** The fields as they were given, checked against their description; what was left out is absent. */
  readonly fields: Readonly<Record<string, string | boolean>>
  /** Value of the integration (a named secret, `key_value`) that the driver uses; null where it uses none. */
  readonly secret: Secret | null
  /** What every connection to an address of a user's must go through. */
  readonly egress: Egress
  readonly kit: DriverKit
}

/** What a module exports as `sluiceDriver`. */
export interface DriverModule {
  readonly api: typeof DRIVER_API
  readonly type: ModuleType
  /** As people read it. */
  readonly label: string
  readonly fields: readonly ModuleField[]
  /** Whether drivers of this type use a named secret. */
  readonly secret: 'none' | 'optional' | 'required'
  /** Opens a storage whose `provider` is the module's type; connects to nothing yet. */
  open(context: ModuleContext): Storage | Promise<Storage>
}
