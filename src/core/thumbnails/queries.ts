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

/** Id of the kept thumbnail of a width, of exactly this file; null where there is none. */
export async function findWide(db: Db, source: Source, width: number, folder: string): Promise<string | null> {
  const { rows } = await db.query<{ datasetNo: number; itemNo: string }>(
    `select i.dataset_no as "datasetNo", i.item_no::text as "itemNo"
       from dataset s
       join dir d on d.dataset_no = s.dataset_no and d.path = $2
       join item i on i.dataset_no = d.dataset_no and i.dir_no = d.dir_no
      where s.project_id = $1 and s.is_system and i.name = any($3::text[]) and i.state = 0 and i.metadata #> '{system,thumbnailOf}' = $4::jsonb limit 1`,
    [
      source.projectId,
      folder,
      ['jpg', 'png'].map((extension) => `${source.id}-w${width}.${extension}`),
      JSON.stringify({ itemId: source.id, identity: source.identity, width }),
    ],
  )
  return rows[0] === undefined ? null : itemId(rows[0].datasetNo, BigInt(rows[0].itemNo))
}

/** A kept thumbnail, and what it says it is of. */
export interface Kept {
  readonly datasetNo: number
  readonly itemNo: string
  readonly objectKey: string | null
  readonly driverId: string | null
  readonly of: unknown
}

/** Kept thumbnails behind one of them, in the order of their numbers. */
export async function listKept(
  db: Db,
  folder: string,
  after: { readonly datasetNo: number; readonly itemNo: string },
  max: number,
): Promise<Kept[]> {
  const { rows } = await db.query<Kept>(
    `select i.dataset_no as "datasetNo", i.item_no::text as "itemNo", i.object_key as "objectKey", i.object_driver_id as "driverId",
            i.metadata #> '{system,thumbnailOf}' as of
       from item i
       join dataset s on s.dataset_no = i.dataset_no and s.is_system
       join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
      where (i.dataset_no, i.item_no) > ($1, $2::bigint) and starts_with(d.path, $3)
      order by i.dataset_no, i.item_no limit $4`,
    [after.datasetNo, after.itemNo, folder, max],
  )
  return rows
}

/** Which files of some, by item and identity, are there: their places in the list. */
export async function findPresent(
  db: Db,
  files: readonly { readonly datasetNo: number; readonly itemNo: string; readonly identity: string }[],
): Promise<Set<number>> {
  const { rows } = await db.query<{ at: number }>(
    `select n.at::int as at from unnest($1::int[], $2::bigint[], $3::text[]) with ordinality n (dataset_no, item_no, identity, at)
       join item i on i.dataset_no = n.dataset_no and i.item_no = n.item_no and encode(i.etag, 'hex') || '-' || i.size_bytes = n.identity`,
    [files.map((file) => file.datasetNo), files.map((file) => file.itemNo), files.map((file) => file.identity)],
  )
  return new Set(rows.map(({ at }) => at - 1))
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
