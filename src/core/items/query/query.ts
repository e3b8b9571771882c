import type { Item, ItemPage } from '#contract/items.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { type DatasetView, viewDataset } from '../dataset-view.ts'
import { mediaTypeNames } from '../media-types.ts'
import { type DirRow, dirColumns, type ItemRow, itemColumns, renderDir, renderItem } from '../render.ts'
import { run, runWithin } from './budget.ts'
import type { Compiled } from './compiled.ts'
import { type Fragment, raw, sql } from './fragment.ts'
import { type ItemQuery, parseItemQuery, refuse } from './parse.ts'
import { dirOrder, dirsFrom, type ItemPlan, itemOrder, itemsFrom, needsDir, planItems } from './plan.ts'
import { compileFilter } from './sql.ts'
import { COUNT_ALONE_BUDGET_MS, COUNT_BUDGET_MS, countRows, type Total, totalItems } from './total.ts'

/** Longest that one page may take, in milliseconds; the SDK gives up after 120 s. */
export const PAGE_BUDGET_MS = 30_000
/** Rows to skip above which a page is given a budget of its own. */
const OFFSET_CHEAP_MAX = 10_000

/** One kind of rows of an answer. */
interface Part {
  fetch(offset: number, limit: number): Promise<Item[]>
  total(budgetMs: number): Promise<Total>
}

/**
 * Answers `POST /datasets/{id}/query`.
 *
 * Where a query takes in files and folders, all files come before all folders, each sorted as asked, as their ids do; with ids descending it is the other
 * way round. `hasNextPage` is always exact. The total is exact when the page shows the end, when counters know it, or when counting fits its budget;
 * else it is an estimate and says so.
 * Errors: `query.invalid` with the place, `query.too_slow`.
 */
export async function queryItems(
  deps: Deps,
  datasetNo: number,
  body: Readonly<Record<string, unknown>>,
  baseUrl: string,
): Promise<ItemPage> {
  const resource = body.resource ?? 'items'
  // There are no annotations yet; the SDK asks for them on its own when it downloads.
  if (resource === 'annotations') return pageOf([], { count: 0, isEstimate: false }, false, 1)
  if (resource !== 'items') refuse('resource', 'only items can be queried here')
  const query = parseItemQuery(body)
  const view = await viewDataset(deps.db, datasetNo)
  const plan = await planItems(deps.db, datasetNo, compileFilter(query.filter, 'item', view))
  const dirs = dirsFrom(datasetNo, compileFilter(query.filter, 'dir', view))
  const parts = [
    ...(plan === null ? [] : [itemPart(deps, plan, query, view, baseUrl)]),
    ...(dirs === null ? [] : [dirPart(deps, dirs, query, view, baseUrl)]),
  ]
  const [first] = query.sort
  if (first !== undefined && isById(first) && first.isDescending) parts.reverse()
  if (query.pageSize === 0) return pageOf([], await totalOf(parts, COUNT_ALONE_BUDGET_MS), false, 1)

  const offset = query.page * query.pageSize
  const items = await fetchPage(parts, offset, query.pageSize + 1)
  const hasNext = items.length > query.pageSize
  const isEnd = !hasNext && (items.length > 0 || offset === 0)
  const budgetMs = plan !== null && isIdPage(plan.tests, query) ? 0 : COUNT_BUDGET_MS
  const total = isEnd ? { count: offset + items.length, isEstimate: false } : await totalOf(parts, budgetMs)
  // An estimate may be lower than what the page itself shows.
  const least = { ...total, count: Math.max(total.count, offset + items.length) }
  return pageOf(items.slice(0, query.pageSize), total.isEstimate ? least : total, hasNext, query.pageSize)
}

function pageOf(items: Item[], total: Total, hasNextPage: boolean, pageSize: number): ItemPage {
  const page = { totalItemsCount: total.count, totalPagesCount: Math.ceil(total.count / pageSize), hasNextPage, items }
  return total.isEstimate ? { ...page, totalIsEstimate: true } : page
}

async function totalOf(parts: readonly Part[], budgetMs: number): Promise<Total> {
  let total: Total = { count: 0, isEstimate: false }
  for (const part of parts) {
    const { count, isEstimate } = await part.total(budgetMs)
    total = { count: total.count + count, isEstimate: total.isEstimate || isEstimate }
  }
  return total
}

/** Takes `limit` rows after the first `offset` of the parts laid end to end. */
async function fetchPage(parts: readonly Part[], offset: number, limit: number): Promise<Item[]> {
  const rows: Item[] = []
  let skip = offset
  for (const [index, part] of parts.entries()) {
    const wanted = limit - rows.length
    const found = await part.fetch(skip, wanted)
    rows.push(...found)
    if (found.length === wanted || index === parts.length - 1) break
    // This part has ended. Unless something of it was seen, its length says how much of the next one to skip.
    skip = found.length > 0 || skip === 0 ? 0 : skip - (await exactTotal(part))
  }
  return rows
}

async function exactTotal(part: Part): Promise<number> {
  const { count, isEstimate } = await part.total(PAGE_BUDGET_MS)
  if (isEstimate) throw new AppError('query.too_slow')
  return count
}

/** A page of an iteration by id: the count of what is left is of no use to the iterating client, so it must not cost anything. */
function isIdPage(tests: readonly Compiled[], query: ItemQuery): boolean {
  return query.page === 0 && query.pageSize > 1 && tests.some((test) => test.isIdBound === true)
}

function isById({ field }: ItemQuery['sort'][number]): boolean {
  return field === 'id' || field === 'createdAt'
}

type PathRow = ItemRow & { path?: string }

function itemPart(deps: Deps, plan: ItemPlan, query: ItemQuery, view: DatasetView, baseUrl: string): Part {
  const isJoined = needsDir(plan, query.sort)
  const columns = raw(isJoined ? `${itemColumns}, d.path` : itemColumns)
  const select = sql`select ${columns} ${itemsFrom(plan, isJoined)} ${itemOrder(plan, query.sort)}`
  const isIndexed =
    plan.tests.every((test) => test.isHidden !== undefined || test.isIdBound) && query.sort.every(isById)
  return {
    async fetch(offset, limit) {
      const statement = sql`${select} limit ${limit}::bigint offset ${offset}::bigint`
      const isCheap = isIndexed && offset <= OFFSET_CHEAP_MAX
      const rows = isCheap ? await run<PathRow>(deps.db, statement) : await bounded<PathRow>(deps, statement)
      const paths = isJoined ? null : await pathsOf(deps, plan, rows)
      const mediaTypes = await mediaTypeNames(
        deps.db,
        rows.map((row) => row.type_no),
      )
      const context = { view, baseUrl, mediaTypes }
      return rows.map((row) => renderItem(row, row.path ?? paths!.get(row.dir_no)!, context))
    },
    total: (budgetMs) => totalItems(deps.db, plan, budgetMs),
  }
}

function dirPart(deps: Deps, dirs: Fragment, query: ItemQuery, view: DatasetView, baseUrl: string): Part {
  return {
    async fetch(offset, limit) {
      const select = sql`select ${raw(dirColumns)} ${dirs} ${dirOrder(query.sort)}`
      const rows = await bounded<DirRow>(deps, sql`${select} limit ${limit}::bigint offset ${offset}::bigint`)
      return rows.map((row) => renderDir(row, { view, baseUrl, mediaTypes: new Map() }))
    },
    total: (budgetMs) => countRows(deps.db, dirs, budgetMs),
  }
}

async function bounded<Row extends PathRow | DirRow>(deps: Deps, statement: Fragment): Promise<Row[]> {
  const rows = await runWithin<Row>(deps.db, statement, PAGE_BUDGET_MS)
  if (rows === null) throw new AppError('query.too_slow')
  return rows
}

/** Paths of the folders of some rows: known from the plan, or read for just these. */
async function pathsOf(
  deps: Deps,
  { datasetNo, folders }: ItemPlan,
  rows: readonly PathRow[],
): Promise<ReadonlyMap<number, string>> {
  if (folders?.paths != null) return folders.paths
  const numbers = [...new Set(rows.map((row) => row.dir_no))]
  const found = await run<{ dir_no: number; path: string }>(
    deps.db,
    sql`select d.dir_no, d.path from dir d where d.dataset_no = ${datasetNo}::int and d.dir_no = any(${numbers}::int[])`,
  )
  return new Map(found.map((row) => [row.dir_no, row.path]))
}
