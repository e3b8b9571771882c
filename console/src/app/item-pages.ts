import { useQueries, useQuery } from '@tanstack/react-query'
import type { ItemPage } from '#contract/items.ts'
import { queryClient } from './query-client.ts'
import { api } from './session.ts'
import { type BrowserSearch, toQuery } from './view-search.ts'

/** Items of one request: about a screen of small pictures. */
export const PAGE_ITEMS = 100
/** Pages that nobody looks at any more are kept for so long; what bounds the memory of a scroll through a million. */
const KEPT_MS = 30_000

/** Asks for one page of what a view shows. */
function pageQuery(datasetId: string, search: BrowserSearch, page: number) {
  const { filter, sort } = toQuery(search)
  return {
    queryKey: ['items', datasetId, filter, sort ?? null, page] as const,
    queryFn: async ({ signal }: { signal: AbortSignal }) =>
      (await api.queryItems({
        params: { datasetId },
        body: { resource: 'items', filter, ...(sort && { sort }), page, pageSize: PAGE_ITEMS },
        signal,
      })) as ItemPage,
    gcTime: KEPT_MS,
  }
}

/** The items from one place of a view to another, both included, in their order; for a choice that reaches over what is not seen. */
export async function loadItems(datasetId: string, search: BrowserSearch, from: number, to: number) {
  const items: ItemPage['items'] = []
  for (let page = Math.floor(from / PAGE_ITEMS); page * PAGE_ITEMS <= to; page++) {
    const answer = await queryClient.fetchQuery(pageQuery(datasetId, search, page))
    const start = page * PAGE_ITEMS
    items.push(...answer.items.slice(Math.max(0, from - start), to + 1 - start))
  }
  return items
}

/** Has everything that shows what is in a dataset asked for again, after something in it was changed. */
export function refreshDataset(datasetId: string): void {
  for (const noun of ['items', 'folders', 'dataset', 'counts', 'syncs', 'removed'])
    void queryClient.invalidateQueries({ queryKey: [noun, datasetId] })
  void queryClient.invalidateQueries({ queryKey: ['datasets'] })
}

/** How many items a view has, with the first page of them. */
export function useFirstPage(datasetId: string, search: BrowserSearch) {
  return useQuery({ ...pageQuery(datasetId, search, 0), placeholderData: (before) => before })
}

/** The items of some pages by their place in the view; those that are still on their way are missing. */
export function useItems(datasetId: string, search: BrowserSearch, pages: readonly number[]) {
  const answers = useQueries({ queries: pages.map((page) => pageQuery(datasetId, search, page)) })
  const byPlace = new Map<number, ItemPage['items'][number]>()
  for (const [index, { data }] of answers.entries())
    for (const [offset, item] of (data?.items ?? []).entries()) byPlace.set(pages[index]! * PAGE_ITEMS + offset, item)
  return { byPlace, error: answers.find(({ error }) => error !== null)?.error ?? null }
}
