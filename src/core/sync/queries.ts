import { fingerprintText } from '#core/catalog/catalog.ts'
import type { Db, DbClient } from '#db/connect.ts'
import type { WalkRange } from '#storage/walk/walk.ts'
import type { Counts, Skipped } from './rows/batch.ts'
import type { FolderDelta } from './rows/folder.ts'

/** Another worker has taken the run over, or it was ended: nothing more may be written for it. */
export class LeaseLost extends Error {}

/** The run is no load any more: somebody else has written to its dataset. */
export class NotEmpty extends Error {}

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
    `insert into dir (dataset_no, dir_no, parent_no, path, name, is_hidden, items, bytes, deep_items, deep_bytes, fp)
     select $1, f.*
       from unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) f`,
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
    .filter((delta) => delta.deepItems !== 0 || delta.deepBytes !== 0 || delta.fpHigh !== 0 || delta.fpLow !== 0)
    .sort((a, b) => a.folder.no - b.folder.no)
  if (changed.length === 0) return
  await client.query(
    `update dir d
        set items = d.items + f.items, bytes = d.bytes + f.bytes,
            deep_items = d.deep_items + f.deep_items, deep_bytes = d.deep_bytes + f.deep_bytes, fp = d.fp # f.fp
       from unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) f (dir_no, items, bytes, deep_items, deep_bytes, fp)
      where d.dataset_no = $1 and d.dir_no = f.dir_no`,
    [datasetNo, changed.map((delta) => delta.folder.no), ...counterColumns(changed)],
  )
}

function counterColumns(deltas: readonly FolderDelta[]): (number | string)[][] {
  return [
    deltas.map((delta) => delta.items),
    deltas.map((delta) => delta.bytes),
    deltas.map((delta) => delta.deepItems),
    deltas.map((delta) => delta.deepBytes),
    deltas.map((delta) => fingerprintText(delta.fpHigh, delta.fpLow)),
  ]
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

/**
 * Locks the run's row for the rest of the transaction. Whoever follows a hint into a dataset with an unfinished run locks it as well, so that of a page and a
 * removal of one of its keys the later one sees what the earlier one did (docs/adr/0008). Throws `LeaseLost`.
 */
export async function holdRun(tx: Db, run: { readonly runNo: number; readonly fence: number }): Promise<void> {
  const { rows } = await tx.query(
    `update sync_run set lease_until = now() + make_interval(secs => $3) where run_no = $1 and fence = $2 and state = 'running' returning 1`,
    [run.runNo, run.fence, LEASE_SECONDS],
  )
  if (rows.length === 0) throw new LeaseLost('The run has another worker or has ended.')
}

/** Drops what a run only needed while it worked. */
export async function forgetRun(tx: Db, runNo: number): Promise<void> {
  for (const table of ['sync_range', 'absence', 'seen'])
    await tx.query(`delete from ${table} where run_no = $1`, [runNo])
}

/** What a batch adds to its run's counters. */
export interface RunCounts extends Counts {
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  readonly returned: number
  readonly overQuota: number
}

/**
 * Saves how far a run is, in one statement: its ranges, its counters and its command's progress; keeps the lease, and answers whether somebody asked to
 * stop it. Throws `LeaseLost` when the run is another worker's or has ended, and `NotEmpty` when it is no longer in the mode the batch was made for; then nothing
 * is saved.
 */
export async function saveProgress(
  client: DbClient,
  target: { readonly runNo: number; readonly fence: number; readonly mode: string; readonly progress: number },
  counts: RunCounts,
  ranges: readonly WalkRange[],
): Promise<boolean> {
  const { rows } = await client.query<{ is_stop_asked: boolean }>(
    `with run as (
       update sync_run
          set listed = listed + $3::bigint, added = added + $4, changed = changed + $5, unchanged = unchanged + $6, markers = markers + $7,
              hidden = hidden + $8, skipped = skipped + $9, returned = returned + $10, over_quota = over_quota + $11, excluded = excluded + $12,
              attempts = case when $3::bigint > 0 then 0 else attempts end,
              error = case when $3::bigint > 0 then null else error end,
              error_code = case when $3::bigint > 0 then null else error_code end,
              lease_until = now() + make_interval(secs => $13)
        where run_no = $1 and fence = $2 and state = 'running' and mode = $14
       returning run_no, command_id, cancel_asked or pause_asked as is_stop_asked
     ), reached as (
       insert into sync_range (run_no, range_no, from_key, to_key, cursor, is_done)
       select run.run_no, r.* from run cross join unnest($15::int[], $16::bytea[], $17::bytea[], $18::bytea[], $19::boolean[]) r
       on conflict (run_no, range_no) do update set to_key = excluded.to_key, cursor = excluded.cursor, is_done = excluded.is_done
     ), shown as (
       update command c set progress = greatest(c.progress, $20), updated_at = now() from run where c.id = run.command_id
     )
     select is_stop_asked from run`,
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
      counts.returned,
      counts.overQuota,
      counts.excluded,
      LEASE_SECONDS,
      target.mode,
      ranges.map((range) => range.no),
      ranges.map((range) => range.from),
      ranges.map((range) => range.to),
      ranges.map((range) => range.cursor),
      ranges.map((range) => range.isDone),
      target.progress,
    ],
  )
  if (rows[0]) return rows[0].is_stop_asked
  await holdRun(client, target)
  throw new NotEmpty('Somebody has written to the dataset.')
}
