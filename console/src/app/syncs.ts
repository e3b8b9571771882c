import { useQuery } from '@tanstack/react-query'
import { api } from './session.ts'
import { isWorking } from './sync-state.ts'

/** How often a run that works is looked at. Who is told of it by the server's events sees it sooner. */
export const WORKING_MS = 1_500
/** How often a page looks whether somebody else, or the schedule, has started one. */
const QUIET_MS = 30_000

interface Options {
  /** False where there is nothing to ask for, as of a dataset that is never synced. */
  isAsked?: boolean
  /** After how long to ask again, false for never; when left out, often while one works and now and then while none does. */
  againMs?: number | false
}

/** The last syncs of a dataset, and when it was synced last. */
export function useSyncs(datasetId: string, { isAsked = true, againMs }: Options = {}) {
  return useQuery({
    queryKey: ['syncs', datasetId],
    queryFn: ({ signal }) => api.listSyncs({ params: { datasetId }, signal }),
    enabled: isAsked,
    refetchInterval: ({ state }) => againMs ?? (state.data?.items.some(isWorking) === true ? WORKING_MS : QUIET_MS),
  })
}
