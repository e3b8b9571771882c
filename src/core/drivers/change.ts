import type { DriverPayload } from '#contract/drivers.ts'
import type { Caller, Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { type CheckOutcome, type CheckSubject, checkDriver } from './check.ts'
import { describeDraft, placeOf, sourceOf } from './draft.ts'
import type { Driver } from './queries.ts'
import * as queries from './queries.ts'
import { driverType, unsupported } from './types.ts'

/** A change to a driver; what is left out stays. Payload fields that are null are emptied. */
export interface DriverChange {
  readonly name?: string | undefined
  readonly integrationId?: string | undefined
  readonly payload?: DriverPayload | undefined
  readonly allowDelete?: boolean | undefined
  readonly validate: boolean
}

/**
 * Works out what a change makes of a driver, after trying it; nothing is written but the bucket's row.
 *
 * `isMoved`: it would reach other objects. Throws `driver.in_use` when it would while datasets use it, and whatever the check finds.
 */
export async function prepareChange(
  deps: Deps,
  caller: Caller,
  driver: Driver,
  change: DriverChange,
): Promise<{ readonly fields: queries.DriverFields; readonly isMoved: boolean }> {
  const allowDelete = change.allowDelete ?? driver.allowDelete
  const subject = await describeDraft(deps, {
    ...driver,
    integrationId: change.integrationId ?? driver.integrationId,
    integrationType: null,
    payload: { ...driver.config, ...change.payload },
    allowDelete,
  })
  const isMoved = driverType(driver.type).placeFields.some(
    (field) => placeOf(driver, field) !== placeOf(subject, field),
  )
  if (isMoved) await refuseInUse(deps.db, driver.id)
  const outcome = change.validate || !isSupported(subject) ? await checkDriver(deps, subject, caller.userId) : null
  // A driver that works must not be turned into one that cannot.
  const isKeptStill = outcome !== null && isKept(outcome) && driver.state !== 'ready'
  if (outcome?.failure && !isKeptStill) throw outcome.failure
  const fields = {
    name: change.name ?? driver.name,
    integrationId: subject.integration?.id ?? null,
    sourceNo: await queries.sourceNumber(deps.db, sourceOf(driver.orgId, subject)),
    folder: subject.folder,
    config: subject.config,
    allowDelete,
    // A right alone does not change what running work reads.
    epoch: change.integrationId === undefined && change.payload === undefined ? driver.epoch : driver.epoch + 1,
    ...checkFields(outcome, deps.clock.now()),
  }
  return { fields, isMoved }
}

/** Writes a prepared change; throws `driver.changed` when somebody else was quicker, `driver.in_use` when a dataset came to it meanwhile. */
export async function writeChange(
  tx: Db,
  driver: Driver,
  fields: queries.DriverFields,
  { isMoved, nowMs }: { readonly isMoved: boolean; readonly nowMs: number },
): Promise<void> {
  if ((await queries.lockDriver(tx, driver.id)) !== driver.updatedMs) throw new AppError('driver.changed')
  // Again, now that no dataset can come to it any more.
  if (isMoved) await refuseInUse(tx, driver.id)
  await queries.updateDriverRow(tx, driver.id, fields, nowMs)
}

async function refuseInUse(db: Db, id: string): Promise<void> {
  const names = (await queries.selectDatasetNames(db, [id])).get(id)
  if (names === undefined) return
  const message = 'Bucket and folder cannot be changed while datasets use this storage driver.'
  throw new AppError('driver.in_use', { message, details: { datasets: names } })
}

/** A driver by its id; throws `driver.not_found`. */
export async function requireDriver(deps: Deps, id: string): Promise<Driver> {
  const driver = await queries.selectDriver(deps.db, id)
  if (driver === null) throw new AppError('driver.not_found')
  return driver
}

/** The integration of a saved driver as a check wants it. */
export function integrationOf(driver: Driver): CheckSubject['integration'] {
  const { orgId, integrationId, integrationVersion, integrationType, integrationTrust } = driver
  return integrationId === null || integrationVersion === null || integrationType === null
    ? null
    : { orgId, id: integrationId, version: integrationVersion, type: integrationType, trust: integrationTrust }
}

/** Whether this version reaches the storage of such a driver. */
export function isSupported(subject: CheckSubject): boolean {
  return unsupported(driverType(subject.type), subject.integration?.type ?? null) === null
}

/** Whether it is kept although it could not be tried. */
export function isKept(outcome: CheckOutcome): boolean {
  return outcome.failure?.code === 'driver.not_supported'
}

/** What a check, or none, leaves with a driver. */
export function checkFields(outcome: CheckOutcome | null, nowMs: number): queries.CheckFields {
  if (outcome === null)
    return { state: 'failed', stateReason: 'It was saved without a test.', report: null, checkedMs: null }
  const { report, failure } = outcome
  return {
    state: failure === null ? 'ready' : isKept(outcome) ? 'unsupported' : 'failed',
    stateReason: failure?.message ?? null,
    report,
    checkedMs: nowMs,
  }
}

/** The integration was there when the check began; its foreign key tells that it was deleted meanwhile. */
export function explainVanishedIntegration(error: unknown): never {
  const { code, constraint } = error as { code?: string; constraint?: string }
  if (code === '23503' && constraint === 'driver_integration_id_fkey')
    throw new AppError('integration.not_found', { cause: error })
  throw error
}
