import type { ErrorCode } from '#contract/errors.ts'
import type { Db } from '#db/connect.ts'
import type { WalkRange } from '#storage/walk/walk.ts'
import { LEASE_SECONDS, LeaseLost } from './queries.ts'

/** What a sync was asked for. */
export interface RunOptions {
  /** Compare every row, whatever the fingerprints say. */
  readonly forceRescan?: boolean | undefined
  /** Change nothing; tell what a sync would do. */
  readonly dryRun?: boolean | undefined
  /** Remove what is gone instead of marking it, softly. */
  readonly reconcile?: boolean | undefined
  /** The set of absent items somebody has approved; see `Absences.set`. */
  readonly approved?: string | undefined
  /** The dataset had nothing before: with too few data points it gets nothing at all. */
  readonly isFirst?: boolean | undefined
  /** The dataset's schedule started it. */
  readonly scheduled?: boolean | undefined
}

/**
 * What a run does now. `listing`: all is listed and written. `counting`: the data points are used up, so new items are only counted.
 * `confirming`: what was not listed is read again, one by one, and marked. `undoing`: a first sync without enough data points takes back what it wrote.
 */
export type RunPhase = 'listing' | 'counting' | 'confirming' | 'undoing'

/** A run that a worker holds. */
export interface ClaimedRun {
  readonly runNo: number
  readonly fence: number
  readonly commandId: string
  readonly datasetNo: number
  readonly datasetId: string
  readonly datasetName: string
  readonly projectId: string
  readonly orgId: string
  readonly driverId: string | null
  readonly driverEpoch: number
  readonly sourceNo: number
  readonly mode: 'load' | 'compare'
  readonly phase: RunPhase
  readonly ticket: number
  readonly attempts: number
  readonly options: RunOptions
  /** The dataset's own settings as they are stored. */
  readonly datasetOptions: Readonly<Record<string, unknown>>
  /** Items the dataset has, for how far the run is. */
  readonly itemsKnown: number
  /** Entries that former slices have listed. */
  readonly listedBefore: number
  readonly createdMs: number
  readonly isNew: boolean
}

/**
 * Takes a run for this worker: raises its fence and starts its lease. Null if it has ended or another worker's lease is still good.
 * Every later write names the fence, so a worker that was paused past its lease changes nothing any more.
 */
export async function claimRun(db: Db, runNo: number): Promise<ClaimedRun | null> {
  const { rows } = await db.query<ClaimedRun>(
    `update sync_run r
        set state = 'running', fence = r.fence + 1, lease_until = now() + make_interval(secs => $2), started_at = coalesce(r.started_at, now())
       from dataset d
       join project p on p.id = d.project_id
       left join driver v on v.id = d.driver_id
       left join dir root on root.dataset_no = d.dataset_no and root.dir_no = 1
      where r.run_no = $1 and r.state in ('queued', 'running') and (r.lease_until is null or r.lease_until < now())
        and d.dataset_no = r.dataset_no
      returning r.run_no as "runNo", r.fence, r.command_id as "commandId", r.dataset_no as "datasetNo", d.id as "datasetId", d.name as "datasetName",
                d.project_id as "projectId", p.org_id as "orgId", d.driver_id as "driverId", r.driver_epoch as "driverEpoch",
                coalesce(v.source_no, 0) as "sourceNo", r.mode, r.phase, r.ticket, r.attempts, r.options, d.options as "datasetOptions",
                coalesce(root.deep_items, 0) as "itemsKnown", (extract(epoch from r.created_at) * 1000)::float8 as "createdMs",
                r.listed as "listedBefore", r.fence = 1 as "isNew"`,
    [runNo, LEASE_SECONDS],
  )
  const run = rows[0]
  if (!run) return null
  await db.query(`update command set status = 'in-progress', updated_at = now() where id = $1 and status = 'created'`, [
    run.commandId,
  ])
  return run
}

/** Keeps the lease; `lost` when the run has another worker or has ended, `cancel` or `pause` when somebody asked for that. */
export async function keepLease(db: Db, run: ClaimedRun): Promise<'kept' | 'lost' | 'cancel' | 'pause'> {
  const { rows } = await db.query<{ cancel_asked: boolean; pause_asked: boolean }>(
    `update sync_run set lease_until = now() + make_interval(secs => $3)
      where run_no = $1 and fence = $2 and state = 'running' returning cancel_asked, pause_asked`,
    [run.runNo, run.fence, LEASE_SECONDS],
  )
  if (!rows[0]) return 'lost'
  if (rows[0].cancel_asked) return 'cancel'
  return rows[0].pause_asked ? 'pause' : 'kept'
}

/** The ranges that former slices left, in key order, those that are done too. */
export async function loadRanges(db: Db, runNo: number): Promise<WalkRange[]> {
  const { rows } = await db.query<{
    range_no: number
    from_key: Buffer
    to_key: Buffer | null
    cursor: Buffer
    is_done: boolean
  }>('select range_no, from_key, to_key, cursor, is_done from sync_range where run_no = $1 order by from_key', [runNo])
  return rows.map((row) => ({
    no: row.range_no,
    from: row.from_key,
    to: row.to_key,
    cursor: row.cursor,
    isDone: row.is_done,
    keys: 0,
  }))
}

/** Gives the run back for a slice in so long; `trouble` is shown until that one has got somewhere. `false`: it was not ours any more. */
export async function releaseRun(
  db: Db,
  run: ClaimedRun,
  requests: number,
  trouble: { readonly code: ErrorCode; readonly message: string } | null,
  delayMs: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sync_run
        set lease_until = null, due_at = now() + make_interval(secs => $7::float8), requests = requests + $3, attempts = attempts + $4, error_code = $5,
            error = $6
      where run_no = $1 and fence = $2 and state = 'running'`,
    [run.runNo, run.fence, requests, trouble ? 1 : 0, trouble?.code ?? null, trouble?.message ?? null, delayMs / 1000],
  )
  return rowCount === 1
}

/** From now on the run compares: its dataset turned out not to be empty. */
export async function turnIntoCompare(db: Db, run: ClaimedRun): Promise<void> {
  await db.query(`update sync_run set mode = 'compare' where run_no = $1 and fence = $2 and state = 'running'`, [
    run.runNo,
    run.fence,
  ])
}

/** Moves a run on to another phase; throws `LeaseLost` when it is not ours any more. */
export async function enterPhase(tx: Db, run: ClaimedRun, phase: RunPhase): Promise<ClaimedRun> {
  const { rowCount } = await tx.query(
    `update sync_run set phase = $3 where run_no = $1 and fence = $2 and state = 'running'`,
    [run.runNo, run.fence, phase],
  )
  if (rowCount !== 1) throw new LeaseLost('The run has another worker or has ended.')
  return { ...run, phase }
}

/** Runs whose worker was killed, while it worked on them or when it had taken their job and not yet the run; and those that wait for long. */
export async function findAbandonedRuns(db: Db): Promise<number[]> {
  const { rows } = await db.query<{ run_no: number }>(
    `select run_no from sync_run
      where state in ('queued', 'running') and coalesce(lease_until, due_at + interval '5 seconds') < now() order by due_at, run_no`,
  )
  return rows.map((row) => row.run_no)
}
