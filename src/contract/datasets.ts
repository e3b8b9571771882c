import { z } from 'zod'
import { Command } from './commands.ts'
import { displayName, id, isoTime, storableText } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ datasetId: id('dataset') })
const system = z.object({ system: z.string().optional().describe('“true” also changes metadata.system.') })

/** A dataset with exactly the keys that the vendor's SDK compares. */
export const Dataset = z.object({
  id: z.string(),
  name: z.string(),
  projects: z.array(z.string()),
  creator: z.string(),
  createdAt: isoTime,
  updatedAt: isoTime,
  updatedBy: z.string(),
  driver: z.string().nullable().describe('Id of its storage driver; null on the platform’s own storage.'),
  readonly: z.boolean().describe('True also while an export holds the dataset locked.'),
  isSyncing: z.boolean(),
  itemsCount: z.int(),
  annotated: z.int(),
  annotationsCount: z.int(),
  metadata: z.object({ system: z.record(z.string(), z.unknown()), user: z.record(z.string(), z.unknown()).optional() }),
  accessLevel: z.string(),
  readableType: z.string().describe('What it is made of: master, clone or merge.'),
  indexDriver: z.string(),
  expirationOptions: z.object({ itemMaxDays: z.number().nullable() }).optional(),
  srcDataset: z.string().optional().describe('Id of the dataset this one was cloned from, while that one exists.'),
  url: z.string(),
  items: z.string(),
  directoryTree: z.string(),
})
export type Dataset = z.output<typeof Dataset>

/** A page in the shape the SDK reads. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ totalItemsCount: z.int(), totalPagesCount: z.int(), hasNextPage: z.boolean(), items: z.array(item) })

/** A dataset that awaits its deletion. */
export const DeletedDataset = z.object({
  id: z.string(),
  name: z.string(),
  itemsCount: z.int(),
  annotationsCount: z.int(),
  deletedAt: isoTime,
  deletedBy: z.string().nullable(),
  deletesAt: isoTime.describe('Until then it can be restored.'),
})
export type DeletedDataset = z.output<typeof DeletedDataset>

/** What a deletion of a dataset takes along, and whom it concerns besides. */
export const DatasetDeletion = z.object({
  id: z.string(),
  name: z.string(),
  itemsCount: z.int(),
  annotationsCount: z.int(),
  dataPoints: z.int().describe('Data points that are free again when it is gone.'),
  clonesCount: z.int().describe('Datasets that were cloned from it; they stay.'),
  driver: z.string().nullable(),
  otherDatasetsCount: z
    .int()
    .describe(
      'Other datasets of the same driver: a file that is deleted in the storage through this one is missing in them.',
    ),
  otherDatasets: z
    .array(z.object({ id: z.string(), name: z.string(), awaitsDeletion: z.boolean() }))
    .describe('The first hundred of them.'),
  overlappingDatasetsCount: z
    .int()
    .describe('Datasets of other drivers of the organization that reach into the same folders of the bucket.'),
  deletesAt: isoTime.nullable().describe('When it will be gone, where it awaits that.'),
})
export type DatasetDeletion = z.output<typeof DatasetDeletion>

const flag = z.enum(['true', 'false']).default('false')

const NewDataset = z.object({
  name: displayName,
  projects: z.array(z.string()).length(1).describe('Id of the project it is made in.'),
  driver: z
    .string()
    .nullish()
    .describe('Id of a storage driver of that project; without it the platform’s own storage.'),
  sync: z
    .boolean()
    .default(false)
    .describe('Whether the first sync starts at once. The vendor’s SDK does not send it and calls sync itself.'),
  createDefaultRecipe: z
    .boolean()
    .nullish()
    .describe('Also makes a recipe with an ontology, and names it in metadata.system.recipes.'),
  indexDriver: z.string().max(32).nullish(),
  expirationOptions: z.object({ itemMaxDays: z.number().nullable() }).nullish(),
  readonly: z.boolean().nullish().describe('A read-only dataset refuses every change of its items; false unless said.'),
})

/** A query over datasets: conditions on what a dataset shows, metadata by dotted path. */
const DatasetQuery = z.looseObject({
  filter: z.record(z.string(), z.unknown()).default({}),
  context: z
    .looseObject({ projects: z.array(z.string()).optional(), datasets: z.array(z.string()).optional() })
    .default({}),
  sort: z.record(z.string(), z.string()).optional(),
  page: z.int().min(0).default(0),
  pageSize: z.int().min(0).max(1000).default(1000),
  systemSpace: z.boolean().optional(),
})
export type DatasetQuery = z.output<typeof DatasetQuery>

const paths = z
  .array(
    storableText
      .max(512)
      .refine((text) => text.startsWith('metadata.') && !text.split('.').includes(''), 'must be a path below metadata'),
  )
  .max(1000)

const access = (role: 'annotator' | 'engineer') =>
  ({ scope: 'dataset', role, of: (request: { params: { datasetId: string } }) => request.params.datasetId }) as const

/** Datasets. */
export const datasetRoutes = {
  createDataset: route({
    method: 'POST',
    path: '/datasets',
    tag: 'Datasets',
    summary:
      'Makes a dataset; with a driver it mirrors the driver’s folder, and with `sync` the first sync starts at once.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.body.projects[0]! },
    body: NewDataset,
    response: Dataset,
    errors: [
      'project.not_found',
      'dataset.name_taken',
      'driver.not_found',
      'driver.check_failed',
      'dataset.disconnected',
    ],
  }),
  queryDatasets: route({
    method: 'POST',
    path: '/datasets/query',
    tag: 'Datasets',
    summary: 'Lists datasets of the caller’s projects.',
    access: 'user',
    body: DatasetQuery,
    response: page(Dataset),
    errors: ['query.invalid'],
  }),
  getDataset: route({
    method: 'GET',
    path: '/datasets/:datasetId',
    tag: 'Datasets',
    summary: 'Gets a dataset.',
    access: access('annotator'),
    params,
    response: Dataset,
    errors: ['dataset.not_found'],
  }),
  updateDataset: route({
    method: 'PATCH',
    path: '/datasets/:datasetId',
    tag: 'Datasets',
    summary:
      'Changes a dataset’s name, metadata, item lifetime and whether it is read-only. The SDK sends the whole dataset; what cannot be changed is ignored.',
    access: access('engineer'),
    params,
    query: system,
    body: z.looseObject({
      name: displayName.optional(),
      metadata: z.record(z.string(), z.unknown()).nullish(),
      readonly: z.boolean().nullish().describe('Ignored when it is older than the last lock, as `updatedAt` says.'),
      updatedAt: z.string().nullish(),
      expirationOptions: z.object({ itemMaxDays: z.number().nullable() }).nullish(),
    }),
    response: Dataset,
    errors: ['dataset.not_found', 'dataset.name_taken'],
  }),
  unlockDataset: route({
    method: 'PATCH',
    path: '/datasets/:datasetId/unlock',
    tag: 'Datasets',
    summary: 'Unlocks a dataset that an export holds.',
    access: access('engineer'),
    params,
    bodyForms: ['empty'],
    response: Dataset,
    errors: ['dataset.not_found', 'dataset.not_locked'],
  }),
  getSchema: route({
    method: 'GET',
    path: '/datasets/:datasetId/schema',
    tag: 'Datasets',
    summary: 'Gets which paths of items’ metadata are kept out of searches.',
    access: access('annotator'),
    params,
    response: z.object({ items: z.object({ unsearchablePaths: z.array(z.string()) }) }),
    errors: ['dataset.not_found'],
  }),
  updateSchema: route({
    method: 'POST',
    path: '/datasets/:datasetId/schema/items',
    tag: 'Datasets',
    summary: 'Keeps paths of items’ metadata out of searches, or lets them in again.',
    access: access('engineer'),
    params,
    body: z.object({ unsearchablePaths: z.object({ add: paths.optional(), remove: paths.optional() }) }),
    response: Command,
    errors: ['dataset.not_found', 'schema.too_many_paths'],
  }),
  deleteDataset: route({
    method: 'DELETE',
    path: '/datasets/:datasetId',
    tag: 'Datasets',
    summary:
      'Deletes a dataset with its index, at once or, with `targetDate`, at that time; until then it is hidden and can be restored. Nothing is deleted in any bucket.',
    access: { ...access('engineer'), evenDeleted: true },
    params,
    query: z.object({
      targetDate: z.iso
        .datetime({ offset: true })
        .optional()
        .describe('When it is to be gone: in the future, within a year. At once without.'),
      force: flag.describe('“true” has it gone at once also when it awaits its deletion at a later time.'),
    }),
    response: z.object({ id: z.string(), deletesAt: isoTime.nullable().describe('Null: it is gone.') }),
    errors: ['dataset.not_found', 'dataset.awaits_deletion', 'dataset.system_stays'],
  }),
  describeDatasetDeletion: route({
    method: 'GET',
    path: '/datasets/:datasetId/deletion',
    tag: 'Datasets',
    summary: 'Tells what a deletion of the dataset would take along, and which other datasets read the same storage.',
    access: { ...access('engineer'), evenDeleted: true },
    params,
    response: DatasetDeletion,
    errors: ['dataset.not_found'],
  }),
  restoreDataset: route({
    method: 'POST',
    path: '/datasets/:datasetId/restore',
    tag: 'Datasets',
    summary: 'Takes the deletion of a dataset at a later time back: it is what it was, with its items and annotations.',
    access: { ...access('engineer'), evenDeleted: true },
    params,
    body: z.object({ name: displayName.optional().describe('Another name, where its own was given away meanwhile.') }),
    bodyForms: ['empty'],
    response: Dataset,
    errors: ['dataset.not_found', 'dataset.not_deleted', 'dataset.name_taken'],
  }),
  listDeletedDatasets: route({
    method: 'GET',
    path: '/projects/:projectId/deletedDatasets',
    tag: 'Datasets',
    summary: 'Lists the datasets of a project that await their deletion and can be restored.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.params.projectId },
    params: z.object({ projectId: id('project') }),
    response: z.array(DeletedDataset),
    errors: ['project.not_found'],
  }),
}
