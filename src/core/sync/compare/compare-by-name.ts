import { FLAG_ARCHIVED, hashObserved, LIVE, STORAGE_FLAGS } from '#core/catalog/catalog.ts'
import type { Db, DbClient } from '#db/connect.ts'
import { findFolders } from '../queries.ts'
import type { Batch } from '../rows/batch.ts'
import { type EncodedFacts, encodedFacts } from '../rows/row-buffer.ts'
import { type ChangedRow, type CompareTarget, type Comparison, nothingFound } from './compare.ts'

interface StoredRow {
  readonly row: number
  readonly item_no: string
  readonly ticket: number
  readonly size_bytes: number
  readonly modified_ms: number | null
  readonly flags: number
  readonly state: number
  readonly etag: Buffer
}

/** Rows asked for at once. */
const ROWS_MAX = 5_000

/**
 * The same as `compareBatch` for storages that list in no known order: every listed key is looked up by its name, and what is there unchanged is noted
 * as seen; only a complete walk then tells what was not (`noteUnseen`).
 */
export async function compareByName(
  client: DbClient,
  target: CompareTarget & { readonly runNo: number },
  batch: Batch,
): Promise<Comparison> {
  const found = nothingFound()
  const unknown = batch.deltas.filter(({ folder }) => folder.no === 0).map(({ folder }) => folder.path)
  const numbers = await findFolders(client, target.datasetNo, unknown)
  for (const { folder } of batch.deltas) folder.no ||= numbers.get(folder.path) ?? 0
  const seen: string[] = []
  for (let from = 0; from < batch.rows.rows; from += ROWS_MAX) {
    const rows = Array.from({ length: Math.min(ROWS_MAX, batch.rows.rows - from) }, (_, index) => from + index)
    const facts = new Map(rows.map((row) => [row, encodedFacts(batch.rows, row)]))
    const stored = await findRows(client, target.datasetNo, batch, facts)
    for (const row of rows) {
      const item = stored.get(row)
      if (!item) found.added.push(row)
      else sort(found, seen, target, batch, row, facts.get(row)!, item)
    }
  }
  await client.query('insert into seen (run_no, item_no) select $1, unnest($2::bigint[]) on conflict do nothing', [
    target.runNo,
    seen,
  ])
  return found
}

async function findRows(
  client: DbClient,
  datasetNo: number,
  batch: Batch,
  facts: ReadonlyMap<number, EncodedFacts>,
): Promise<Map<number, StoredRow>> {
  const rows = [...facts.keys()]
  const answer = await client.query<StoredRow>(
    `select w.row, i.item_no::text, i.ticket, i.size_bytes, (extract(epoch from i.modified_at) * 1000)::float8 as modified_ms, i.flags, i.state, i.etag
       from unnest($2::int[], $3::int[], $4::text[]) w (row, dir_no, name)
       join item i on i.dataset_no = $1 and i.dir_no = w.dir_no and i.name = w.name`,
    [
      datasetNo,
      rows,
      rows.map((row) => batch.deltas[batch.rows.folderOf(row)]!.folder.no),
      rows.map((row) => facts.get(row)!.name.toString('utf8')),
    ],
  )
  return new Map(answer.rows.map((row) => [row.row, row]))
}

function sort(
  found: Comparison,
  seen: string[],
  target: CompareTarget,
  batch: Batch,
  row: number,
  facts: EncodedFacts,
  item: StoredRow,
): void {
  const isLive = item.state === LIVE
  const isSame =
    item.size_bytes === facts.sizeBytes &&
    item.modified_ms === facts.modifiedMs &&
    (item.flags & STORAGE_FLAGS) === facts.flags &&
    item.etag.equals(facts.etag)
  if (isLive && isSame) {
    found.unchanged++
    seen.push(item.item_no)
    return
  }
  const path = batch.deltas[batch.rows.folderOf(row)]!.folder.path
  if (item.ticket > target.ticket) {
    found.disputed.push(Buffer.concat([Buffer.from(path), facts.name]))
    seen.push(item.item_no)
    return
  }
  found.changed.push(changedRow(batch, row, facts, item, isLive))
}

function changedRow(batch: Batch, row: number, facts: EncodedFacts, item: StoredRow, isLive: boolean): ChangedRow {
  const { hash } = batch.rows
  if (isLive)
    hashObserved(hash, {
      name: facts.name,
      etag: item.etag,
      sizeBytes: item.size_bytes,
      modifiedMs: item.modified_ms,
      isArchived: (item.flags & FLAG_ARCHIVED) !== 0,
    })
  return {
    row,
    itemNo: BigInt(item.item_no),
    ticket: BigInt(item.ticket),
    oldBytes: item.size_bytes,
    isReturned: !isLive,
    oldHigh: isLive ? hash.high : 0,
    oldLow: isLive ? hash.low : 0,
  }
}

/** When a walk without order has ended: notes every live item that it did not show and that nobody has written since it began. */
export async function noteUnseen(
  client: Db,
  run: { readonly runNo: number; readonly datasetNo: number; readonly ticket: number },
): Promise<void> {
  await client.query(
    `insert into absence (run_no, item_no, dir_no)
     select $1, i.item_no, i.dir_no from item i
      where i.dataset_no = $2 and i.state = 0 and i.ticket < $3
        and not exists (select 1 from seen s where s.run_no = $1 and s.item_no = i.item_no)
     on conflict do nothing`,
    [run.runNo, run.datasetNo, run.ticket],
  )
}
