import { z } from 'zod'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

/** Every type of annotation that the vendor's SDK has; `item_description` is that of the text about a whole item. */
export const annotationTypes = [
  'box',
  'cube',
  'cube_3d',
  'class',
  'comparison',
  'ellipse',
  'note',
  'point',
  'segment',
  'polyline',
  'pose',
  'binary',
  'subtitle',
  'text_mark',
  'gis',
  'ref_semantic_3d',
  'polyline_3d',
  'text',
  'ref_image',
  'item_description',
] as const
export type AnnotationType = (typeof annotationTypes)[number]

/** Most annotations of one request; the SDK sends 100. */
export const ANNOTATIONS_MAX = 5_000
/** Annotations may be masks with pictures in them. */
const BODY_BYTES_MAX = 64 * 1024 * 1024

/** An annotation with exactly the keys that the vendor's SDK compares; those that are optional are there only when they are set. */
export const Annotation = z.object({
  id: z.string(),
  datasetId: z.string(),
  itemId: z.string(),
  type: z.enum(annotationTypes),
  label: z.string(),
  attributes: z.unknown().describe('As it came; null when there is none.'),
  coordinates: z.unknown().optional().describe('As it came; its form depends on the type. Not there for classes.'),
  metadata: z.looseObject({ system: z.looseObject({}) }),
  source: z.string().nullable(),
  hash: z.string().describe('The same for two annotations that say the same.'),
  description: z.string().optional(),
  labelSuggestions: z.array(z.unknown()).optional(),
  creator: z.string(),
  createdAt: isoTime,
  updatedBy: z.string(),
  updatedAt: isoTime,
  url: z.string(),
  item: z.string(),
  dataset: z.string(),
})
export type Annotation = z.output<typeof Annotation>

/** An annotation as somebody sends it; the core says with the place what is wrong with it. */
const Sent = z.record(z.string(), z.unknown())

/** The SDK's scenarios expect 400 where an annotation is asked for by what is no id at all. */
const annotationId = z
  .string()
  .regex(/^[0-9a-f]{24}$/, 'must be 24 hex characters')
  .describe('Id of the annotation: 24 hex characters.')
const params = z.object({ annotationId })
const ofAnnotation = {
  scope: 'annotation',
  role: 'annotator',
  of: (request: { params: { annotationId: string } }) => request.params.annotationId,
} as const
const itemParams = z.object({ itemId: id('item') })
const ofItem = {
  scope: 'item',
  role: 'annotator',
  of: (request: { params: { itemId: string } }) => request.params.itemId,
} as const
const datasetItemParams = z.object({ datasetId: id('dataset'), itemId: id('item') })
const inDataset = {
  scope: 'dataset',
  role: 'annotator',
  of: (request: { params: { datasetId: string } }) => request.params.datasetId,
} as const

/** What people and programs say about items. Lists by filter are at `POST /datasets/:datasetId/query` with `resource: annotations`. */
export const annotationRoutes = {
  createAnnotations: route({
    method: 'POST',
    path: '/items/:itemId/annotations',
    tag: 'Annotations',
    summary: 'Adds annotations to an item: all of them, or none when one is malformed. Answers them in their order.',
    access: ofItem,
    params: itemParams,
    body: z.union([z.array(Sent).max(ANNOTATIONS_MAX), Sent]),
    bodyBytesMax: BODY_BYTES_MAX,
    response: z.union([z.array(Annotation), Annotation]),
    errors: ['item.not_found', 'annotation.invalid', 'dataset.readonly'],
  }),
  listItemAnnotations: route({
    method: 'GET',
    path: '/datasets/:datasetId/items/:itemId/annotations',
    tag: 'Annotations',
    summary: 'Lists all annotations of an item, oldest first; 10,000 at most.',
    access: inDataset,
    params: datasetItemParams,
    response: z.array(Annotation),
    errors: ['dataset.not_found', 'item.not_found'],
  }),
  listAnnotationsOf: route({
    method: 'GET',
    path: '/items/:itemId/annotations',
    tag: 'Annotations',
    summary: 'Lists all annotations of an item, oldest first; 10,000 at most.',
    access: ofItem,
    params: itemParams,
    response: z.array(Annotation),
    errors: ['item.not_found'],
  }),
  getAnnotation: route({
    method: 'GET',
    path: '/annotations/:annotationId',
    tag: 'Annotations',
    summary: 'Gets an annotation.',
    access: ofAnnotation,
    params,
    response: Annotation,
    errors: ['annotation.not_found'],
  }),
  getItemAnnotation: route({
    method: 'GET',
    path: '/datasets/:datasetId/items/:itemId/annotations/:annotationId',
    tag: 'Annotations',
    summary: 'Gets an annotation of an item.',
    access: inDataset,
    params: datasetItemParams.extend({ annotationId }),
    response: Annotation,
    errors: ['dataset.not_found', 'annotation.not_found'],
  }),
  updateAnnotation: route({
    method: 'PUT',
    path: '/annotations/:annotationId',
    tag: 'Annotations',
    summary:
      'Merges a change into an annotation: objects name by name, null takes away, lists are replaced. Ids, times and addresses in it are not looked at.',
    access: ofAnnotation,
    params,
    query: z.object({
      system: z
        .enum(['true', 'false'])
        .default('false')
        .describe('Whether metadata.system may be changed beyond attributes, frames and the parent.'),
    }),
    body: Sent,
    bodyForms: ['empty'],
    bodyBytesMax: BODY_BYTES_MAX,
    response: Annotation,
    errors: ['annotation.not_found', 'annotation.invalid', 'dataset.readonly'],
  }),
  deleteAnnotation: route({
    method: 'DELETE',
    path: '/annotations/:annotationId',
    tag: 'Annotations',
    summary: 'Deletes an annotation.',
    access: ofAnnotation,
    params,
    body: Sent.optional().describe('The SDK sends a user name; it is not looked at.'),
    bodyForms: ['empty'],
    response: z.object({ success: z.literal(true) }),
    errors: ['annotation.not_found', 'dataset.readonly'],
  }),
}
