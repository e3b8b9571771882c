import { dropItems } from '#core/catalog/catalog.ts'
import { withTransaction } from '#db/connect.ts'
import type { Deps } from '../deps.ts'
import { holdRun } from './queries.ts'
import type { ClaimedRun } from './run.ts'

/** Items taken back in one transaction. */
const ITEMS_MAX = 5_000

/**
 * Takes back what a first sync wrote before the data points ran out (IS-04). Answers false when it was stopped before the end. Items that somebody else
 * has written meanwhile (a hint that was followed) stay.
 */
export async function undoFirstSync(deps: Deps, run: ClaimedRun, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    if (signal.aborted) return false
    const dropped = await withTransaction(deps.db, async (tx) => {
      await holdRun(tx, run)
      const { rows } = await tx.query<{ item_no: string }>(
        'select item_no::text from item where dataset_no = $1 and ticket = $2 order by item.item_no limit $3',
        [run.datasetNo, run.ticket, ITEMS_MAX],
      )
      const target = { datasetNo: run.datasetNo, orgId: run.orgId, ticket: run.ticket + 1, nowMs: deps.clock.now() }
      return dropItems(
        tx,
        target,
        rows.map((row) => row.item_no),
      )
    })
    if (dropped === 0) return true
  }
}
