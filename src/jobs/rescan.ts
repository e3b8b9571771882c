import type { Deps } from '#core/deps.ts'
import { withDueRescans } from '#core/patterns/patterns.ts'
import { startSync } from '#core/sync/sync.ts'
import { AppError } from '#lib/app-error.ts'

/** How often datasets that are due are looked for; intervals are five minutes at least. */
export const RESCAN_MS = 30_000

/**
 * For the clockwork: starts the syncs that are due; answers how many datasets were due. What cannot be started is logged, tried again next time, and
 * keeps no other from starting.
 */
export async function startDueRescans(deps: Deps): Promise<number> {
  return await withDueRescans(deps, async ({ datasetNo, mode, caller }) => {
    try {
      await startSync(deps, caller, datasetNo, { reconcile: mode === 'reconcile', isScheduled: true })
    } catch (error) {
      // Somebody was quicker by hand, or has deleted it.
      if (error instanceof AppError && ['dataset.already_syncing', 'dataset.not_found'].includes(error.code)) return
      deps.log.error({ job: 'sync.rescan', datasetNo, err: error }, 'a scheduled sync could not be started')
    }
  })
}
