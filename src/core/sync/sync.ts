import { type Command, createCommand } from '#core/commands/commands.ts'
import { createDatasetIn, isLockedSql, type NewDataset } from '#core/datasets/datasets.ts'
import { type DbClient, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'
import { forgetRun } from './queries.ts'
import { findAbandonedRuns, type RunOptions } from './run.ts'
import { runSlice } from './slice.ts'
import { enqueueSlice } from './slice-job.ts'

export { SLICE_JOB } from './slice-job.ts'
export { getSync, listSyncs, type SyncStatus } from './status.ts'
export { approveSync, cancelDatasetSyncs, cancelSync, pauseSync, resumeSync } from './steer.ts'

/** What a sync is asked for. */
export interface SyncRequest {
  /** Compare every row, whatever the fingerprints say. */
  readonly forceRescan?: boolean | undefined
  /** Only tell what a sync would do. */
  readonly dryRun?: boolean | undefined
  /** Remove what is gone, softly, instead of marking it. */
  readonly reconcile?: boolean | undefined
  /** Id of a plan's command: what it would mark is approved, if it is still exactly that. */
  readonly apply?: string | undefined
  /** Nobody asked for it just now: people hear of it only if it found something. */
  readonly isScheduled?: boolean | undefined
}

/**
 * Starts a sync of a dataset, first or manual, and answers its command at once; a worker does the listing. One that is parked is given up for it.
 *
 * Throws `dataset.already_syncing` (423) while one runs or is paused, `dataset.not_external`, `dataset.not_syncable` (clones and merges),
 * `dataset.readonly`, `dataset.disconnected`, `driver.not_supported`, `sync.not_a_plan`. Removes items in a reconcile only (D13).
 */
export async function startSync(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  request: SyncRequest = {},
): Promise<Command> {
  return withTransaction(deps.db, (client) => startSyncIn(deps, client, caller, datasetNo, request))
}

/** Makes a dataset and, if asked, starts its first sync in the same transaction (IS-01); answers its number. */
export async function createSyncedDataset(
  deps: Deps,
  caller: Caller,
  dataset: NewDataset,
  isSyncAsked: boolean,
): Promise<number> {
  return withTransaction(deps.db, async (client) => {
    const datasetNo = await createDatasetIn(deps, client, caller, dataset)
    // Without a driver there is nothing to sync; the option is then meaningless, not wrong.
    if (isSyncAsked && dataset.driverId !== null) await startSyncIn(deps, client, caller, datasetNo, {})
    return datasetNo
  })
}

async function startSyncIn(
  deps: Deps,
  client: DbClient,
  caller: Caller,
  datasetNo: number,
  request: SyncRequest,
): Promise<Command> {
  const { rows } = await client.query<{
    id: string
    project_id: string
    org_id: string
    driver_id: string | null
    kind: string
    is_readonly: boolean
    is_locked: boolean
    epoch: number
    state: string
    source_no: number
    is_empty: boolean
    is_first: boolean
  }>(
    `select d.id, d.project_id, p.org_id, d.driver_id, d.kind, d.is_readonly, ${isLockedSql} as is_locked, v.epoch, v.state, v.source_no,
            n.last_item_no = 0 and not exists (select 1 from removed r where r.dataset_no = d.dataset_no) as is_empty,
            d.last_synced_at is null and not exists (select 1 from item i where i.dataset_no = d.dataset_no) as is_first
       from dataset d
       join project p on p.id = d.project_id
       join dataset_numbers n on n.dataset_no = d.dataset_no
       left join driver v on v.id = d.driver_id
      where d.dataset_no = $1`,
    [datasetNo],
  )
  const dataset = rows[0]
  if (!dataset) throw new AppError('dataset.not_found')
  if (dataset.kind !== 'master') throw new AppError('dataset.not_syncable')
  if (dataset.driver_id === null) throw new AppError('dataset.not_external')
  if (dataset.is_readonly) throw new AppError('dataset.readonly')
  if (dataset.is_locked) throw new AppError('dataset.locked')
  if (dataset.state === 'unsupported') throw new AppError('driver.not_supported')
  if (dataset.state !== 'ready') throw new AppError('dataset.disconnected')
  const options: RunOptions = {
    ...(request.forceRescan && { forceRescan: true }),
    ...(request.dryRun && { dryRun: true }),
    ...(request.reconcile && { reconcile: true }),
    ...(dataset.is_first && { isFirst: true }),
    ...(request.isScheduled && { scheduled: true }),
    ...(request.apply && { approved: await findPlannedSet(client, datasetNo, request.apply) }),
  }
  const command = await createCommand(deps, client, {
    type: 'datasetSync',
    spec: { datasetId: dataset.id },
    orgId: dataset.org_id,
    projectId: dataset.project_id,
    creatorId: caller.userId,
  })
  const runNo = await insertRun(client, caller, command.id, datasetNo, { ...dataset, options })
  await enqueueSlice(deps, client, runNo)
  return command
}

async function insertRun(
  client: DbClient,
  caller: Caller,
  commandId: string,
  datasetNo: number,
  dataset: {
    readonly id: string
    readonly epoch: number
    readonly source_no: number
    readonly is_empty: boolean
    readonly options: RunOptions
  },
): Promise<number> {
  await giveUpParked(client, datasetNo)
  // The partial unique index is what makes “one at a time” true when two start at once.
  const { rows } = await client.query<{ run_no: number; ticket: number }>(
    `insert into sync_run (command_id, dataset_no, driver_epoch, mode, state, ticket, creator_id, options)
     values ($1, $2, $3, $4, 'queued', nextval('ticket'), $5, $6)
     on conflict (dataset_no) where state in ('queued', 'running', 'paused', 'parked') do nothing
     returning run_no, ticket`,
    [
      commandId,
      datasetNo,
      dataset.epoch,
      dataset.is_empty && dataset.options.dryRun !== true ? 'load' : 'compare',
      caller.userId,
      JSON.stringify(dataset.options),
    ],
  )
  if (!rows[0])
    throw new AppError('dataset.already_syncing', {
      message: `Dataset ${dataset.id} cannot be synced as it is already being synced.`,
    })
  // From here on an observation that began before the run is no longer taken: what the run finds is newer (D12, appendix A).
  await client.query('update source set floor = greatest(floor, $2) where source_no = $1', [
    dataset.source_no,
    rows[0].ticket,
  ])
  // A reading that was being written while the dataset was found empty has ended now, because it holds the floor; one that comes later sees this run.
  await client.query(
    `update sync_run r set mode = 'compare'
      where run_no = $1 and mode = 'load'
        and (exists (select 1 from item i where i.dataset_no = r.dataset_no) or exists (select 1 from removed x where x.dataset_no = r.dataset_no))`,
    [rows[0].run_no],
  )
  return rows[0].run_no
}

/** A run that waits for a person ends when a new one is asked for: that one finds out everything anew. */
async function giveUpParked(client: DbClient, datasetNo: number): Promise<void> {
  const { rows } = await client.query<{ run_no: number; command_id: string }>(
    `update sync_run set state = 'canceled', finished_at = now() where dataset_no = $1 and state = 'parked' returning run_no, command_id`,
    [datasetNo],
  )
  for (const { run_no } of rows) await forgetRun(client, run_no)
}

/** The set of absent items that a finished plan has found; empty text when there was none. */
async function findPlannedSet(client: DbClient, datasetNo: number, commandId: string): Promise<string> {
  const { rows } = await client.query<{ set: string | null }>(
    `select report->'absent'->>'set' as set from sync_run
      where dataset_no = $1 and command_id = $2 and state = 'success' and options->>'dryRun' = 'true'`,
    [datasetNo, commandId],
  )
  if (!rows[0]) throw new AppError('sync.not_a_plan')
  return rows[0].set ?? ''
}

/** For the job: does a slice, which puts the next one into the queue when there is more to do. */
export async function continueSync(deps: Deps, runNo: number, signal: AbortSignal): Promise<void> {
  await runSlice(deps, runNo, signal)
}

/** For the clockwork: puts runs that nobody works on into the queue again. One that waits there keeps its turn; only one can take the run. */
export async function reviveSyncs(deps: Deps): Promise<void> {
  for (const runNo of await findAbandonedRuns(deps.db)) await enqueueSlice(deps, deps.db, runNo, { keepsTurn: true })
}
