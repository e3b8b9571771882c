import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Secret } from '#lib/secret.ts'
import { checkStorage } from './check.ts'
import { DRIVER_API, type DriverKit, type DriverModule, type ModuleContext, type ModuleField } from './driver-module.ts'
import type { Egress } from './egress.ts'
import { pageOf, rangeOf, selectPage } from './entry-page.ts'
import { exactBody } from './exact-body.ts'
import { addressableKey } from './key.ts'
import type { ModuleType, Storage } from './port.ts'
import { StorageError, type StorageErrorFacts } from './storage-error.ts'

export type { DriverModule, ModuleField } from './driver-module.ts'
export { openEgress } from './egress.ts'

/** A storage of a module's, and what to open it with. */
export interface ModuleSpec {
  readonly type: ModuleType
  readonly fields: Readonly<Record<string, string | boolean>>
  readonly secret: Secret | null
}

/** Thrown at start for a module that cannot be used; the message names its file and says why. */
export class DriverModuleError extends Error {}

// Of the process, as whatever is imported: the operator's setting is the only way in.
const loaded = new Map<string, { readonly file: string; readonly module: DriverModule }>()

/**
 * Imports the modules that the operator's setting (`SLUICE_DRIVERS`) names, once a process or thread, at its start. Only the operator chooses them: they are
 * code of this server, with all its rights. Throws `DriverModuleError` for the first that cannot be used.
 */
export async function loadDriverModules(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const module = await importModule(file)
    const other = loaded.get(module.type)
    if (other !== undefined && other.file !== file)
      throw wrong(file, `${other.file} already brings the type ${module.type}.`)
    loaded.set(module.type, { file, module })
  }
}

/** The modules that were loaded, in the order of the setting. For core's driver types. */
export function driverModules(): readonly DriverModule[] {
  return Array.from(loaded.values(), ({ module }) => module)
}

/** Opens a storage of a loaded module; throws `unsupported` where the operator took the module away. */
export async function openModule(spec: ModuleSpec, egress: Egress): Promise<Storage> {
  const where = { provider: spec.type, op: 'open' }
  const found = loaded.get(spec.type)
  if (found === undefined)
    throw new StorageError('unsupported', 'The module of this storage driver is not loaded by this server.', where)
  const { fields, secret } = spec
  const storage = await openIt(found.module, { fields, secret, egress, kit }, where)
  if (storage.provider !== spec.type)
    throw new StorageError('invalid', 'The module of this storage driver opened another kind of storage.', where)
  return storage
}

async function openIt(
  module: DriverModule,
  context: ModuleContext,
  where: Pick<StorageErrorFacts, 'provider' | 'op'>,
): Promise<Storage> {
  try {
    return await module.open(context)
  } catch (error) {
    if (error instanceof StorageError) throw error
    // Its words are nobody's who asked: there may be anything in them.
    throw new StorageError('invalid', 'The module of this storage driver failed.', { ...where, cause: error })
  }
}

/** What modules are given; also for tests of modules, which open their storage without a server. */
export const kit: DriverKit = {
  StorageError,
  addressableKey,
  checkStorage,
  selectPage,
  pageOf,
  rangeOf,
  exactBody,
}

async function importModule(file: string): Promise<DriverModule> {
  if (!isAbsolute(file)) throw wrong(file, 'Give the full path of its file.')
  let exports: { readonly sluiceDriver?: unknown }
  try {
    exports = await import(pathToFileURL(file).href)
  } catch (error) {
    throw wrong(file, `It cannot be imported: ${(error as Error).message}`, error)
  }
  const problem = problemOf(exports.sluiceDriver)
  if (problem !== null) throw wrong(file, problem)
  return exports.sluiceDriver as DriverModule
}

function wrong(file: string, why: string, cause?: unknown): DriverModuleError {
  return new DriverModuleError(`SLUICE_DRIVERS names ${file}, which cannot be used. ${why}`, { cause })
}

/** Names that stand in every driver's answer or payload already. */
const taken = new Set(
  `id name type creator createdAt updatedAt url integrationId integrationType metadata allowExternalDelete
   allowExternalModification isSyncable path folder payload proxy watch readOnly state stateReason checkedAt probes warnings
   datasetsCount region bucket bucketName containerName computeId computeStorageName public`.split(/\s+/),
)

function problemOf(given: unknown): string | null {
  if (typeof given !== 'object' || given === null) return 'It does not export sluiceDriver.'
  const { api, type, label, fields, secret, open } = given as Partial<Record<keyof DriverModule, unknown>>
  if (api !== DRIVER_API)
    return `It is written for version ${String(api)} of the driver API; this server has ${DRIVER_API}.`
  if (typeof type !== 'string' || !/^x-[a-z0-9][a-z0-9-]{0,40}$/.test(type))
    return 'Its type must begin with x- and go on with small letters, digits and hyphens.'
  if (typeof label !== 'string' || label === '') return 'It has no label.'
  if (typeof open !== 'function') return 'It has no function open.'
  if (!['none', 'optional', 'required'].includes(String(secret)))
    return 'Its secret must be none, optional or required.'
  if (!Array.isArray(fields)) return 'It has no list of fields.'
  const names = fields.map((field: Partial<ModuleField> | null) => String(field?.name))
  const unfit = names.find((name) => !/^[a-z][A-Za-z0-9]{0,62}$/.test(name) || taken.has(name))
  if (unfit !== undefined) return `A field must not have the name “${unfit}”.`
  if (new Set(names).size < names.length) return 'Two of its fields have one name.'
  const isFit = ({ label, type, required, pattern }: Partial<ModuleField>) =>
    typeof label === 'string' &&
    (type === 'string' || type === 'boolean') &&
    typeof required === 'boolean' &&
    (pattern === undefined || pattern instanceof RegExp)
  return fields.every(isFit) ? null : 'Each field needs a name, a label, a type (string or boolean) and required.'
}
