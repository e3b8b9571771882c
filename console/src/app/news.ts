import { useDocumentVisibility } from '@mantine/hooks'
import { type QueryClient, queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ApiError } from '#client/client.ts'
import { type NotificationNews, watchNotifications } from '#client/notifications.ts'
import type { Notification, NotificationPage } from '#contract/notifications.ts'
import { toast } from '../ui/toasts.tsx'
import { isWorthAToast, KEPT, withNews } from './notification-list.ts'
import { api } from './session.ts'

/** Wait before a server that did not answer is asked again. */
const RETRY_MS = 3_000

/** The latest notifications with the count of unread ones: asked for once, then kept up to date by the server's events. */
export const latestNotifications = queryOptions({
  queryKey: ['notifications', 'latest'],
  queryFn: ({ signal }) => api.listNotifications({ query: { limit: KEPT }, signal }),
  staleTime: Number.POSITIVE_INFINITY,
})

/** What this window hears of; `isConnected` is false while the server does not answer. `onLoggedOut`: the session has ended. */
export function useNews(onLoggedOut: () => void) {
  const queries = useQueryClient()
  const latest = useQuery(latestNotifications)
  const [isConnected, setConnected] = useState(true)
  // A window that nobody looks at needs no connection of the few that a browser opens to one server.
  const isSeen = useDocumentVisibility() !== 'hidden'
  // biome-ignore lint/correctness/useExhaustiveDependencies: the way out of a session is the same at every render.
  useEffect(() => {
    if (!isSeen) return
    const ending = new AbortController()
    const { signal } = ending
    const hear = (isHeard: boolean) => {
      if (!signal.aborted) setConnected(isHeard)
    }
    void follow(queries, signal, hear).catch((error: unknown) => {
      if (!signal.aborted && error instanceof ApiError && error.status === 401) onLoggedOut()
      else if (!signal.aborted) throw error
    })
    return () => ending.abort()
  }, [queries, isSeen])
  return { latest, isConnected }
}

/** Follows the stream from where the list ends, for as long as the window is looked at. Throws when the session has ended. */
async function follow(queries: QueryClient, signal: AbortSignal, hear: (isHeard: boolean) => void): Promise<void> {
  let wasLost = false
  const stream: typeof api.streamNotifications = async (input) => {
    try {
      const answer = await api.streamNotifications(input)
      hear(true)
      // Whatever happened meanwhile was told to nobody here.
      if (wasLost) await queries.invalidateQueries()
      wasLost = false
      return answer
    } catch (error) {
      if (isSilence(error) && !signal.aborted) {
        wasLost = true
        hear(false)
      }
      throw error
    }
  }
  while (!signal.aborted) {
    try {
      const { position } = await queries.fetchQuery({ ...latestNotifications, staleTime: 0 })
      hear(true)
      for await (const news of watchNotifications({ ...api, streamNotifications: stream }, { position, signal }))
        take(queries, news)
    } catch (error) {
      if (signal.aborted) return
      if (!isSilence(error)) throw error
      hear(false)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

/** Whether nobody answered, or only something that stands before the server. */
const isSilence = (error: unknown) => !(error instanceof ApiError) || error.status === 0 || error.status >= 500

function take(queries: QueryClient, news: NotificationNews): void {
  if (news.kind === 'reset') {
    void queries.invalidateQueries({ queryKey: ['notifications'] })
    return
  }
  const before = queries.getQueryData<NotificationPage>(latestNotifications.queryKey)
  if (before === undefined) return
  queries.setQueryData(latestNotifications.queryKey, withNews(before, news))
  if (news.kind === 'unread') return
  const known = before.items.find(({ id }) => id === news.notification.id)
  const isSame = known?.updatedAt === news.notification.updatedAt
  if (isSame && known?.new === news.notification.new) return
  void queries.invalidateQueries({ queryKey: ['notifications', 'inbox'] })
  if (isSame) return
  refreshWhatIsMeant(queries, news.notification)
  if (isWorthAToast(news.notification, known)) tell(news.notification)
}

const toastOf = { info: 'done', warning: 'waiting', error: 'failed' } as const

function tell({ title, resource, text, priority }: Notification): void {
  toast(`${title}: ${resource.name}. ${text}`, toastOf[priority], `${resource.action}:${resource.id}`)
}

/** Pages that are open show what has changed without anybody loading them anew. */
function refreshWhatIsMeant(queries: QueryClient, { resource, code }: Notification): void {
  if (resource.type !== 'dataset') return
  void queries.invalidateQueries({ queryKey: ['syncs', resource.id] })
  if (code === 'sync.progress') return
  for (const noun of ['dataset', 'items', 'folders', 'counts', 'skipped', 'removed'])
    void queries.invalidateQueries({ queryKey: [noun, resource.id] })
  void queries.invalidateQueries({ queryKey: ['datasets'] })
}
