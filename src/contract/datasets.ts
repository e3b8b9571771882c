import { z } from 'zod'
import { displayName, id, isoTime } from './fields.ts'
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
  readonly: z.boolean(),
  isSyncing: z.boolean(),
  itemsCount: z.int(),
  annotated: z.int(),
  annotationsCount: z.int(),
  metadata: z.object({ system: z.record(z.string(), z.unknown()), user: z.record(z.string(), z.unknown()).optional() }),
  accessLevel: z.string(),
  readableType: z.string(),
  indexDriver: z.string(),
  expirationOptions: z.object({ itemMaxDays: z.number().nullable() }).optional(),
  url: z.string(),
  items: z.string(),
  directoryTree: z.string(),
})
export type Dataset = z.output<typeof Dataset>

/** A page in the shape the SDK reads. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ totalItemsCount: z.int(), totalPagesCount: z.int(), hasNextPage: z.boolean(), items: z.array(item) })

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
  createDefaultRecipe: z.boolean().nullish(),
  indexDriver: z.string().nullish(),
  expirationOptions: z.object({ itemMaxDays: z.number().nullable() }).nullish(),
})

/** A query over datasets; conditions on name, id, driver, creator and readonly. */
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
    summary: 'Changes a dataset’s name and metadata. The SDK sends the whole dataset; what is read-only is ignored.',
    access: access('engineer'),
    params,
    query: system,
    body: z.looseObject({ name: displayName.optional(), metadata: z.record(z.string(), z.unknown()).optional() }),
    response: Dataset,
    errors: ['dataset.not_found', 'dataset.name_taken'],
  }),
  deleteDataset: route({
    method: 'DELETE',
    path: '/datasets/:datasetId',
    tag: 'Datasets',
    summary: 'Deletes a dataset with its index. Nothing is deleted in any bucket.',
    access: access('engineer'),
    params,
    response: z.object({ id: z.string() }),
    errors: ['dataset.not_found'],
  }),
}
