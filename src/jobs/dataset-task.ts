import { continueDatasetTask, DATASET_TASK_JOB } from '#core/clones/clones.ts'
import type { Deps } from '#core/deps.ts'
import type { Job } from '#queue/queue.ts'

/** A stretch of a clone, a merge or a bulk change; how far it is stands in rows, so two of these at once do no harm. */
export const datasetTask: Job<Deps, { commandId: string }> = {
  name: DATASET_TASK_JOB,
  attemptMax: 25,
  run: (deps, { commandId }, { signal }) => continueDatasetTask(deps, commandId, signal),
}
