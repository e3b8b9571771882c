import { useQuery } from '@tanstack/react-query'
import { SYNCING_MS } from '../../app/dataset.ts'
import { api } from '../../app/session.ts'
import { useSyncs } from '../../app/syncs.ts'

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
  return useSyncs(datasetId, { isAsked: isSyncable, againMs: isSyncing ? SYNCING_MS : false })
}
