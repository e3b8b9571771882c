import type { ItemPage } from '#contract/items.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { viewDataset } from '../dataset-view.ts'
import { mediaTypeNames } from '../media-types.ts'
import {
  type DirRow,
  dirColumns,
  type ItemRow,
  itemColumns,
  type RenderContext,
  renderDir,
  renderItem,
} from '../render.ts'
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

const NONE: Total = { count: 0, isEstimate: false }

/**
 * Answers `POST /datasets/{id}/query`.
 *
 * Where a query takes in files and folders, all files come before all folders, each sorted as asked; so do their ids. `hasNextPage` is always exact. The total is
 * exact when the page shows the end, when counters know it, or when counting fits its budget; else it is an estimate and says so.
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
  if (resource === 'annotations') return pageOf([], NONE, false, 1)
  if (resource !== 'items') refuse('resource', 'only items can be queried here')
  const query = parseItemQuery(body)
  const view = await viewDataset(deps.db, datasetNo)
  const items = await planItems(deps.db, datasetNo, compileFilter(query.filter, 'item', view))
  const dirs = dirsFrom(datasetNo, compileFilter(query.filter, 'dir', view))
  if (query.pageSize === 0) return pageOf([], await totalOf(deps, items, dirs, COUNT_ALONE_BUDGET_MS), false, 1)

  const offset = query.page * query.pageSize
  const wanted = query.pageSize + 1
  const rows = items === null ? [] : await itemRows(deps, items, query, offset, wanted)
  let dirRows: DirRow[] = []
  if (dirs !== null && rows.length < wanted) {
    const before = await itemsBefore(deps, items, offset, rows.length)
    dirRows = await dirPage(deps, dirs, query, offset + rows.length - before, wanted - rows.length)
  }
  const shown = rows.length + dirRows.length
  const hasNext = shown > query.pageSize
  const context = {
    view,
    baseUrl,
    mediaTypes: await mediaTypeNames(
      deps.db,
      rows.map((row) => row.type_no),
    ),
  }
  const rendered = await renderRows(deps, items, rows, dirRows, context)
  const isEnd = !hasNext && (shown > 0 || offset === 0)
  const budget = items !== null && isIdPage(items.tests, query) ? 0 : COUNT_BUDGET_MS
  const total = isEnd ? { count: offset + shown, isEstimate: false } : await totalOf(deps, items, dirs, budget)
  return pageOf(rendered.slice(0, query.pageSize), total, hasNext, query.pageSize)
}

function pageOf(items: ItemPage['items'], total: Total, hasNextPage: boolean, pageSize: number): ItemPage {
  const page = { totalItemsCount: total.count, totalPagesCount: Math.ceil(total.count / pageSize), hasNextPage, items }
  return total.isEstimate ? { ...page, totalIsEstimate: true } : page
}

async function totalOf(deps: Deps, items: ItemPlan | null, dirs: Fragment | null, budgetMs: number): Promise<Total> {
  const ofItems = items === null ? NONE : await totalItems(deps.db, items, budgetMs)
  const ofDirs = dirs === null ? NONE : await countRows(deps.db, dirs, budgetMs)
  return { count: ofItems.count + ofDirs.count, isEstimate: ofItems.isEstimate || ofDirs.isEstimate }
}

/** A page of an iteration by id: the count of what is left is of no use to the iterating client, so it must not cost anything. */
function isIdPage(tests: readonly Compiled[], query: ItemQuery): boolean {
  return query.page === 0 && query.pageSize > 1 && tests.some((test) => test.isIdBound === true)
}

type PathRow = ItemRow & { path?: string }

async function itemRows(
  deps: Deps,
  plan: ItemPlan,
  query: ItemQuery,
  offset: number,
  limit: number,
): Promise<PathRow[]> {
  const isJoined = needsDir(plan, query.sort)
  const columns = raw(isJoined ? `${itemColumns}, d.path` : itemColumns)
  const statement = sql`select ${columns} ${itemsFrom(plan, isJoined)} ${itemOrder(plan, query.sort)} limit ${limit}::bigint offset ${offset}::bigint`
  const isCheap =
    plan.tests.every((test) => test.isHidden !== undefined || test.isIdBound) &&
    query.sort.every(isById) &&
    offset <= OFFSET_CHEAP_MAX
  return isCheap ? await run<PathRow>(deps.db, statement) : await bounded<PathRow>(deps, statement)
}

function isById({ field }: ItemQuery['sort'][number]): boolean {
  return field === 'id' || field === 'createdAt'
}

async function bounded<Row extends Record<string, unknown> | PathRow | DirRow>(
  deps: Deps,
  statement: Fragment,
): Promise<Row[]> {
  const rows = await runWithin<Row>(deps.db, statement, PAGE_BUDGET_MS)
  if (rows === null) throw new AppError('query.too_slow')
  return rows
}

/** How many items there are before the first folder of the page: exact, since the page reached the last item. */
async function itemsBefore(deps: Deps, plan: ItemPlan | null, offset: number, shown: number): Promise<number> {
  if (plan === null) return 0
  if (shown > 0 || offset === 0) return offset + shown
  const { count, isEstimate } = await totalItems(deps.db, plan, PAGE_BUDGET_MS)
  if (isEstimate) throw new AppError('query.too_slow')
  return count
}

async function dirPage(deps: Deps, dirs: Fragment, query: ItemQuery, offset: number, limit: number): Promise<DirRow[]> {
  return await bounded<DirRow>(
    deps,
    sql`select ${raw(dirColumns)} ${dirs} ${dirOrder(query.sort)} limit ${limit}::bigint offset ${offset}::bigint`,
  )
}

async function renderRows(
  deps: Deps,
  plan: ItemPlan | null,
  rows: readonly PathRow[],
  dirRows: readonly DirRow[],
  context: RenderContext,
): Promise<ItemPage['items']> {
  let paths = plan?.folders?.paths ?? null
  if (paths === null && rows.some((row) => row.path === undefined)) {
    const numbers = [...new Set(rows.map((row) => row.dir_no))]
    const found = await run<{ dir_no: number; path: string }>(
      deps.db,
      sql`select d.dir_no, d.path from dir d where d.dataset_no = ${context.view.datasetNo}::int and d.dir_no = any(${numbers}::int[])`,
    )
    paths = new Map(found.map((row) => [row.dir_no, row.path]))
  }
  const files = rows.map((row) => renderItem(row, row.path ?? paths?.get(row.dir_no) ?? '', context))
  return [...files, ...dirRows.map((row) => renderDir(row, context))]
}
