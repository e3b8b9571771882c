import type { Notification } from '#contract/notifications.ts'
import type { Db } from '#db/connect.ts'
import type { Caller, Deps } from '../deps.ts'
import { openEar } from './bell.ts'
import { currentPosition } from './inbox.ts'
import { columns, countUnread, type NotificationRow, renderNotification, visibleAmong } from './queries.ts'

/** Changes given at once; who is behind by more reads the list again. */
const CHANGES_MAX = 500
/** Changes looked at: a transaction that runs for long, anybody's on the same server, makes us look again at all that was told since it began. */
const LOOKED_AT_MAX = 5_000
/** A window looks for itself this often at least, and is heard of: proxies cut connections that say nothing for a minute. */
const LOOK_MS = 15_000

/** What a window is told. `reset`: it missed too much, or its position means nothing here, and reads the list again. */
export interface FeedNews {
  readonly kind: 'news' | 'reset'
  /** New and changed notifications, oldest news first; those that were dismissed are among them. */
  readonly notifications: readonly Notification[]
  readonly unread: number
  /** Where to go on when the connection is lost after this. */
  readonly position: string
}

/** How a window follows. */
export interface FeedOptions {
  /** The position of a list or of the last news; undefined to begin now. */
  readonly position: string | undefined
  /** Ends it. */
  readonly signal: AbortSignal
  /** Throws when the user may not look on any more; asked before anything is told. */
  recheck(): Promise<unknown>
  readonly lookMs?: number
}

interface Changes {
  readonly position: string
  readonly isAhead: boolean
  readonly rows: readonly (NotificationRow & { readonly changed: string })[]
}

/**
 * Follows a user's notifications: news whenever something changed, whoever told it, null when there was none for 15 seconds. The first answer comes at once.
 *
 * A position is the oldest transaction that was running when the news was read, so following on from it misses nothing, even what was told
 * before and committed after. Something may come twice when transactions run long; a notification replaces the one with its id.
 */
export async function* followNotifications(
  deps: Deps,
  caller: Caller,
  options: FeedOptions,
): AsyncGenerator<FeedNews | null, void> {
  const { signal } = options
  const ear = openEar(deps, caller.userId)
  try {
    let position = options.position ?? (await currentPosition(deps.db))
    /** What was told already of transactions that are read again. */
    let told = new Map<string, string>()
    let unread = -1
    while (!signal.aborted) {
      await options.recheck()
      const changes = await readChanges(deps.db, caller.userId, position)
      if (signal.aborted) return
      const rows = changes?.rows ?? []
      let fresh = rows.filter((row) => told.get(row.id) !== row.changed)
      const isReset = changes === null || changes.isAhead || rows.length > LOOKED_AT_MAX || fresh.length > CHANGES_MAX
      if (isReset) fresh = []
      told = new Map(rows.map((row) => [row.id, row.changed]))
      position = changes?.position ?? (await currentPosition(deps.db))
      const before = unread
      unread = await countUnread(deps.db, caller.userId)
      const isNews = isReset || fresh.length > 0 || unread !== before
      yield isNews
        ? { kind: isReset ? 'reset' : 'news', notifications: fresh.map(renderNotification), unread, position }
        : null
      await ear.wait(options.lookMs ?? LOOK_MS, signal)
    }
  } finally {
    ear.close()
  }
}

/** Numbers of what was told since $2, and of what the user ($1) read or dismissed. */
const changedSince = `select notification_no from notification where changed >= $2::text::xid8
  union all select notification_no from notification_state where user_id = $1 and changed >= $2::text::xid8`

/** What changed in or after the transaction that `position` names, in one snapshot with the position to go on from; null for no position at all. */
async function readChanges(db: Db, userId: string, position: string): Promise<Changes | null> {
  if (!/^\d{1,19}$/.test(position)) return null
  const { rows } = await db.query<Changes['rows'][number] & { position: string; is_ahead: boolean; id: string | null }>(
    `select now.position, now.is_ahead, news.*
       from (select pg_snapshot_xmin(pg_current_snapshot())::text as position,
                    $2::text::xid8 > pg_snapshot_xmax(pg_current_snapshot()) as is_ahead) now
       left join lateral (
         select ${columns}, n.changed::text || ' ' || coalesce(n.state_changed::text, '') as changed
           from ${visibleAmong(changedSince)} order by n.news_no limit ${LOOKED_AT_MAX + 1}
       ) news on true
      order by news.news_no`,
    [userId, position],
  )
  return {
    position: rows[0]!.position,
    isAhead: rows[0]!.is_ahead,
    rows: rows.filter((row) => row.id !== null),
  }
}
