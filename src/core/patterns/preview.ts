import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PatternPreview, PatternRule } from '#contract/sync-settings.ts'
import type { Db } from '#db/connect.ts'
import type { Deps } from '../deps.ts'
import { type CompiledPatterns, compilePatterns, type PatternSettings } from './compile.ts'

/** Items looked at for one preview: a quarter of a second where patterns are ordinary. */
const ITEMS_MAX = 100_000
/** Items of a dataset with more are taken in this many pieces, spread evenly over it. */
const PIECES = 50
/** Items of one statement. */
const PAGE_ITEMS = 2000
/** Patterns can be written that cost milliseconds a path; a preview then tells of those it got to. */
const WORK_MS_MAX = 2000
const SAMPLES_MAX = 100
/** Testing at a stretch, so that other requests of the process are not kept waiting. */
const STRETCH_MS = 10

/**
 * Tells which files patterns would keep out: of `keys` where they are given, else of the dataset's items that are not missing in the storage.
 *
 * All items up to 100,000; of more, that many spread over the dataset. Stops after two seconds of testing. Throws `patterns.invalid`.
 */
export async function previewPatterns(
  deps: Deps,
  datasetNo: number,
  given: PatternSettings & { readonly keys?: readonly string[] | undefined },
): Promise<PatternPreview> {
  const count = new Count(compilePatterns(given), () => deps.clock.now())
  if (given.keys !== undefined) {
    await count.take(given.keys)
    return count.result(given.keys.length)
  }
  const items = await measureItems(deps.db, datasetNo)
  let last = items.firstNo - 1n
  for (const start of await startsOf(deps.db, datasetNo, items)) {
    const after = start > last ? start - 1n : last
    const limit = Math.min(PAGE_ITEMS, ITEMS_MAX - count.looked)
    const page = limit > 0 ? await pageOfItems(deps.db, datasetNo, after, limit) : []
    if (!(await count.take(page.map((row) => row.path)))) break
    if (page.length === 0) break
    last = BigInt(page.at(-1)!.item_no)
  }
  return count.result(items.total)
}

/** Item numbers to begin pages at, ascending: one page after another where there are few items, else spread over all of them. */
async function startsOf(db: Db, datasetNo: number, items: ItemSpan): Promise<bigint[]> {
  // One page more than is full: the last one must come out empty.
  if (items.total <= ITEMS_MAX) return Array.from({ length: ITEMS_MAX / PAGE_ITEMS + 1 }, () => items.firstNo)
  // Numbers carry the time of creation, so most of a dataset's span is gaps between its syncs: halving the longest piece and leaving out the gap
  // around its middle leaves pieces that hold items throughout.
  const pieces = [{ from: items.firstNo, to: items.lastNo }]
  while (pieces.length < PIECES) {
    pieces.sort((a, b) => (a.to - a.from < b.to - b.from ? 1 : -1))
    const longest = pieces[0]!
    const { rows } = await db.query<{ below: string; above: string }>(
      `select (select item_no from item where dataset_no = $1 and item_no <= $2 order by item_no desc limit 1)::text as below,
              (select item_no from item where dataset_no = $1 and item_no > $2 order by item_no limit 1)::text as above`,
      [datasetNo, String((longest.from + longest.to) / 2n)],
    )
    const { below, above } = rows[0]!
    if (below === null || above === null) break
    pieces.splice(0, 1, { from: longest.from, to: BigInt(below) }, { from: BigInt(above), to: longest.to })
  }
  return pieces.map((piece) => piece.from).sort((a, b) => (a < b ? -1 : 1))
}

interface ItemSpan {
  readonly total: number
  readonly firstNo: bigint
  readonly lastNo: bigint
}

async function measureItems(db: Db, datasetNo: number): Promise<ItemSpan> {
  // Counted by what is few: rows by the root's counter, missing ones by their own index.
  const { rows } = await db.query<{ total: number; first_no: string; last_no: string }>(
    `select coalesce((select deep_items from dir where dataset_no = $1 and dir_no = 1), 0)
            - (select count(*) from item where dataset_no = $1 and state = 1) as total,
            coalesce((select item_no from item where dataset_no = $1 order by item_no limit 1), 0)::text as first_no,
            coalesce((select item_no from item where dataset_no = $1 order by item_no desc limit 1), 0)::text as last_no`,
    [datasetNo],
  )
  const { total, first_no, last_no } = rows[0]!
  return { total, firstNo: BigInt(first_no), lastNo: BigInt(last_no) }
}

async function pageOfItems(
  db: Db,
  datasetNo: number,
  after: bigint,
  limit: number,
): Promise<{ item_no: string; path: string }[]> {
  const { rows } = await db.query<{ item_no: string; path: string }>(
    `select i.item_no::text as item_no, r.path || i.name as path
       from (select item_no, dir_no, name from item
              where dataset_no = $1 and item_no > $2 and state <> 1 order by item_no limit $3) i
       join dir r on r.dataset_no = $1 and r.dir_no = i.dir_no
      order by i.item_no`,
    [datasetNo, String(after), limit],
  )
  return rows
}

/** Tests paths and counts what keeps them out. */
class Count {
  looked = 0
  readonly #patterns: CompiledPatterns | null
  readonly #now: () => number
  #workMs = 0
  readonly #counts = new Map<PatternRule | null, number>()
  readonly #samples: { path: string; rule: PatternRule | null }[] = []

  constructor(patterns: CompiledPatterns | null, now: () => number) {
    this.#patterns = patterns
    this.#now = now
  }

  /** Answers false when the time is up. */
  async take(paths: readonly string[]): Promise<boolean> {
    let sinceMs = this.#now()
    for (const path of paths) {
      const stretchMs = this.#now() - sinceMs
      if (stretchMs >= STRETCH_MS) {
        this.#workMs += stretchMs
        if (this.#workMs >= WORK_MS_MAX) return false
        await nextTurn()
        sinceMs = this.#now()
      }
      this.looked++
      const refusal = this.#patterns?.refusal(path) ?? null
      if (refusal === null) continue
      const rule = refusal === 'not-included' ? null : refusal
      this.#counts.set(rule, (this.#counts.get(rule) ?? 0) + 1)
      if (this.#samples.length < SAMPLES_MAX) this.#samples.push({ path, rule })
    }
    this.#workMs += this.#now() - sinceMs
    return true
  }

  result(total: number): PatternPreview {
    const byRule = [...this.#counts].map(([rule, count]) => ({ rule, count })).sort((a, b) => b.count - a.count)
    return {
      looked: this.looked,
      // Items may come and go while we look.
      total: Math.max(total, this.looked),
      isComplete: this.looked >= total,
      keptOut: byRule.reduce((sum, { count }) => sum + count, 0),
      byRule,
      samples: this.#samples,
    }
  }
}
