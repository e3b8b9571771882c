import { FolderChanges, lockItems, type MarkTarget, RowHash, toggleFingerprint } from '#core/catalog/catalog.ts'
import type { DbClient } from '#db/connect.ts'
import type { ClaimedRun } from '../run.ts'

/** Uncertain pairs that are kept to be looked at. */
const UNCERTAIN_MAX = 100

/** Contents of which more than one file went or came, so that nobody can say which is which. */
export interface UncertainMove {
  readonly from: readonly string[]
  readonly to: readonly string[]
}

/** SQL of the run's absent items (`gone`) and of those it added (`come`), with what makes a content: etag and size. Empty files say nothing. */
const contents = `
  with gone as (
    select a.item_no, i.dir_no, i.name, i.etag, i.size_bytes from absence a join item i on i.dataset_no = $2 and i.item_no = a.item_no
     where a.run_no = $1 and i.size_bytes > 0
  ), come as (
    select i.item_no, i.dir_no, i.name, i.etag, i.size_bytes from item i
     where i.dataset_no = $2 and i.item_no >= ($3::bigint << 21) and i.ticket = $4 and i.state = 0 and i.size_bytes > 0
       and exists (select 1 from gone where gone.etag = i.etag and gone.size_bytes = i.size_bytes)
  ), content as (
    select etag, size_bytes, array_agg(item_no) as gone, (select array_agg(item_no) from come where come.etag = gone.etag and come.size_bytes = gone.size_bytes) as come
      from gone group by etag, size_bytes
  )`

function contentValues(run: ClaimedRun): unknown[] {
  return [run.runNo, run.datasetNo, Math.floor(run.createdMs), run.ticket]
}

/**
 * Recognises moves when a listing has ended: an absent item and a new one with the same etag and size, each the only one of its kind. Nothing is linked
 * yet: the old file is confirmed to be gone first. Answers how many, and what was uncertain.
 */
export async function pairMoves(
  client: DbClient,
  run: ClaimedRun,
): Promise<{ pairs: number; uncertain: UncertainMove[] }> {
  const { rowCount } = await client.query(
    `${contents}
     update absence a set moved_to = content.come[1] from content
      where a.run_no = $1 and a.item_no = content.gone[1] and cardinality(content.gone) = 1 and cardinality(content.come) = 1`,
    contentValues(run),
  )
  const { rows } = await client.query<UncertainMove>(
    `${contents}, doubtful as (select * from content where come is not null and cardinality(gone) + cardinality(come) > 2 limit ${UNCERTAIN_MAX})
     select (select json_agg(d.path || g.name) from gone g join dir d on d.dataset_no = $2 and d.dir_no = g.dir_no where g.item_no = any(u.gone)) as "from",
            (select json_agg(d.path || c.name) from come c join dir d on d.dataset_no = $2 and d.dir_no = c.dir_no where c.item_no = any(u.come)) as "to"
       from doubtful u`,
    contentValues(run),
  )
  return { pairs: rowCount ?? 0, uncertain: rows }
}

/**
 * Lets items follow their files: the old item takes the place of the new one, with its id, metadata and annotations; the new one's row is dropped,
 * and the caller gives its data point back. Answers how many were linked; a pair of which one has changed meanwhile is left as two items.
 */
export async function linkMoves(
  tx: DbClient,
  target: MarkTarget,
  gone: readonly { readonly itemNo: string; movedTo: string | null }[],
): Promise<number> {
  const pairs = gone.filter((candidate) => candidate.movedTo !== null)
  if (pairs.length === 0) return 0
  const items = await lockItems(tx, target, [
    ...pairs.map((pair) => pair.itemNo),
    ...pairs.map((pair) => pair.movedTo!),
  ])
  const byNo = new Map(items.map((item) => [item.itemNo, item]))
  const changes = new FolderChanges()
  const hash = new RowHash(target.datasetNo)
  const linked: { itemNo: string; movedTo: string }[] = []
  for (const pair of pairs) {
    const [old, fresh] = [byNo.get(pair.itemNo), byNo.get(pair.movedTo!)]
    if (!old || !fresh || old.state !== 0 || fresh.state !== 0 || !old.etag.equals(fresh.etag)) {
      // Not a move any more: the caller marks the old one as it would have without.
      pair.movedTo = null
      continue
    }
    linked.push({ itemNo: pair.itemNo, movedTo: pair.movedTo! })
    // The new place keeps its counters and fingerprint: one item goes out of it and one with the same facts comes in.
    changes.add(old.dirNo, -1, -old.sizeBytes)
    toggleFingerprint(changes, hash, old)
  }
  if (linked.length === 0) return 0
  const fresh = linked.map((pair) => byNo.get(pair.movedTo)!)
  // Before the update: place and name are unique.
  await tx.query('delete from item where dataset_no = $1 and item_no = any($2::bigint[])', [
    target.datasetNo,
    fresh.map((item) => item.itemNo),
  ])
  await tx.query(
    `update item i
        set dir_no = f.dir_no, name = f.name, modified_at = to_timestamp(f.modified_ms / 1000), type_no = f.type_no,
            flags = f.flags | (i.flags & 8), ticket = $3, updated_at = to_timestamp($4::float8 / 1000)
       from unnest($2::bigint[], $5::int[], $6::text[], $7::float8[], $8::smallint[], $9::smallint[]) f (item_no, dir_no, name, modified_ms, type_no, flags)
      where i.dataset_no = $1 and i.item_no = f.item_no`,
    [
      target.datasetNo,
      linked.map((pair) => pair.itemNo),
      target.ticket,
      target.nowMs,
      fresh.map((item) => item.dirNo),
      fresh.map((item) => item.name.toString('utf8')),
      fresh.map((item) => item.modifiedMs),
      fresh.map((item) => item.typeNo),
      fresh.map((item) => item.flags),
    ],
  )
  await changes.write(tx, target.datasetNo)
  return linked.length
}
