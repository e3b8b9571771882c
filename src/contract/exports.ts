import { z } from 'zod'
import { Command } from './commands.ts'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ datasetId: id('dataset') })
const inDataset = {
  scope: 'dataset',
  role: 'engineer',
  of: (request: { params: { datasetId: string } }) => request.params.datasetId,
} as const

/** A query of items or annotations as the SDK sends it; what pages and sorts it says nothing here. */
const Query = z.record(z.string(), z.unknown())

/** What is exported, and how. */
export const ExportRequest = z.looseObject({
  exportType: z
    .enum(['json', 'zip'])
    .nullish()
    .describe('One list of items, or a folder tree with a file for each. zip unless said.'),
  itemsQuery: Query.nullish().describe(
    'Which items: a filter with its join, or a whole query. All visible files without it.',
  ),
  annotations: z
    .looseObject({ include: z.boolean().nullish() })
    .nullish()
    .describe('Whether each item’s annotations stand in it.'),
  annotationsQuery: Query.nullish().describe('Which of the annotations.'),
  includeItemVectors: z.boolean().nullish(),
  exportVersion: z.string().nullish().describe('V1: files are named without the item’s extension. V2: with it.'),
  datasetLock: z.boolean().nullish().describe('Nobody writes into the dataset while it is read.'),
  lockTimeoutSec: z.number().min(0).max(604_800).nullish().describe('Longest that it is held.'),
  summary: z.boolean().nullish().describe('Whether the command says how many items and annotations there are.'),
})

/** What is exported into parts that are fetched one by one. */
export const PartsRequest = z.looseObject({
  mode: z
    .enum(['full', 'diff'])
    .nullish()
    .describe(
      'diff: items that are not as an earlier export gave them, and `{id, datasetId, deleted: true}` for those it gave and this one would not. Everything, said as full, where there is none to compare with.',
    ),
  format: z.enum(['ndjson']).nullish(),
  force: z.boolean().nullish(),
  partitionCount: z.number().int().min(1).max(1000).nullish(),
  fromVersion: z
    .number()
    .int()
    .min(0)
    .nullish()
    .describe('`toVersion` of the export that a diff is made against; the last one of the same query without it.'),
  filters: z.looseObject({ itemsQuery: Query.nullish() }).nullish(),
})

/** The files of an export in parts. */
export const ExportManifest = z.looseObject({
  manifestVersion: z.string(),
  exportId: z.string(),
  datasetId: z.string(),
  exportedAt: isoTime,
  format: z.string(),
  version: z.looseObject({ fromVersion: z.number().nullable(), toVersion: z.number() }),
  filters: z.looseObject({}),
  metadata: z.looseObject({}),
  partitioning: z.object({
    partitionCount: z.number(),
    partitions: z.array(
      z.object({
        index: z.number(),
        hash: z.string(),
        itemCount: z.number(),
        filePath: z.string(),
        fileSize: z.number(),
        url: z.string(),
      }),
    ),
  }),
  statistics: z.object({
    totalRecords: z.number(),
    totalBytes: z.number(),
    fileCount: z.number(),
    processingTimeMs: z.number(),
  }),
  files: z.array(
    z.object({
      size: z.number(),
      format: z.string(),
      compression: z.string(),
      url: z.string(),
      checksum: z.string().describe('MD5 in base64.'),
      filename: z.string(),
      path: z.string(),
    }),
  ),
})
export type ExportManifest = z.output<typeof ExportManifest>

/** Writing a dataset's items and annotations into files. */
export const exportRoutes = {
  exportDataset: route({
    method: 'POST',
    path: '/datasets/:datasetId/export',
    tag: 'Exports',
    summary:
      'Starts an export into one file, an item in the project’s hidden dataset; `spec.outputItemId` of the command names it.',
    access: inDataset,
    params,
    body: ExportRequest,
    bodyForms: ['empty'],
    response: Command,
    errors: ['dataset.not_found', 'query.invalid', 'query.too_slow'],
  }),
  exportDatasetParts: route({
    method: 'POST',
    path: '/datasets/:datasetId/export/v3',
    tag: 'Exports',
    summary:
      'Starts an export into parts of one JSON document a line; `spec.exportResult` of the command names the manifest.',
    access: inDataset,
    params,
    body: PartsRequest,
    bodyForms: ['empty'],
    response: Command,
    errors: ['dataset.not_found', 'query.invalid', 'query.too_slow', 'export.version_unknown'],
  }),
  getExportManifest: route({
    method: 'GET',
    path: '/datasets/:datasetId/exports/:exportId/manifest',
    tag: 'Exports',
    summary: 'Gets the list of an export’s parts; they are kept for seven days.',
    access: inDataset,
    params: params.extend({ exportId: id('export') }),
    response: ExportManifest,
    errors: ['dataset.not_found', 'export.not_found'],
  }),
  getExportFile: route({
    method: 'GET',
    path: '/datasets/:datasetId/exports/:exportId/files/:fileNo',
    tag: 'Exports',
    summary: 'Gets one part of an export.',
    access: inDataset,
    params: params.extend({ exportId: id('export'), fileNo: z.coerce.number().int().min(0).max(1_000_000) }),
    errors: ['dataset.not_found', 'export.not_found'],
  }),
  listExports: route({
    method: 'POST',
    path: '/datasets/exports',
    tag: 'Exports',
    summary: 'Lists exports of the caller’s projects, newest first unless said; 1,000 at most.',
    access: 'user',
    body: z.looseObject({
      sortBy: z.string().nullish().describe('createdAt, updatedAt or status.'),
      sortOrder: z.string().nullish().describe('asc… or desc…'),
      projects: z.union([z.array(z.string()).max(1000), z.string()]).nullish(),
      datasetId: z.string().nullish(),
    }),
    bodyForms: ['empty'],
    response: z.object({
      records: z.array(
        z.looseObject({
          id: z.string(),
          commandId: z.string(),
          datasetId: z.string(),
          status: z.string(),
          progress: z.number(),
          createdAt: isoTime,
          updatedAt: isoTime,
        }),
      ),
    }),
    errors: [],
  }),
}
