// Proves that the bell's list follows the stream: the latest first, nothing twice, the dismissed gone, and that only ends and troubles are shown as toasts.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Notification, NotificationPage } from '#contract/notifications.ts'
import { isWorthAToast, withNews } from './notification-list.ts'

function notification(changes: Partial<Notification> = {}): Notification {
  return {
    id: '1',
    code: 'sync.started',
    category: 'dataManagement',
    priority: 'info',
    title: 'Sync started',
    text: '',
    count: 1,
    progress: null,
    context: { org: { id: 'o', name: 'o' }, project: { id: 'p', name: 'p' } },
    resource: { type: 'dataset', id: 'd', name: 'd', action: 'sync' },
    read: false,
    dismissed: false,
    new: true,
    createdAt: '2026-11-22T10:00:00.000Z',
    updatedAt: '2026-11-22T10:00:00.000Z',
    ...changes,
  }
}

const page = (items: Notification[]): NotificationPage => ({ items, unread: 0, next: null, position: '1' })
const ids = ({ items }: NotificationPage) => items.map(({ id }) => id)
const told = (list: NotificationPage, each: Notification) =>
  withNews(list, { kind: 'notification', notification: each })

describe('the list', () => {
  test('puts what is new first, and what has ended', () => {
    const list = told(page([notification({ id: 'a' }), notification({ id: 'b' })]), notification({ id: 'c' }))
    expect(ids(list)).toEqual(['c', 'a', 'b'])
    expect(ids(told(list, notification({ id: 'b', code: 'sync.finished' })))).toEqual(['b', 'c', 'a'])
  })

  test('lets progress and what was read stay where they are', () => {
    const list = page([notification({ id: 'a' }), notification({ id: 'b', code: 'sync.progress' })])
    expect(ids(told(list, notification({ id: 'b', code: 'sync.progress', text: 'more' })))).toEqual(['a', 'b'])
    expect(told(list, notification({ id: 'b', new: false })).items[1]?.new).toBe(false)
  })

  test('drops what was dismissed, and takes the count of unread ones as the server tells it', () => {
    expect(ids(told(page([notification()]), notification({ dismissed: true })))).toEqual([])
    expect(withNews(page([]), { kind: 'unread', unread: 7 }).unread).toBe(7)
  })

  test('holds nothing twice and is bounded, whatever comes', () => {
    const news = fc.record({
      id: fc.nat(60).map(String),
      code: fc.constantFrom('sync.started', 'sync.progress', 'sync.finished'),
      new: fc.boolean(),
      dismissed: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(news, { maxLength: 120 }), (all) => {
        const list = all.reduce((before, each) => told(before, notification(each)), page([]))
        expect(new Set(ids(list)).size).toBe(list.items.length)
        expect(list.items.length).toBeLessThanOrEqual(30)
        expect(list.items.some(({ dismissed }) => dismissed)).toBe(false)
      }),
    )
  })
})

describe('a toast', () => {
  test('is worth what ends or holds a sync, once', () => {
    const ended = notification({ code: 'sync.finished' })
    expect(isWorthAToast(ended, notification())).toBe(true)
    expect(isWorthAToast(ended, ended)).toBe(false)
    expect(isWorthAToast({ ...ended, new: false }, notification())).toBe(false)
    expect(isWorthAToast(notification({ code: 'sync.progress' }), undefined)).toBe(false)
  })
})
