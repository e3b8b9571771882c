import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { refreshDataset } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'

/** While a sync runs, what it changed is asked for as often. */
const SYNCING_MS = 2_000

/** A dataset; while it is syncing it is asked for again and again, and once more at the end with all that is in it. */
export function useDataset(datasetId: string) {
  const dataset = useQuery({
    queryKey: ['dataset', datasetId],
    queryFn: ({ signal }) => api.getDataset({ params: { datasetId }, signal }),
    refetchInterval: ({ state }) => (state.data?.isSyncing === true ? SYNCING_MS : false),
  })
  const isSyncing = dataset.data?.isSyncing === true
  useEffect(() => {
    if (!isSyncing) return
    return () => refreshDataset(datasetId)
  }, [isSyncing, datasetId])
  return dataset
}

/** How many items of a dataset are missing, changed or kept out, and what could not become an item. */
export function useCounts(datasetId: string) {
  return useQuery({
    queryKey: ['counts', datasetId],
    queryFn: ({ signal }) => api.countItems({ params: { datasetId }, query: {}, signal }),
    staleTime: 30_000,
  })
}

/** When a dataset was synced last, and how its latest sync is going or went. */
export function useLastSync(datasetId: string, isSyncable: boolean, isSyncing: boolean) {
  return useQuery({
    queryKey: ['syncs', datasetId],
    queryFn: ({ signal }) => api.listSyncs({ params: { datasetId }, signal }),
    enabled: isSyncable,
    refetchInterval: isSyncing ? SYNCING_MS : false,
  })
}
