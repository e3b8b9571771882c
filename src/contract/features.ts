import { z } from 'zod'
import { page } from './datasets.ts'
import { displayName, id, isoTime } from './fields.ts'
import { bounded } from './nesting.ts'
import { route } from './route.ts'

const setParams = z.object({ featureSetId: id('feature set') })
const vectorParams = z.object({ featureId: id('feature vector') })

/** Numbers in one vector. */
export const VECTOR_SIZE_MAX = 65_536
/** Vectors made by one request. */
export const VECTORS_MAX = 10_000
/** Ten thousand vectors of a few hundred numbers. */
const BODY_BYTES_MAX = 128 * 1024 * 1024

/** A feature set with exactly the keys of the vendor's SDK: vectors of one length, from one model. */
export const FeatureSet = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string().nullable(),
  entityType: z.string().nullable(),
  size: z.int().describe('Numbers in each vector.'),
  project: z.string(),
  modelId: z.string().nullable(),
  org: z.string().optional(),
  creator: z.string(),
  createdAt: isoTime,
  updatedBy: z.string(),
  url: z.string(),
})
export type FeatureSet = z.output<typeof FeatureSet>

/** A vector of an entity, with exactly the keys of the vendor's SDK. Ids order as created, over all sets. */
export const FeatureVector = z.object({
  id: z.string(),
  featureSetId: z.string(),
  entityId: z.string(),
  project: z.string(),
  org: z.string().optional(),
  version: z.string().nullable(),
  parentId: z.string().optional(),
  value: z.array(z.number()),
  creator: z.string(),
  createdAt: isoTime,
  url: z.string(),
})
export type FeatureVector = z.output<typeof FeatureVector>

const text = z.string().max(1024)
const kind = text.describe('For example clip; free text.')
const entityType = z.enum(['item', 'annotation', 'dataset']).describe('What its vectors belong to.')

/** A vector as it is sent. */
export const NewFeatureVector = z.object({
  featureSetId: id('feature set'),
  entityId: z.string().min(1).max(256).describe('Id of the item, annotation or dataset.'),
  datasetId: id('dataset').nullish().describe('The dataset the entity is in; told from the entity’s id without it.'),
  project: id('project').nullish(),
  org: text.nullish(),
  version: text.nullish(),
  parentId: text.nullish(),
  value: z.array(z.number()).min(1).max(VECTOR_SIZE_MAX).describe('As many numbers as the set says.'),
})
export type NewFeatureVector = z.output<typeof NewFeatureVector>

/** Vectors as they are sent: a list, or one by itself. */
const NewFeatureVectors = z.preprocess(
  (value) => (Array.isArray(value) ? value : [value]),
  z.array(NewFeatureVector).min(1).max(VECTORS_MAX),
)

/** A query over feature sets or vectors, as the SDK sends it. */
const FeatureQuery = z.looseObject({
  filter: z.record(z.string(), z.unknown()).default({}),
  context: z.looseObject({ projects: z.array(z.string()).nullish() }).nullish(),
  sort: z.record(z.string(), z.string()).nullish(),
  page: z.int().min(0).max(1_000_000).default(0),
  pageSize: z.int().min(0).max(1000).default(1000),
})
export type FeatureQuery = z.output<typeof FeatureQuery>

/** Feature sets and feature vectors. */
export const featureRoutes = {
  createFeatureSet: route({
    method: 'POST',
    path: '/features/sets',
    tag: 'Features',
    summary: 'Makes a feature set; answers a list of it alone, which is what the SDK reads.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.body.project },
    body: z.object({
      name: displayName,
      size: z.int().min(1).max(VECTOR_SIZE_MAX),
      type: kind.nullish(),
      entityType: entityType.nullish(),
      project: id('project'),
      modelId: text.nullish(),
      org: text.nullish(),
    }),
    response: z.array(FeatureSet).length(1),
    errors: ['project.not_found', 'feature_set.name_taken'],
  }),
  queryFeatureSets: route({
    method: 'POST',
    path: '/features/sets/query',
    tag: 'Features',
    summary: 'Lists feature sets of the caller’s projects that fit a filter, oldest first unless sorted.',
    access: 'user',
    body: bounded(FeatureQuery),
    response: page(FeatureSet),
    errors: ['query.invalid'],
  }),
  getFeatureSet: route({
    method: 'GET',
    path: '/features/sets/:featureSetId',
    tag: 'Features',
    summary: 'Gets a feature set of one of the caller’s projects.',
    access: 'user',
    params: setParams,
    response: FeatureSet,
    errors: ['feature_set.not_found'],
  }),
  updateFeatureSet: route({
    method: 'PATCH',
    path: '/features/sets/:featureSetId',
    tag: 'Features',
    summary:
      'Changes a feature set’s name, type and model; for developers. The SDK sends the whole set; what is read-only is ignored.',
    access: 'user',
    params: setParams,
    body: z.looseObject({ name: displayName.optional(), type: kind.nullish(), modelId: text.nullish() }),
    response: FeatureSet,
    errors: ['feature_set.not_found', 'feature_set.name_taken', 'access.forbidden'],
  }),
  deleteFeatureSet: route({
    method: 'DELETE',
    path: '/features/sets/:featureSetId',
    tag: 'Features',
    summary: 'Deletes a feature set with its vectors; for developers.',
    access: 'user',
    params: setParams,
    response: z.object({ id: z.string() }),
    errors: ['feature_set.not_found', 'access.forbidden'],
  }),
  createFeatureVectors: route({
    method: 'POST',
    path: '/features/vectors',
    tag: 'Features',
    summary:
      'Makes vectors, all or none, in their order; for developers. An entity has one vector in a set for each version and parent; the same vector again is no fault.',
    access: 'user',
    bodyBytesMax: BODY_BYTES_MAX,
    body: NewFeatureVectors,
    response: z.array(FeatureVector),
    errors: [
      'feature_set.not_found',
      'feature.wrong_size',
      'feature.exists',
      'dataset.not_found',
      'access.forbidden',
      'request.invalid',
    ],
  }),
  queryFeatureVectors: route({
    method: 'POST',
    path: '/features/vectors/query',
    tag: 'Features',
    summary: 'Lists vectors of the caller’s projects that fit a filter, in the order of their ids unless sorted.',
    access: 'user',
    body: bounded(FeatureQuery),
    response: page(FeatureVector),
    errors: ['query.invalid', 'query.too_slow'],
  }),
  countFeatureVectors: route({
    method: 'POST',
    path: '/features/vectors/project-count-aggregation',
    tag: 'Features',
    summary: 'Counts a project’s vectors by feature set, in some of its datasets or in all.',
    access: { scope: 'project', role: 'annotator', of: (request) => request.body.projectId },
    body: z.object({ projectId: id('project'), datasetIds: z.array(z.string()).max(1000).nullish() }),
    response: z.array(z.object({ featureSetId: z.string(), count: z.int() })),
    errors: ['project.not_found'],
  }),
  getFeatureVector: route({
    method: 'GET',
    path: '/features/vectors/:featureId',
    tag: 'Features',
    summary: 'Gets a vector of one of the caller’s projects.',
    access: 'user',
    params: vectorParams,
    response: FeatureVector,
    errors: ['feature.not_found'],
  }),
  deleteFeatureVector: route({
    method: 'DELETE',
    path: '/features/vectors/:featureId',
    tag: 'Features',
    summary: 'Deletes a vector; for developers.',
    access: 'user',
    params: vectorParams,
    response: z.object({ id: z.string() }),
    errors: ['feature.not_found', 'access.forbidden'],
  }),
}
