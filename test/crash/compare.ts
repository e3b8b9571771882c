// Compares an index with the oracle, column by column, and the run that made it with what it must say.
import { createHash } from 'node:crypto'
import type { DbPool } from '#db/connect.ts'
import { contradictions, type Index, type IndexRow, readIndex, show } from './index-rows.ts'
import type { Oracle, OracleItem } from './oracle.ts'
import { does } from './present.ts'

/** What a finished run is held against. */
export interface Expectation {
  readonly datasetNo: number
  readonly runNo: number
  readonly oracle: Oracle
  /** The index as it was before the run. */
  readonly before: Index
  /** When the run may have written. */
  readonly sinceMs: number
  readonly untilMs: number
  /** Listing requests that the bucket has seen. */
  readonly listings: number
}

interface RunRow {
  readonly state: string
  readonly ticket: number
  readonly [column: string]: unknown
}

/** Everything that is not as it must be after a successful run; empty is good. */
export async function differences(pool: DbPool, expected: Expectation): Promise<string[]> {
  const index = await readIndex(pool, expected.datasetNo)
  const run = await readRun(pool, expected.runNo)
  return [
    ...contradictions(index),
    ...(await compareItems(pool, index, run, expected)),
    ...(await compareSkipped(pool, expected)),
    ...(await compareRun(pool, run, expected)),
  ]
}

async function readRun(pool: DbPool, runNo: number): Promise<RunRow> {
  const { rows } = await pool.query<RunRow>(
    `select r.*, c.status as command_status, c.progress, c.error as command_error, c.spec, d.last_synced_at >= r.started_at as is_synced
       from sync_run r join command c on c.id = r.command_id join dataset d on d.dataset_no = r.dataset_no where run_no = $1`,
    [runNo],
  )
  return rows[0]!
}

async function compareItems(pool: DbPool, index: Index, run: RunRow, expected: Expectation): Promise<string[]> {
  const wrong: string[] = []
  const { rows } = await pool.query<{
    last: number
    highest: string
    top: string
    last_dir_no: number
    top_dir: number
  }>(
    `select (select last_value from ticket) as last, n.last_item_no::text as highest, n.last_dir_no,
            (select coalesce(max(item_no), 0)::text from item where dataset_no = $1) as top,
            (select coalesce(max(dir_no), 1) from dir where dataset_no = $1) as top_dir
       from dataset_numbers n where n.dataset_no = $1`,
    [expected.datasetNo],
  )
  const numbers = rows[0]!
  if (BigInt(numbers.top) > BigInt(numbers.highest) || numbers.top_dir > numbers.last_dir_no)
    wrong.push('numbers are in use that may be given out again')
  const itemNos = new Set<string>()
  for (const [path, row] of index.items) {
    if (itemNos.has(row.item_no)) wrong.push(`${show(path)} shares its number with another item`)
    itemNos.add(row.item_no)
    const shouldBe = expectedRow(path, row, run.ticket, numbers.last, expected)
    for (const [column, want] of Object.entries(shouldBe)) {
      const is = row[column as keyof IndexRow]
      const isRight = typeof want === 'function' ? (want as (is: unknown) => boolean)(is) : is === want
      if (!isRight) wrong.push(`${show(path)} has ${column} ${show(is)} instead of ${show(String(want))}`)
    }
  }
  for (const path of expected.oracle.items.keys())
    if (!index.items.has(path)) wrong.push(`${show(path)} is in the bucket and not in the index`)
  for (const path of expected.before.items.keys())
    if (!index.items.has(path)) wrong.push(`${show(path)} was in the index and is not any more`)
  return wrong
}

type Wanted = Partial<Record<keyof IndexRow | 'nowhere', unknown>>

/** Columns of a row as they must be; a function says whether a value will do. */
function expectedRow(path: string, row: IndexRow, ticket: number, ticketMax: number, expected: Expectation): Wanted {
  const item = expected.oracle.items.get(path)
  const old = expected.before.items.get(path)
  const isNow = (value: unknown) => Number(value) >= expected.sinceMs && Number(value) <= expected.untilMs
  const isFresh = (value: unknown) => Number(value) >= ticket && Number(value) <= ticketMax
  if (item === undefined) {
    if (old === undefined) return { nowhere: 'neither in the bucket nor in the index before' }
    return { ...old }
  }
  const seen = seenColumns(item)
  const isKept = old !== undefined && old.state === 0 && isSame(old, seen)
  if (isKept) return { ...old }
  const kept = old ?? {
    item_no: () => isNow(Number(BigInt(row.item_no) >> 21n)),
    metadata: null,
    object_key: null,
  }
  return {
    ...kept,
    ...seen,
    state: 0,
    missing_ms: null,
    ticket: isFresh,
    updated_ms: old === undefined ? null : isNow,
  }
}

function seenColumns({ folder, name, object, type, flags }: OracleItem) {
  return {
    folder,
    name,
    type,
    flags,
    size_bytes: object.bytes.length,
    modified_ms: object.modifiedMs,
    etag: createHash('md5').update(object.bytes).digest('hex'),
  }
}

function isSame(old: IndexRow, seen: ReturnType<typeof seenColumns>): boolean {
  return Object.entries(seen).every(([column, value]) => old[column as keyof IndexRow] === value)
}

async function compareSkipped(pool: DbPool, expected: Expectation): Promise<string[]> {
  const { rows } = await pool.query<{ key: Buffer; reason: string; run_no: number }>(
    'select key, reason, run_no from skipped where dataset_no = $1',
    [expected.datasetNo],
  )
  const left = new Map<string, string>(expected.oracle.skipped)
  const wrong: string[] = []
  for (const { key, reason, run_no } of rows) {
    const want = left.get(key.toString())
    if (want === undefined && !does.forgetSkippedKeysThatAreGone && run_no < expected.runNo) continue
    if (want !== reason || run_no !== expected.runNo)
      wrong.push(`${show(key.toString())} was skipped by run ${run_no}: ${reason} instead of ${want}`)
    left.delete(key.toString())
  }
  for (const key of left.keys()) wrong.push(`${show(key)} is not told as skipped`)
  return wrong
}

async function compareRun(pool: DbPool, run: RunRow, expected: Expectation): Promise<string[]> {
  const { rows } = await pool.query<{ active: number; ranges: number; absent: number; stray: number }>(
    `select (select count(*) from sync_run where state in ('queued', 'running', 'paused', 'parked')) as active,
            (select count(*) from sync_range) as ranges, (select count(*) from absence) as absent,
            (select count(*) from item where dataset_no <> $1) as stray`,
    [expected.datasetNo],
  )
  const counts = countsOf(expected)
  const want = {
    state: 'success',
    error: null,
    error_code: null,
    lease_until: null,
    ...counts,
    command_status: 'success',
    command_error: null,
    progress: 100,
    is_synced: true,
    active: 0,
    ranges: 0,
    absent: 0,
    stray: 0,
  }
  const is: Record<string, unknown> = { ...run, ...rows[0]! }
  const wrong = Object.entries(want)
    .filter(([name, value]) => is[name] !== value)
    .map(([name, value]) => `the run says ${name} ${show(is[name])} instead of ${show(value)}`)
  const requests = Number(run.requests)
  // Requests of a worker that was killed before it gave the run back are not counted; more than were sent must never be.
  if (requests > expected.listings)
    wrong.push(`the run says ${requests} requests, the bucket has seen ${expected.listings}`)
  return wrong
}

/** Counters of a run that met everything once. */
function countsOf({ oracle, before }: Expectation) {
  let added = 0
  let changed = 0
  for (const [path, item] of oracle.items) {
    const old = before.items.get(path)
    if (old === undefined) added++
    else if (old.state !== 0 || !isSame(old, seenColumns(item))) changed++
  }
  const { listed, items, markers, hidden, skipped } = oracle.counts
  return { listed, added, changed, unchanged: items - added - changed, markers, hidden, skipped }
}
