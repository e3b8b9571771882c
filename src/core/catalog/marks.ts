import { releaseDataPoints, reserveDataPoints } from '#core/quota/quota.ts'
import type { DbClient } from '#db/connect.ts'
import { hashObserved, RowHash } from './fingerprint.ts'
import { FolderChanges } from './folder-counters.ts'
import { countAnnotated, givenColumns, objectColumns, ofRow } from './given.ts'
import { FLAG_ARCHIVED } from './place.ts'

/** Values of `item.state`. */
export const LIVE = 0
export const MISSING = 1
export const EXCLUDED = 2
/** Bit of `item.flags`: the file's content changed in the storage. */
export const FLAG_CHANGED = 8

/** Whose items are marked, and by which observation. */
export interface MarkTarget {
  readonly datasetNo: number
  readonly orgId: string
  /** Ticket of the read that confirmed it; items written under a later one stay as they are. */
  readonly ticket: number
  readonly nowMs: number
}

/** A stored item as far as counters and fingerprints go. */
export interface LockedItem {
  readonly itemNo: string
  readonly dirNo: number
  readonly typeNo: number
  readonly state: number
  readonly name: Buffer
  readonly etag: Buffer
  readonly sizeBytes: number
  readonly modifiedMs: number | null
  readonly flags: number
  readonly ticket: number
  /** Null: none. */
  readonly annotations: number | null
}

/** SQL of a `LockedItem`. */
export const lockedColumns = `item_no::text as "itemNo", dir_no as "dirNo", type_no as "typeNo", state, convert_to(name, 'UTF8') as name, etag,
  size_bytes as "sizeBytes", (extract(epoch from modified_at) * 1000)::float8 as "modifiedMs", flags, ticket, annotations`

/** Locks items in the order of their numbers and reads them; those written under the ticket or a later one are left out. */
export async function lockItems(
  tx: DbClient,
  target: { readonly datasetNo: number; readonly ticket: number },
  itemNos: readonly string[],
): Promise<LockedItem[]> {
  const { rows } = await tx.query<LockedItem>(
    `select ${lockedColumns} from item where dataset_no = $1 and item_no = any($2::bigint[]) and ticket < $3 order by item_no for update`,
    [target.datasetNo, [...itemNos], target.ticket],
  )
  return rows
}

/** Combines an item's hash with its folder's changes: takes a live one out of the fingerprint, or puts it in. */
export function toggleFingerprint(changes: FolderChanges, hash: RowHash, item: LockedItem): void {
  hashObserved(hash, { ...item, isArchived: (item.flags & FLAG_ARCHIVED) !== 0 })
  changes.flip(item.dirNo, item.name, hash.high, hash.low)
}

/** Marks live items as missing in the storage; they stay, with everything that is known of them (GH-01). Answers how many. */
export async function markMissing(tx: DbClient, target: MarkTarget, itemNos: readonly string[]): Promise<number> {
  return markState(tx, target, itemNos, MISSING)
}

/** Takes the mark off missing items whose file is known to be there again, with the content they had. Answers how many. */
export async function markFound(tx: DbClient, target: MarkTarget, itemNos: readonly string[]): Promise<number> {
  return markState(tx, target, itemNos, LIVE)
}

/** Marks live items as kept out by the dataset's patterns. */
export async function excludeItems(tx: DbClient, target: MarkTarget, itemNos: readonly string[]): Promise<number> {
  return markState(tx, target, itemNos, EXCLUDED)
}

async function markState(tx: DbClient, target: MarkTarget, itemNos: readonly string[], state: number): Promise<number> {
  const items = (await lockItems(tx, target, itemNos)).filter((item) =>
    state === LIVE ? item.state === MISSING : item.state === LIVE,
  )
  if (items.length === 0) return 0
  const changes = new FolderChanges()
  const hash = new RowHash(target.datasetNo)
  for (const item of items) toggleFingerprint(changes, hash, item)
  await tx.query(
    `update item set state = $3::smallint, missing_at = case when $3::smallint = ${MISSING} then to_timestamp($4::float8 / 1000) end, ticket = $5
      where dataset_no = $1 and item_no = any($2::bigint[])`,
    [target.datasetNo, items.map((item) => item.itemNo), state, target.nowMs, target.ticket],
  )
  await changes.write(tx, target.datasetNo)
  return items.length
}

/** Why an item was removed: its file is gone, the dataset's patterns keep it out, or a user cleared it while it was missing. */
export type RemovalReason = 'gone' | 'excluded' | 'cleared'

/**
 * Takes items out of a dataset, softly: for 30 days their number, metadata and annotations are kept and come back with the file. Nothing in any bucket is
 * touched. Answers how many; gives their data points back. Must be the last thing its transaction writes.
 */
export async function removeItems(
  tx: DbClient,
  target: MarkTarget,
  itemNos: readonly string[],
  reason: Exclude<RemovalReason, 'cleared'>,
): Promise<number> {
  const count = await takeOutItems(tx, target, itemNos, reason)
  await releaseDataPoints(tx, target.orgId, count)
  return count
}

/** The same for a caller who gives the data points back, because more is written after it. */
export async function takeOutItems(
  tx: DbClient,
  target: MarkTarget,
  itemNos: readonly string[],
  reason: Exclude<RemovalReason, 'cleared'>,
): Promise<number> {
  return takeOut(tx, target, await lockItems(tx, target, itemNos), reason)
}

/**
 * The same for those of the items that are missing at this moment, because a user does not want them any more. Whatever is there by now stays.
 *
 * What is left behind carries the item's own ticket, not a new one: a user's wish is no look at the storage, so it must not make an observation that is under
 * way look old.
 */
export async function clearMissing(tx: DbClient, target: MarkTarget, itemNos: readonly string[]): Promise<number> {
  const items = await lockItems(tx, target, itemNos)
  const missing = items.filter((item) => item.state === MISSING)
  const count = await takeOut(tx, target, missing, 'cleared')
  await releaseDataPoints(tx, target.orgId, count)
  return count
}

/** Takes the mark “changed in the storage” off items that nobody has written since the ticket. Answers how many had it. */
export async function clearChanged(tx: DbClient, target: MarkTarget, itemNos: readonly string[]): Promise<number> {
  const items = (await lockItems(tx, target, itemNos)).filter((item) => (item.flags & FLAG_CHANGED) !== 0)
  if (items.length === 0) return 0
  await tx.query(
    `update item set flags = flags & ~${FLAG_CHANGED}::smallint where dataset_no = $1 and item_no = any($2::bigint[])`,
    [target.datasetNo, items.map((item) => item.itemNo)],
  )
  return items.length
}

/** How long a removed item can come back, in milliseconds: 30 days. */
export const REMOVED_KEPT_MS = 30 * 86_400_000

/**
 * Puts removed items back without their file: as missing, or as kept out by the patterns if that was why; the next look at the storage says more. Takes data
 * points, and throws `QuotaExceeded` when there are too few. Answers how many; what came back otherwise, or was removed too long ago, is left out. Must be the
 * last thing its transaction writes.
 *
 * The items are inserted before their removal is forgotten: a sync that brings the same file back does it in that order too, so the two wait for each other
 * and never in a circle.
 */
export async function restoreItems(
  tx: DbClient,
  target: Omit<MarkTarget, 'ticket'>,
  itemNos: readonly string[],
): Promise<number> {
  const { rows: items } = await tx.query<{
    itemNo: string
    dirNo: number
    sizeBytes: number
    annotations: number | null
  }>(
    `insert into item (item_no, size_bytes, modified_at, updated_at, ticket, dataset_no, dir_no, type_no, state, flags, name, etag, metadata, missing_at,
                       ${givenColumns}, ${objectColumns})
     select r.item_no, r.size_bytes, r.modified_at, to_timestamp($3::float8 / 1000), r.ticket, r.dataset_no, r.dir_no, r.type_no,
            case r.reason when 'excluded' then ${EXCLUDED} else ${MISSING} end, r.flags, r.name, r.etag, r.metadata,
            case r.reason when 'excluded' then null else coalesce(r.missing_at, r.removed_at) end, ${givenColumns}, ${objectColumns}
       from removed r
      where r.dataset_no = $1 and r.item_no = any($2::bigint[]) and r.removed_at > to_timestamp($4::float8 / 1000)
      order by r.item_no
     on conflict do nothing
     returning item_no::text as "itemNo", dir_no as "dirNo", size_bytes as "sizeBytes", annotations`,
    [target.datasetNo, [...itemNos], target.nowMs, target.nowMs - REMOVED_KEPT_MS],
  )
  if (items.length === 0) return 0
  // Somebody may have looked for the file meanwhile, and noted with the removal that it is still not there.
  await tx.query(
    `with forgotten as (
       delete from removed where dataset_no = $1 and item_no = any($2::bigint[]) returning item_no, ticket
     )
     update item i set ticket = f.ticket from forgotten f where i.dataset_no = $1 and i.item_no = f.item_no and i.ticket < f.ticket`,
    [target.datasetNo, items.map((item) => item.itemNo)],
  )
  const changes = new FolderChanges()
  for (const item of items) changes.add(item.dirNo, 1, item.sizeBytes)
  await changes.write(tx, target.datasetNo)
  await countAnnotated(tx, target, items, 1)
  await reserveDataPoints(tx, target.orgId, items.length)
  return items.length
}

/** Takes items out as if they had never been there: what a first sync wrote that is not to be. Answers how many; otherwise as `removeItems`. */
export async function dropItems(tx: DbClient, target: MarkTarget, itemNos: readonly string[]): Promise<number> {
  const items = await lockItems(tx, target, itemNos)
  if (items.length === 0) return 0
  await tx.query('delete from item where dataset_no = $1 and item_no = any($2::bigint[])', [
    target.datasetNo,
    items.map((item) => item.itemNo),
  ])
  await settleLeft(tx, target, items)
  await releaseDataPoints(tx, target.orgId, items.length)
  return items.length
}

async function takeOut(
  tx: DbClient,
  target: MarkTarget,
  items: readonly LockedItem[],
  reason: RemovalReason,
): Promise<number> {
  if (items.length === 0) return 0
  await tx.query(
    `with gone as (
       delete from item where dataset_no = $1 and item_no = any($2::bigint[])
       returning dir_no, item_no, case when $5 = 'cleared' then ticket else $3::bigint end as ticket, size_bytes, modified_at, type_no, flags, name, etag,
                 metadata, missing_at, ${givenColumns}, ${objectColumns}
     )
     insert into removed (dataset_no, dir_no, item_no, ticket, size_bytes, modified_at, removed_at, type_no, flags, reason, name, etag, metadata, missing_at,
                          ${givenColumns}, ${objectColumns})
     select $1, dir_no, item_no, ticket, size_bytes, modified_at, to_timestamp($4::float8 / 1000), type_no, flags, $5, name, etag, metadata, missing_at,
            ${givenColumns}, ${objectColumns} from gone
     on conflict (dataset_no, dir_no, name) do update
        set item_no = excluded.item_no, ticket = greatest(removed.ticket, excluded.ticket), size_bytes = excluded.size_bytes,
            modified_at = excluded.modified_at, removed_at = excluded.removed_at, type_no = excluded.type_no, flags = excluded.flags,
            reason = excluded.reason, etag = excluded.etag, metadata = excluded.metadata, missing_at = excluded.missing_at,
            (${givenColumns}, ${objectColumns}) = (${ofRow('excluded', givenColumns)}, ${ofRow('excluded', objectColumns)})`,
    [target.datasetNo, items.map((item) => item.itemNo), target.ticket, target.nowMs, reason],
  )
  await settleLeft(tx, target, items)
  return items.length
}

/** Takes items that have left off the counters of their folders and their dataset. */
async function settleLeft(tx: DbClient, target: MarkTarget, items: readonly LockedItem[]): Promise<void> {
  const changes = new FolderChanges()
  const hash = new RowHash(target.datasetNo)
  for (const item of items) {
    changes.add(item.dirNo, -1, -item.sizeBytes)
    if (item.state === LIVE) toggleFingerprint(changes, hash, item)
  }
  await changes.write(tx, target.datasetNo)
  await countAnnotated(tx, target, items, -1)
}
