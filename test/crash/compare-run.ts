// Compares what a finished run says of itself, and what it leaves beside the index, with what it must be.
import type { DbPool } from '#db/connect.ts'
import type { Expectation } from './compare.ts'
import type { Fate } from './fates.ts'
import { show } from './index-rows.ts'

/** A run with its command, its dataset and its driver. */
export interface RunRow {
  readonly state: string
  readonly ticket: number
  readonly [column: string]: unknown
}

/** Reads a run. */
export async function readRun(pool: DbPool, runNo: number): Promise<RunRow> {
  const { rows } = await pool.query<RunRow>(
    `select r.*, c.id as command, c.status as command_status, c.progress, c.error as command_error, d.last_synced_at >= r.started_at as is_synced,
            v.mark is not null as is_marked
       from sync_run r join command c on c.id = r.command_id join dataset d on d.dataset_no = r.dataset_no join driver v on v.id = d.driver_id
      where run_no = $1`,
    [runNo],
  )
  return rows[0]!
}

/** Everything about the run that is not as it must be. */
export async function compareRun(
  pool: DbPool,
  run: RunRow,
  fates: ReadonlyMap<string, Fate>,
  expected: Expectation,
): Promise<string[]> {
  const left = await readRest(pool, expected.datasetNo, String(run.command))
  if (expected.isHinted) return faults(left, rest)
  const want = {
    state: 'success',
    error: null,
    error_code: null,
    lease_until: null,
    ...countsOf(fates, expected),
    command_status: 'success',
    command_error: null,
    progress: 100,
    is_synced: true,
    is_marked: true,
    ...rest,
    notices: `sync.finished of ${String(run.command)}`,
  }
  const wrong = faults({ ...run, ...left }, want)
  // Requests of a worker that was killed before it gave the run back are not counted; more than were sent must never be.
  const requests = Number(run.requests)
  if (!expected.isSliced && requests > expected.listings)
    wrong.push(`the run says ${requests} requests, the bucket has seen ${expected.listings}`)
  return wrong
}

function faults(is: Readonly<Record<string, unknown>>, want: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(want)
    .filter(([name, value]) => is[name] !== value)
    .map(([name, value]) => `${name} is ${show(is[name])} instead of ${show(value)}`)
}

/** What a run must leave behind beside the index: nothing. */
const rest = { active: 0, ranges: 0, absent: 0, dirty: 0, stray: 0, unpaid: 0 }

async function readRest(pool: DbPool, datasetNo: number, command: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `select (select count(*) from sync_run where state in ('queued', 'running', 'paused', 'parked')) as active,
            (select count(*) from sync_range) as ranges, (select count(*) from absence) as absent, (select count(*) from dirty) as dirty,
            (select count(*) from item where dataset_no <> $1) as stray,
            (select sum(used) from data_points) - (select count(*) from item) as unpaid,
            (select string_agg(code || ' of ' || $2::text, ', ') from notification where group_key = 'sync:' || $2::text) as notices`,
    [datasetNo, command],
  )
  return { ...rows[0]!, unpaid: Number(rows[0]!.unpaid) }
}

/** Counters of a run that met everything once. */
function countsOf(fates: ReadonlyMap<string, Fate>, { oracle }: Expectation) {
  const count = (...wanted: Fate[]) => [...fates.values()].filter((fate) => wanted.includes(fate)).length
  const { listed, items, markers, hidden, skipped } = oracle.counts
  const counts = {
    added: count('added', 'restored'),
    changed: count('changed'),
    returned: count('returned'),
    missing: count('missing'),
    removed: count('removed'),
  }
  const unchanged = items - counts.added - counts.changed - counts.returned
  return { listed, ...counts, unchanged, moved: 0, excluded: 0, over_quota: 0, markers, hidden, skipped }
}
