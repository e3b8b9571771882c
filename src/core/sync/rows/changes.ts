import { type Annotated, countAnnotated, givenColumns, ofRow } from '#core/catalog/catalog.ts'
import type { DbClient } from '#db/connect.ts'
import type { ChangedRow } from '../compare/compare.ts'
import type { Batch } from './batch.ts'
import type { CommitTarget, Numbered } from './commit.ts'
import { encodedFacts } from './row-buffer.ts'

/** What came of updates. */
export interface Updated {
  readonly changed: number
  readonly returned: number
  /** Keys below the driver's folder whose item was written by somebody else meanwhile. */
  readonly disputed: Buffer[]
}

/** Rows a statement. */
const ROWS_MAX = 5_000

/**
 * Writes what changed in the storage into the items that are there: same item, new etag, size and time; annotations and metadata stay, a missing
 * one is live again, and one with another content is marked (MS-07). Adds the difference to the batch's folders.
 *
 * Guarded by the ticket the comparison saw: an item that somebody has written since stays as it is, and its key is disputed.
 */
export async function updateItems(
  client: DbClient,
  target: CommitTarget,
  batch: Batch,
  changes: readonly ChangedRow[],
): Promise<Updated> {
  const updated = { changed: 0, returned: 0, disputed: [] as Buffer[] }
  for (let at = 0; at < changes.length; at += ROWS_MAX) {
    const piece = changes.slice(at, at + ROWS_MAX)
    const written = await updatePiece(client, target, batch, piece)
    for (const change of piece) {
      const facts = encodedFacts(batch.rows, change.row)
      const delta = batch.deltas[batch.rows.folderOf(change.row)]!
      if (!written.has(String(change.itemNo))) {
        updated.disputed.push(Buffer.concat([Buffer.from(delta.folder.path), facts.name]))
        continue
      }
      if (change.isReturned) updated.returned++
      else updated.changed++
      delta.bytes += facts.sizeBytes - change.oldBytes
      delta.fpHigh ^= facts.high ^ change.oldHigh
      delta.fpLow ^= facts.low ^ change.oldLow
    }
  }
  return updated
}

async function updatePiece(
  client: DbClient,
  target: CommitTarget,
  batch: Batch,
  piece: readonly ChangedRow[],
): Promise<Set<string>> {
  const facts = piece.map(({ row }) => encodedFacts(batch.rows, row))
  const { rows } = await client.query<{ item_no: string }>(
    `update item i
        set size_bytes = u.size_bytes, modified_at = to_timestamp(u.modified_ms / 1000), etag = u.etag, ticket = $2, state = 0, missing_at = null,
            flags = u.flags | (i.flags & 8) | case when i.etag <> u.etag or i.size_bytes <> u.size_bytes then 8 else 0 end,
            updated_at = to_timestamp($3::float8 / 1000)
       from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::float8[], $8::smallint[], $9::bytea[])
              u (item_no, seen_ticket, size_bytes, modified_ms, flags, etag)
      where i.dataset_no = $1 and i.item_no = u.item_no and i.ticket = u.seen_ticket
      returning i.item_no::text`,
    [
      target.datasetNo,
      target.ticket,
      target.nowMs,
      piece.map(({ itemNo }) => String(itemNo)),
      piece.map(({ ticket }) => String(ticket)),
      facts.map(({ sizeBytes }) => sizeBytes),
      facts.map(({ modifiedMs }) => modifiedMs),
      facts.map(({ flags }) => flags),
      facts.map(({ etag }) => etag),
    ],
  )
  return new Set(rows.map((row) => row.item_no))
}

/** What came of looking among the removed items. */
export interface Restored {
  /** Rows that were taken out again: the removal is newer than this run. */
  readonly refused: number[]
  readonly disputed: Buffer[]
}

/**
 * Gives items that were removed and are back their number, metadata and so their annotations; takes out those whose removal is newer than the run.
 *
 * After the rows were sent, so that no removal can come in between unseen: whoever inserts the same key waits for this transaction.
 */
export async function settleRestored(client: DbClient, target: CommitTarget, numbered: Numbered): Promise<Restored> {
  const none: Restored = { refused: [], disputed: [] }
  if (numbered.rows.rows === 0) return none
  const { rows: any } = await client.query<{ found: boolean }>(
    'select exists (select 1 from removed where dataset_no = $1) as found',
    [target.datasetNo],
  )
  if (!any[0]!.found) return none
  const first = String(numbered.firstItemNo)
  const { rows } = await client.query<{
    place: number
    path: string
    name: string
    is_newer: boolean
    old_no: string | null
    item_no: string
  }>(
    `select (i.item_no - $2::bigint)::int as place, d.path, i.name, r.ticket > $4 as is_newer, r.item_no::text as old_no, i.item_no::text
       from item i
       join removed r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no and r.name = i.name
       join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
      where i.dataset_no = $1 and i.item_no >= $2::bigint and i.item_no < $2::bigint + $3`,
    [target.datasetNo, first, numbered.rows.rows, target.ticket],
  )
  const refused = rows.filter((row) => row.is_newer)
  // A tombstone without an item has nothing to give back.
  const back = rows.filter((row) => !row.is_newer && row.old_no !== null)
  if (refused.length > 0)
    await client.query('delete from item where dataset_no = $1 and item_no = any($2::bigint[])', [
      target.datasetNo,
      refused.map((row) => row.item_no),
    ])
  if (back.length > 0) await giveBack(client, target, back)
  return {
    refused: refused.map((row) => row.place),
    disputed: refused.map((row) => Buffer.from(row.path + row.name)),
  }
}

async function giveBack(
  client: DbClient,
  target: CommitTarget,
  back: readonly { readonly old_no: string | null; readonly item_no: string }[],
): Promise<void> {
  const { rows } = await client.query<Annotated>(
    `with r as (
       delete from removed r using unnest($2::bigint[]) u (item_no)
        where r.dataset_no = $1 and r.item_no = u.item_no
       returning r.item_no, r.dir_no, r.name, r.metadata, r.flags, r.etag, r.size_bytes, ${ofRow('r', givenColumns)}
     )
     update item i
        set item_no = r.item_no, metadata = r.metadata, updated_at = to_timestamp($3::float8 / 1000),
            flags = i.flags | (r.flags & 8) | case when i.etag <> r.etag or i.size_bytes <> r.size_bytes then 8 else 0 end,
            (${givenColumns}) = (${ofRow('r', givenColumns)})
       from r
      where i.dataset_no = $1 and i.dir_no = r.dir_no and i.name = r.name
      returning i.item_no::text as "itemNo", i.annotations`,
    [target.datasetNo, back.map((row) => row.old_no), target.nowMs],
  )
  await countAnnotated(client, target, rows, 1)
}
