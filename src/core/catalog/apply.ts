import type { CompiledPatterns } from '#core/patterns/patterns.ts'
import type { DbClient } from '#db/connect.ts'
import { hashObserved, RowHash } from './fingerprint.ts'
import { FolderChanges } from './folder-counters.ts'
import { ensureFolder, findFolder } from './folders.ts'
import { type Annotated, countAnnotated, givenColumns } from './given.ts'
import {
  EXCLUDED,
  excludeItems,
  FLAG_CHANGED,
  LIVE,
  type LockedItem,
  lockedColumns,
  type MarkTarget,
  MISSING,
  markMissing,
  takeOutItems,
  toggleFingerprint,
} from './marks.ts'
import type { MediaTypes } from './media-types.ts'
import { FLAG_ARCHIVED, type Place, placeOf } from './place.ts'

/** An object as one reading of its key tells it. */
export interface Sighting {
  readonly sizeBytes: number
  /** As `packEtag` gives it. */
  readonly etag: Buffer
  /** Whole milliseconds. */
  readonly modifiedMs: number
  readonly isArchived: boolean
}

/** The dataset that an observation is written to, and how. */
export interface ObservationTarget extends MarkTarget {
  readonly hiddenFolder: string
  readonly patterns: CompiledPatterns | null
  readonly types: MediaTypes
  /** When the file is gone, the item goes, softly; otherwise it is marked missing (D13). */
  readonly removes: boolean
  /** The dataset has an unfinished sync: then also a key without an item leaves its ticket behind when it is not there, for the sync's pages. */
  readonly leavesTombstone: boolean
  /** Whether a new item may be added; false when the data points do not suffice. */
  readonly mayAdd: boolean
}

/**
 * What came of an observation. `none`: there was nothing to write but the ticket, or a later observation stands; `refused`: a new item that may not be
 * added; `skipped`: the key cannot be an item, and is kept with its reason while it is in the storage.
 */
export type Applied = 'none' | 'added' | 'changed' | 'excluded' | 'missing' | 'removed' | 'refused' | 'skipped'

/**
 * Writes what one reading of one key told to one dataset, in the caller's transaction: items, folders, counters and fingerprint; by the same rules as
 * a sync's page, with one ticket for all. `key` is what follows the driver's folder; null: the file is not there.
 *
 * Nothing is written over a later observation, be it an item or a tombstone. Data points are the caller's: one more for `added`, one less for
 * `removed`, last. The caller holds the dataset's unfinished run, if there is one, and its row.
 */
export async function applyObservation(
  tx: DbClient,
  target: ObservationTarget,
  key: Buffer,
  sighting: Sighting | null,
): Promise<Applied> {
  const place = placeOf(key, target.hiddenFolder)
  if (place.kind === 'own') return 'none'
  if (place.kind === 'skipped') return 'skipped'
  const stored = await lockPlace(tx, target.datasetNo, place)
  if (Math.max(stored.item?.ticket ?? 0, stored.removed?.ticket ?? 0) >= target.ticket) return 'none'
  // An empty object whose key ends in a slash marks a folder: of the file that may have been there before nothing is left.
  const isMarker = sighting !== null && sighting.sizeBytes === 0 && place.name.endsWith('/')
  if (sighting === null || isMarker) return applyAbsence(tx, target, place, stored)
  const isRefused = target.patterns !== null && target.patterns.refusal(place.path + place.name) !== null
  if (isRefused) return stored.item === null ? 'none' : keepOut(tx, target, stored.item)
  if (stored.item !== null) return refresh(tx, target, place, stored.item, sighting)
  return target.mayAdd ? add(tx, target, place, stored, sighting) : 'refused'
}

type ItemPlace = Extract<Place, { kind: 'item' }>

/** What a dataset has at a place; both rows locked. */
interface Stored {
  readonly dirNo: number | null
  readonly item: LockedItem | null
  readonly removed: Removed | null
}

interface Removed {
  readonly ticket: number
  /** Null: a tombstone of a key that was no item. */
  readonly itemNo: string | null
  readonly sizeBytes: number
  readonly etag: Buffer
  readonly flags: number
}

async function lockPlace(tx: DbClient, datasetNo: number, { path, name }: ItemPlace): Promise<Stored> {
  const dirNo = await findFolder(tx, datasetNo, path)
  if (dirNo === null) return { dirNo, item: null, removed: null }
  const items = await tx.query<LockedItem>(
    `select ${lockedColumns} from item where dataset_no = $1 and dir_no = $2 and name = $3 for update`,
    [datasetNo, dirNo, name],
  )
  const removed = await tx.query<Removed>(
    `select ticket, item_no::text as "itemNo", size_bytes as "sizeBytes", etag, flags
       from removed where dataset_no = $1 and dir_no = $2 and name = $3 for update`,
    [datasetNo, dirNo, name],
  )
  return { dirNo, item: items.rows[0] ?? null, removed: removed.rows[0] ?? null }
}

async function applyAbsence(
  tx: DbClient,
  target: ObservationTarget,
  place: ItemPlace,
  { dirNo, item, removed }: Stored,
): Promise<Applied> {
  if (item === null) {
    if (removed !== null || target.leavesTombstone) await leaveTombstone(tx, target, place, dirNo)
    return 'none'
  }
  if (target.removes) {
    await takeOutItems(tx, target, [item.itemNo], 'gone')
    return 'removed'
  }
  if (item.state === LIVE) {
    await markMissing(tx, target, [item.itemNo])
    return 'missing'
  }
  if (item.state === MISSING) return stamp(tx, target, item)
  await tx.query(
    `update item set state = ${MISSING}, missing_at = to_timestamp($3::float8 / 1000), ticket = $4 where dataset_no = $1 and item_no = $2`,
    [target.datasetNo, item.itemNo, target.nowMs, target.ticket],
  )
  return 'missing'
}

/** Keeps the ticket of a key that is not there and has no item; for what is removed already, raises it. */
async function leaveTombstone(
  tx: DbClient,
  target: ObservationTarget,
  place: ItemPlace,
  dirNo: number | null,
): Promise<void> {
  await tx.query(
    `insert into removed (dataset_no, dir_no, name, ticket, removed_at, reason, size_bytes, type_no, flags, etag)
     values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), 'gone', 0, 0, 0, '')
     on conflict (dataset_no, dir_no, name) do update set ticket = greatest(removed.ticket, excluded.ticket)`,
    [target.datasetNo, dirNo ?? (await ensureFolder(tx, target, place.path)), place.name, target.ticket, target.nowMs],
  )
}

/** The file is there, and the dataset's patterns keep it out. */
async function keepOut(tx: DbClient, target: ObservationTarget, item: LockedItem): Promise<Applied> {
  if (item.state === EXCLUDED) return stamp(tx, target, item)
  if (item.state === LIVE) await excludeItems(tx, target, [item.itemNo])
  else
    await tx.query(
      `update item set state = ${EXCLUDED}, missing_at = null, ticket = $3 where dataset_no = $1 and item_no = $2`,
      [target.datasetNo, item.itemNo, target.ticket],
    )
  return 'excluded'
}

/** The row says what was read; its ticket tells that this was read later (docs/adr/0008). */
async function stamp(tx: DbClient, target: ObservationTarget, item: LockedItem): Promise<Applied> {
  await tx.query('update item set ticket = $3 where dataset_no = $1 and item_no = $2', [
    target.datasetNo,
    item.itemNo,
    target.ticket,
  ])
  return 'none'
}

async function refresh(
  tx: DbClient,
  target: ObservationTarget,
  place: ItemPlace,
  item: LockedItem,
  sighting: Sighting,
): Promise<Applied> {
  const { sizeBytes, etag, modifiedMs } = sighting
  const flags = flagsOf(place, sighting)
  const isOtherContent = !etag.equals(item.etag) || sizeBytes !== item.sizeBytes
  const isSameRow = !isOtherContent && modifiedMs === item.modifiedMs && flags === (item.flags & ~FLAG_CHANGED)
  if (isSameRow && item.state === LIVE) return stamp(tx, target, item)
  const changes = new FolderChanges()
  const hash = new RowHash(target.datasetNo)
  if (item.state === LIVE) toggleFingerprint(changes, hash, item)
  hashObserved(hash, { ...sighting, name: item.name })
  changes.add(item.dirNo, 0, sizeBytes - item.sizeBytes)
  changes.flip(item.dirNo, item.name, hash.high, hash.low)
  await tx.query(
    `update item
        set size_bytes = $3, modified_at = to_timestamp($4::float8 / 1000), etag = $5, flags = $6, ticket = $7, state = ${LIVE}, missing_at = null,
            updated_at = to_timestamp($8::float8 / 1000)
      where dataset_no = $1 and item_no = $2`,
    [
      target.datasetNo,
      item.itemNo,
      sizeBytes,
      modifiedMs,
      etag,
      flags | (item.flags & FLAG_CHANGED) | (isOtherContent ? FLAG_CHANGED : 0),
      target.ticket,
      target.nowMs,
    ],
  )
  await changes.write(tx, target.datasetNo)
  return 'changed'
}

/** Adds an item; one that was removed before comes back with its number, metadata and so its annotations. */
async function add(
  tx: DbClient,
  target: ObservationTarget,
  place: ItemPlace,
  stored: Stored,
  sighting: Sighting,
): Promise<Applied> {
  const { removed } = stored
  const dirNo = stored.dirNo ?? (await ensureFolder(tx, target, place.path))
  const old = removed !== null && removed.itemNo !== null ? removed : null
  const isOtherContent = old !== null && (!sighting.etag.equals(old.etag) || sighting.sizeBytes !== old.sizeBytes)
  const name = Buffer.from(place.name)
  const { rows } = await tx.query<Annotated>(
    `with r as (
       delete from removed where dataset_no = $1 and dir_no = $2 and name = $3 returning item_no, metadata, ${givenColumns}
     ), number as (
       update dataset_numbers set last_item_no = greatest(last_item_no, ($4::bigint << 21) - 1) + 1 where dataset_no = $1 and $5 returning last_item_no
     )
     insert into item (dataset_no, dir_no, name, item_no, metadata, updated_at, size_bytes, modified_at, etag, type_no, flags, ticket,
                       ${givenColumns})
     select $1, $2, $3, coalesce((select item_no from r), (select last_item_no from number)), (select metadata from r),
            case when not $5 then to_timestamp($4::float8 / 1000) end, $6, to_timestamp($7::float8 / 1000), $8, $9, $10, $11, ${givenColumns}
       from (values (1)) one left join r on true
     returning item_no::text as "itemNo", annotations`,
    [
      target.datasetNo,
      dirNo,
      place.name,
      Math.floor(target.nowMs),
      old === null,
      sighting.sizeBytes,
      sighting.modifiedMs,
      sighting.etag,
      target.types.numberOf(name, 0, name.length),
      flagsOf(place, sighting) | ((old?.flags ?? 0) & FLAG_CHANGED) | (isOtherContent ? FLAG_CHANGED : 0),
      target.ticket,
    ],
  )
  const hash = new RowHash(target.datasetNo)
  hashObserved(hash, { ...sighting, name })
  const changes = new FolderChanges()
  changes.add(dirNo, 1, sighting.sizeBytes)
  changes.flip(dirNo, name, hash.high, hash.low)
  await changes.write(tx, target.datasetNo)
  await countAnnotated(tx, target, rows, 1)
  return 'added'
}

function flagsOf(place: ItemPlace, sighting: Sighting): number {
  return place.flags | (sighting.isArchived ? FLAG_ARCHIVED : 0)
}
