import { takeTicket } from '#core/catalog/catalog.ts'
import { requireWritable, type WritableDataset } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import { type DbClient, type Repeating, withRepeats } from '#db/connect.ts'

/** Uploads of one folder meet often: besides circles, rows that somebody made first and locks that were not had. */
const repeating: Repeating = { codes: /^(40|23505|55P03)/, repeatsMax: 10, restMs: 20 }

/** A transaction that writes items of one dataset, with what it holds. */
export interface Writing {
  readonly tx: DbClient
  readonly dataset: WritableDataset
  /** Of two readings of the storage the one with the greater ticket began later. */
  readonly ticket: number
  readonly nowMs: number
  /** The dataset has an unfinished sync. */
  readonly hasRun: boolean
}

/**
 * Runs `work` in a transaction that may write items of a dataset: it may be changed, it is not deleted meanwhile, and a page of an unfinished sync comes before
 * or after it as a whole. Repeated where it met others who write the same rows, so `work` must do nothing but write.
 *
 * `ticket`: of what was read in the storage before; a new one unless given. Errors: `dataset.not_found`, `dataset.readonly`, `dataset.locked`, and those of `work`.
 */
export async function writeItems<T>(
  deps: Deps,
  datasetNo: number,
  work: (writing: Writing) => Promise<T>,
  ticket?: number,
): Promise<T> {
  return await withRepeats(deps.db, async (tx) => work(await beginWriting(deps, tx, datasetNo, ticket)), repeating)
}

/** The same for a transaction that has just begun and that the caller ends and repeats. */
export async function beginWriting(deps: Deps, tx: DbClient, datasetNo: number, ticket?: number): Promise<Writing> {
  const hasRun = await holdRun(tx, datasetNo)
  const dataset = await requireWritable(tx, datasetNo)
  return { tx, dataset, hasRun, nowMs: deps.clock.now(), ticket: ticket ?? (await takeTicket(tx)) }
}

/** Holds the unfinished sync of a dataset; from now on a load of it compares, because somebody else writes rows of it. */
async function holdRun(tx: DbClient, datasetNo: number): Promise<boolean> {
  const { rows } = await tx.query<{ mode: string }>(
    `select mode from sync_run where dataset_no = $1 and state in ('queued', 'running', 'paused', 'parked') order by run_no for update`,
    [datasetNo],
  )
  if (rows.some(({ mode }) => mode === 'load'))
    await tx.query(
      `update sync_run set mode = 'compare' where dataset_no = $1 and mode = 'load' and state in ('queued', 'running', 'paused', 'parked')`,
      [datasetNo],
    )
  return rows.length > 0
}
