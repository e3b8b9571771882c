import { CLONE_FOLLOW_JOB, followClones, followMaster } from '#core/clones/clones.ts'
import type { Deps } from '#core/deps.ts'
import type { Job } from '#queue/queue.ts'

/** Lets clones follow what became of their masters' files; begins again when it is stopped before the end. */
export const cloneFollow: Job<Deps, { datasetNo: number }> = {
  name: CLONE_FOLLOW_JOB,
  attemptMax: 25,
  async run(deps, { datasetNo }, { signal }) {
    const isDone = await followClones(deps, datasetNo, signal)
    if (!isDone) await followMaster(deps, deps.db, datasetNo)
  },
}
