import type { DbClient } from '#db/connect.ts'

/** SQL of what people and programs gave an item, in `item` and in `removed`: it goes with the item and comes back with it. */
export const givenColumns = 'creator_id, updater_id, description, origin_dataset_no, origin_item_no, annotations'

/** SQL of where an item's object is, when that is not its dataset's bucket under its own path; also in both tables. */
export const objectColumns = 'object_key, object_driver_id'

/** The same columns of one of a statement's rows: `ofRow('r', givenColumns)` is `r.creator_id, …`. */
export function ofRow(row: string, columns: string): string {
  return columns
    .split(', ')
    .map((column) => `${row}.${column}`)
    .join(', ')
}

/**
 * Puts the annotations of items that came (1) or left (-1) on their dataset's counters, or off them. `counts` are those of the items, null for none. Most
 * items have none, and then nothing is written. Late in a transaction: everybody who annotates anything in the dataset waits for its row.
 */
export async function countAnnotated(
  tx: DbClient,
  datasetNo: number,
  counts: readonly (number | null)[],
  sign: 1 | -1,
): Promise<void> {
  let annotated = 0
  let annotations = 0
  for (const count of counts) {
    if (count === null || count === 0) continue
    annotated++
    annotations += count
  }
  if (annotated === 0) return
  await tx.query(
    'update dataset set annotations = annotations + $2, annotated = annotated + $3 where dataset_no = $1',
    [datasetNo, sign * annotations, sign * annotated],
  )
}
