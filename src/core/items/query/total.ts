import type { DbPool } from '#db/connect.ts'
import { run, runWithin } from './budget.ts'
import { type Fragment, raw, sql } from './fragment.ts'
import { plannedRows } from './index-count.ts'
import { type ItemPlan, isWorthGathering, itemNo, itemsFrom, needsDir } from './plan.ts'

/** Rows counted one by one before anything is estimated. */
export const COUNT_CAP = 10_000
/** Longest that a page’s total may take when it is more than the cap, in milliseconds. */
export const COUNT_BUDGET_MS = 100
/** Longest that counting up to the cap may take, or what is few enough to be gathered, in milliseconds. */
const COUNT_FEW_BUDGET_MS = 500
/** Longest that a count that was asked for on its own may take, in milliseconds. */
export const COUNT_ALONE_BUDGET_MS = 20_000

/** How many rows match. */
export interface Total {
  readonly count: number
  readonly isEstimate: boolean
}

/**
 * How many items match a plan.
 *
 * Exact and free where counters know it: the whole dataset or some folders, with or without hidden items. Else counted up to `COUNT_CAP`; above it
 * counted for at most `budgetMs`, and at last the database's estimate. A budget of 0 goes from the cap straight to the estimate.
 */
export async function totalItems(pool: DbPool, plan: ItemPlan, budgetMs: number): Promise<Total> {
  const counted = await countersTotal(pool, plan)
  if (counted !== null) return { count: counted, isEstimate: false }
  if (plan.tests.some((test) => test.isGathered === true)) return await gatheredTotal(pool, plan, budgetMs)
  // In the order of the key: else the planner may read the table from its start, through all other datasets, to find the first few.
  const order = plan.folders === null ? raw(`order by ${itemNo(plan)}`) : sql``
  return await countRows(pool, itemsFrom(plan, needsDir(plan)), budgetMs, order)
}

/**
 * Items that have some values in their documents. The index of documents knows which, in no order; so they are counted where they are few enough to be gathered
 * for a page as well, or where the caller can wait, and else are as many as the index has entries.
 */
async function gatheredTotal(pool: DbPool, plan: ItemPlan, budgetMs: number): Promise<Total> {
  const from = itemsFrom(plan, needsDir(plan), true)
  if (plan.indexed === null && !isWorthGathering(plan)) return await countRows(pool, from, budgetMs)
  const limitMs = Math.max(budgetMs, isWorthGathering(plan) ? COUNT_FEW_BUDGET_MS : 0)
  if (limitMs > COUNT_BUDGET_MS) {
    const counted = sql`select count(*) as count ${from}`
    const [all] = (await runWithin<{ count: number }>(pool, counted, limitMs)) ?? []
    if (all !== undefined) return { count: all.count, isEstimate: false }
  }
  if (plan.indexed === null) return { count: await plannedRows(pool, from), isEstimate: true }
  // What of the index's entries the other conditions leave is the planner's guess; nearly nothing is hidden, so that is no condition here.
  const ofIndex = plan.tests.filter((test) => test.isGathered === true || test.isHidden === false)
  const isAll = plan.folders === null && ofIndex.length === plan.tests.length
  if (isAll) return { count: plan.indexed, isEstimate: true }
  const base = await plannedRows(pool, itemsFrom({ ...plan, folders: null, tests: ofIndex }, false, true))
  const share = Math.min(1, (await plannedRows(pool, from)) / base)
  return { count: Math.round(plan.indexed * share), isEstimate: true }
}

/** Counts the rows of a `from … where …`, by the same rule. */
export async function countRows(
  pool: DbPool,
  from: Fragment,
  budgetMs: number,
  order: Fragment = sql``,
): Promise<Total> {
  const limited = sql`select count(*) as count from (select 1 ${from} ${order} limit ${COUNT_CAP + 1}::int) as few`
  const [few] = (await runWithin<{ count: number }>(pool, limited, Math.max(budgetMs, COUNT_FEW_BUDGET_MS))) ?? []
  if (few !== undefined && few.count <= COUNT_CAP) return { count: few.count, isEstimate: false }
  if (budgetMs > 0) {
    const [all] = (await runWithin<{ count: number }>(pool, sql`select count(*) as count ${from}`, budgetMs)) ?? []
    if (all !== undefined) return { count: all.count, isEstimate: false }
  }
  return { count: Math.max(await plannedRows(pool, from), few?.count ?? 0), isEstimate: true }
}

/** Folders count their own items, missing ones too; hidden ones have an index of their own, because they are few. */
async function countersTotal(pool: DbPool, plan: ItemPlan): Promise<number | null> {
  const hidden = plan.tests.find((test) => test.isHidden !== undefined)?.isHidden
  const isAnnotated = plan.tests.find((test) => test.isAnnotated !== undefined)?.isAnnotated
  const known = (hidden === undefined ? 0 : 1) + (isAnnotated === undefined ? 0 : 1)
  if (plan.tests.length !== known) return null
  const { folders, datasetNo } = plan
  if (isAnnotated !== undefined)
    return folders === null ? await annotatedTotal(pool, datasetNo, isAnnotated, hidden) : null
  if (folders !== null && folders.paths === null) return null
  const numbers = folders === null ? null : [...folders.paths!.keys()]
  const inFolders = numbers === null ? sql`true` : sql`i.dir_no = any(${numbers}::int[])`
  const rows = sql`from item i where i.dataset_no = ${datasetNo}::int and ${inFolders}`
  const hiddenCount = sql`(select count(*) ${rows} and (i.flags & 1) = 1)`
  if (hidden === true) return (await run<{ count: number }>(pool, sql`select ${hiddenCount} as count`))[0]!.count
  const own = numbers === null ? sql`sum(d.deep_items)` : sql`sum(d.items)`
  const inDirs = numbers === null ? sql`d.dir_no = 1` : sql`d.dir_no = any(${numbers}::int[])`
  const leftOut = hidden === false ? hiddenCount : sql`0`
  const [row] = await run<{ count: number }>(
    pool,
    sql`select (coalesce(${own}, 0) - ${leftOut})::bigint as count
        from dir d where d.dataset_no = ${datasetNo}::int and ${inDirs}`,
  )
  return row!.count
}

/** The dataset counts its annotated items; the hidden ones among them are found by the index of what is hidden. */
async function annotatedTotal(
  pool: DbPool,
  datasetNo: number,
  isAnnotated: boolean,
  hidden: boolean | undefined,
): Promise<number> {
  const hiddenRows = sql`from item i where i.dataset_no = ${datasetNo}::int and (i.flags & 1) = 1`
  const has = raw(isAnnotated ? 'i.annotations > 0' : '(i.annotations > 0) is not true')
  const hiddenCount = sql`(select count(*) ${hiddenRows} and ${has})`
  if (hidden === true) return (await run<{ count: number }>(pool, sql`select ${hiddenCount} as count`))[0]!.count
  const all = sql`coalesce((select d.deep_items from dir d where d.dataset_no = ${datasetNo}::int and d.dir_no = 1), 0)`
  const counted = isAnnotated ? sql`s.annotated` : sql`${all} - s.annotated`
  const [row] = await run<{ count: number }>(
    pool,
    sql`select (${counted} - ${hidden === false ? hiddenCount : sql`0`})::bigint as count
        from dataset s where s.dataset_no = ${datasetNo}::int`,
  )
  return row?.count ?? 0
}
