import { useQuery } from '@tanstack/react-query'
import { api } from '../../app/session.ts'
import { isWorking } from '../../app/sync-state.ts'
import { WORKING_MS } from '../../app/syncs.ts'

/** One sync with its report. */
export function useSync(datasetId: string, commandId: string) {
  return useQuery({
    queryKey: ['syncs', datasetId, commandId],
    queryFn: ({ signal }) => api.getSync({ params: { datasetId, commandId }, signal }),
    refetchInterval: ({ state }) => (state.data !== undefined && isWorking(state.data) ? WORKING_MS : false),
  })
}
