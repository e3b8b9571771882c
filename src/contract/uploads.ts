import { z } from 'zod'
import { id } from './fields.ts'
import { Item } from './items.ts'
import { route } from './route.ts'

/** Objects of one import. */
export const IMPORTS_MAX = 1000

const inDataset = {
  scope: 'dataset',
  role: 'engineer',
  of: (request: { params: { datasetId: string } }) => request.params.datasetId,
} as const

/** What of an import could not be done, in the place of its item. */
export const ImportFailure = z.object({
  filename: z.string().nullable(),
  storageId: z.string(),
  error: z.object({ code: z.string(), message: z.string(), status: z.number() }),
})

/** Bringing files into datasets. */
export const uploadRoutes = {
  uploadItem: route({
    method: 'POST',
    path: '/datasets/:datasetId/items',
    tag: 'Items',
    summary:
      'Uploads a file (multipart form: type, path, metadata, description, file), or makes a folder (type=dir and path). The header x-item-op tells what was done.',
    access: inDataset,
    params: z.object({ datasetId: id('dataset') }),
    query: z.object({
      mode: z
        .string()
        .default('skip')
        .describe('What happens to an item that is there: `skip` keeps its file, `overwrite` replaces it.'),
    }),
    body: z.unknown(),
    bodyForms: ['form', 'multipart'],
    response: Item,
    errors: [
      'dataset.not_found',
      'dataset.readonly',
      'dataset.locked',
      'item.path_invalid',
      'item.reserved_path',
      'item.excluded_path',
      'item.link_broken',
      'driver.read_only',
      'quota.exceeded',
      'storage.denied',
      'storage.unreachable',
    ],
  }),
  replaceItemFile: route({
    method: 'POST',
    path: '/items/:itemId/revisions',
    tag: 'Items',
    summary: 'Gives an item a new file (multipart form: file); id, metadata and annotations stay.',
    access: { scope: 'item', role: 'engineer', of: (request) => request.params.itemId },
    params: z.object({ itemId: id('item') }),
    body: z.unknown(),
    bodyForms: ['multipart'],
    response: Item,
    errors: ['item.not_found', 'dataset.readonly', 'dataset.locked', 'item.link_broken', 'storage.denied'],
  }),
  importObjects: route({
    method: 'POST',
    path: '/datasets/:datasetId/imports',
    tag: 'Items',
    summary:
      'Makes items of objects that are in the dataset’s bucket already, without a copy. One that cannot be imported has its error in its place.',
    access: inDataset,
    params: z.object({ datasetId: id('dataset') }),
    body: z
      .array(
        z.object({
          filename: z
            .string()
            .max(4200)
            .nullish()
            .describe('Full path of the item; what follows the driver’s folder without it.'),
          storageId: z.string().min(1).max(4200).describe('`bucket:key`, or the key alone.'),
        }),
      )
      .min(1)
      .max(IMPORTS_MAX),
    bodyBytesMax: 16 * 1024 * 1024,
    response: z.array(z.union([Item, ImportFailure])),
    errors: [
      'dataset.not_found',
      'dataset.not_external',
      'dataset.readonly',
      'dataset.locked',
      'dataset.disconnected',
      'storage.not_found',
      'item.path_invalid',
      'item.reserved_path',
      'item.excluded_path',
      'quota.exceeded',
    ],
  }),
}
