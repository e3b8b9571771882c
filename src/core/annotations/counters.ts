import { releaseDataPoints, reserveDataPoints } from '#core/quota/quota.ts'
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
 * Adds to the counters of locked items and of their dataset, in the transaction that writes the annotations, and takes or gives back their data points:
 * `points` together, negative when they are given back. Must be the last thing: the dataset's row and the organization's are locked from here on, and
 * everybody who counts wants them. Throws `QuotaExceeded`.
 */
export async function countAnnotations(
  tx: DbClient,
  { datasetNo, orgId }: { readonly datasetNo: number; readonly orgId: string },
  before: ReadonlyMap<string, number>,
  changes: ReadonlyMap<string, number>,
  points: number,
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
    'update dataset set annotations = annotations + $2, annotated = annotated + $3, annotation_points = annotation_points + $4 where dataset_no = $1',
    [datasetNo, annotations, annotated, points],
  )
  await settlePoints(tx, orgId, points)
}

/** The same for an annotation that stays and has got other key frames, so that it uses `points` more or, negative, fewer. */
export async function recountPoints(
  tx: DbClient,
  { datasetNo, orgId }: { readonly datasetNo: number; readonly orgId: string },
  points: number,
): Promise<void> {
  if (points === 0) return
  await tx.query('update dataset set annotation_points = annotation_points + $2 where dataset_no = $1', [
    datasetNo,
    points,
  ])
  await settlePoints(tx, orgId, points)
}

async function settlePoints(tx: DbClient, orgId: string, points: number): Promise<void> {
  await (points < 0 ? releaseDataPoints(tx, orgId, -points) : reserveDataPoints(tx, orgId, points))
}
