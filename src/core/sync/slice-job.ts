import type { Db, DbClient } from '#db/connect.ts'
import type { Deps } from '../deps.ts'

/** Name of the job that does one slice of a run. */
export const SLICE_JOB = 'sync.slice'

/** Puts a run's next slice into the queue, with the transaction that causes it; one waiting job a run. */
export async function enqueueSlice(
  deps: Deps,
  tx: Db | DbClient,
  runNo: number,
  { delayMs = 0, keepsTurn = false } = {},
): Promise<void> {
  await deps.queue.enqueue(tx, SLICE_JOB, { runNo }, { key: `sync:${runNo}`, delayMs, keepsTurn })
}
