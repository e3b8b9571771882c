import { type SkipReason, skipReasons } from '#contract/skip-reasons.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import { requireDir } from './browse.ts'
import { viewDataset } from './dataset-view.ts'
import { afterPrefix } from './paths.ts'
import { run } from './query/budget.ts'
import { raw, sql } from './query/fragment.ts'

/**
 * What a dataset or a folder with all below it holds. `items` counts every item; hidden, missing (gone from the storage), changed (in the storage, since somebody
 * last looked) and excluded ones (by the dataset's patterns) are among them, and may be several of these at once.
 */
export interface Counts {
  items: number
  bytes: number
  hidden: number
  missing: number
  changed: number
  excluded: number
  folders: number
  skipped: { reason: SkipReason; message: string; keys: number; bytes: number }[]
}

/**
 * Counts what is in a folder and below it, `/` for the whole dataset: from the counters its writers keep, and what is rare from the indexes that hold nothing
 * else. Always exact. Throws `item.not_found` where there is no such folder.
 */
export async function countItems(deps: Deps, datasetNo: number, dir: string): Promise<Counts> {
  const view = await viewDataset(deps.db, datasetNo)
  const { dir_no, path } = await requireDir(deps, datasetNo, dir)
  const after = afterPrefix(path)
  const isBelow = sql`d.dataset_no = ${datasetNo}::int and d.path >= ${path}::text and ${after === null ? sql`true` : sql`d.path < ${after}::text`}`
  const isInside = path === '' ? sql`true` : sql`i.dir_no in (select d.dir_no from dir d where ${isBelow})`
  const count = (condition: string) =>
    sql`(select count(*) from item i where i.dataset_no = ${datasetNo}::int and ${raw(condition)} and ${isInside})`
  const key = Buffer.from(view.folder + path)
  const [[totals], skipped] = await Promise.all([
    run<Omit<Counts, 'skipped'>>(
      deps.db,
      sql`select coalesce(max(r.deep_items), 0) as items, coalesce(max(r.deep_bytes), 0) as bytes,
            ${count('(i.flags & 1) = 1')} as hidden, ${count('i.state = 1')} as missing,
            ${count('(i.flags & 8) = 8')} as changed, ${count('i.state = 2')} as excluded,
            (select count(*) from dir d where ${isBelow} and d.dir_no not in (1, ${dir_no}::int) and d.deep_items > 0) as folders
          from dir r where r.dataset_no = ${datasetNo}::int and r.dir_no = ${dir_no}::int`,
    ),
    run<{ reason: SkipReason; keys: number; bytes: number }>(
      deps.db,
      sql`select s.reason, count(*) as keys, coalesce(sum(s.size_bytes), 0)::bigint as bytes from skipped s
          where s.dataset_no = ${datasetNo}::int and substring(s.key for ${key.length}::int) = ${key}::bytea group by s.reason order by s.reason`,
    ),
  ])
  return { ...totals!, skipped: skipped.map((row) => ({ ...row, message: skipReasons[row.reason] })) }
}

/** A key that could not become an item. */
export interface SkippedKey {
  key: string
  keyB64: string
  reason: SkipReason
  message: string
  size: number
  foundAt: string
}

/** Lists keys that could not become items, in a fixed order of no meaning, with a cursor. */
export async function listSkipped(
  deps: Deps,
  datasetNo: number,
  page: { readonly after?: string | undefined; readonly limit: number; readonly reason?: SkipReason | undefined },
): Promise<{ skipped: SkippedKey[]; next: string | null }> {
  const after = page.after === undefined ? sql`true` : sql`s.key_sha256 > ${readCursor(page.after)}::bytea`
  const ofReason = page.reason === undefined ? sql`true` : sql`s.reason = ${page.reason}::text`
  const rows = await run<{ key_sha256: Buffer; key: Buffer; reason: SkipReason; size_bytes: number; found_ms: number }>(
    deps.db,
    sql`select s.key_sha256, s.key, s.reason, s.size_bytes, round(date_part('epoch', s.found_at) * 1000)::bigint as found_ms
        from skipped s where s.dataset_no = ${datasetNo}::int and ${after} and ${ofReason}
        order by s.key_sha256 limit ${page.limit + 1}::int`,
  )
  const shown = rows.slice(0, page.limit)
  return {
    skipped: shown.map((row) => ({
      key: displayKey(row.key),
      keyB64: row.key.toString('base64'),
      reason: row.reason,
      message: skipReasons[row.reason],
      size: row.size_bytes,
      foundAt: toIso(row.found_ms),
    })),
    next: rows.length > page.limit ? shown.at(-1)!.key_sha256.toString('base64url') : null,
  }
}

function readCursor(cursor: string): Buffer {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length === 32) return bytes
  throw new AppError('request.invalid', { details: [{ path: 'query.after', message: 'is not a cursor of this list' }] })
}

/** A key for people's eyes: what is no text, or would change the text around it, is written as `\xNN` or `\u{N}`. Not reversible; use the bytes for that. */
export function displayKey(key: Buffer): string {
  let shown = ''
  for (let at = 0; at < key.length; ) {
    const length = sequenceLength(key, at)
    if (length === 0) {
      shown += `\\x${key[at]!.toString(16).padStart(2, '0')}`
      at++
      continue
    }
    const character = key.toString('utf8', at, at + length)
    // Controls, and the marks that turn the direction of writing.
    const isOdd = /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(character)
    shown += isOdd ? `\\u{${character.codePointAt(0)!.toString(16)}}` : character
    at += length
  }
  return shown
}

/** Bytes of the UTF-8 character that starts at `at`; 0 where none does. */
function sequenceLength(key: Buffer, at: number): number {
  const first = key[at]!
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  const character = key.toString('utf8', at, at + length)
  return length > 0 && Buffer.from(character).equals(key.subarray(at, at + length)) ? length : 0
}
