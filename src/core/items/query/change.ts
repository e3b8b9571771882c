import type { QueryDone } from '#contract/query.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { viewDataset } from '../dataset-view.ts'
import { type AnnotationActs, actOnNext, type Progress, parseChange } from './act.ts'
import { checkSearchable } from './searchable.ts'
import { leaveToJob } from './work.ts'

/** Longest that a request works on what a query finds, in milliseconds, before the rest is left to a job; the SDK gives up after 120 s. */
export const ACT_BUDGET_MS = 60_000

/**
 * Answers a query that updates or deletes: works for as long as a caller can wait (`budgetMs`) and leaves the rest to a job.
 * Errors: `dataset.readonly`, `dataset.locked`, `query.invalid`, `query.too_slow`.
 */
export async function actOnQuery(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  body: Readonly<Record<string, unknown>>,
  acts: AnnotationActs,
  budgetMs = ACT_BUDGET_MS,
): Promise<QueryDone> {
  const query = parseChange(body)
  // Asked once: a schema that changes while a job works on the rest does not leave the work half done.
  checkSearchable(query, (await viewDataset(deps.db, datasetNo)).unsearchable)
  const untilMs = deps.clock.now() + budgetMs
  let progress: Progress = { cursor: '-1', count: 0, isDone: false }
  while (!progress.isDone) {
    const next = await actOnNext(deps, caller, datasetNo, query, progress.cursor, acts)
    progress = { ...next, count: progress.count + next.count }
    if (!progress.isDone && deps.clock.now() >= untilMs) {
      const commandId = await leaveToJob(deps, caller, datasetNo, body, progress)
      return { success: true, count: progress.count, commandId }
    }
  }
  return { success: true, count: progress.count }
}
