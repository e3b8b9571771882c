import { applyObservation, type MediaTypes, type Sighting } from '#core/catalog/catalog.ts'
import { pointsOfItems } from '#core/datasets/datasets.ts'
import type { Caller } from '#core/deps.ts'
import { type Document, descriptionText, type ItemPath, mergeDocument, type Writing } from '#core/items/items.ts'
import { compilePatterns, syncSettingsOf } from '#core/patterns/patterns.ts'
import { reserveDataPoints } from '#core/quota/quota.ts'
import { AppError } from '#lib/app-error.ts'

/** What became of an upload: `x-item-op` of the answer; with `exist` nothing was changed. */
export type ItemOp = 'created' | 'overwrite' | 'exist'

/**
 * Ticket of an item whose object is at another key of the dataset's own bucket than its path says: no reading of the key that its path would be may touch it,
 * so it has the greatest there is.
 */
export const PINNED_TICKET = Number.MAX_SAFE_INTEGER

/** No folder has this name: of items that are in no bucket none lies in the platform's own hidden folder. */
const NO_FOLDER = '\0'

/** An object that an item is to have. */
export interface PlacedObject {
  readonly place: ItemPath
  readonly sighting: Sighting
  /** Where the object is; null: at the key that follows from the path, in the dataset's own bucket. */
  readonly objectKey: string | null
  /** Content type that wins over the one of the name; null: the name's. */
  readonly mimetype: string | null
  /** Size that the item shows, when that is not the object's: of a link, what it leads to. */
  readonly shownBytes?: number | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  readonly description?: string | undefined
  /** The object changed in the storage, not by the caller: an item that was there gets the mark that says so. */
  readonly isForeign?: boolean | undefined
}

/** A row of the item at a path. */
export interface StoredItem {
  readonly no: string
  readonly objectKey: string | null
  readonly metadata: Document | null
}

/** Finds the item at a path, locked; null where there is none. */
export async function lockItemAt({ tx, dataset }: Writing, place: ItemPath): Promise<StoredItem | null> {
  const { rows } = await tx.query<StoredItem>(
    `select item_no::text as no, object_key as "objectKey", metadata from item
      where dataset_no = $1 and dir_no = (select dir_no from dir where dataset_no = $1 and path = $2) and name = $3 for update`,
    [dataset.datasetNo, place.path, place.name],
  )
  return rows[0] ?? null
}

/**
 * Gives the item at a path an object, and makes it where there is none, in a transaction of `writeItems`; the last thing that writes. An item keeps its number, and so
 * its annotations. Answers its number and what was done. Throws `item.path_invalid`, `quota.exceeded`.
 */
export async function placeItem(
  writing: Writing,
  caller: Caller,
  types: MediaTypes,
  object: PlacedObject,
): Promise<{ itemNo: string; op: ItemOp }> {
  const { tx, dataset, ticket, nowMs, hasRun } = writing
  const { place, sighting } = object
  const { datasetNo } = dataset
  const before = await lockItemAt(writing, place)
  // Pinned so far: what is written now takes its place.
  if (before?.objectKey != null)
    await tx.query('update item set ticket = 0 where dataset_no = $1 and item_no = $2::bigint', [datasetNo, before.no])
  const shown = { ...sighting, sizeBytes: object.shownBytes ?? sighting.sizeBytes }
  const applied = await applyObservation(
    tx,
    {
      datasetNo,
      orgId: dataset.orgId,
      ticket,
      nowMs,
      hiddenFolder: NO_FOLDER,
      patterns: null,
      types,
      removes: false,
      leavesTombstone: hasRun,
      mayAdd: true,
    },
    Buffer.from(place.path + place.name),
    shown,
  )
  if (applied === 'skipped') throw new AppError('item.path_invalid')
  const stored = await lockItemAt(writing, place)
  // An empty file whose name marks a folder is none.
  if (stored === null) throw new AppError('item.path_invalid')
  const isPinned = object.objectKey !== null && dataset.driverId !== null
  const isSame = applied === 'none' && (before?.objectKey ?? null) === object.objectKey && object.isForeign === true
  if (!isSame) await describe(writing, caller, stored, object, applied === 'added')
  if (isPinned)
    await tx.query('update item set ticket = $3 where dataset_no = $1 and item_no = $2::bigint', [
      datasetNo,
      stored.no,
      PINNED_TICKET,
    ])
  if (applied === 'added') await reserveDataPoints(tx, dataset.orgId, pointsOfItems(dataset, 1))
  return { itemNo: stored.no, op: applied === 'added' ? 'created' : isSame ? 'exist' : 'overwrite' }
}

/** Writes what an observation does not tell. What its user has put there did not “change in the storage”. */
async function describe(
  { tx, dataset, nowMs }: Writing,
  caller: Caller,
  stored: StoredItem,
  object: PlacedObject,
  isNew: boolean,
): Promise<void> {
  const { objectKey, mimetype, metadata, description, isForeign = false } = object
  const document = metadata === undefined ? stored.metadata : mergeDocument(stored.metadata, metadata, true)
  if (mimetype !== null)
    await tx.query('insert into media_type (name) values ($1) on conflict (name) do nothing', [mimetype])
  await tx.query(
    `update item
        set object_key = $3, object_driver_id = null, metadata = $4, description = case when $5 then $6 else description end,
            creator_id = case when $7 then coalesce(creator_id, $8) else creator_id end, updater_id = $8, flags = case when $10 then flags else flags & ~8::smallint end,
            updated_at = case when $7 then updated_at else to_timestamp($11::float8 / 1000) end,
            type_no = coalesce((select type_no from media_type where name = $9), type_no)
      where dataset_no = $1 and item_no = $2::bigint`,
    [
      dataset.datasetNo,
      stored.no,
      objectKey,
      document === null ? null : JSON.stringify(document),
      description !== undefined,
      descriptionText(description ?? null),
      isNew,
      caller.userId,
      mimetype,
      isForeign,
      nowMs,
    ],
  )
}

/** Throws where an external dataset can have no item of this path: `item.reserved_path`, `item.excluded_path`. */
export function requireTakenPath(place: ItemPath, options: unknown, hiddenFolder: string): void {
  if (place.path.split('/').slice(0, -1).includes(hiddenFolder)) throw new AppError('item.reserved_path')
  const refusal = compilePatterns(syncSettingsOf(options))?.refusal(place.path + place.name) ?? null
  if (refusal !== null) throw new AppError('item.excluded_path')
}
