import type { Deps } from '#core/deps.ts'
import { queryItems } from '#core/items/items.ts'
import { itemId, parseItemId } from '#lib/ids.ts'

/** A query over items as callers send it; pages, order and what it would change are not looked at. */
export type ItemsQuery = Readonly<Record<string, unknown>>

/** Items found in one query. */
const PAGE = 1_000

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

/** Numbers of the files that a query finds after one of them, in their order; at most `limit`. Folders are passed over. */
export async function nextItemNos(
  deps: Deps,
  datasetNo: number,
  query: ItemsQuery,
  range: { readonly after: string; readonly upTo: string },
  limit: number,
): Promise<string[]> {
  const numbers: string[] = []
  let after = range.after
  while (numbers.length < limit) {
    const size = Math.min(PAGE, limit - numbers.length)
    const bounds = [
      { type: 'file' },
      { id: { $gt: itemId(datasetNo, BigInt(after)) } },
      { id: { $lte: itemId(datasetNo, BigInt(range.upTo)) } },
    ]
    const body = { ...withConditions(query, bounds), sort: { id: 'ascending' }, page: 0, pageSize: size }
    const { items } = await queryItems(deps, datasetNo, body, '')
    for (const { id } of items) {
      const item = parseItemId(id)
      if (item !== null && 'itemNo' in item) numbers.push(item.itemNo)
    }
    if (items.length < size || numbers.length === 0) break
    after = numbers.at(-1)!
  }
  return numbers
}

/** How many files a query finds. Throws `query.invalid`, so it also tells whether there is anything wrong with the query. */
export async function countItemsOf(
  deps: Deps,
  datasetNo: number,
  query: ItemsQuery,
): Promise<{ count: number; isEstimate: boolean }> {
  const body = { ...withConditions(query, [{ type: 'file' }]), page: 0, pageSize: 0 }
  const { totalItemsCount, totalIsEstimate } = await queryItems(deps, datasetNo, body, '')
  return { count: totalItemsCount, isEstimate: totalIsEstimate === true }
}

/** The greatest number of an item that a dataset has; what comes later is not part of work that begins now. */
export async function lastItemNo(deps: Deps, datasetNo: number): Promise<string> {
  const { rows } = await deps.db.query<{ no: string }>(
    'select coalesce(max(item_no), 0)::text as no from item where dataset_no = $1',
    [datasetNo],
  )
  return rows[0]!.no
}

function withConditions(query: ItemsQuery, conditions: readonly ItemsQuery[]): ItemsQuery {
  const filter = (query.filter ?? {}) as ItemsQuery
  const and = Array.isArray(filter.$and) ? filter.$and : []
  return { ...query, filter: { ...filter, $and: [...and, ...conditions] } }
}
