import { z } from 'zod'
import { Command } from './commands.ts'
import { displayName, id, storableText } from './fields.ts'
import { route } from './route.ts'

const wish = z.boolean().nullish()
const CopyParams = z.looseObject({
  withItemsAnnotations: wish.describe('Whether annotations are copied; true unless said.'),
  withMetadata: wish.describe('Whether metadata that people gave is copied; true unless said.'),
  withTaskAnnotationsStatus: wish.describe('Whether annotations keep their state in tasks; true unless said.'),
})
const path = storableText.max(4200)

/** The virtual layer: datasets and items that refer to the objects of others. */
export const cloneRoutes = {
  cloneDataset: route({
    method: 'POST',
    path: '/datasets/:datasetId/clone',
    tag: 'Clones',
    summary:
      'Clones a dataset, or the items a filter finds, to a new dataset or one that is there; the clones refer to the same files.',
    access: { scope: 'dataset', role: 'engineer', of: (request) => request.params.datasetId },
    params: z.object({ datasetId: id('dataset') }),
    body: z.looseObject({
      name: displayName.nullish().describe('Of the new dataset. That it is taken fails the command.'),
      filter: z.record(z.string(), z.unknown()).nullish().describe('A whole query; pages and order do not count.'),
      cloneDatasetParams: CopyParams.extend({
        targetDirectory: path.nullish().describe('Folder that everything is put below.'),
        stripFolders: wish.describe(
          'Whether folders are left out, so that all items lie beside one another; a name that is taken gets a number. False unless said.',
        ),
        targetDatasetId: z.string().nullish().describe('A dataset of the same storage; instead of a new one.'),
      }).nullish(),
    }),
    response: Command,
    errors: [
      'dataset.not_found',
      'query.invalid',
      'query.too_slow',
      'clone.no_target',
      'clone.other_storage',
      'clone.bound_target',
      'dataset.readonly',
      'dataset.locked',
    ],
  }),
  cloneItem: route({
    method: 'POST',
    path: '/items/:itemId/clone',
    tag: 'Clones',
    summary: 'Clones an item into a dataset of the same storage.',
    access: { scope: 'item', role: 'engineer', of: (request) => request.params.itemId },
    params: z.object({ itemId: id('item') }),
    body: z.looseObject({
      targetDatasetId: z.string().nullish().describe('The item’s own dataset unless said.'),
      remoteFileName: path.nullish().describe('Full path of the clone; a folder when it ends in a slash.'),
      metadata: z.record(z.string(), z.unknown()).nullish().describe('Said of the clone besides what is copied.'),
      cloneDatasetParams: CopyParams.nullish(),
      allowMany: z.boolean().nullish().describe('Whether the target may have several clones of the item.'),
    }),
    response: Command,
    errors: [
      'item.not_found',
      'dataset.not_found',
      'access.forbidden',
      'clone.other_storage',
      'clone.bound_target',
      'dataset.readonly',
      'dataset.locked',
    ],
  }),
  mergeDatasets: route({
    method: 'POST',
    path: '/datasets/merge',
    tag: 'Clones',
    summary:
      'Merges datasets of one storage and recipe into a new one; clones of one master item by item, others are added up.',
    access: 'user',
    body: z.looseObject({
      name: displayName,
      datasetsIds: z.array(z.string()).min(1).max(100),
      projectIds: z.union([z.string(), z.array(z.string())]).nullish(),
      mergeDatasetParams: CopyParams.nullish(),
    }),
    response: Command,
    errors: ['dataset.not_found', 'access.forbidden', 'clone.other_storage', 'merge.other_recipes'],
  }),
}
