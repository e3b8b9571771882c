import { z } from 'zod'
import { id, isoTime, storableText } from './fields.ts'
import { route } from './route.ts'
import { skipReasons } from './skip-reasons.ts'
import { PatternRule } from './sync-settings.ts'

/** Why a key is an item or none: code, and the sentence people read. Codes are public like error codes. */
export const explanations = {
  'not-external': 'The dataset has no storage driver: its files are not looked for anywhere.',
  'outside-folder':
    'As a full key it lies outside the storage driver’s folder; as a path below that folder there is no such file.',
  'hidden-folder': 'It lies in the platform’s own hidden folder, whose files are never items.',
  skipped: 'It cannot be an item; see reason.',
  unaddressable: 'It is an item, but no address can be made for it safely: its key has a “.” or “..” part.',
  indexed: 'It is an item of the dataset.',
  missing: 'It is an item, and its file was found to be gone from the storage.',
  excluded: 'The dataset’s patterns keep it out; see rule.',
  marker: 'It is an empty object whose key ends in a slash: it marks a folder and is no file.',
  'over-quota': 'It is in the storage, and was not added because the organization’s data points do not suffice.',
  forbidden: 'The storage refuses access, so nobody can tell; see the storage’s error.',
  waiting: 'It is waiting to be read again, usually for seconds only.',
  removed: 'It was removed from the dataset; see reason.',
  'not-in-storage': 'It is not in the storage: it was asked just now.',
  'storage-silent': 'It is not known, and the storage did not answer just now; try again.',
  'not-reached': 'A sync is under way and has not come to it yet.',
  'not-synced': 'It is in the storage and not in the dataset yet: the next sync adds it.',
} as const

/** Code of an explanation, for example `over-quota`. */
export type ExplanationCode = keyof typeof explanations
const codes = Object.keys(explanations) as [ExplanationCode, ...ExplanationCode[]]

/** Things that are true besides. */
export const remarks = {
  'gone-since': 'The storage does not have it any more; the next sync finds that out.',
  'back-since': 'The storage has it again; the next sync finds that out.',
  'waiting-too': 'It is about to be read again.',
  'removed-before': 'It was an item before and was removed; its metadata comes back with it.',
  'excluded-too': 'The dataset’s patterns would keep it out.',
  'not-excluded-any-more': 'The patterns were changed and take it now; the next sync finds that out.',
} as const
export type RemarkCode = keyof typeof remarks

/** How the key was understood. */
export const keyReadings = {
  'full-key': 'As the full key in the bucket.',
  path: 'As a path below the storage driver’s folder.',
  'path-after-slash': 'As a path below the storage driver’s folder, without the slash in front.',
} as const
export type KeyReading = keyof typeof keyReadings

/** Why a key is an item of a dataset, or why not. */
export const Explanation = z.object({
  code: z.enum(codes),
  message: z.string(),
  key: z.string().describe('The full key that was looked for.'),
  reading: z
    .enum(Object.keys(keyReadings) as [KeyReading, ...KeyReading[]])
    .describe('How the given key was understood.'),
  itemId: z.string().nullable(),
  since: isoTime
    .nullable()
    .describe('When it was indexed, found missing, removed or refused; null where that is not known.'),
  reason: z
    .string()
    .nullable()
    .describe(
      `Of what was removed: gone, excluded or cleared; of what was skipped: ${Object.keys(skipReasons).join(', ')}.`,
    ),
  rule: PatternRule.nullable().describe('The pattern that keeps it out; null also where no rule of include takes it.'),
  sync: z
    .object({ commandId: z.string(), state: z.string(), at: isoTime })
    .nullable()
    .describe('The sync that this is about: of an item the last one that saw everything.'),
  storage: z
    .object({
      found: z.boolean().nullable().describe('Null: it could not be asked.'),
      sizeBytes: z.number().nullable(),
      modifiedAt: isoTime.nullable(),
      error: z.string().nullable().describe('Code of the storage’s failure.'),
    })
    .describe('What the storage says at this moment.'),
  remarks: z.array(
    z.object({ code: z.enum(Object.keys(remarks) as [RemarkCode, ...RemarkCode[]]), message: z.string() }),
  ),
})
export type Explanation = z.output<typeof Explanation>

/** Why is my file not here? */
export const explainRoutes = {
  explainKey: route({
    method: 'GET',
    path: '/datasets/:datasetId/explain',
    tag: 'Datasets',
    summary: 'Tells of any key why it is an item of the dataset, or why it is not.',
    access: { scope: 'dataset', role: 'annotator', of: (request) => request.params.datasetId },
    params: z.object({ datasetId: id('dataset') }),
    query: z.object({
      key: storableText
        .min(1)
        .max(4096)
        .describe('Full key, or path below the storage driver’s folder, with or without a slash in front.'),
    }),
    response: Explanation,
    errors: ['dataset.not_found'],
  }),
}
