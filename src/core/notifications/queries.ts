import {
  type Category,
  type NoticeCode,
  type Notification,
  noticeKinds,
  type Progress,
} from '#contract/notifications.ts'
import type { Db } from '#db/connect.ts'

/** Unread notifications are counted up to here; nobody reads a larger number. */
const UNREAD_MAX = 1_000

/** A notification as one user sees it. */
export interface NotificationRow {
  readonly id: string
  readonly news_no: number
  readonly code: NoticeCode
  readonly category: Category
  readonly text: string
  readonly times: number
  readonly progress: Progress | null
  readonly org_id: string
  readonly org_name: string
  readonly project_id: string
  readonly project_name: string
  readonly resource_type: Notification['resource']['type']
  readonly resource_id: string
  readonly resource_name: string
  readonly resource_action: string
  readonly is_read: boolean
  readonly is_dismissed: boolean
  readonly created_at: Date
  readonly updated_at: Date
}

/** SQL for a notification with what the user ($1) did with it, in categories they have not switched off; `which` lets through. */
function withState(which: string): string {
  return `select n.*, coalesce(s.read_no, 0) >= n.news_no as is_read, coalesce(s.dismissed_no, 0) >= n.news_no as is_dismissed,
                 s.changed as state_changed
            from notification n
            left join notification_state s on s.user_id = $1 and s.notification_no = n.notification_no
           where ${which} and not exists (select 1 from notification_mute u where u.user_id = $1 and u.category = n.category)`
}

const readers = `m.user_id = $1 and m.role in ('owner', 'engineer')`

/**
 * SQL for what a user ($1) sees of the notifications that `which` lets through: those of projects they own or engineer, in categories they have not
 * switched off. Each project is read by its own index, newest first and `limit` rows at most, so that old notifications cost nothing.
 */
export function visible(which: string, limit: string): string {
  return `project_member m
    join project p on p.id = m.project_id
    join org o on o.id = p.org_id
    cross join lateral (
      ${withState(`n.project_id = m.project_id and ${which}`)} order by n.news_no desc limit ${limit}
    ) n
   where ${readers}`
}

/** SQL for the same of few notifications, whose numbers the SQL `numbers` gives: found by these, then by project. */
export function visibleAmong(numbers: string): string {
  return `(${withState(`n.notification_no in (${numbers})`)}) n
    join project_member m on m.project_id = n.project_id
    join project p on p.id = m.project_id
    join org o on o.id = p.org_id
   where ${readers}`
}

/** Columns of a `NotificationRow`, out of `visible`. */
export const columns = `n.id, n.news_no, n.code, n.category, n.text, n.times, n.progress, o.id as org_id, o.name as org_name, p.id as project_id,
  p.name as project_name, n.resource_type, n.resource_id, n.resource_name, n.resource_action, n.is_read, n.is_dismissed, n.created_at, n.updated_at`

/** SQL: the user has not read it since something happened. */
export const notRead = 'coalesce(s.read_no, 0) < n.news_no'

/** SQL: the user has not dismissed it since something happened. */
export const notDismissed = 'coalesce(s.dismissed_no, 0) < n.news_no'

/** A user's unread notifications, counted up to 1,000. */
export async function countUnread(db: Db, userId: string): Promise<number> {
  const { rows } = await db.query<{ unread: number }>(
    `select count(*)::int as unread from (select 1 from ${visible(`${notRead} and ${notDismissed}`, String(UNREAD_MAX))} limit ${UNREAD_MAX}) x`,
    [userId],
  )
  return rows[0]!.unread
}

/** A notification as the API shows it. */
export function renderNotification(row: NotificationRow): Notification {
  const kind = noticeKinds[row.code]
  return {
    id: row.id,
    code: row.code,
    category: row.category,
    priority: kind.priority,
    title: kind.title,
    text: row.text,
    count: row.times,
    progress: row.progress,
    context: {
      org: { id: row.org_id, name: row.org_name },
      project: { id: row.project_id, name: row.project_name },
    },
    resource: {
      type: row.resource_type,
      id: row.resource_id,
      name: row.resource_name,
      action: row.resource_action,
    },
    read: row.is_read,
    dismissed: row.is_dismissed,
    new: !row.is_read && !row.is_dismissed,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}
