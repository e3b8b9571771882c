import { useQuery } from '@tanstack/react-query'
import { api } from '../../app/session.ts'
import { isWorking } from './run-facts.ts'

/** How often a run that works is looked at. Who is told of it by the server's events sees it sooner. */
const WORKING_MS = 1_500
/** How often a page looks whether somebody else, or the schedule, has started one. */
const QUIET_MS = 30_000

/** The last syncs of a dataset, looked at again and again while one works. */
export function useSyncs(datasetId: string) {
  return useQuery({
    queryKey: ['syncs', datasetId],
    queryFn: ({ signal }) => api.listSyncs({ params: { datasetId }, signal }),
    refetchInterval: ({ state }) => (state.data?.items.some(isWorking) === true ? WORKING_MS : QUIET_MS),
  })
}

/** One sync with its report. */
export function useSync(datasetId: string, commandId: string) {
  return useQuery({
    queryKey: ['syncs', datasetId, commandId],
    queryFn: ({ signal }) => api.getSync({ params: { datasetId, commandId }, signal }),
    refetchInterval: ({ state }) => (state.data !== undefined && isWorking(state.data) ? WORKING_MS : false),
  })
}
