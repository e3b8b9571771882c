import type { NotificationNews } from '#client/notifications.ts'
import type { Notification, NotificationPage } from '#contract/notifications.ts'

/** Notifications that the bell keeps. */
export const KEPT = 30

/** The list after one piece of news. The latest stand first; who is dismissed leaves; no more are kept than were asked for. */
export function withNews(page: NotificationPage, news: Exclude<NotificationNews, { kind: 'reset' }>): NotificationPage {
  if (news.kind === 'unread') return { ...page, unread: news.unread }
  const { notification } = news
  const at = page.items.findIndex(({ id }) => id === notification.id)
  if (notification.dismissed) return { ...page, items: page.items.filter(({ id }) => id !== notification.id) }
  // Progress, and what was read, stay where they are: nothing is to jump under somebody's pointer.
  if (at >= 0 && !(notification.new && notification.code !== page.items[at]!.code))
    return { ...page, items: page.items.with(at, notification) }
  const others = page.items.filter(({ id }) => id !== notification.id)
  return { ...page, items: [notification, ...others].slice(0, KEPT) }
}

/** Ends and troubles are shown wherever somebody is; beginnings and progress are for the bell. */
export function isWorthAToast(notification: Notification, known: Notification | undefined): boolean {
  const isQuiet = notification.code === 'sync.started' || notification.code === 'sync.progress'
  return notification.new && !isQuiet && notification.code !== known?.code
}
