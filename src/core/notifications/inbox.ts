import type { Category, InboxMessage, NotificationPage, NotificationSettings, Unread } from '#contract/notifications.ts'
import { categories } from '#contract/notifications.ts'
import { type Db, type DbPool, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Caller } from '../deps.ts'
import { CHANNEL } from './notify.ts'
import {
  columns,
  countUnread,
  type NotificationRow,
  notDismissed,
  notRead,
  renderNotification,
  visible,
} from './queries.ts'

/** Which notifications are wanted; `after` is the `next` of the page before. */
export interface ListRequest {
  readonly isUnreadOnly: boolean
  readonly projectId?: string | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/**
 * A page of a user's notifications, newest first, without those that were dismissed; the count of unread ones is over all pages and projects.
 * One that changes while somebody pages moves to the front, where the stream from `position` shows it.
 */
export async function listNotifications(db: Db, caller: Caller, request: ListRequest): Promise<NotificationPage> {
  // Asked for before the list is read: what commits in between is shown twice, never missed.
  const position = await currentPosition(db)
  const which = `${notDismissed} and ${request.isUnreadOnly ? notRead : 'true'} and n.news_no < $2`
  const { rows } = await db.query<NotificationRow>(
    `select ${columns} from ${visible(which, '$3')} and ($4::text is null or m.project_id = $4) order by n.news_no desc limit $3`,
    [caller.userId, request.after ?? '9223372036854775807', request.limit + 1, request.projectId ?? null],
  )
  const page = rows.slice(0, request.limit)
  return {
    items: page.map(renderNotification),
    unread: await countUnread(db, caller.userId),
    next: rows.length > page.length ? String(page.at(-1)!.news_no) : null,
    position,
  }
}

/** The oldest transaction that still runs: whoever has read everything now goes on from here. */
export async function currentPosition(db: Db): Promise<string> {
  const { rows } = await db.query<{ position: string }>(
    'select pg_snapshot_xmin(pg_current_snapshot())::text as position',
  )
  return rows[0]!.position
}

/** Notifications by their ids, or all that the user has. Ids of others are passed over. */
export type Chosen = { readonly ids: readonly string[] } | { readonly all: true }

/** Marks notifications as read, or takes them out of the list, until something new happens to them. The user's other windows are told. */
export async function markNotifications(
  db: DbPool,
  caller: Caller,
  mark: 'read' | 'dismissed',
  chosen: Chosen,
): Promise<Unread> {
  const which = 'ids' in chosen ? 'n.id = any($2::text[])' : '$2::text[] is null'
  const wanted = mark === 'read' ? notRead : notDismissed
  await withTransaction(db, async (tx) => {
    // In order of their numbers, so that two windows that mark at once do not wait for each other in a circle.
    const { rows } = await tx.query<{ notification_no: number }>(
      `insert into notification_state as s (user_id, notification_no, read_no, dismissed_no, changed)
       select $1, n.notification_no, n.news_no, case when $3 then n.news_no else 0 end, pg_current_xact_id()
         from ${visible(`${which} and ${wanted}`, 'all')} order by n.notification_no
       on conflict (user_id, notification_no) do update
          set read_no = greatest(s.read_no, excluded.read_no), dismissed_no = greatest(s.dismissed_no, excluded.dismissed_no),
              changed = excluded.changed
       returning notification_no`,
      [caller.userId, 'ids' in chosen ? chosen.ids : null, mark === 'dismissed'],
    )
    // One of them is enough: whoever is woken reads everything that changed.
    if (rows[0]) await tx.query('select pg_notify($1, $2)', [CHANNEL, String(rows[0].notification_no)])
  })
  return { unread: await countUnread(db, caller.userId) }
}

/** The categories as the user has them. */
export async function getSettings(db: Db, caller: Caller): Promise<NotificationSettings> {
  const { rows } = await db.query<{ category: Category }>('select category from notification_mute where user_id = $1', [
    caller.userId,
  ])
  const muted = new Set(rows.map((row) => row.category))
  return {
    categories: (Object.keys(categories) as Category[]).map((category) => ({
      category,
      ...categories[category],
      on: !muted.has(category),
    })),
  }
}

/** Switches categories on and off for the user; `notification.category_locked` when one of them cannot be, and then nothing is changed. */
export async function updateSettings(
  db: DbPool,
  caller: Caller,
  wanted: Readonly<Partial<Record<Category, boolean>>>,
): Promise<NotificationSettings> {
  const entries = Object.entries(wanted) as [Category, boolean][]
  const locked = entries.find(([category, isOn]) => !isOn && categories[category].locked)
  if (locked !== undefined) throw new AppError('notification.category_locked', { details: { category: locked[0] } })
  await withTransaction(db, async (tx) => {
    for (const [category, isOn] of entries) {
      await tx.query(
        isOn
          ? 'delete from notification_mute where user_id = $1 and category = $2'
          : 'insert into notification_mute (user_id, category) values ($1, $2) on conflict do nothing',
        [caller.userId, category],
      )
    }
  })
  return await getSettings(db, caller)
}

/** What the SDK asks its reader for. */
export interface InboxRequest {
  readonly pageSize: number
  readonly isAscending: boolean
  /** Id of the last message of the page before. */
  readonly afterId?: string | undefined
  readonly projectId?: string | undefined
  readonly orgId?: string | undefined
}

/** The user's notifications as the vendor's SDK reads them, by age; without those that were dismissed. */
export async function listInboxMessages(db: Db, caller: Caller, request: InboxRequest): Promise<InboxMessage[]> {
  const { rows } = await db.query<NotificationRow>(
    `select ${columns} from ${visible(notDismissed, 'all')}
        and ($3::text is null or p.id = $3) and ($4::text is null or p.org_id = $4)
        and ($5::text is null or n.notification_no ${request.isAscending ? '>' : '<'} (select notification_no from notification where id = $5))
      order by n.notification_no ${request.isAscending ? 'asc' : 'desc'} limit $2`,
    [caller.userId, request.pageSize, request.projectId ?? null, request.orgId ?? null, request.afterId ?? null],
  )
  return rows.map(renderNotification).map((notification) => ({
    title: notification.title,
    description: notification.text,
    context: { project: notification.context.project.id, org: notification.context.org.id },
    read: Number(notification.read),
    dismissed: Number(notification.dismissed),
    new: Number(notification.new),
    userId: caller.email,
    notificationId: notification.id,
    resourceAction: notification.resource.action,
    notificationCode: notification.code,
    resourceType: notification.resource.type,
    resourceId: notification.resource.id,
    resourceName: notification.resource.name,
    priority: notification.priority,
    count: notification.count,
  }))
}
