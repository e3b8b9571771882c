import type { Deps } from '#core/deps.ts'
import { continueExport, EXPORT_JOB } from '#core/exports/exports.ts'
import type { Job } from '#queue/queue.ts'

/** A stretch of an export; how far it is stands in rows, so two of these at once do no harm. */
export const exportSlice: Job<Deps, { commandId: string }> = {
  name: EXPORT_JOB,
  attemptMax: 25,
  run: (deps, { commandId }, { signal }) => continueExport(deps, commandId, signal),
}
