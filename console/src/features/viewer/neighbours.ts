import { useQuery } from '@tanstack/react-query'
import type { Item, ItemPage } from '#contract/items.ts'
import { api } from '../../app/session.ts'
import { type BrowserSearch, isFiltered, toQuery } from '../../app/view-search.ts'

type Condition = Readonly<Record<string, unknown>>

/** The query for the item before or after another one in a view. */
export interface NeighbourQuery {
  readonly filter: { readonly $and: readonly Condition[] }
  readonly sort: Readonly<Record<string, 'ascending' | 'descending'>>
}

/** The view an item is looked at in: that of the address, or the item's folder where the item is not of that one's. */
export function viewOf(item: Pick<Item, 'dir'>, search: BrowserSearch): BrowserSearch {
  const dir = search.dir ?? '/'
  const isWithin =
    search.deep === true ? dir === '/' || item.dir === dir || item.dir.startsWith(`${dir}/`) : item.dir === dir
  if (isWithin) return search
  // Shared without its view, or opened by its id: the files beside it.
  const { view, tile } = search
  return { ...(view && { view }), ...(tile !== undefined && { tile }), dir: item.dir }
}

/** The query that finds the next item of a view first, or the one before it. Ties are in the order of ids, as the views themselves have them. */
export function neighbourQuery(item: Item, search: BrowserSearch, way: 'next' | 'previous'): NeighbourQuery {
  const conditions = toQuery(search).filter.$and as Condition[]
  const isNext = way === 'next'
  const byId = { id: { [isNext ? '$gt' : '$lt']: item.id } }
  const idSort = { id: isNext ? ('ascending' as const) : ('descending' as const) }
  const field = search.sort
  if (field === undefined) return { filter: { $and: [...conditions, byId] }, sort: idSort }
  const isUp = isNext !== (search.descending === true)
  const beyond = beyondCondition(field, sortedValue(item, field), isUp)
  const tied = { $and: [sameCondition(field, sortedValue(item, field)), byId] }
  return {
    filter: { $and: [...conditions, { $or: [...beyond, tied] }] },
    sort: { [field]: isUp ? 'ascending' : 'descending', ...idSort },
  }
}

type Value = string | number | null

function sortedValue(item: Item, field: NonNullable<BrowserSearch['sort']>): Value {
  const { system } = item.metadata
  if (field === 'name') return item.name
  if (field === 'size') return system.size ?? null
  return field === 'createdAt' ? item.createdAt : (system.storage?.modified ?? null)
}

/** What is not there comes before what is; only the storage's times may be absent, and only of them the query may ask for that. */
function beyondCondition(field: string, value: Value, isUp: boolean): Condition[] {
  if (value === null) return isUp ? [{ [field]: { $exists: true } }] : []
  if (isUp) return [{ [field]: { $gt: value } }]
  return [{ [field]: { $lt: value } }, ...(field === 'modified' ? [{ [field]: null }] : [])]
}

function sameCondition(field: string, value: Value): Condition {
  // In a list no character is a wildcard.
  return value === null ? { [field]: null } : { [field]: { $in: [value] } }
}

/** The items before and after one in a view, and its place there; undefined while that is not known. */
export interface Neighbours {
  readonly previous: Item | null | undefined
  readonly next: Item | null | undefined
  /** From 1. */
  readonly place: number | undefined
  readonly total: number | undefined
  /** The place is the server's guess: counting would take too long. */
  readonly isEstimate: boolean
  readonly error: unknown
}

/** Finds the neighbours of an item in a view. */
export function useNeighbours(item: Item | undefined, search: BrowserSearch): Neighbours {
  const next = useNeighbour(item, search, 'next')
  const previous = useNeighbour(item, search, 'previous')
  const before = previous.data?.totalItemsCount
  const after = next.data?.totalItemsCount
  return {
    previous: previous.data && (previous.data.items[0] ?? null),
    next: next.data && (next.data.items[0] ?? null),
    place: before === undefined ? undefined : before + 1,
    total: before === undefined || after === undefined ? undefined : before + after + 1,
    isEstimate: previous.data?.totalIsEstimate === true || next.data?.totalIsEstimate === true,
    error: next.error ?? previous.error,
  }
}

function useNeighbour(item: Item | undefined, search: BrowserSearch, way: 'next' | 'previous') {
  const query = item === undefined ? null : neighbourQuery(item, search, way)
  return useQuery({
    queryKey: ['items', item?.datasetId, 'neighbour', query],
    queryFn: async ({ signal }) =>
      (await api.queryItems({
        params: { datasetId: item!.datasetId },
        body: { resource: 'items', ...query, page: 0, pageSize: 1 },
        signal,
      })) as ItemPage,
    enabled: query !== null,
  })
}

/** The view's part of the address, for links that keep it. */
export function keptSearch(search: BrowserSearch): BrowserSearch {
  const { item: _item, ...kept } = search
  return kept
}

/** Whether a view is more than one folder. */
export function isQuery(search: BrowserSearch): boolean {
  return search.deep === true || isFiltered(search)
}
