import { SWEEP_JOB, sweepDataset } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import type { Job } from '#queue/queue.ts'

/** Removes the rows of a deleted dataset, and puts itself into the queue again when it is stopped before the end. */
export const datasetSweep: Job<Deps, { datasetNo: number }> = {
  name: SWEEP_JOB,
  attemptMax: 25,
  async run(deps, { datasetNo }, { signal }) {
    const isDone = await sweepDataset(deps.db, datasetNo, signal)
    if (!isDone) await deps.queue.enqueue(deps.db, SWEEP_JOB, { datasetNo }, { key: `sweep:${datasetNo}` })
  },
}
