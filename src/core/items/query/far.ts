import type { DbPool } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { type ItemRow, itemColumns } from '../render.ts'
import { PAGE_BUDGET_MS, runWithin } from './budget.ts'
import { type Fragment, raw, sql } from './fragment.ts'
import type { ItemPlan } from './plan.ts'

/** Rows to skip above which a page is far; fewer are walked over in a few milliseconds, which this way costs as well. */
export const FAR_MIN = 10_000
/** Hidden items that are kept in mind while the others are counted off; where there are more, they are told apart row by row. */
const HIDDEN_MAX = 20_000

/** Whether all items of a dataset are asked for, or all but the hidden ones: then counters know how many there are. */
export function isWhole({ folders, tests }: ItemPlan): boolean {
  return folders === null && tests.every((test) => test.isHidden === false)
}

/**
 * A page far into all items of a dataset in the order of their ids; null where it cannot be read this way. For whoever drags a scroll bar to the bottom.
 *
 * The items before it, or behind it where those are fewer, are counted off in the index of their numbers alone, and only the rows of the page are read.
 * Everything is one statement, so the total that counts back from the end is of the very rows that are counted.
 * Errors: `query.too_slow`.
 */
export async function readFar(
  pool: DbPool,
  plan: ItemPlan,
  isDescending: boolean,
  offset: number,
  limit: number,
): Promise<ItemRow[] | null> {
  const statement = farPage(plan, isDescending, offset, limit)
  const rows = await runWithin<ItemRow & { hidden: number }>(pool, statement, PAGE_BUDGET_MS, 'in index order')
  if (rows === null) throw new AppError('query.too_slow')
  // Without a row nothing tells how many are hidden.
  return rows.length === 0 || rows[0]!.hidden > HIDDEN_MAX ? null : rows
}

function farPage({ datasetNo, tests }: ItemPlan, isDescending: boolean, offset: number, limit: number): Fragment {
  const [order, back] = isDescending ? [raw('desc'), raw('asc')] : [raw('asc'), raw('desc')]
  const hidden = tests.length === 0 ? raw('false') : sql`(h.flags & 1) = 1`
  const shown = sql`select p.item_no from item p
    where p.dataset_no = ${datasetNo}::int and p.item_no not in (select no from hidden) order by p.item_no`
  return sql`with hidden as materialized (select h.item_no as no from item h
      where h.dataset_no = ${datasetNo}::int and ${hidden} order by h.dir_no limit ${HIDDEN_MAX + 1}::int),
    sizes as materialized (select
      coalesce((select d.deep_items from dir d where d.dataset_no = ${datasetNo}::int and d.dir_no = 1), 0)
        - (select count(*) from hidden) as total, ${offset}::bigint as skipped, ${limit}::bigint as wanted)
    select ${raw(itemColumns)}, (select count(*) from hidden) as hidden from item i
     where i.dataset_no = ${datasetNo}::int and i.item_no = any(
       case when (select skipped * 2 <= total from sizes)
       then array(${shown} ${order} limit ${limit}::bigint offset ${offset}::bigint)
       else array(${shown} ${back} limit (select greatest(0, least(wanted, total - skipped)) from sizes)
                  offset (select greatest(0, total - skipped - wanted) from sizes)) end)
     order by i.item_no ${order}`
}
