// Compares an index with the oracle, column by column: items, removed items and skipped keys.
import type { DbPool } from '#db/connect.ts'
import { compareRun, type RunRow, readRun } from './compare-run.ts'
import { type Fate, fatesOf, seenColumns } from './fates.ts'
import { contradictions, type Index, type IndexRow, readIndex, show } from './index-rows.ts'
import type { Oracle } from './oracle.ts'

/** What a finished run is held against. */
export interface Expectation {
  readonly datasetNo: number
  readonly runNo: number
  readonly oracle: Oracle
  /** The index as it was before the run. */
  readonly before: Index
  readonly reconciles: boolean
  /** What was killed is no run, but the reading of dirty keys after it. */
  readonly isHinted: boolean
  /** When the run may have written. */
  readonly sinceMs: number
  readonly untilMs: number
  /** Listing requests that the bucket has seen. */
  readonly listings: number
  /** Slices were cut short: requests that were waiting to be sent then are counted by the run and not by the bucket. */
  readonly isSliced: boolean
}

/** Everything that is not as it must be after a successful run; empty is good. */
export async function differences(pool: DbPool, expected: Expectation): Promise<string[]> {
  const index = await readIndex(pool, expected.datasetNo)
  const run = await readRun(pool, expected.runNo)
  const fates = fatesOf(expected.oracle, expected.before, expected.reconciles)
  return [
    ...contradictions(index),
    ...(await compareNumbers(pool, index)),
    ...(await compareRows(pool, index, run, fates, expected)),
    ...(await compareSkipped(pool, expected)),
    ...(await compareRun(pool, run, fates, expected)),
  ]
}

/** No number is used twice, none can be given out again. */
async function compareNumbers(pool: DbPool, index: Index): Promise<string[]> {
  const wrong: string[] = []
  const { rows } = await pool.query<{ last_item_no: string; last_dir_no: number }>(
    'select last_item_no::text, last_dir_no from dataset_numbers where dataset_no = $1',
    [index.datasetNo],
  )
  const last = rows[0]!
  const itemNos = [...index.items.values(), ...index.removed.values()].map((row) => BigInt(row.item_no))
  if (itemNos.some((no) => no > BigInt(last.last_item_no))) wrong.push('an item’s number may be given out again')
  if (index.dirs.some(({ dir_no }) => dir_no > last.last_dir_no)) wrong.push('a folder’s number may be given out again')
  if (new Set(itemNos).size !== itemNos.length) wrong.push('two items share a number')
  return wrong
}

async function compareRows(
  pool: DbPool,
  index: Index,
  run: RunRow,
  fates: ReadonlyMap<string, Fate>,
  expected: Expectation,
): Promise<string[]> {
  const { rows } = await pool.query<{ last: number }>('select last_value as last from ticket')
  const wants = new Wants(run.ticket, rows[0]!.last, expected)
  const wrong: string[] = []
  for (const [path, fate] of fates) {
    const [item, removed] = [index.items.get(path), index.removed.get(path)]
    const [wantItem, wantRemoved] = wants.of(path, fate)
    for (const [what, is, want] of [
      ['item', item, wantItem],
      ['removed item', removed, wantRemoved],
    ] as const) {
      if ((is === undefined) !== (want === null))
        wrong.push(`${show(path)} (${fate}) is ${is === undefined ? 'no' : 'an'} ${what}`)
      else if (is !== undefined) wrong.push(...compareColumns(`${what} ${show(path)} (${fate})`, { ...is }, want!))
    }
  }
  for (const path of [...index.items.keys(), ...index.removed.keys()])
    if (!fates.has(path)) wrong.push(`${show(path)} comes from nowhere`)
  return wrong
}

type Columns = Readonly<Record<string, unknown>>

function compareColumns(what: string, is: Columns, want: Columns): string[] {
  return Object.entries(want)
    .filter(([name, value]) => !(typeof value === 'function' ? value(is[name]) : is[name] === value))
    .map(([name, value]) => `${what} has ${name} ${show(is[name])} instead of ${show(String(value))}`)
}

/** Columns of rows as they must be; a function says whether a value will do. */
class Wants {
  readonly #ticket: number
  readonly #ticketMax: number
  readonly #expected: Expectation

  constructor(ticket: number, ticketMax: number, expected: Expectation) {
    this.#ticket = ticket
    this.#ticketMax = ticketMax
    this.#expected = expected
  }

  /** The item and the removed item of a path; null where there must be none. */
  of(path: string, fate: Fate): [Columns | null, Columns | null] {
    const { before, oracle } = this.#expected
    const [old, tomb] = [before.items.get(path), before.removed.get(path)]
    const seen = oracle.items.get(path)
    const columns = seen && seenColumns(seen)
    switch (fate) {
      case 'kept':
        return [{ ...old }, tomb ? { ...tomb } : null]
      case 'stays removed':
        return [null, { ...tomb }]
      case 'missing':
        return [{ ...old, state: 1, missing_ms: this.#isNow, ticket: this.#isFresh }, null]
      case 'removed': {
        const { folder, name, item_no, size_bytes, modified_ms, type, flags, etag, metadata } = old!
        const same = { folder, name, item_no, size_bytes, modified_ms, type, flags, etag, metadata }
        return [null, { ...same, ticket: this.#isFresh, removed_ms: this.#isNow, reason: 'gone' }]
      }
      case 'added':
        return [{ ...this.#written(columns!), item_no: this.#isNumberOfNow, updated_ms: null, metadata: null }, null]
      case 'changed':
      case 'returned':
        return [this.#refreshed(columns!, old!), null]
      case 'restored':
        return [this.#refreshed(columns!, tomb!), null]
    }
  }

  #written(columns: ReturnType<typeof seenColumns>): Columns {
    return { ...columns, state: 0, missing_ms: null, ticket: this.#isFresh, object_key: null }
  }

  /** Same item, with what people wrote to it; marked where its content is another. */
  #refreshed(
    columns: ReturnType<typeof seenColumns>,
    old: Pick<IndexRow, 'item_no' | 'metadata' | 'flags' | 'etag' | 'size_bytes'>,
  ): Columns {
    const isChanged = old.etag !== columns.etag || old.size_bytes !== columns.size_bytes
    const flags = columns.flags | (old.flags & 8) | (isChanged ? 8 : 0)
    const { item_no, metadata } = old
    return { ...this.#written(columns), item_no, metadata, flags, updated_ms: this.#isNow }
  }

  #isNow = (value: unknown) =>
    value !== null && Number(value) >= this.#expected.sinceMs && Number(value) <= this.#expected.untilMs
  #isFresh = (value: unknown) => Number(value) >= this.#ticket && Number(value) <= this.#ticketMax
  #isNumberOfNow = (value: unknown) => this.#isNow(Number(BigInt(String(value)) >> 21n))
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
    if (want !== reason || (run_no !== expected.runNo && !expected.isHinted))
      wrong.push(`${show(key.toString())} was skipped by run ${run_no}: ${reason} instead of ${want}`)
    left.delete(key.toString())
  }
  for (const key of left.keys()) wrong.push(`${show(key)} is not told as skipped`)
  return wrong
}
