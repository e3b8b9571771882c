import type { Deps } from '#core/deps.ts'
import { sweepObjects, sweepStartedUploads } from '#core/objects/objects.ts'

/** How often objects that nobody refers to any more are removed; they wait for an hour themselves. */
export const OBJECT_SWEEP_MS = 600_000

/** Removes what uploads and deletes have left in the platform's own store, and what unfinished uploads have left in any bucket. Many processes may do it at once. */
export async function sweepUnusedObjects(deps: Deps, signal: AbortSignal): Promise<void> {
  const count = await sweepObjects(deps, signal)
  if (count > 0) deps.log.info({ objects: count }, 'objects removed that nobody referred to')
  const uploads = await sweepStartedUploads(deps, signal)
  if (uploads > 0) deps.log.info({ uploads }, 'unfinished uploads given up')
}
