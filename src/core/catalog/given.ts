import { releaseDataPoints, reserveDataPoints } from '#core/quota/quota.ts'
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

/** How many annotations an item has; null: none. */
export interface Annotated {
  readonly itemNo: string
  readonly annotations: number | null
}

/**
 * Puts the annotations of items that came (1) or left (-1) on their dataset's counters and takes data points for them, or the other way round. Most items
 * have none, and then nothing is asked or written. Late in a transaction: everybody who annotates anything in the dataset waits for its row, and everybody
 * who adds anything in the organization for its data points. The items are locked, so their annotations stay as they are. Throws `QuotaExceeded`.
 */
export async function countAnnotated(
  tx: DbClient,
  target: { readonly datasetNo: number; readonly orgId: string },
  items: readonly Annotated[],
  sign: 1 | -1,
): Promise<void> {
  const annotated = items.filter(({ annotations }) => annotations !== null && annotations > 0)
  if (annotated.length === 0) return
  const annotations = annotated.reduce((sum, item) => sum + item.annotations!, 0)
  const { rows } = await tx.query<{ points: number }>(
    `with counted as (
       select coalesce(sum(points), 0)::bigint as points from annotation where dataset_no = $1 and item_no = any($4::bigint[])
     )
     update dataset d
        set annotations = d.annotations + $2, annotated = d.annotated + $3, annotation_points = d.annotation_points + $5::int * c.points
       from counted c where d.dataset_no = $1 returning c.points`,
    [target.datasetNo, sign * annotations, sign * annotated.length, annotated.map((item) => item.itemNo), sign],
  )
  const points = rows[0]?.points ?? 0
  await (sign === 1 ? reserveDataPoints : releaseDataPoints)(tx, target.orgId, points)
}
