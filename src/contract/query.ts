import { z } from 'zod'
import { Annotation } from './annotations.ts'
import { id } from './fields.ts'
import { ItemPage } from './items.ts'
import { route } from './route.ts'

/** A page of annotations by number, as the SDK pages. */
export const AnnotationPage = ItemPage.extend({ items: z.array(Annotation) })
export type AnnotationPage = z.output<typeof AnnotationPage>

/** What an update or a deletion by query came to. */
export const QueryDone = z.object({
  success: z.literal(true),
  count: z.number().describe('Rows that were changed or deleted; with a command: so far.'),
  commandId: z.string().optional().describe('What is left is done by this command; it was too much for one request.'),
})
export type QueryDone = z.output<typeof QueryDone>

/** The query language, on the one address the SDK uses for all of it. */
export const queryRoutes = {
  queryItems: route({
    method: 'POST',
    path: '/datasets/:datasetId/query',
    tag: 'Items',
    summary:
      'Finds items or annotations by a filter, a page at a time; or updates or deletes what it finds. See the reference of the query language.',
    access: {
      scope: 'dataset',
      role: 'annotator',
      of: (request: { params: { datasetId: string } }) => request.params.datasetId,
    },
    params: z.object({ datasetId: id('dataset') }),
    body: z.record(z.string(), z.unknown()).describe('See docs/reference/query-language.md.'),
    bodyForms: ['empty'],
    response: z.union([ItemPage, AnnotationPage, QueryDone]),
    errors: [
      'dataset.not_found',
      'dataset.readonly',
      'dataset.locked',
      'query.invalid',
      'query.too_slow',
      'access.forbidden',
    ],
  }),
}
