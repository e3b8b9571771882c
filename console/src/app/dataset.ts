import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { refreshDataset } from './item-pages.ts'
import { api } from './session.ts'

/** While a sync runs, what it changed is asked for as often. */
export const SYNCING_MS = 2_000

/** A dataset by its id; while it is syncing it is asked for again and again, and once more at the end with all that is in it. */
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
