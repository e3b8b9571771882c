import type { DbClient } from '#db/connect.ts'

/**
 * Locks items in the order of their numbers, as every writer does; answers how many annotations each has that is there.
 *
 * Whoever writes annotations holds their items: so the counters below are exact, whoever else writes, and no item leaves in between.
 */
export async function lockItemsOfAnnotations(
  tx: DbClient,
  datasetNo: number,
  itemNos: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ no: string; annotations: number }>(
    `select item_no::text as no, coalesce(annotations, 0) as annotations from item
      where dataset_no = $1 and item_no = any($2::bigint[]) order by item_no for no key update`,
    [datasetNo, [...itemNos]],
  )
  return new Map(rows.map((row) => [row.no, row.annotations]))
}

/**
 * Adds to the counters of locked items and of their dataset, in the transaction that writes the annotations. Must be the last thing but data points: the
 * dataset's row is locked from here on, and everybody who counts annotations wants it.
 */
export async function countAnnotations(
  tx: DbClient,
  datasetNo: number,
  before: ReadonlyMap<string, number>,
  changes: ReadonlyMap<string, number>,
): Promise<void> {
  const changed = [...changes].filter(([no, change]) => change !== 0 && before.has(no))
  if (changed.length === 0) return
  const after = changed.map(([no, change]) => before.get(no)! + change)
  await tx.query(
    `update item i set annotations = nullif(c.annotations, 0)
       from unnest($2::bigint[], $3::int[]) c (item_no, annotations) where i.dataset_no = $1 and i.item_no = c.item_no`,
    [datasetNo, changed.map(([no]) => no), after],
  )
  let annotated = 0
  let annotations = 0
  for (const [index, [no, change]] of changed.entries()) {
    annotations += change
    annotated += Number(after[index]! > 0) - Number(before.get(no)! > 0)
  }
  await tx.query(
    'update dataset set annotations = annotations + $2, annotated = annotated + $3 where dataset_no = $1',
    [datasetNo, annotations, annotated],
  )
}
