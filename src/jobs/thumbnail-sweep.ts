import type { Deps } from '#core/deps.ts'
import { sweepThumbnails } from '#core/thumbnails/thumbnails.ts'

/** How often thumbnails of what is gone are looked for. */
export const THUMBNAIL_SWEEP_MS = 3_600_000

/** Removes thumbnails whose item is gone or has another file. Many processes may do it at once. */
export async function sweepGoneThumbnails(deps: Deps, signal: AbortSignal): Promise<void> {
  const count = await sweepThumbnails(deps, signal)
  if (count > 0) deps.log.info({ thumbnails: count }, 'thumbnails removed whose item is gone')
}
