import type { Caller, Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import {
  checkFields,
  type DriverChange,
  explainVanishedIntegration,
  isKept,
  isSupported,
  prepareChange,
  requireDriver,
  writeChange,
} from './change.ts'
import { checkDriver } from './check.ts'
import { type DriverDraft, describeDraft, sourceOf } from './draft.ts'
import type { Driver } from './queries.ts'
import * as queries from './queries.ts'
import { type DriverProvider, driverType } from './types.ts'

export type { PolicySet } from '#storage/policy.ts'
export type { DriverChange } from './change.ts'
export { type BrowserTrial, type Diagnosis, examineDraft, examineDriver, prepareBrowserTrial } from './doctor.ts'
export type { DriverDraft } from './draft.ts'
export { type Migration, migrateDrivers, requireIntegrationAdmin } from './migrate.ts'
export { listModuleTypes } from './module-type.ts'
export { closeDrivers, type OpenDriver, openDriver } from './open.ts'
export { describePolicies, draftPolicies, driverPolicies, type PolicyChoice, policiesOf } from './policies.ts'
export type { Driver } from './queries.ts'
export type { DriverConfig, DriverProvider } from './types.ts'
export {
  cancelValidation,
  continueValidation,
  reviveValidations,
  testDriver,
  testIntegration,
  VALIDATE_JOB,
  validateDrivers,
} from './validate.ts'

/** A driver with what only lists and forms show. */
export interface DriverInfo extends Driver {
  readonly datasetNames: readonly string[]
  /** Things to know that are no failure: an empty folder, a name twice. */
  readonly warnings: readonly string[]
}

/**
 * Connects a bucket or folder to a project (DR-01 to DR-08, DR-20).
 *
 * The storage is tried first, and a driver that fails is not saved. With `validate: false` it is saved untried as `failed`: it cannot be chosen
 * for a dataset until a test passes. One whose storage this version does not reach is saved as `unsupported`: datasets can be made on it, but not synced.
 */
export async function createDriver(
  deps: Deps,
  caller: Caller,
  draft: DriverDraft & { readonly name: string; readonly validate: boolean },
): Promise<DriverInfo> {
  const subject = await describeDraft(deps, draft)
  const outcome = draft.validate || !isSupported(subject) ? await checkDriver(deps, subject, caller.userId) : null
  if (outcome?.failure && !isKept(outcome)) throw outcome.failure
  const nowMs = deps.clock.now()
  const id = newId(nowMs)
  await withTransaction(deps.db, async (tx) => {
    await queries.insertDriver(tx, {
      id,
      projectId: draft.projectId,
      type: draft.type,
      creatorId: caller.userId,
      nowMs,
      name: draft.name,
      integrationId: subject.integration?.id ?? null,
      sourceNo: await queries.sourceNumber(tx, sourceOf(draft.orgId, subject)),
      folder: subject.folder,
      config: subject.config,
      allowDelete: draft.allowDelete,
      epoch: 1,
      ...checkFields(outcome, nowMs),
    })
  }).catch(explainVanishedIntegration)
  deps.log.info({ driverId: id, projectId: draft.projectId, type: draft.type, userId: caller.userId }, 'driver created')
  const made = await getDriver(deps, id)
  const twins = await queries.selectDrivers(deps.db, { projectId: draft.projectId, name: draft.name })
  if (twins.length < 2) return made
  return {
    ...made,
    warnings: [...made.warnings, 'Another storage driver of this project has the same name; scripts must use the id.'],
  }
}

/** Tries a driver that is not saved (PM-19); resolves when it is usable, throws its failure otherwise. Nothing is stored. */
export async function testDraft(deps: Deps, caller: Caller, draft: DriverDraft): Promise<void> {
  const { failure } = await checkDriver(deps, await describeDraft(deps, draft), caller.userId)
  if (failure !== null) throw failure
}

/** Drivers of a project, oldest first; those of one integration or of exactly one name when that is given (DR-17). */
export async function listDrivers(
  deps: Deps,
  filter: {
    readonly projectId: string
    readonly integrationId?: string | undefined
    readonly name?: string | undefined
  },
): Promise<DriverInfo[]> {
  return withInfo(deps, await queries.selectDrivers(deps.db, filter))
}

/** Drivers of a project by whose storage they reach (DR-17), oldest first; providers without drivers are left out. */
export async function groupDrivers(deps: Deps, projectId: string): Promise<Map<DriverProvider, DriverInfo[]>> {
  return Map.groupBy(await listDrivers(deps, { projectId }), (driver) => driverType(driver.type).provider)
}

/** The one driver of a project with this name; names are not unique, so several are an error of its own (DR-03). */
export async function findDriver(deps: Deps, projectId: string, name: string): Promise<DriverInfo> {
  const found = await listDrivers(deps, { projectId, name })
  if (found.length > 1)
    throw new AppError('driver.ambiguous', { details: { driverIds: found.map((driver) => driver.id) } })
  if (found[0] === undefined) throw new AppError('driver.not_found')
  return found[0]
}

/** A driver by its id; the guard has seen to it that the caller may see it. */
export async function getDriver(deps: Deps, id: string): Promise<DriverInfo> {
  const [info] = await withInfo(deps, [await requireDriver(deps, id)])
  return info!
}

/**
 * The driver a new dataset wants to use: of the same project, connected, and passed its last check (DR-20), unless its kind cannot be checked yet. In the transaction that makes the
 * dataset: until its end nobody can change or delete the driver.
 *
 * Throws `driver.not_found` (also for another project's), `dataset.disconnected` or `driver.check_failed`.
 */
export async function requireUsableDriver(tx: Db, projectId: string, id: string): Promise<Driver> {
  await queries.holdDriver(tx, id)
  const driver = await queries.selectDriver(tx, id)
  if (driver?.projectId !== projectId) throw new AppError('driver.not_found')
  if (driver.state === 'disconnected') throw new AppError('dataset.disconnected')
  if (driver.state === 'failed') {
    const reason = driver.stateReason === null ? '' : ` ${driver.stateReason}`
    throw new AppError('driver.check_failed', {
      message: `The last test of this storage driver failed; test it again.${reason}`,
    })
  }
  return driver
}

/**
 * Changes a driver (DR-14), after trying it with the change.
 *
 * What says which objects it reaches (bucket, folder) stays while datasets use it: their items would point elsewhere. An integration of the same kind
 * may take the place of the old one, which also connects a disconnected driver again.
 * Throws `driver.in_use`, `driver.changed` (somebody else was quicker), or what creating throws.
 */
export async function updateDriver(deps: Deps, caller: Caller, id: string, change: DriverChange): Promise<DriverInfo> {
  const driver = await requireDriver(deps, id)
  if (change.integrationId === undefined && change.payload === undefined && change.allowDelete !== true) {
    // Taking a right away must work also while the storage cannot be reached.
    await queries.patchDriver(deps.db, id, { name: change.name, allowDelete: change.allowDelete }, deps.clock.now())
    deps.log.info({ driverId: id, allowDelete: change.allowDelete, userId: caller.userId }, 'driver changed')
    return getDriver(deps, id)
  }
  const { fields, isMoved } = await prepareChange(deps, caller, driver, change)
  await withTransaction(deps.db, (tx) => writeChange(tx, driver, fields, { isMoved, nowMs: deps.clock.now() })).catch(
    explainVanishedIntegration,
  )
  const { allowDelete, epoch } = fields
  deps.log.info({ driverId: id, allowDelete, epoch, userId: caller.userId }, 'driver changed')
  return getDriver(deps, id)
}

/** Deletes a driver that no dataset uses; nothing is deleted in the bucket. Throws `driver.in_use` with the datasets' names. */
export async function deleteDriver(deps: Deps, caller: Caller, id: string): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    if ((await queries.lockDriver(tx, id)) === null) throw new AppError('driver.not_found')
    const names = (await queries.selectDatasetNames(tx, [id])).get(id) ?? []
    if (names.length > 0) {
      throw new AppError('driver.in_use', {
        message: `Datasets still use this storage driver (${names.length}); delete them first.`,
        details: { datasets: names },
      })
    }
    await queries.deleteDriverRow(tx, id)
  })
  deps.log.info({ driverId: id, userId: caller.userId }, 'driver deleted')
}

async function withInfo(deps: Deps, drivers: readonly Driver[]): Promise<DriverInfo[]> {
  const names = await queries.selectDatasetNames(
    deps.db,
    drivers.map((driver) => driver.id),
  )
  return drivers.map((driver) => ({
    ...driver,
    datasetNames: names.get(driver.id) ?? [],
    warnings: driver.report?.warnings ?? [],
  }))
}
