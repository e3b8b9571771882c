import type { Item, ItemPage } from '#contract/items.ts'
import type { Deps } from '#core/deps.ts'
import { type DatasetView, viewDataset } from '../dataset-view.ts'
import { mediaTypeNames } from '../media-types.ts'
import { type DirRow, dirColumns, type ItemRow, itemColumns, renderDir, renderItem } from '../render.ts'
import { bounded, run, runWithin } from './budget.ts'
import { compileFilter } from './compile.ts'
import { FAR_MIN, isWhole, readFar } from './far.ts'
import { type Fragment, raw, sql } from './fragment.ts'
import { answerPage, isIdPage, type Part } from './pages.ts'
import { type ParsedQuery, parseQuery, type SortKey } from './parse.ts'
import {
  dirOrder,
  dirsFrom,
  type ItemPlan,
  isWorthGathering,
  itemOrder,
  itemsFrom,
  needsDir,
  planItems,
} from './plan.ts'
import { checkSearchable } from './searchable.ts'
import { countRows, type Total, totalItems } from './total.ts'

/** Longest that a page is walked to by id where the index of documents could gather it, in milliseconds. */
const WALK_BUDGET_MS = 300

/**
 * Answers `POST /datasets/{id}/query` about items.
 *
 * Where a query takes in files and folders, all files come before all folders, each sorted as asked, as their ids do; with ids or types descending it is the
 * other way round.
 * Errors: `query.invalid` with the place, `query.too_slow`.
 */
export async function queryItems(
  deps: Deps,
  datasetNo: number,
  body: Readonly<Record<string, unknown>>,
  baseUrl: string,
): Promise<ItemPage> {
  const query = parseQuery({ ...body, resource: 'items' })
  const view = await viewDataset(deps.db, datasetNo)
  checkSearchable(query, view.unsearchable)
  const plan = await planItems(deps.db, datasetNo, compileFilter(query.filter, 'item', view))
  const dirs = dirsFrom(datasetNo, compileFilter(query.filter, 'dir', view))
  const parts = [
    ...(plan === null ? [] : [itemPart(deps, plan, query, view, baseUrl)]),
    ...(dirs === null ? [] : [dirPart(deps, dirs, query, view, baseUrl)]),
  ]
  const first = query.sort.find((key) => isById(key) || key.field === 'type')
  if (first !== undefined && first.isDescending !== (first.field === 'type')) parts.reverse()
  return await answerPage(parts, query, plan !== null && isIdPage(plan.tests, query))
}

function isById({ field }: SortKey): boolean {
  return field === 'id' || field === 'createdAt'
}

type PathRow = ItemRow & { path?: string; total?: number }

function itemPart(deps: Deps, plan: ItemPlan, query: ParsedQuery, view: DatasetView, baseUrl: string): Part<Item> {
  let total: Total | undefined
  return {
    async fetch(offset, limit) {
      const rows = await fetchItems(deps, plan, query, offset, limit)
      if (rows[0]?.total !== undefined) total = { count: rows[0].total, isEstimate: false }
      const paths = rows[0]?.path !== undefined ? null : await pathsOf(deps, plan, rows)
      const mediaTypes = await mediaTypeNames(
        deps.db,
        rows.map((row) => row.type_no),
      )
      const context = { view, baseUrl, mediaTypes }
      return rows.map((row) => renderItem(row, row.path ?? paths!.get(row.dir_no)!, context))
    },
    total: async (budgetMs) => total ?? (await totalItems(deps.db, plan, budgetMs)),
  }
}

/** Reads a page by the statements that suit the plan. */
async function fetchItems(
  deps: Deps,
  plan: ItemPlan,
  query: ParsedQuery,
  offset: number,
  limit: number,
): Promise<PathRow[]> {
  if (!isOfDocuments(plan) || !query.sort.every(isById)) return await readItems(deps, plan, query, offset, limit)
  const gathered = gatheredPage(plan, query.sort, offset, limit)
  if (isWorthGathering(plan)) return await bounded<PathRow>(deps.db, gathered)
  // Many have these values, so a walk by id meets a page of them soon, unless they all lie far away.
  const page = pageOf(plan, query, offset, limit)
  const walked = await runWithin<PathRow>(deps.db, page, WALK_BUDGET_MS, 'in index order')
  return walked ?? (await bounded<PathRow>(deps.db, gathered))
}

async function readItems(
  deps: Deps,
  plan: ItemPlan,
  query: ParsedQuery,
  offset: number,
  limit: number,
): Promise<PathRow[]> {
  if (offset > FAR_MIN && isWhole(plan) && query.sort.every(isById)) {
    const rows = await readFar(deps.db, plan, query.sort[0]?.isDescending === true, offset, limit)
    if (rows !== null) return rows
  }
  const isIndexed =
    query.sort.every(isById) && plan.tests.every((test) => test.isHidden !== undefined || test.isIdBound)
  const statement = pageOf(plan, query, offset, limit)
  return isIndexed && offset <= FAR_MIN
    ? await run<PathRow>(deps.db, statement)
    : await bounded<PathRow>(deps.db, statement)
}

function pageOf(plan: ItemPlan, { sort }: ParsedQuery, offset: number, limit: number): Fragment {
  const isJoined = needsDir(plan, sort)
  const columns = raw(isJoined ? `${itemColumns}, d.path` : itemColumns)
  // In another order than that of ids all have to be looked at anyway.
  const from = itemsFrom(plan, isJoined, isOfDocuments(plan) && !sort.every(isById))
  return sql`select ${columns} ${from} ${itemOrder(plan, sort)} limit ${limit}::bigint offset ${offset}::bigint`
}

function isOfDocuments({ tests }: ItemPlan): boolean {
  return tests.some((test) => test.isGathered === true)
}

/** A page by id of what the index of documents finds, and how many that is all together: the rows are looked at once for both. */
function gatheredPage(plan: ItemPlan, sort: readonly SortKey[], offset: number, limit: number): Fragment {
  const order = raw(sort[0]?.isDescending === true ? 'desc' : 'asc')
  return sql`with found as materialized (select i.item_no as no ${itemsFrom(plan, needsDir(plan), true)})
    select ${raw(itemColumns)}, page.total
      from (select f.no, (select count(*) from found) as total from found f order by f.no ${order} limit ${limit}::bigint offset ${offset}::bigint) page
      join item i on i.dataset_no = ${plan.datasetNo}::int and i.item_no = page.no order by page.no ${order}`
}

function dirPart(deps: Deps, dirs: Fragment, query: ParsedQuery, view: DatasetView, baseUrl: string): Part<Item> {
  return {
    async fetch(offset, limit) {
      const select = sql`select ${raw(dirColumns)} ${dirs} ${dirOrder(query.sort)}`
      const rows = await bounded<DirRow>(deps.db, sql`${select} limit ${limit}::bigint offset ${offset}::bigint`)
      return rows.map((row) => renderDir(row, { view, baseUrl, mediaTypes: new Map() }))
    },
    total: (budgetMs) => countRows(deps.db, dirs, budgetMs),
  }
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
