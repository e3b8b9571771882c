import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'

/**
 * Takes numbers for new annotations of a dataset, as decimal texts that grow; throws `dataset.not_found`.
 *
 * A number carries its time of creation in the way of an item's, so ids sort as annotations were made. Taken in a statement of its own, not in the
 * transaction that writes: the row belongs to syncs too, and who held it while waiting for an item could meet one that does the reverse. Numbers of a
 * transaction that fails are never used.
 */
export async function takeAnnotationNumbers(deps: Deps, datasetNo: number, count: number): Promise<string[]> {
  const { rows } = await deps.db.query<{ last: string }>(
    `update dataset_numbers set last_annotation_no = greatest(last_annotation_no, ($2::bigint << 21) - 1) + $3
      where dataset_no = $1 returning last_annotation_no::text as last`,
    [datasetNo, Math.floor(deps.clock.now()), count],
  )
  if (rows[0] === undefined) throw new AppError('dataset.not_found')
  const first = BigInt(rows[0].last) - BigInt(count) + 1n
  return Array.from({ length: count }, (_, index) => String(first + BigInt(index)))
}
