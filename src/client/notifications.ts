import type { Notification } from '#contract/notifications.ts'
import { ApiError, type Client } from './client.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'

/** What a window is told while it is open. */
export type NotificationNews =
  /** New or changed: it replaces the one with its id. One that is dismissed leaves the list. */
  | { readonly kind: 'notification'; readonly notification: Notification }
  | { readonly kind: 'unread'; readonly unread: number }
  /** Too much was missed: read the list again. */
  | { readonly kind: 'reset' }

/** How notifications are watched. */
export interface WatchOptions {
  /** `position` of the list that the window shows; without one it begins now. */
  readonly position?: string
  /** Ends it. */
  readonly signal: AbortSignal
  /** Wait before a lost connection is made anew; 2 seconds unless said. */
  readonly retryMs?: number
}

/**
 * Watches the caller's notifications, for the console and the command line: whatever happens, on one connection at a time that is made anew when it
 * is lost, without missing anything. Ends when `signal` aborts; throws an `ApiError` when the token is not valid any more.
 */
export async function* watchNotifications(
  client: Client,
  options: WatchOptions,
): AsyncGenerator<NotificationNews, void> {
  const { signal, retryMs = 2_000 } = options
  let lastId = options.position ?? ''
  while (!signal.aborted) {
    try {
      const response = await client.streamNotifications({
        signal,
        headers: lastId === '' ? {} : { 'last-event-id': lastId },
      })
      for await (const event of readEvents(response.body!)) {
        yield parse(event)
        // Only once it was taken: the position counts for everything before it.
        if (event.lastId !== '') lastId = event.lastId
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.status === 401) throw error
    }
    await pause(retryMs, signal)
  }
}

function parse({ event, data }: StreamEvent): NotificationNews {
  if (event === 'notification') return { kind: 'notification', notification: JSON.parse(data) as Notification }
  if (event === 'unread') return { kind: 'unread', unread: (JSON.parse(data) as { unread: number }).unread }
  return { kind: 'reset' }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  const timer = setTimeout(resolve, ms)
  const isUnwanted = () => resolve()
  signal.addEventListener('abort', isUnwanted)
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', isUnwanted)
  })
}
