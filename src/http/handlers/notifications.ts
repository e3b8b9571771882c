import type { notificationRoutes } from '#contract/notifications.ts'
import {
  type FeedNews,
  followNotifications,
  getSettings,
  listInboxMessages,
  listNotifications,
  markNotifications,
  updateSettings,
} from '#core/notifications/notifications.ts'
import { AppError } from '#lib/app-error.ts'
import { type ServerEvent, sendEvents } from '../event-stream.ts'
import type { CallFrame, Handlers } from '../handler.ts'

/** Streams that one user may have open in this process: a window has one. */
const STREAMS_MAX = 10

const streamsOf = new WeakMap<object, Map<string, number>>()

/** What people are told of. */
export const notificationHandlers: Handlers<typeof notificationRoutes> = {
  listNotifications: (deps, { caller, query: { unread, ...query } }) =>
    listNotifications(deps.db, caller, { ...query, isUnreadOnly: unread === 'true' }),
  readNotifications: (deps, { caller, body }) => markNotifications(deps.db, caller, 'read', body),
  dismissNotifications: (deps, { caller, body }) => markNotifications(deps.db, caller, 'dismissed', body),
  getNotificationSettings: (deps, { caller }) => getSettings(deps.db, caller),
  updateNotificationSettings: (deps, { caller, body }) => updateSettings(deps.db, caller, body.categories),
  streamNotifications: async (deps, call) => {
    // Facts only: it would be read to an end that never comes.
    if (call.raw.method === 'HEAD') return call.reply.header('content-type', 'text/event-stream; charset=utf-8').send()
    // Its close would never be heard.
    if (call.reply.raw.destroyed) return call.reply
    countStream(deps.db, call)
    const lastId = call.raw.headers['last-event-id']
    const signal = AbortSignal.any([call.stopping, untilClosed(call)])
    const news = followNotifications(deps, call.caller, {
      // What the client has seen last is newer than what it began with.
      position: typeof lastId === 'string' && lastId !== '' ? lastId : call.query.position,
      signal,
      recheck: call.recheck,
    })
    return sendEvents(call.reply, eventsOf(news), call.stopping)
  },
  listInboxMessages: async (deps, { caller, query }) => {
    const { pageSize = 1000, sort, checkpoint } = query.checkpointPagination ?? {}
    const items = await listInboxMessages(deps.db, caller, {
      pageSize,
      isAscending: sort?.direction === 'ascending',
      afterId: checkpoint?.notificationId,
      projectId: query.contextExtent?.project,
      orgId: query.contextExtent?.org,
    })
    return { items }
  },
}

/** Counts a stream of a user until its connection closes; `notification.too_many_streams` when there are as many as may be. */
function countStream(server: object, { caller, reply }: CallFrame): void {
  const open = streamsOf.get(server) ?? new Map<string, number>()
  streamsOf.set(server, open)
  const count = open.get(caller.userId) ?? 0
  if (count >= STREAMS_MAX) throw new AppError('notification.too_many_streams')
  open.set(caller.userId, count + 1)
  const { userId } = caller
  reply.raw.once('close', () => {
    const left = open.get(userId)! - 1
    if (left === 0) open.delete(userId)
    else open.set(userId, left)
  })
}

function untilClosed({ reply }: CallFrame): AbortSignal {
  const closed = new AbortController()
  reply.raw.once('close', () => closed.abort())
  return closed.signal
}

/** The position comes with the last event of a batch alone: who loses the connection in the middle gets the whole batch again. */
async function* eventsOf(news: AsyncIterable<FeedNews | null>): AsyncGenerator<ServerEvent[] | null, void> {
  for await (const batch of news) {
    if (batch === null) yield null
    else {
      const { kind, notifications, unread, position } = batch
      yield [
        ...(kind === 'reset' ? [{ event: 'reset', data: {} }] : []),
        ...notifications.map((data) => ({ event: 'notification', data })),
        { event: 'unread', data: { unread, position }, id: position },
      ]
    }
  }
}
