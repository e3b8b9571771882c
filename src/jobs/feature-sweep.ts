import type { Deps } from '#core/deps.ts'
import { FEATURE_SWEEP_JOB, sweepFeatureSet } from '#core/features/features.ts'
import type { Job } from '#queue/queue.ts'

/** Removes the vectors of a deleted feature set, and puts itself into the queue again when it is stopped before the end. */
export const featureSweep: Job<Deps, { setNo: number }> = {
  name: FEATURE_SWEEP_JOB,
  attemptMax: 25,
  async run(deps, { setNo }, { signal }) {
    const isDone = await sweepFeatureSet(deps.db, setNo, signal)
    if (!isDone) await deps.queue.enqueue(deps.db, FEATURE_SWEEP_JOB, { setNo }, { key: `feature-sweep:${setNo}` })
  },
}
