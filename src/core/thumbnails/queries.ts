import { type Document, mergeDocument } from '#core/items/items.ts'
import { type Db, type DbPool, withTransaction } from '#db/connect.ts'
import { itemId } from '#lib/ids.ts'

/** What of an item its thumbnail is made of. */
export interface Source {
  readonly id: string
  readonly datasetNo: number
  readonly itemNo: string
  readonly datasetId: string
  readonly projectId: string
  readonly driverId: string | null
  readonly path: string
  readonly name: string
  readonly type: string
  readonly sizeBytes: number
  /** The file's identity as text: another one, another thumbnail. */
  readonly identity: string
  readonly object_key: string | null
  readonly object_driver_id: string | null
  readonly metadata: Document | null
}

/** Reads an item; null where there is none. */
export async function readSource(db: Db, datasetNo: number, itemNo: string): Promise<Source | null> {
  const { rows } = await db.query<Omit<Source, 'id'>>(
    `select i.dataset_no as "datasetNo", i.item_no::text as "itemNo", s.id as "datasetId", s.project_id as "projectId", s.driver_id as "driverId", d.path, i.name,
            t.name as type, i.size_bytes as "sizeBytes", encode(i.etag, 'hex') || '-' || i.size_bytes as identity, i.object_key, i.object_driver_id, i.metadata
       from item i
       join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
       join dataset s on s.dataset_no = i.dataset_no
       join media_type t on t.type_no = i.type_no
      where i.dataset_no = $1 and i.item_no = $2::bigint`,
    [datasetNo, itemNo],
  )
  const row = rows[0]
  return row === undefined ? null : { ...row, id: itemId(datasetNo, BigInt(row.itemNo)) }
}

/** Number of the project's hidden dataset; null where it has none. */
export async function findHiddenDataset(db: Db, projectId: string): Promise<number | null> {
  const { rows } = await db.query<{ no: number }>(
    `select dataset_no as no from dataset where project_id = $1 and is_system order by (name = 'Binaries') desc, dataset_no limit 1`,
    [projectId],
  )
  return rows[0]?.no ?? null
}

/** Whether an item is the thumbnail of exactly this file: of the item with this id while the file had this identity. */
export async function isThumbnailOf(
  db: Db,
  thumbnail: { readonly datasetNo: number; readonly itemNo: string },
  source: Source,
): Promise<boolean> {
  const { rows } = await db.query<{ of: unknown }>(
    `select i.metadata #> '{system,thumbnailOf}' as of from item i join dataset s using (dataset_no)
      where i.dataset_no = $1 and i.item_no = $2::bigint and i.state = 0 and s.project_id = $3 and s.is_system`,
    [thumbnail.datasetNo, thumbnail.itemNo, source.projectId],
  )
  const of = rows[0]?.of as { itemId?: unknown; identity?: unknown } | null | undefined
  return of?.itemId === source.id && of.identity === source.identity
}

/** Says where a stored thumbnail's bytes are from now on: at a key of a driver's bucket. */
export async function pointAt(
  db: Db,
  thumbnail: { readonly datasetNo: number; readonly itemNo: string },
  place: { readonly driverId: string; readonly key: string },
): Promise<void> {
  await db.query(
    'update item set object_key = $3, object_driver_id = $4 where dataset_no = $1 and item_no = $2::bigint',
    [thumbnail.datasetNo, thumbnail.itemNo, place.key, place.driverId],
  )
}

/** Writes what was found out into `metadata.system` of the item. Nobody changed it, so it keeps the time and name of its last change. */
export async function describeSource(
  db: DbPool,
  { datasetNo, itemNo }: Source,
  found: Readonly<Record<string, unknown>>,
): Promise<void> {
  await withTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ metadata: Document | null }>(
      'select metadata from item where dataset_no = $1 and item_no = $2::bigint for no key update',
      [datasetNo, itemNo],
    )
    if (rows[0] === undefined) return
    const document = mergeDocument(rows[0].metadata, { system: found }, true)
    await tx.query('update item set metadata = $3 where dataset_no = $1 and item_no = $2::bigint', [
      datasetNo,
      itemNo,
      JSON.stringify(document),
    ])
  })
}
