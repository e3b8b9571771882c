import { z } from 'zod'
import { Command } from './commands.ts'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ datasetId: id('dataset') })
const oneSync = z.object({ datasetId: id('dataset'), commandId: id('command') })

/** Names of a run's counters. */
export const syncCounts = [
  'listed',
  'added',
  'changed',
  'unchanged',
  'missing',
  'returned',
  'removed',
  'moved',
  'excluded',
  'markers',
  'hidden',
  'skipped',
  'overQuota',
  'requests',
] as const

/** Name of a run's counter. */
export type SyncCount = (typeof syncCounts)[number]

/** Items that a complete listing did not show. */
const Absent = z.object({
  count: z.int(),
  set: z.string().describe('Names exactly these items; what an approval is bound to.'),
  allowed: z.int().describe('As many are marked without anybody being asked.'),
  brake: z
    .enum(['empty-bucket', 'too-many-missing', 'other-bucket'])
    .nullable()
    .describe('Why the sync waits for approval, or a plan would.'),
  sample: z.array(z.string()),
  moves: z.int().optional().describe('Of these, so many are moved files that were recognised.'),
  uncertainMoves: z
    .array(z.object({ from: z.array(z.string()), to: z.array(z.string()) }))
    .optional()
    .describe('Equal files of which nobody can say which moved where.'),
})

/** What a sync found, as far as it is more than numbers. */
const Report = z.object({
  absent: Absent.optional(),
  skipped: z.array(z.object({ reason: z.string(), count: z.int(), sample: z.array(z.string()) })).optional(),
  dataPoints: z.object({ needed: z.int(), free: z.int().nullable() }).optional(),
  missingSample: z.array(z.string()).optional(),
})

/** One run of a sync. */
export const SyncRun = z.object({
  commandId: z.string(),
  state: z.enum(['queued', 'running', 'paused', 'parked', 'success', 'failed', 'canceled']),
  phase: z.enum(['listing', 'counting', 'confirming', 'undoing']),
  options: z.object({
    forceRescan: z.boolean().optional(),
    dryRun: z.boolean().optional(),
    reconcile: z.boolean().optional(),
    approved: z.string().optional(),
    isFirst: z.boolean().optional(),
    scheduled: z.boolean().optional(),
  }),
  counts: z.object(Object.fromEntries(syncCounts.map((name) => [name, z.int()])) as Record<SyncCount, z.ZodInt>),
  report: Report,
  error: z.string().nullable(),
  errorCode: z.string().nullable(),
  createdAt: isoTime,
  startedAt: isoTime.nullable(),
  finishedAt: isoTime.nullable(),
})
export type SyncRun = z.output<typeof SyncRun>

const SyncRequest = z
  .object({
    dryRun: z.boolean().optional().describe('Change nothing; tell what a sync would do. See the sync’s report.'),
    apply: id('command')
      .optional()
      .describe(
        'Id of a plan (dryRun): what it would mark missing is approved, if it is still that. Where the plan says that the brake would stop it, only an owner may.',
      ),
    reconcile: z
      .boolean()
      .optional()
      .describe('Remove items whose files are gone, for 30 days restorable, instead of marking them missing.'),
    forceRescan: z.boolean().optional().describe('Compare every item, not only folders that look different.'),
  })
  .optional()

const access = (role: 'annotator' | 'engineer' | 'owner') =>
  ({ scope: 'dataset', role, of: (request: { params: { datasetId: string } }) => request.params.datasetId }) as const

/** Syncs of a dataset with its storage. */
export const syncRoutes = {
  syncDataset: route({
    method: 'POST',
    path: '/datasets/:datasetId/sync',
    tag: 'Syncs',
    summary:
      'Starts a sync: files that are new or changed in the storage become or refresh items; files that are gone are marked missing.',
    access: access('engineer'),
    params,
    body: SyncRequest,
    bodyForms: ['empty'],
    response: Command,
    errors: [
      'dataset.not_found',
      'dataset.already_syncing',
      'dataset.not_external',
      'dataset.not_syncable',
      'driver.not_supported',
      'dataset.readonly',
      'dataset.disconnected',
      'sync.not_a_plan',
      'access.forbidden',
    ],
  }),
  listSyncs: route({
    method: 'GET',
    path: '/datasets/:datasetId/syncs',
    tag: 'Syncs',
    summary: 'Lists the last 100 syncs of a dataset with what each met.',
    access: access('annotator'),
    params,
    response: z.object({ lastSyncedAt: isoTime.nullable(), items: z.array(SyncRun) }),
    errors: ['dataset.not_found'],
  }),
  getSync: route({
    method: 'GET',
    path: '/datasets/:datasetId/syncs/:commandId',
    tag: 'Syncs',
    summary: 'Gets one sync with its report: what it found, what it waits for, what a plan would do.',
    access: access('annotator'),
    params: oneSync,
    response: SyncRun,
    errors: ['dataset.not_found', 'sync.not_found'],
  }),
  pauseSync: route({
    method: 'POST',
    path: '/datasets/:datasetId/syncs/:commandId/pause',
    tag: 'Syncs',
    summary: 'Stops a sync for now; it goes on where it was when it is resumed.',
    access: access('engineer'),
    params: oneSync,
    bodyForms: ['empty'],
    response: SyncRun,
    errors: ['dataset.not_found', 'sync.not_found'],
  }),
  resumeSync: route({
    method: 'POST',
    path: '/datasets/:datasetId/syncs/:commandId/resume',
    tag: 'Syncs',
    summary: 'Lets a paused sync go on, or one that the storage refused and that has fresh credentials now.',
    access: access('engineer'),
    params: oneSync,
    bodyForms: ['empty'],
    response: SyncRun,
    errors: ['dataset.not_found', 'sync.not_found', 'sync.not_paused'],
  }),
  approveSync: route({
    method: 'POST',
    path: '/datasets/:datasetId/syncs/:commandId/approve',
    tag: 'Syncs',
    summary: 'Approves what a parked sync would mark or remove: exactly the set named in its report.',
    access: access('owner'),
    params: oneSync,
    body: z.object({ set: z.string().max(64) }),
    response: SyncRun,
    errors: ['dataset.not_found', 'sync.not_found', 'sync.not_parked', 'sync.set_changed'],
  }),
}
