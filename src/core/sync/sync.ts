import { type Command, createCommand } from '#core/commands/commands.ts'
import { createDatasetIn, type NewDataset } from '#core/datasets/datasets.ts'
import { type Db, type DbClient, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'
import { findAbandonedRuns } from './run.ts'
import { runSlice } from './slice.ts'

/** Name of the job that does one slice of a run. */
export const SLICE_JOB = 'sync.slice'

/**
 * Starts a sync of a dataset, first or manual, and answers its command at once; a worker does the listing.
 *
 * Throws `dataset.already_syncing` (423) while one runs, `dataset.not_external`, `dataset.not_syncable` (clones and merges), `dataset.readonly`,
 * `dataset.disconnected`. Never removes an item (D13).
 */
export async function startSync(deps: Deps, caller: Caller, datasetNo: number): Promise<Command> {
  return withTransaction(deps.db, (client) => startSyncIn(deps, client, caller, datasetNo))
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
    if (isSyncAsked && dataset.driverId !== null) await startSyncIn(deps, client, caller, datasetNo)
    return datasetNo
  })
}

async function startSyncIn(deps: Deps, client: DbClient, caller: Caller, datasetNo: number): Promise<Command> {
  const { rows } = await client.query<{
    id: string
    project_id: string
    org_id: string
    driver_id: string | null
    kind: string
    is_readonly: boolean
    epoch: number
    state: string
    is_empty: boolean
  }>(
    `select d.id, d.project_id, p.org_id, d.driver_id, d.kind, d.is_readonly, v.epoch, v.state, n.last_item_no = 0 as is_empty
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
  if (dataset.state !== 'ready') throw new AppError('dataset.disconnected')
  const command = await createCommand(deps, client, {
    type: 'datasetSync',
    spec: { datasetId: dataset.id },
    orgId: dataset.org_id,
    projectId: dataset.project_id,
    creatorId: caller.userId,
  })
  const runNo = await insertRun(client, caller, command.id, datasetNo, dataset)
  await deps.queue.enqueue(client, SLICE_JOB, { runNo }, { key: jobKey(runNo) })
  return command
}

async function insertRun(
  client: DbClient,
  caller: Caller,
  commandId: string,
  datasetNo: number,
  dataset: { readonly id: string; readonly epoch: number; readonly is_empty: boolean },
): Promise<number> {
  // The partial unique index is what makes “one at a time” true when two start at once.
  const { rows } = await client.query<{ run_no: number }>(
    `insert into sync_run (command_id, dataset_no, driver_epoch, mode, state, ticket, creator_id)
     values ($1, $2, $3, $4, 'queued', nextval('ticket'), $5)
     on conflict (dataset_no) where state in ('queued', 'running') do nothing
     returning run_no`,
    [commandId, datasetNo, dataset.epoch, dataset.is_empty ? 'load' : 'merge', caller.userId],
  )
  if (!rows[0])
    throw new AppError('dataset.already_syncing', {
      message: `Dataset ${dataset.id} cannot be synced as it is already being synced.`,
    })
  return rows[0].run_no
}

/** Asks the run of a command to stop; what it has committed stays. Nothing happens when it has ended already. */
export async function cancelSync(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (client) => {
    const { rows } = await client.query<{ state: string; lease_until: Date | null }>(
      `update sync_run set cancel_asked = true where command_id = $1 and state in ('queued', 'running') returning state, lease_until`,
      [commandId],
    )
    if (!rows[0] || rows[0].lease_until !== null) return
    // Nobody works on it: it ends here.
    await client.query(
      `update sync_run set state = 'canceled', finished_at = now() where command_id = $1 and state in ('queued', 'running')`,
      [commandId],
    )
    await client.query(`update command set status = 'canceled', updated_at = now() where id = $1`, [commandId])
  })
}

/** A run as people see it: how far it is and what it met. */
export interface SyncStatus {
  readonly commandId: string
  readonly state: 'queued' | 'running' | 'success' | 'failed' | 'canceled'
  readonly counts: Readonly<
    Record<'listed' | 'added' | 'changed' | 'unchanged' | 'markers' | 'hidden' | 'skipped' | 'requests', number>
  >
  readonly error: string | null
  readonly errorCode: string | null
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

/** The last runs of a dataset, newest first; at most 100. */
export async function listSyncs(db: Db, datasetNo: number): Promise<SyncStatus[]> {
  const { rows } = await db.query<SyncStatus>(
    `select command_id as "commandId", state, error, error_code as "errorCode", created_at as "createdAt", started_at as "startedAt",
            finished_at as "finishedAt",
            json_build_object('listed', listed, 'added', added, 'changed', changed, 'unchanged', unchanged, 'markers', markers,
                              'hidden', hidden, 'skipped', skipped, 'requests', requests) as counts
       from sync_run where dataset_no = $1 order by run_no desc limit 100`,
    [datasetNo],
  )
  return rows
}

/** For the job: does a slice and puts the next one into the queue when there is more to do. */
export async function continueSync(deps: Deps, runNo: number, signal: AbortSignal): Promise<void> {
  const outcome = await runSlice(deps, runNo, signal)
  if (outcome.kind === 'again')
    await deps.queue.enqueue(deps.db, SLICE_JOB, { runNo }, { key: jobKey(runNo), delayMs: outcome.delayMs })
}

/** For the clockwork: puts runs whose worker was killed into the queue again. Harmless when a job is there already: only one can take the run. */
export async function reviveSyncs(deps: Deps): Promise<void> {
  for (const runNo of await findAbandonedRuns(deps.db))
    await deps.queue.enqueue(deps.db, SLICE_JOB, { runNo }, { key: jobKey(runNo) })
}

function jobKey(runNo: number): string {
  return `sync:${runNo}`
}
