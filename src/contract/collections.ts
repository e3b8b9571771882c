import { z } from 'zod'
import { Command } from './commands.ts'
import { displayName, id, storableText } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ datasetId: id('dataset') })
const named = params.extend({ name: storableText.describe('Name of the collection.') })
const query = z.record(z.string(), z.unknown()).nullish().describe('Which items; pages and order do not count.')
const access = (role: 'annotator' | 'engineer') =>
  ({ scope: 'dataset', role, of: (request: { params: { datasetId: string } }) => request.params.datasetId }) as const

/** Collections by the place in an item’s metadata where it says that it is in one. */
const Collections = z.record(z.string(), z.object({ name: z.string() }))
const Membership = z.object({ query, collections: z.array(displayName).min(1).max(10) })
const percent = z.number().min(0).max(100)

/** Sorting items into collections and subsets. */
export const collectionRoutes = {
  listCollections: route({
    method: 'GET',
    path: '/datasets/:datasetId/items/collections',
    tag: 'Collections',
    summary: 'Lists the collections of a dataset, ten at the most.',
    access: access('annotator'),
    params,
    response: Collections,
    errors: ['dataset.not_found'],
  }),
  createCollection: route({
    method: 'POST',
    path: '/datasets/:datasetId/items/collections',
    tag: 'Collections',
    summary: 'Makes a collection.',
    access: access('engineer'),
    params,
    body: z.object({ name: displayName }),
    response: Collections,
    errors: ['dataset.not_found', 'collection.name_taken', 'collection.too_many'],
  }),
  updateCollection: route({
    method: 'PATCH',
    path: '/datasets/:datasetId/items/collections/:name',
    tag: 'Collections',
    summary: 'Gives a collection another name.',
    access: access('engineer'),
    params: named,
    body: z.object({ name: displayName }),
    response: Collections,
    errors: ['dataset.not_found', 'collection.not_found', 'collection.name_taken'],
  }),
  deleteCollection: route({
    method: 'DELETE',
    path: '/datasets/:datasetId/items/collections/:name',
    tag: 'Collections',
    summary: 'Deletes a collection; its items stay in the dataset.',
    access: access('engineer'),
    params: named,
    response: Command,
    errors: ['dataset.not_found', 'collection.not_found', 'dataset.readonly', 'dataset.locked'],
  }),
  addToCollections: route({
    method: 'POST',
    path: '/datasets/:datasetId/items/collections/bulk-add',
    tag: 'Collections',
    summary: 'Puts items into collections; those that do not exist are made.',
    access: access('engineer'),
    params,
    body: Membership,
    response: Command,
    errors: ['dataset.not_found', 'query.invalid', 'query.too_slow', 'dataset.readonly', 'dataset.locked'],
  }),
  removeFromCollections: route({
    method: 'POST',
    path: '/datasets/:datasetId/items/collections/bulk-remove',
    tag: 'Collections',
    summary: 'Takes items out of collections.',
    access: access('engineer'),
    params,
    body: Membership,
    response: Command,
    errors: [
      'dataset.not_found',
      'collection.not_found',
      'query.invalid',
      'query.too_slow',
      'dataset.readonly',
      'dataset.locked',
    ],
  }),
  splitDataset: route({
    method: 'POST',
    path: '/datasets/:datasetId/split',
    tag: 'Collections',
    summary: 'Shares items out to subsets for machine learning, by percent and by chance.',
    access: access('engineer'),
    params,
    body: z.object({
      itemsQuery: query,
      MLSplitList: z
        .record(displayName, percent)
        .refine(
          (shares) => Math.abs(Object.values(shares).reduce((sum, share) => sum + share, 0) - 100) < 0.001,
          'must add up to 100',
        )
        .describe('Percent by subset.'),
    }),
    response: Command,
    errors: ['dataset.not_found', 'query.invalid', 'query.too_slow', 'dataset.readonly', 'dataset.locked'],
  }),
  bulkUpdateMetadata: route({
    method: 'POST',
    path: '/datasets/:datasetId/items/bulk-update-metadata',
    tag: 'Collections',
    summary: 'Changes the metadata of all items a query finds; null takes away.',
    access: access('engineer'),
    params,
    body: z.object({
      query,
      updateQuery: z.object({
        update: z.object({ metadata: z.record(z.string(), z.unknown()) }),
        systemSpace: z.boolean().nullish(),
      }),
    }),
    response: Command,
    errors: ['dataset.not_found', 'query.invalid', 'query.too_slow', 'dataset.readonly', 'dataset.locked'],
  }),
}
