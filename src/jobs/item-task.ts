import type { Deps } from '#core/deps.ts'
import { continueItemTask, ITEM_TASK_JOB } from '#core/items/items.ts'
import type { Job } from '#queue/queue.ts'

/** A stretch of work on many items; how far it is stands in rows, so two of these at once do no harm. */
export const itemTask: Job<Deps, { commandId: string }> = {
  name: ITEM_TASK_JOB,
  attemptMax: 25,
  run: (deps, { commandId }, { signal }) => continueItemTask(deps, commandId, signal),
}
