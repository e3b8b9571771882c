import { REMOVED_KEPT_MS } from '#core/catalog/catalog.ts'
import type { Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { parseItemId } from '#lib/ids.ts'
import { viewDataset } from './dataset-view.ts'
import { bounded, run } from './query/budget.ts'
import { compileFilter } from './query/compile.ts'
import { type Fragment, sql } from './query/fragment.ts'
import { type Condition, parseSelection } from './query/parse.ts'
import { itemOrder, itemsFrom, needsDir, planItems } from './query/plan.ts'
import { checkSelection } from './query/searchable.ts'
import type { QueryScope } from './query/sql.ts'

/** What can be done to many items at once. */
export type TaskKind = 'clear-missing' | 'clear-changed' | 'restore'

/** Which items of a dataset something is to be done to. */
export interface Selection {
  readonly kind: TaskKind
  /** As a query has it; null: all. */
  readonly filter: Readonly<Record<string, unknown>> | null
  /** Items that somebody has written since are left alone: whoever asked has not seen them so. */
  readonly ticket: number
  /** The time of asking. */
  readonly nowMs: number
}

/** What stands for the item before the first. */
const FIRST = '-1'

/** `from … where …` of what is selected, the SQL of its number, and its order by that number. */
interface Source {
  readonly from: Fragment
  readonly no: Fragment
  readonly order: Fragment
}

/**
 * For exports, clones and bulk work: the numbers of the next items that a query is about, behind `after` ('-1' at first), in their order, `limit` at most.
 * The query is a filter with its join and sets, or a whole query, whose pages and sorts mean nothing; null: all items.
 * Errors: `query.invalid`, `query.too_slow`, `dataset.not_found`.
 */
export async function selectItems(
  deps: Deps,
  datasetNo: number,
  query: unknown,
  after: string,
  limit: number,
): Promise<string[]> {
  const from = await fromOf(deps, datasetNo, query, after === FIRST)
  if (from === null) return []
  const rows = await bounded<{ no: string }>(
    deps.db,
    sql`select i.item_no::text as no ${from.from} and i.item_no > ${after}::bigint ${from.order} limit ${limit}::int`,
  )
  return rows.map((row) => row.no)
}

/** How many items a query is about, as `selectItems` finds them. */
export async function countSelection(deps: Deps, datasetNo: number, query: unknown): Promise<number> {
  const from = await fromOf(deps, datasetNo, query, true)
  if (from === null) return 0
  const [row] = await bounded<{ count: number }>(deps.db, sql`select count(*) as count ${from.from}`)
  return row!.count
}

/** `isStart`: a path that is kept out of searches is refused; not in the midst of work, which a change of the schema must not leave half done. */
async function fromOf(
  deps: Deps,
  datasetNo: number,
  query: unknown,
  isStart: boolean,
): Promise<Omit<Source, 'no'> | null> {
  const view = await viewDataset(deps.db, datasetNo)
  const filter = parseSelection(query)
  if (isStart) checkSelection(filter, view.unsearchable)
  const plan = await planItems(deps.db, datasetNo, compileFilter(filter, 'item', view))
  if (plan === null) return null
  return { from: itemsFrom(plan, needsDir(plan)), order: itemOrder(plan, [{ field: 'id', isDescending: false }]) }
}

/** Refuses a selection by what the dataset's schema keeps out of searches; before the work on it starts. Throws `query.invalid`. */
export function checkSelected(scope: QueryScope, { filter }: Selection): void {
  if (filter !== null) checkSelection(parseSelection({ filter }, ''), scope.unsearchable)
}

/** SQL that finds the next items of a selection after one of them, in the order of their numbers; null when nothing can match. Throws `query.invalid`. */
export async function nextSelected(
  db: Db,
  scope: QueryScope,
  selection: Selection,
  after: string,
  limit: number,
): Promise<Fragment | null> {
  const source = await sourceOf(db, scope, selection)
  if (source === null) return null
  const { from, no, order } = source
  return sql`select (${no})::text as no ${from} and ${no} > ${after}::bigint ${order} limit ${limit}::int`
}

/** SQL that counts a selection; null when nothing can match. */
export async function countSelected(db: Db, scope: QueryScope, selection: Selection): Promise<Fragment | null> {
  const source = await sourceOf(db, scope, selection)
  return source && sql`select count(*) as count ${source.from}`
}

async function sourceOf(db: Db, scope: QueryScope, selection: Selection): Promise<Source | null> {
  if (selection.kind === 'restore') {
    const from = sql`from removed r
      where r.dataset_no = ${scope.datasetNo}::int and r.item_no is not null and r.removed_at > to_timestamp(${selection.nowMs - REMOVED_KEPT_MS}::float8 / 1000)`
    return { from, no: sql`r.item_no`, order: sql`order by r.item_no` }
  }
  const asked = parseSelection(selection.filter === null ? null : { filter: selection.filter }, '')
  const filter: Condition = { kind: 'and', of: [markOf[selection.kind], asked] }
  const plan = await planItems(db, scope.datasetNo, compileFilter(filter, 'item', scope))
  if (plan === null) return null
  const from = sql`${itemsFrom(plan, needsDir(plan))} and i.ticket < ${selection.ticket}::bigint`
  return { from, no: sql`i.item_no`, order: itemOrder(plan, [{ field: 'id', isDescending: false }]) }
}

const markOf = {
  'clear-missing': { kind: 'test', field: 'state', op: '$eq', value: 'missing', place: 'filter' },
  'clear-changed': { kind: 'test', field: 'changedInStorage', op: '$eq', value: true, place: 'filter' },
} as const satisfies Record<Exclude<TaskKind, 'restore'>, Condition>

/** Runs what `nextSelected` gave. */
export async function readSelected(db: Db, statement: Fragment | null): Promise<string[]> {
  return statement === null ? [] : (await run<{ no: string }>(db, statement)).map((row) => row.no)
}

/** Numbers of those of the items that are a dataset's; what is no item's id names nothing. */
export function itemNosOf(datasetNo: number, ids: readonly string[]): string[] {
  const numbers = new Set<string>()
  for (const id of ids) {
    const item = parseItemId(id)
    if (item !== null && 'itemNo' in item && item.datasetNo === datasetNo) numbers.add(item.itemNo)
  }
  return [...numbers]
}
