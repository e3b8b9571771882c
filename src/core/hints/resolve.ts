import {
  type Applied,
  applyObservation,
  isAboveFloor,
  type MediaTypes,
  placeOf,
  type Sighting,
} from '#core/catalog/catalog.ts'
import { followMaster } from '#core/clones/clones.ts'
import { compilePatterns, syncSettingsOf } from '#core/patterns/patterns.ts'
import { QuotaExceeded, releaseDataPoints, reserveDataPoints } from '#core/quota/quota.ts'
import { type DbClient, withTransaction } from '#db/connect.ts'
import type { Deps } from '../deps.ts'
import { backOff, clearKey, type HeldKey, markAgain } from './lease.ts'
import { endLoads, type KeyDataset, keepSkipped, lockDatasets } from './queries.ts'

/**
 * Longest wait for a row while a run is held. Pages wait for one another in this process, which PostgreSQL cannot see: a wait of ours for a page that waits
 * for a page that waits for us would never end. So we give way.
 */
const ROW_WAIT = '1s'
/** Longest wait for a page that is being committed. */
const RUN_WAIT = '15s'

/** What came of a reading. `stale`: it was too old; `overQuota`: of these datasets, not all that is there could be added. */
export type Resolved =
  | { readonly kind: 'stale' }
  | { readonly kind: 'written'; readonly applied: readonly Applied[]; readonly overQuota: readonly KeyDataset[] }

/**
 * Writes what was read of a held key to every dataset it belongs to and lets the key go, in one transaction (RESOLVE of the convergence rules).
 *
 * Throws `HoldLost` when another worker has the key by now, and the database's errors when somebody else is writing the same rows (`isPassing`).
 */
export async function resolveKey(
  deps: Deps,
  held: HeldKey,
  sighting: Sighting | null,
  types: MediaTypes,
): Promise<Resolved> {
  // With too few data points as many are added as are free, and if those are gone meanwhile, none.
  let mayAdd = Number.POSITIVE_INFINITY
  for (;;) {
    try {
      return await withTransaction(deps.db, (tx) => resolveIn(deps, tx, { held, sighting, types, mayAdd }))
    } catch (error) {
      if (!(error instanceof QuotaExceeded)) throw error
      mayAdd = Math.min(error.free, mayAdd - 1, error.needed - 1)
    }
  }
}

interface Reading {
  readonly held: HeldKey
  readonly sighting: Sighting | null
  readonly types: MediaTypes
  readonly mayAdd: number
}

async function resolveIn(deps: Deps, tx: DbClient, reading: Reading): Promise<Resolved> {
  const { held, sighting } = reading
  await tx.query(`set local lock_timeout = '${RUN_WAIT}'`)
  const datasets = await lockDatasets(tx, held.sourceNo, held.key)
  if (!(await isAboveFloor(tx, held.sourceNo, held.ticket))) {
    await markAgain(tx, held)
    return { kind: 'stale' }
  }
  await tx.query(`set local lock_timeout = '${ROW_WAIT}'`)
  await endLoads(
    tx,
    datasets.filter((dataset) => dataset.hasRun).map((dataset) => dataset.datasetNo),
  )
  const applied: Applied[] = []
  const overQuota: KeyDataset[] = []
  let left = reading.mayAdd
  for (const dataset of datasets) {
    const outcome = await applyTo(deps, tx, dataset, reading, left > 0)
    applied.push(outcome)
    if (outcome === 'added') left--
    if (outcome === 'refused') overQuota.push(dataset)
    await noteSkipped(deps, tx, dataset, held.key, outcome === 'skipped' ? sighting : null)
  }
  await settleDataPoints(tx, datasets[0]?.orgId, applied)
  for (const [at, outcome] of applied.entries())
    if (outcome !== 'none' && outcome !== 'added') await followMaster(deps, tx, datasets[at]!.datasetNo)
  if (overQuota.length > 0) await backOff(tx, held, 'quota.exceeded')
  else await clearKey(tx, held)
  return { kind: 'written', applied, overQuota }
}

function applyTo(
  deps: Deps,
  tx: DbClient,
  dataset: KeyDataset,
  { held, sighting, types }: Reading,
  mayAdd: boolean,
): Promise<Applied> {
  const target = {
    datasetNo: dataset.datasetNo,
    orgId: dataset.orgId,
    ticket: held.ticket,
    nowMs: deps.clock.now(),
    hiddenFolder: deps.config.hiddenFolder,
    patterns: compilePatterns(syncSettingsOf(dataset.options)),
    types,
    removes: held.removes,
    leavesTombstone: dataset.hasRun,
    mayAdd,
  }
  return applyObservation(tx, target, held.key.subarray(dataset.folderBytes), sighting)
}

/** All datasets of a source are of one organization. */
async function settleDataPoints(tx: DbClient, orgId: string | undefined, applied: readonly Applied[]): Promise<void> {
  if (orgId === undefined) return
  const count = (outcome: Applied) => applied.filter((each) => each === outcome).length
  const points = count('added') - count('removed')
  if (points > 0) await reserveDataPoints(tx, orgId, points)
  if (points < 0) await releaseDataPoints(tx, orgId, -points)
}

async function noteSkipped(
  deps: Deps,
  tx: DbClient,
  dataset: KeyDataset,
  key: Buffer,
  sighting: Sighting | null,
): Promise<void> {
  const place = placeOf(key.subarray(dataset.folderBytes), deps.config.hiddenFolder)
  if (place.kind !== 'skipped') return
  const target = { datasetNo: dataset.datasetNo, nowMs: deps.clock.now() }
  const skipped = sighting && { reason: place.reason, sizeBytes: sighting.sizeBytes }
  await keepSkipped(tx, target, key, skipped)
}

/** PostgreSQL's codes for a row that somebody else has just made or is holding, a server that is restarting and a lost connection: a repetition helps. */
const PASSING = /^(23505|55P03|40|08|57P0)|^ECONN/

/** Whether somebody else was writing the same rows, or the database was away for a moment. */
export function isPassing(error: unknown): boolean {
  return PASSING.test(String((error as { code?: unknown }).code))
}
