import type { Deps } from '#core/deps.ts'
import { sweepRemoved } from '#core/items/items.ts'

/** How often what was removed more than 30 days ago is forgotten. */
export const REMOVED_SWEEP_MS = 3_600_000

/** For the clockwork: one sweep; says how much it forgot. In several processes at once it does no harm. */
export async function sweepRemovedItems(deps: Deps, signal: AbortSignal): Promise<void> {
  const swept = await sweepRemoved(deps, signal)
  if (swept > 0) deps.log.info({ items: swept }, 'items removed more than 30 days ago were forgotten')
}
