import { z } from 'zod'
import { id } from './fields.ts'
import { route } from './route.ts'

/** Small pictures of items. */
export const thumbnailRoutes = {
  getThumbnail: route({
    method: 'GET',
    path: '/items/:itemId/thumbnail',
    tag: 'Items',
    summary:
      'Gives a small picture of an image, 256 pixels at its longest side, made when it is first asked for: its bytes, or 307 to a signed address of the storage.',
    access: { scope: 'item', role: 'annotator', of: (request) => request.params.itemId },
    byCookie: true,
    params: z.object({ itemId: id('item') }),
    query: z.object({
      width: z.coerce
        .number()
        .int()
        .min(16)
        .max(2048)
        .optional()
        .describe(
          'Width in pixels instead; a smaller picture is not made larger, and a high one is 4,096 high at most.',
        ),
    }),
    errors: [
      'item.not_found',
      'item.missing_in_storage',
      'thumbnail.not_available',
      'thumbnail.busy',
      'dataset.disconnected',
      'storage.denied',
      'storage.unreachable',
      'storage.throttled',
    ],
  }),
}
