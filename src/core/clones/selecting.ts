import type { Deps } from '#core/deps.ts'
import { selectItems } from '#core/items/items.ts'

/** A query over items as callers send it; pages, order and what it would change are not looked at. */
export type ItemsQuery = Readonly<Record<string, unknown>>

/** All files of a dataset, hidden ones too. */
export const allFiles: ItemsQuery = { filter: { $and: [{ type: 'file' }] } }

/** What a caller sends as a query, brought into one form: with `filter`, and without what pages, sorts or changes. */
export function readItemsQuery(sent: unknown): ItemsQuery {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) return allFiles
  const {
    page: _page,
    pageSize: _pageSize,
    sort: _sort,
    update: _update,
    delete: _delete,
    ...query
  } = sent as ItemsQuery
  const isQuery = ['filter', 'join', 'intersect', 'except', 'resource'].some((part) => part in query)
  // The SDK sends a bare filter here and there.
  return isQuery ? query : { filter: query }
}

/** Numbers of the items that a query finds after one of them, in their order; at most `limit`. */
export async function nextItemNos(
  deps: Deps,
  datasetNo: number,
  query: ItemsQuery,
  range: { readonly after: string; readonly upTo: string },
  limit: number,
): Promise<string[]> {
  const numbers = await selectItems(deps, datasetNo, query, range.after, limit)
  const end = BigInt(range.upTo)
  // In their order, so only the last ones can be too late.
  while (numbers.length > 0 && BigInt(numbers.at(-1)!) > end) numbers.pop()
  return numbers
}

/** The greatest number of an item that a dataset has; what comes later is not part of work that begins now. */
export async function lastItemNo(deps: Deps, datasetNo: number): Promise<string> {
  const { rows } = await deps.db.query<{ no: string }>(
    'select coalesce(max(item_no), 0)::text as no from item where dataset_no = $1',
    [datasetNo],
  )
  return rows[0]!.no
}
