import type { ErrorCode } from '#contract/errors.ts'
import { type Db, type DbClient, type DbPool, withTransaction } from '#db/connect.ts'
import type { WalkRange } from '#storage/walk/walk.ts'
import { LEASE_SECONDS } from './queries.ts'

/** A run that a worker holds. */
export interface ClaimedRun {
  readonly runNo: number
  readonly fence: number
  readonly commandId: string
  readonly datasetNo: number
  readonly datasetId: string
  readonly driverId: string | null
  readonly driverEpoch: number
  readonly mode: 'load' | 'merge'
  readonly ticket: number
  readonly attempts: number
}

/**
 * Takes a run for this worker: raises its fence and starts its lease. Null if it has ended or another worker's lease is still good.
 * Every later write names the fence, so a worker that was paused past its lease changes nothing any more.
 */
export async function claimRun(db: Db, runNo: number): Promise<ClaimedRun | null> {
  const { rows } = await db.query<ClaimedRun>(
    `update sync_run r
        set state = 'running', fence = fence + 1, lease_until = now() + make_interval(secs => $2), started_at = coalesce(started_at, now())
       from dataset d
      where r.run_no = $1 and r.state in ('queued', 'running') and (r.lease_until is null or r.lease_until < now())
        and d.dataset_no = r.dataset_no
      returning r.run_no as "runNo", r.fence, r.command_id as "commandId", r.dataset_no as "datasetNo", d.id as "datasetId",
                d.driver_id as "driverId", r.driver_epoch as "driverEpoch", r.mode, r.ticket, r.attempts`,
    [runNo, LEASE_SECONDS],
  )
  const run = rows[0]
  if (!run) return null
  await db.query(`update command set status = 'in-progress', updated_at = now() where id = $1 and status = 'created'`, [
    run.commandId,
  ])
  return run
}

/** Keeps the lease; `lost` when the run has another worker or has ended, `cancel` when somebody asked to cancel it. */
export async function keepLease(db: Db, run: ClaimedRun): Promise<'kept' | 'lost' | 'cancel'> {
  const { rows } = await db.query<{ cancel_asked: boolean }>(
    `update sync_run set lease_until = now() + make_interval(secs => $3)
      where run_no = $1 and fence = $2 and state = 'running' returning cancel_asked`,
    [run.runNo, run.fence, LEASE_SECONDS],
  )
  if (!rows[0]) return 'lost'
  return rows[0].cancel_asked ? 'cancel' : 'kept'
}

/** The ranges a former slice left, in key order. */
export async function loadRanges(db: Db, runNo: number): Promise<WalkRange[]> {
  const { rows } = await db.query<{ range_no: number; from_key: Buffer; to_key: Buffer | null; cursor: Buffer }>(
    'select range_no, from_key, to_key, cursor from sync_range where run_no = $1 and not is_done order by from_key',
    [runNo],
  )
  return rows.map((row) => ({
    no: row.range_no,
    from: row.from_key,
    to: row.to_key,
    cursor: row.cursor,
    isDone: false,
    keys: 0,
  }))
}

/** Whether a run has listed anything yet: then having no open range means that it is complete. */
export async function hasRanges(db: Db, runNo: number): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    'select exists (select 1 from sync_range where run_no = $1) as found',
    [runNo],
  )
  return rows[0]!.found
}

/** Gives the run back for a later slice; `trouble` is shown until that one has got somewhere. `false`: it was not ours any more. */
export async function releaseRun(
  db: Db,
  run: ClaimedRun,
  requests: number,
  trouble: { readonly code: ErrorCode; readonly message: string } | null,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sync_run
        set lease_until = null, requests = requests + $3, attempts = attempts + $4, error_code = $5, error = $6
      where run_no = $1 and fence = $2 and state = 'running'`,
    [run.runNo, run.fence, requests, trouble ? 1 : 0, trouble?.code ?? null, trouble?.message ?? null],
  )
  return rowCount === 1
}

/** From now on the run merges: its dataset turned out not to be empty. */
export async function turnIntoMerge(db: Db, run: ClaimedRun): Promise<void> {
  await db.query(`update sync_run set mode = 'merge' where run_no = $1 and fence = $2 and state = 'running'`, [
    run.runNo,
    run.fence,
  ])
}

/** How a run ended. */
export type RunEnd =
  | { readonly state: 'success' }
  | { readonly state: 'canceled' }
  | { readonly state: 'failed'; readonly code: ErrorCode; readonly message: string }

/**
 * Ends a run and its command in one transaction; the dataset's last sync time moves only at success (DS-05). Answers false when the run was not
 * ours any more, and then nothing has changed.
 */
export async function endRun(pool: DbPool, run: ClaimedRun, requests: number, end: RunEnd): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    const failure = end.state === 'failed' ? end : null
    const { rows } = await client.query<Record<string, number>>(
      `update sync_run
          set state = $3, lease_until = null, requests = requests + $4, error_code = $5, error = $6, finished_at = now()
        where run_no = $1 and fence = $2 and state = 'running'
        returning listed, added, changed, unchanged, markers, hidden, skipped, requests`,
      [run.runNo, run.fence, end.state, requests, failure?.code ?? null, failure?.message ?? null],
    )
    const counts = rows[0]
    if (!counts) return false
    if (end.state === 'success')
      await client.query('update dataset set last_synced_at = now() where dataset_no = $1', [run.datasetNo])
    await client.query('delete from sync_range where run_no = $1', [run.runNo])
    await endCommand(client, run, end, counts)
    return true
  })
}

async function endCommand(
  client: DbClient,
  run: ClaimedRun,
  end: RunEnd,
  counts: Record<string, number>,
): Promise<void> {
  await client.query(
    `update command
        set status = $2, progress = case when $2 = 'success' then 100 else progress end, error = $3, error_code = $4,
            spec = spec || $5::jsonb, updated_at = now()
      where id = $1`,
    [
      run.commandId,
      end.state,
      end.state === 'failed' ? end.message : null,
      end.state === 'failed' ? end.code : null,
      JSON.stringify({ datasetId: run.datasetId, counts }),
    ],
  )
}

/** Runs that nobody works on: new ones, and those whose worker was killed. */
export async function findAbandonedRuns(db: Db): Promise<number[]> {
  const { rows } = await db.query<{ run_no: number }>(
    `select run_no from sync_run where state = 'running' and lease_until < now()
     union all
     select run_no from sync_run where state = 'queued' and created_at < now() - interval '5 seconds'`,
  )
  return rows.map((row) => row.run_no)
}
