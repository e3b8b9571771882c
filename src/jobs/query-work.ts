import { deleteAnnotations } from '#core/annotations/annotations.ts'
import type { Deps } from '#core/deps.ts'
import { continueQueryWork, QUERY_WORK_JOB } from '#core/items/items.ts'
import type { Job } from '#queue/queue.ts'

/** A stretch of an update or deletion by query that was too much for its request. */
export const queryWork: Job<Deps, { commandId: string }> = {
  name: QUERY_WORK_JOB,
  attemptMax: 25,
  run: (deps, { commandId }, { signal }) => continueQueryWork(deps, commandId, signal, { deleteAnnotations }),
}
