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
  /** Replaces the text without asking anybody to look again, and never comes after the end. */
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
