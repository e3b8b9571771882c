import { z } from 'zod'
import { id, storableText } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ datasetId: id('dataset') })

/** One rule: a glob as in a .gitignore file, or an RE2 expression. */
export const PatternRule = z.object({
  kind: z.enum(['glob', 'regex']).describe('A glob as in a .gitignore file, or a regular expression of RE2.'),
  pattern: storableText
    .min(1)
    .max(1000)
    .describe('Tested against the path below the driver’s folder. Capitals count; a regex may begin with (?i).'),
})
export type PatternRule = z.output<typeof PatternRule>

const rules = (what: string) => z.array(PatternRule).max(100).describe(what)
const include = rules('Files that one of these takes become items; all where the list is empty.')
const exclude = rules('Files that one of these takes are kept out, whatever the other list says.')

/** When a dataset is synced by itself. */
export const Rescan = z.object({
  everyMinutes: z.int().min(5).max(44_640).describe('From the start of one sync to that of the next; up to 31 days.'),
  mode: z
    .enum(['sync', 'reconcile'])
    .describe('`sync` marks items whose file is gone as missing, `reconcile` removes them.'),
})
export type Rescan = z.output<typeof Rescan>

/** How the syncs of a dataset work. */
export const SyncSettings = z.object({
  include,
  exclude,
  matchMoved: z.boolean().describe('Whether an item whose file moved in the bucket stays the same item.'),
  rescan: Rescan.nullable().describe('When the dataset is synced by itself; null: never.'),
})
export type SyncSettings = z.output<typeof SyncSettings>

/** A rule and how many of the files looked at it keeps out. */
const RuleCount = z.object({
  rule: PatternRule.nullable().describe('Null: no rule of `include` takes the file.'),
  count: z.int(),
})

/** What patterns would keep out. */
export const PatternPreview = z.object({
  looked: z.int().describe('Files looked at.'),
  total: z.int().describe('Files there are to look at.'),
  isComplete: z.boolean().describe('False when only some of them were looked at, spread over the dataset.'),
  keptOut: z.int().describe('How many of those looked at would be kept out.'),
  byRule: z.array(RuleCount).describe('The rules that keep files out, the one that keeps out most first.'),
  samples: z.array(
    z.object({
      path: z.string(),
      rule: PatternRule.nullable().describe('What keeps it out; null: no rule of `include` takes it.'),
    }),
  ),
})
export type PatternPreview = z.output<typeof PatternPreview>

const access = (role: 'annotator' | 'engineer') =>
  ({ scope: 'dataset', role, of: (request: { params: { datasetId: string } }) => request.params.datasetId }) as const

/** How the syncs of a dataset work. */
export const syncSettingsRoutes = {
  getSyncSettings: route({
    method: 'GET',
    path: '/datasets/:datasetId/syncSettings',
    tag: 'Datasets',
    summary: 'Tells which files a dataset takes and when it is synced by itself.',
    access: access('annotator'),
    params,
    response: SyncSettings,
    errors: ['dataset.not_found'],
  }),
  updateSyncSettings: route({
    method: 'PATCH',
    path: '/datasets/:datasetId/syncSettings',
    tag: 'Datasets',
    summary: 'Changes how a dataset is synced; what is not given stays. Patterns take effect with the next sync.',
    access: access('engineer'),
    params,
    body: z.object({
      include: include.optional(),
      exclude: exclude.optional(),
      matchMoved: z.boolean().optional(),
      rescan: Rescan.nullable().optional(),
    }),
    response: SyncSettings,
    errors: ['dataset.not_found', 'patterns.invalid'],
  }),
  previewSyncSettings: route({
    method: 'POST',
    path: '/datasets/:datasetId/syncSettings/preview',
    tag: 'Datasets',
    summary: 'Tells which files patterns would keep out, and by which rule, without changing anything.',
    access: access('engineer'),
    params,
    body: z.object({
      include: include.default([]),
      exclude: exclude.default([]),
      keys: z
        .array(z.string().min(1).max(4096))
        .max(1000)
        .optional()
        .describe('Paths below the driver’s folder to be looked at instead of the dataset’s items.'),
    }),
    response: PatternPreview,
    errors: ['dataset.not_found', 'patterns.invalid'],
  }),
}
