import { FolderChanges, LIVE, type LockedItem, RowHash, toggleFingerprint } from '#core/catalog/catalog.ts'
import { pointsOfItems } from '#core/datasets/datasets.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { releaseDataPoints } from '#core/quota/quota.ts'
import { type Writing, writeItems } from './writing.ts'

/** Items deleted in one transaction. */
export const DELETE_CHUNK = 5_000

type DeletedItem = LockedItem & { readonly annotations: number }

/**
 * Deletes items of a dataset for good, with their annotations; nothing in any bucket is touched. Numbers that are no items (any more) are passed over.
 * Any number of items: they go in transactions of 5,000. Answers how many.
 *
 * Objects of the platform's own store that nobody refers to any more are removed by a job. A file that is still in the dataset's bucket comes back as a new
 * item with the next sync. Errors: `dataset.not_found`, `dataset.readonly`, `dataset.locked`.
 */
export async function deleteItems(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  itemNos: readonly string[],
): Promise<number> {
  let count = 0
  for (let from = 0; from < itemNos.length; from += DELETE_CHUNK) {
    const chunk = itemNos.slice(from, from + DELETE_CHUNK)
    count += await writeItems(deps, datasetNo, (writing) => deleteIn(writing, chunk))
  }
  if (count > 0) deps.log.info({ datasetNo, items: count, userId: caller.userId }, 'items deleted')
  return count
}

/** The same in a transaction of `writeItems`; the last thing it writes. At most `DELETE_CHUNK` items. */
export async function deleteIn(writing: Writing, itemNos: readonly string[]): Promise<number> {
  const { tx, dataset } = writing
  const { datasetNo } = dataset
  const { rows: items } = await tx.query<DeletedItem>(
    `select item_no::text as "itemNo", dir_no as "dirNo", type_no as "typeNo", state, convert_to(name, 'UTF8') as name, etag, size_bytes as "sizeBytes",
            (extract(epoch from modified_at) * 1000)::float8 as "modifiedMs", flags, ticket, coalesce(annotations, 0) as annotations
       from item where dataset_no = $1 and item_no = any($2::bigint[]) order by item_no for update`,
    [datasetNo, [...itemNos]],
  )
  if (items.length === 0) return 0
  const found = items.map((item) => item.itemNo)
  const annotationPoints = await dropWhatHangsOn(writing, found)
  // An observation from before this delete must not bring the item back, so a sync that is under way is told.
  if (writing.hasRun) await leaveTombstones(writing, items)
  await tx.query('delete from item where dataset_no = $1 and item_no = any($2::bigint[])', [datasetNo, found])
  await countAnnotations(writing, items, annotationPoints)
  const changes = new FolderChanges()
  const hash = new RowHash(datasetNo)
  for (const item of items) {
    changes.add(item.dirNo, -1, -item.sizeBytes)
    if (item.state === LIVE) toggleFingerprint(changes, hash, item)
  }
  await changes.write(tx, datasetNo)
  await releaseDataPoints(tx, dataset.orgId, pointsOfItems(dataset, items.length) + annotationPoints)
  return items.length
}

/** Removes annotations of items, and the feature vectors of both; answers the data points that the annotations used. */
async function dropWhatHangsOn({ tx, dataset }: Writing, itemNos: readonly string[]): Promise<number> {
  const id = (no: string) => `lpad(to_hex($1::int), 8, '0') || lpad(to_hex(${no}), 16, '0')`
  const { rows } = await tx.query<{ points: number }>(
    `with gone as (
       delete from annotation where dataset_no = $1 and item_no = any($2::bigint[]) returning annotation_no, points
     ), vectors as (
       delete from feature_vector
        where dataset_no = $1
          and entity_id = any(array(select ${id('no')} from unnest($2::bigint[]) no union all select ${id('annotation_no')} from gone))
     )
     select coalesce(sum(points), 0)::bigint as points from gone`,
    [dataset.datasetNo, [...itemNos]],
  )
  return rows[0]!.points
}

async function leaveTombstones({ tx, dataset, ticket, nowMs }: Writing, items: readonly DeletedItem[]): Promise<void> {
  await tx.query(
    `insert into removed (dataset_no, dir_no, name, ticket, removed_at, reason, size_bytes, type_no, flags, etag)
     select $1, u.dir_no, u.name, $4, to_timestamp($5::float8 / 1000), 'gone', 0, 0, 0, ''
       from unnest($2::int[], $3::text[]) u (dir_no, name)
     on conflict (dataset_no, dir_no, name) do update set ticket = greatest(removed.ticket, excluded.ticket)`,
    [dataset.datasetNo, items.map((item) => item.dirNo), items.map((item) => item.name.toString()), ticket, nowMs],
  )
}

async function countAnnotations(
  { tx, dataset }: Writing,
  items: readonly DeletedItem[],
  points: number,
): Promise<void> {
  const annotated = items.filter((item) => item.annotations > 0)
  if (annotated.length === 0) return
  await tx.query(
    'update dataset set annotated = annotated - $2, annotations = annotations - $3, annotation_points = annotation_points - $4 where dataset_no = $1',
    [dataset.datasetNo, annotated.length, annotated.reduce((sum, item) => sum + item.annotations, 0), points],
  )
}
