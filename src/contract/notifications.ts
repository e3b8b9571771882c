import { z } from 'zod'
import { isoTime } from './fields.ts'
import { route } from './route.ts'

/** How much a notification matters; the console picks icon and colour by it. */
export const priorities = ['info', 'warning', 'error'] as const
export type Priority = (typeof priorities)[number]

/** Kinds of notifications that people switch on and off. What is locked cannot be switched off: it tells of what stops everybody's work. */
export const categories = {
  dataManagement: {
    title: 'Data management',
    description: 'Syncs: started, finished, failed, waiting.',
    locked: false,
  },
  storage: { title: 'Storage', description: 'Buckets that do not let us in any more.', locked: false },
  system: { title: 'System', description: 'Limits of the organization that stop work.', locked: true },
} as const satisfies Record<string, { title: string; description: string; locked: boolean }>

/** Key of a category. */
export type Category = keyof typeof categories

interface NoticeKind {
  /** Headline, the same in the console and in mails. */
  readonly title: string
  readonly category: Category
  readonly priority: Priority
  /** Replaces the text without asking anybody to look again, unless something later or an end was told. */
  readonly isProgress?: true
  /** Nothing of the same group comes after it but a new beginning. */
  readonly isFinal?: true
}

/** Everything that people are told of, by its code. The code is public API: adding one is a minor change, renaming one is breaking. */
export const notices = {
  'sync.started': { title: 'Sync started', category: 'dataManagement', priority: 'info' },
  'sync.progress': { title: 'Syncing', category: 'dataManagement', priority: 'info', isProgress: true },
  'sync.finished': { title: 'Sync finished', category: 'dataManagement', priority: 'info', isFinal: true },
  'sync.failed': { title: 'Sync failed', category: 'dataManagement', priority: 'error', isFinal: true },
  'sync.canceled': { title: 'Sync canceled', category: 'dataManagement', priority: 'info', isFinal: true },
  'sync.paused': { title: 'Sync paused', category: 'dataManagement', priority: 'info' },
  'sync.parked': { title: 'Sync waits for approval', category: 'dataManagement', priority: 'warning' },
  'quota.exceeded': { title: 'Not enough data points', category: 'system', priority: 'error' },
  'storage.forbidden': { title: 'Storage refuses access', category: 'storage', priority: 'error' },
} as const satisfies Record<string, NoticeKind>

/** What happened, for programs: `sync.failed`. */
export type NoticeCode = keyof typeof notices

/** The same table for code that does not know which entry it has. */
export const noticeKinds: Readonly<Record<NoticeCode, NoticeKind>> = notices

const category = z.enum(Object.keys(categories) as [Category, ...Category[]])

/** How far running work is. */
export const Progress = z.object({
  percent: z.number().nullable().describe('0 to 100; null where the end is not known.'),
  count: z.number().describe('What was done so far.'),
  perSecond: z.number(),
  secondsLeft: z.number().nullable(),
})
export type Progress = z.output<typeof Progress>

/** A notification as one user sees it; lists and the stream of events show the same. */
export const Notification = z.object({
  id: z.string(),
  code: z.string().describe('What happened, for programs.'),
  category,
  priority: z.enum(priorities),
  title: z.string(),
  text: z.string(),
  count: z.int().describe('How often the same happened in a row.'),
  progress: Progress.nullable(),
  context: z.object({
    org: z.object({ id: z.string(), name: z.string() }),
    project: z.object({ id: z.string(), name: z.string() }),
  }),
  resource: z.object({
    type: z.enum(['dataset', 'driver', 'org']),
    id: z.string(),
    name: z.string(),
    action: z.string().describe('What was being done with it.'),
  }),
  read: z.boolean(),
  dismissed: z.boolean(),
  new: z.boolean().describe('Something happened that the user has neither read nor dismissed.'),
  createdAt: isoTime,
  updatedAt: isoTime,
})
export type Notification = z.output<typeof Notification>

const unread = z.int().describe('Unread notifications of the user; counted up to 1,000.')
/** How many are unread, after a change. */
export const Unread = z.object({ unread })
export type Unread = z.output<typeof Unread>

/** A page of notifications, newest first. */
export const NotificationPage = z.object({
  items: z.array(Notification),
  unread,
  next: z.string().nullable().describe('What `after` takes for the next page; null at the end.'),
  position: z.string().describe('Where the stream goes on after this answer; see `streamNotifications`.'),
})
export type NotificationPage = z.output<typeof NotificationPage>

/** Categories as one user has them. */
export const NotificationSettings = z.object({
  categories: z.array(
    z.object({
      category,
      title: z.string(),
      description: z.string(),
      on: z.boolean(),
      locked: z.boolean().describe('Cannot be switched off.'),
    }),
  ),
})
export type NotificationSettings = z.output<typeof NotificationSettings>

/** A notification as the vendor’s SDK reads it. */
export const InboxMessage = z.object({
  title: z.string(),
  description: z.string(),
  context: z.object({ project: z.string(), org: z.string() }),
  read: z.int().describe('0 or 1, as the SDK declares it.'),
  dismissed: z.int(),
  new: z.int(),
  userId: z.string(),
  notificationId: z.string(),
  resourceAction: z.string(),
  notificationCode: z.string(),
  resourceType: z.string(),
  resourceId: z.string(),
  resourceName: z.string(),
  priority: z.enum(priorities),
  count: z.int(),
})
export type InboxMessage = z.output<typeof InboxMessage>

/** Number of a place in the list or in the stream, as this server gave it. */
const place = z.string().regex(/^\d{1,18}$/, 'must be a value that this server gave')

const chosen = z
  .union([z.object({ ids: z.array(z.string()).min(1).max(1000) }), z.object({ all: z.literal(true) })])
  .describe('Which ones; ids of others are passed over.')

/** A part of a query that is JSON, as the SDK sends them. */
const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .max(4096)
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' })
        return z.NEVER
      }
    })
    .pipe(schema)

const InboxPage = z.object({
  pageSize: z.int().min(1).max(1000).default(1000),
  sort: z.object({ key: z.string(), direction: z.string() }).optional(),
  checkpoint: z.looseObject({ notificationId: z.string().optional() }).nullish(),
})
const InboxContext = z.looseObject({ project: z.string().optional(), org: z.string().optional() })

/** What people are told of: a bell with a list, live, and what they want to hear of. */
export const notificationRoutes = {
  listNotifications: route({
    method: 'GET',
    path: '/notifications',
    tag: 'Notifications',
    summary:
      'Lists what the caller is told of as an owner or engineer of projects, newest first, without what was dismissed.',
    access: 'user',
    query: z.object({
      unread: z.enum(['true', 'false']).default('false').describe('“true” leaves out what was read.'),
      projectId: z.string().optional(),
      after: place.optional().describe('`next` of the page before.'),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
    response: NotificationPage,
    errors: [],
  }),
  readNotifications: route({
    method: 'POST',
    path: '/notifications/read',
    tag: 'Notifications',
    summary: 'Marks notifications as read by the caller, until something new happens to them.',
    access: 'user',
    body: chosen,
    response: Unread,
    errors: [],
  }),
  dismissNotifications: route({
    method: 'POST',
    path: '/notifications/dismiss',
    tag: 'Notifications',
    summary: 'Takes notifications out of the caller’s list, until something new happens to them.',
    access: 'user',
    body: chosen,
    response: Unread,
    errors: [],
  }),
  getNotificationSettings: route({
    method: 'GET',
    path: '/notifications/settings',
    tag: 'Notifications',
    summary: 'Gets which categories the caller is told of; all of them unless they were switched off.',
    access: 'user',
    response: NotificationSettings,
    errors: [],
  }),
  updateNotificationSettings: route({
    method: 'PATCH',
    path: '/notifications/settings',
    tag: 'Notifications',
    summary: 'Switches categories on and off for the caller; what is left out stays as it is.',
    access: 'user',
    body: z.object({ categories: z.partialRecord(category, z.boolean()) }),
    response: NotificationSettings,
    errors: ['notification.category_locked'],
  }),
  streamNotifications: route({
    method: 'GET',
    path: '/notifications/stream',
    tag: 'Notifications',
    summary:
      'Sends server-sent events while the connection is open: `notification` for each that is new or changed, then `unread` with the count and the ' +
      'position; `reset` when the list has to be read again. Goes on after the header `Last-Event-ID` or the parameter `position`.',
    access: 'user',
    query: z.object({
      position: z.string().max(32).optional().describe('`position` of a list; without one it begins now.'),
    }),
    errors: ['notification.too_many_streams'],
  }),
  listInboxMessages: route({
    method: 'GET',
    path: '/inbox/message/user',
    tag: 'Notifications',
    summary: 'Lists the caller’s notifications in the shape that the vendor’s SDK reads.',
    access: 'user',
    query: z.object({
      checkpointPagination: json(InboxPage)
        .optional()
        .describe('JSON: `{ pageSize, sort: { key, direction }, checkpoint }`.'),
      contextExtent: json(InboxContext).optional().describe('JSON: `{ project, org }`, either or both.'),
    }),
    response: z.object({ items: z.array(InboxMessage) }),
    errors: [],
  }),
}
