import type { Deps } from '#core/deps.ts'
import { continueSync, SLICE_JOB } from '#core/sync/sync.ts'
import type { Job } from '#queue/queue.ts'

/** One slice of a sync run; the run's row has the lease, so two of these at once do no harm. */
export const syncSlice: Job<Deps, { runNo: number }> = {
  name: SLICE_JOB,
  attemptMax: 25,
  run: (deps, { runNo }, { signal }) => continueSync(deps, runNo, signal),
}
