import type { Db, DbClient } from '#db/connect.ts'
import type { WalkRange } from '#storage/walk/walk.ts'
import type { Counts, Skipped } from './batch.ts'
import type { FolderDelta } from './folder.ts'

/** Another worker has taken the run over, or it was ended: nothing more may be written for it. */
export class LeaseLost extends Error {}

/** How long a worker may be silent before another takes its run: a few heartbeats. */
export const LEASE_SECONDS = 15

/** Numbers of the folders that exist, by path. */
export async function findFolders(db: Db, datasetNo: number, paths: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ path: string; dir_no: number }>(
    'select path, dir_no from dir where dataset_no = $1 and path = any($2::text[])',
    [datasetNo, paths],
  )
  return new Map(rows.map((row) => [row.path, row.dir_no]))
}

/** Adds new folders with their first counters. */
export async function insertFolders(client: DbClient, datasetNo: number, fresh: readonly FolderDelta[]): Promise<void> {
  if (fresh.length === 0) return
  const folders = fresh.map((delta) => delta.folder)
  await client.query(
    `insert into dir (dataset_no, dir_no, parent_no, path, name, is_hidden, items, bytes, deep_items, deep_bytes)
     select $1, f.* from unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) f`,
    [
      datasetNo,
      folders.map((folder) => folder.no),
      folders.map((folder) => folder.parent!.no),
      folders.map((folder) => folder.path),
      folders.map((folder) => folder.name),
      folders.map((folder) => folder.isHidden),
      ...counterColumns(fresh),
    ],
  )
}

/** Adds to the counters of folders that exist, in the order of their numbers, so that two writers do not lock each other out. */
export async function addToFolders(client: DbClient, datasetNo: number, deltas: readonly FolderDelta[]): Promise<void> {
  const changed = deltas
    .filter((delta) => delta.deepItems !== 0 || delta.deepBytes !== 0)
    .sort((a, b) => a.folder.no - b.folder.no)
  if (changed.length === 0) return
  await client.query(
    `update dir d
        set items = d.items + f.items, bytes = d.bytes + f.bytes,
            deep_items = d.deep_items + f.deep_items, deep_bytes = d.deep_bytes + f.deep_bytes
       from unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) f (dir_no, items, bytes, deep_items, deep_bytes)
      where d.dataset_no = $1 and d.dir_no = f.dir_no`,
    [datasetNo, changed.map((delta) => delta.folder.no), ...counterColumns(changed)],
  )
}

function counterColumns(deltas: readonly FolderDelta[]): number[][] {
  return [
    deltas.map((delta) => delta.items),
    deltas.map((delta) => delta.bytes),
    deltas.map((delta) => delta.deepItems),
    deltas.map((delta) => delta.deepBytes),
  ]
}

/** Makes the temporary table of this connection that merged rows go through. */
export async function prepareStage(client: DbClient): Promise<void> {
  await client.query(
    `create temp table if not exists stage (
       item_no bigint, size_bytes bigint, modified_at timestamptz, ticket bigint, dataset_no int, dir_no int,
       type_no smallint, flags smallint, name text collate "C", etag bytea
     ) on commit delete rows`,
  )
}

/** Difference of one folder's own counters, as the database counted it. */
export interface WrittenDelta {
  readonly dirNo: number
  readonly items: number
  readonly bytes: number
}

/**
 * Writes the differences between the staged rows and the dataset: rows whose etag, size or time differ are updated (same item, annotations and
 * metadata kept), unknown ones are added, equal ones are not touched. A row that was written under a later ticket stays as it is.
 */
export async function mergeStage(
  client: DbClient,
  datasetNo: number,
  nowMs: number,
): Promise<{ added: number; changed: number; deltas: WrittenDelta[] }> {
  // Without statistics the planner guesses a temporary table's size and may choose a nested loop over all of it.
  await client.query('analyze pg_temp.stage')
  const updated = await client.query<{ dir_no: number; n: number; bytes: number }>(
    `with changed as (
       select s.*, i.item_no as known_no, i.size_bytes as known_bytes
         from pg_temp.stage s
         join item i on i.dataset_no = $1 and i.dir_no = s.dir_no and i.name = s.name
        where i.ticket < s.ticket
          and (i.etag <> s.etag or i.size_bytes <> s.size_bytes or i.modified_at is distinct from s.modified_at
               or i.flags <> s.flags or i.state <> 0)
     ), written as (
       update item i
          set size_bytes = c.size_bytes, etag = c.etag, modified_at = c.modified_at, ticket = c.ticket, type_no = c.type_no,
              flags = c.flags, state = 0, updated_at = to_timestamp($2::float8 / 1000)
         from changed c
        where i.dataset_no = $1 and i.item_no = c.known_no
     )
     select dir_no, count(*)::int as n, sum(size_bytes - known_bytes)::bigint as bytes from changed group by dir_no`,
    [datasetNo, nowMs],
  )
  const inserted = await client.query<{ dir_no: number; n: number; bytes: number }>(
    `with written as (
       insert into item (item_no, size_bytes, modified_at, ticket, dataset_no, dir_no, type_no, flags, name, etag)
       select s.item_no, s.size_bytes, s.modified_at, s.ticket, s.dataset_no, s.dir_no, s.type_no, s.flags, s.name, s.etag
         from pg_temp.stage s
        where not exists (select 1 from item i where i.dataset_no = $1 and i.dir_no = s.dir_no and i.name = s.name)
       on conflict (dataset_no, dir_no, name) do nothing
       returning dir_no, size_bytes
     )
     select dir_no, count(*)::int as n, sum(size_bytes)::bigint as bytes from written group by dir_no`,
    [datasetNo],
  )
  const total = (rows: readonly { n: number }[]) => rows.reduce((sum, row) => sum + row.n, 0)
  return {
    added: total(inserted.rows),
    changed: total(updated.rows),
    deltas: [
      ...updated.rows.map((row) => ({ dirNo: row.dir_no, items: 0, bytes: Number(row.bytes) })),
      ...inserted.rows.map((row) => ({ dirNo: row.dir_no, items: row.n, bytes: Number(row.bytes) })),
    ],
  }
}

/** Keeps the keys that could not become items, with the reason; one row a key however often it is met. */
export async function insertSkipped(
  client: DbClient,
  target: { readonly datasetNo: number; readonly runNo: number; readonly nowMs: number },
  skipped: readonly Skipped[],
): Promise<void> {
  if (skipped.length === 0) return
  await client.query(
    `insert into skipped (dataset_no, run_no, found_at, key_sha256, key, reason, size_bytes)
     select $1, $2, to_timestamp($3::float8 / 1000), sha256(s.key), s.*
       from unnest($4::bytea[], $5::text[], $6::bigint[]) s (key, reason, size_bytes)
     on conflict (dataset_no, key_sha256) do update
        set reason = excluded.reason, size_bytes = excluded.size_bytes, found_at = excluded.found_at, run_no = excluded.run_no`,
    [
      target.datasetNo,
      target.runNo,
      target.nowMs,
      skipped.map((skip) => skip.key),
      skipped.map((skip) => skip.reason),
      skipped.map((skip) => skip.sizeBytes),
    ],
  )
}

/** Saves how far ranges are. */
export async function saveRanges(db: Db, runNo: number, ranges: readonly WalkRange[]): Promise<void> {
  if (ranges.length === 0) return
  await db.query(
    `insert into sync_range (run_no, range_no, from_key, to_key, cursor, is_done)
     select $1, r.* from unnest($2::int[], $3::bytea[], $4::bytea[], $5::bytea[], $6::boolean[]) r
     on conflict (run_no, range_no) do update set to_key = excluded.to_key, cursor = excluded.cursor, is_done = excluded.is_done`,
    [
      runNo,
      ranges.map((range) => range.no),
      ranges.map((range) => range.from),
      ranges.map((range) => range.to),
      ranges.map((range) => range.cursor),
      ranges.map((range) => range.isDone),
    ],
  )
}

/** Adds to the run's counters, moves its command's progress and keeps the lease; answers whether somebody asked to cancel. */
export async function addToRun(
  client: DbClient,
  target: { readonly runNo: number; readonly fence: number; readonly progress: number },
  counts: Counts & { readonly added: number; readonly changed: number; readonly unchanged: number },
): Promise<boolean> {
  const { rows } = await client.query<{ command_id: string; cancel_asked: boolean }>(
    `update sync_run
        set listed = listed + $3::bigint, added = added + $4, changed = changed + $5, unchanged = unchanged + $6, markers = markers + $7,
            hidden = hidden + $8, skipped = skipped + $9,
            attempts = case when $3::bigint > 0 then 0 else attempts end,
            error = case when $3::bigint > 0 then null else error end,
            error_code = case when $3::bigint > 0 then null else error_code end,
            lease_until = now() + make_interval(secs => $10)
      where run_no = $1 and fence = $2 and state = 'running'
      returning command_id, cancel_asked`,
    [
      target.runNo,
      target.fence,
      counts.listed,
      counts.added,
      counts.changed,
      counts.unchanged,
      counts.markers,
      counts.hidden,
      counts.skipped,
      LEASE_SECONDS,
    ],
  )
  const run = rows[0]
  if (!run) throw new LeaseLost('The run has another worker or has ended.')
  await client.query('update command set progress = greatest(progress, $2), updated_at = now() where id = $1', [
    run.command_id,
    target.progress,
  ])
  return run.cancel_asked
}
