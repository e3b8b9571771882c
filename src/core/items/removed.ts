import type { RemovedItem } from '#contract/item-marks.ts'
import { REMOVED_KEPT_MS, type RemovalReason } from '#core/catalog/catalog.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import { dirText } from './paths.ts'
import { run } from './query/budget.ts'
import { sql } from './query/fragment.ts'

interface Row {
  id: string
  name: string
  path: string
  size_bytes: number
  reason: RemovalReason
  removed_ms: number
  missing_ms: number | null
  cursor: string
}

/** A page of a list of removed items: `after` is the cursor of the page before. */
export interface RemovedPage {
  readonly after?: string | undefined
  readonly limit: number
  readonly reason?: RemovalReason | undefined
}

/** Lists what was removed from a dataset and can still come back, the latest first. Throws `request.invalid` for what is no cursor. */
export async function listRemoved(
  deps: Deps,
  datasetNo: number,
  page: RemovedPage,
): Promise<{ removed: RemovedItem[]; next: string | null }> {
  const cursor = page.after === undefined ? null : readCursor(page.after)
  const isAfter =
    cursor === null
      ? sql`true`
      : sql`(r.removed_at, r.item_no) < ('epoch'::timestamptz + ${cursor.micros}::bigint * interval '1 microsecond', ${cursor.itemNo}::bigint)`
  const ofReason = page.reason === undefined ? sql`true` : sql`r.reason = ${page.reason}::text`
  const rows = await run<Row>(
    deps.db,
    sql`select lpad(to_hex(r.dataset_no), 8, '0') || lpad(to_hex(r.item_no), 16, '0') as id, r.name, d.path, r.size_bytes, r.reason,
          round(date_part('epoch', r.removed_at) * 1000)::bigint as removed_ms, round(date_part('epoch', r.missing_at) * 1000)::bigint as missing_ms,
          (extract(epoch from r.removed_at) * 1000000)::bigint::text || '.' || r.item_no as cursor
        from removed r join dir d on d.dataset_no = r.dataset_no and d.dir_no = r.dir_no
        where r.dataset_no = ${datasetNo}::int and r.item_no is not null and r.removed_at > to_timestamp(${deps.clock.now() - REMOVED_KEPT_MS}::float8 / 1000)
          and ${isAfter} and ${ofReason}
        order by r.removed_at desc, r.item_no desc limit ${page.limit + 1}::int`,
  )
  const shown = rows.slice(0, page.limit)
  return { removed: shown.map(render), next: rows.length > page.limit ? encodeCursor(shown.at(-1)!.cursor) : null }
}

function render(row: Row): RemovedItem {
  return {
    id: row.id,
    name: row.name,
    dir: dirText(row.path),
    filename: `/${row.path}${row.name}`,
    size: row.size_bytes,
    reason: row.reason,
    missingSince: row.missing_ms === null ? null : toIso(row.missing_ms),
    removedAt: toIso(row.removed_ms),
    restorableUntil: toIso(row.removed_ms + REMOVED_KEPT_MS),
  }
}

function encodeCursor(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** Time in microseconds and item number of a page's last row; decimal texts, because both may pass 2^53. */
function readCursor(cursor: string): { micros: string; itemNo: string } {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const match = /^(\d{1,17})\.(\d{1,19})$/.exec(text)
  if (match !== null && BigInt(match[2]!) < 2n ** 63n && encodeCursor(text) === cursor)
    return { micros: match[1]!, itemNo: match[2]! }
  throw new AppError('request.invalid', { details: [{ path: 'query.after', message: 'is not a cursor of this list' }] })
}

/** Rows deleted a statement: a lock of well under a second. */
const SWEEP_ROWS = 5_000

/**
 * For the clockwork: forgets for good what was removed more than 30 days ago. Answers how many.
 *
 * A row that is still needed stays longer: as long as an observation from before the removal could be under way, it is what keeps that from bringing the item
 * back. So its ticket must lie at or below the source's floor, and no unfinished sync of the dataset may have begun before it (docs/adr/0008).
 */
export async function sweepRemoved(deps: Deps, signal: AbortSignal): Promise<number> {
  const before = deps.clock.now() - REMOVED_KEPT_MS
  const datasets = await run<{ no: number }>(
    deps.db,
    sql`select distinct r.dataset_no as no from removed r where r.removed_at < to_timestamp(${before}::float8 / 1000)`,
  )
  let swept = 0
  for (const { no } of datasets) {
    for (;;) {
      if (signal.aborted) return swept
      const rows = await sweepSlice(deps, no, before)
      swept += rows
      if (rows < SWEEP_ROWS) break
    }
  }
  return swept
}

async function sweepSlice(deps: Deps, datasetNo: number, beforeMs: number): Promise<number> {
  // Their annotations go with them: nobody can see those any more.
  const { rows } = await deps.db.query<{ count: number }>(
    `with gone as (
     delete from removed where dataset_no = $1 and ctid = any(array(
       select r.ctid
         from removed r
         left join dataset d on d.dataset_no = r.dataset_no
         left join driver v on v.id = d.driver_id
         left join source s on s.source_no = v.source_no
        where r.dataset_no = $1 and r.removed_at < to_timestamp($2::float8 / 1000) and (s.source_no is null or r.ticket <= s.floor)
          and not exists (select 1 from sync_run u
                           where u.dataset_no = r.dataset_no and u.state in ('queued', 'running', 'paused', 'parked') and u.ticket <= r.ticket)
        limit $3))
     and removed_at < to_timestamp($2::float8 / 1000) returning item_no, annotations
     ), forgotten as (
       delete from annotation a using gone where a.dataset_no = $1 and a.item_no = gone.item_no and gone.annotations > 0
     )
     select count(*) as count from gone`,
    [datasetNo, beforeMs, SWEEP_ROWS],
  )
  return rows[0]!.count
}
