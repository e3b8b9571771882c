import { z } from 'zod'
import { Command } from './commands.ts'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

/** Most items that can be named one by one in a request; for more, say a filter or all. */
export const NAMED_ITEMS_MAX = 5_000

const params = z.object({ datasetId: id('dataset') })
const access = {
  scope: 'dataset',
  role: 'engineer',
  of: (request: { params: { datasetId: string } }) => request.params.datasetId,
} as const

const named = z.array(id('item')).max(NAMED_ITEMS_MAX)
const All = z.strictObject({ all: z.literal(true) })
const Named = z.strictObject({ itemIds: named })
const Filtered = z.strictObject({
  filter: z.record(z.string(), z.unknown()).describe('As in a query; see docs/reference/query-language.md.'),
})

/** What came of work on many items. */
const Worked = z.object({
  count: z.int().describe('Items that were worked on; with a command: that will be.'),
  command: Command.nullable().describe(
    'Where there are more than 5,000 it takes a while: poll this until it has ended.',
  ),
})

const reason = z
  .enum(['gone', 'excluded', 'cleared'])
  .describe('Why: the file is gone, the dataset’s patterns keep it out, or somebody cleared it while it was missing.')

/** An item that was taken out of its dataset and can come back. */
export const RemovedItem = z.object({
  id: z.string().describe('The id it had, and has again when it comes back.'),
  name: z.string(),
  dir: z.string(),
  filename: z.string(),
  size: z.number().describe('Bytes.'),
  reason,
  missingSince: isoTime.nullable().describe('When its file was found to be gone, if it was marked before.'),
  removedAt: isoTime,
  restorableUntil: isoTime,
})
export type RemovedItem = z.output<typeof RemovedItem>

/** Marks that syncs leave on items, and items that were removed: saying that one knows, and undoing. Nothing here touches a bucket. */
export const itemMarkRoutes = {
  clearMissing: route({
    method: 'POST',
    path: '/datasets/:datasetId/missing/clear',
    tag: 'Items',
    summary:
      'Removes those of the items that are missing in the storage from the dataset; for 30 days they can be restored, and come back with their file.',
    access,
    params,
    body: z.union([All, Named, Filtered]),
    response: Worked,
    errors: ['dataset.not_found', 'dataset.readonly', 'query.invalid', 'query.too_slow'],
  }),
  clearChanged: route({
    method: 'POST',
    path: '/datasets/:datasetId/changed/clear',
    tag: 'Items',
    summary: 'Takes the mark “changed in the storage” off items: somebody has looked at them.',
    access,
    params,
    body: z.union([All, Named, Filtered]),
    response: Worked,
    errors: ['dataset.not_found', 'dataset.readonly', 'query.invalid', 'query.too_slow'],
  }),
  listRemoved: route({
    method: 'GET',
    path: '/datasets/:datasetId/removed',
    tag: 'Items',
    summary: 'Lists what was removed from the dataset in the last 30 days, the latest first.',
    access,
    params,
    query: z.object({
      after: z.string().max(100).optional().describe('`next` of the page before.'),
      limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Most entries of the answer.'),
      reason: reason.optional(),
    }),
    response: z.object({ removed: z.array(RemovedItem), next: z.string().nullable() }),
    errors: ['dataset.not_found'],
  }),
  restoreRemoved: route({
    method: 'POST',
    path: '/datasets/:datasetId/removed/restore',
    tag: 'Items',
    summary:
      'Puts removed items back without waiting for their files: they are marked missing (or kept out) until a sync finds them. Takes data points.',
    access,
    params,
    body: z.union([All, z.strictObject({ ids: named })]),
    response: Worked,
    errors: ['dataset.not_found', 'dataset.readonly', 'quota.exceeded'],
  }),
}
