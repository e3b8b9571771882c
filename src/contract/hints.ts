import { z } from 'zod'
import { id, storableText } from './fields.ts'
import { route } from './route.ts'

/** Keys a request: what a person pastes, and what events bring at once. */
const KEYS_MAX = 1_000

/** Why a hint was left out. */
export const ignoredReasons = ['outside-folder', 'hidden-folder'] as const

/** What became of hints. */
export const MarkedHints = z.object({
  marked: z.int().describe('Keys that are read again, usually within seconds.'),
  ignored: z
    .array(z.object({ key: z.string(), reason: z.enum(ignoredReasons) }))
    .describe('Keys outside the driver’s folder, or in the platform’s own hidden folder.'),
})
export type MarkedHints = z.output<typeof MarkedHints>

/** Hints that files of a bucket have changed. */
export const hintRoutes = {
  markKeys: route({
    method: 'POST',
    path: '/drivers/:driverId/hints',
    tag: 'Storage drivers',
    summary:
      'Says that files have changed in the bucket: they are read again, and every dataset on the bucket that holds them is brought up to date.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params: z.object({ driverId: id('driver') }),
    body: z.object({
      keys: z
        .array(storableText.min(1).max(4096))
        .min(1)
        .max(KEYS_MAX)
        .describe('Full keys, exactly as the bucket has them.'),
      removed: z
        .boolean()
        .optional()
        .describe(
          'The files were deleted: if that is true their items are removed, restorable for 30 days, and not only marked missing.',
        ),
    }),
    response: MarkedHints,
    errors: ['driver.not_found'],
  }),
}
