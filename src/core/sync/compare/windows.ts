import { isUtf8 } from 'node:buffer'
import { fingerprintColumns, PART_BYTES_MAX } from '#core/catalog/catalog.ts'
import type { DbClient } from '#db/connect.ts'

/** A half-open stretch `(from, to]` of keys below the driver's folder that a batch says everything about; `to` null: to the end. */
export interface Interval {
  readonly from: Buffer
  readonly to: Buffer | null
}

/** A folder as the dataset has it. */
export interface StoredFolder {
  readonly no: number
  readonly path: string
  readonly bytes: Buffer
  readonly fpHigh: number
  readonly fpLow: number
  /** Times that others than a sync's batch wrote its items. */
  readonly edits: number
}

/** Part of a folder's own items: those with names in `(low, high]`; null means no bound. Without both it is the whole folder. */
export interface Window {
  readonly folder: StoredFolder
  readonly low: Buffer | null
  readonly high: Buffer | null
}

/** So many of the last character, of four bytes, are longer than anything in an indexed column, and so sort behind it. */
export const BEHIND_ALL_LENGTH = PART_BYTES_MAX / 4 + 1
const BEHIND_ALL = '\u{10ffff}'.repeat(BEHIND_ALL_LENGTH)

/** The greatest text of whole characters that is not behind the bytes; keys at borders may hold anything. */
export function textAtMost(bytes: Buffer): string {
  const nul = bytes.indexOf(0)
  const usable = nul < 0 ? bytes : bytes.subarray(0, nul)
  const text = usable.toString('utf8')
  return isUtf8(usable) ? text : text.slice(0, text.indexOf('\ufffd'))
}

/** A text that no text of the bytes' stretch is behind. */
export function textAtLeast(bytes: Buffer | null): string {
  if (bytes === null) return BEHIND_ALL
  const text = textAtMost(bytes)
  return Buffer.byteLength(text) === bytes.length ? text : text + BEHIND_ALL
}

/**
 * The parts of stored folders that the intervals say everything about: of each interval all folders that begin inside it, and of the folders that hold
 * one of its ends the names on its side.
 *
 * In a fixed folder path and name together grow with the name, so these are exactly the rows whose keys lie in the intervals.
 */
export async function findWindows(
  client: DbClient,
  datasetNo: number,
  intervals: readonly Interval[],
): Promise<Window[]> {
  const { inside, above } = await findStoredFolders(client, datasetNo, intervals)
  const windows: Window[] = []
  for (const [index, { from, to }] of intervals.entries()) {
    for (const folder of inside[index]!) {
      // The bounds of the statement were rounded to whole characters.
      if (folder.bytes.compare(from) <= 0 || (to !== null && folder.bytes.compare(to) > 0)) continue
      if (to === null || !holds(folder.bytes, to)) windows.push({ folder, low: null, high: null })
    }
    for (const path of pathsHolding(from, to)) {
      const folder = above.get(path)
      if (!folder) continue
      const low =
        holds(folder.bytes, from) && from.length > folder.bytes.length ? from.subarray(folder.bytes.length) : null
      const high = to !== null && holds(folder.bytes, to) ? to.subarray(folder.bytes.length) : null
      // An end that is the folder itself has none of its names behind it.
      if (high === null || high.length > 0) windows.push({ folder, low, high })
    }
  }
  return windows
}

function holds(path: Buffer, key: Buffer): boolean {
  return key.length >= path.length && key.compare(path, 0, path.length, 0, path.length) === 0
}

const SLASH = 0x2f

/** Paths of the folders that hold one of the ends, the root first; each once. */
function pathsHolding(from: Buffer, to: Buffer | null): Set<string> {
  const paths = new Set<string>([''])
  for (const key of to === null ? [from] : [from, to]) {
    for (let at = key.indexOf(SLASH); at >= 0; at = key.indexOf(SLASH, at + 1)) {
      const path = key.subarray(0, at + 1)
      if (isUtf8(path) && !path.includes(0)) paths.add(path.toString('utf8'))
    }
  }
  return paths
}

interface Row {
  place: number
  dir_no: number
  path: string
  fp_high: number
  fp_low: number
  edits: number
}

function folderOf(row: Row): StoredFolder {
  const { dir_no: no, path, fp_high: fpHigh, fp_low: fpLow, edits } = row
  return { no, path, bytes: Buffer.from(path), fpHigh, fpLow, edits }
}

/**
 * In one statement: of each interval the folders that begin inside it, and those that hold one of its ends, by path.
 *
 * Each interval on its own (that is what `offset 0` is for): the planner takes a stretch between two paths for half a percent of all folders, and with
 * 150,000 of them read them all for every batch, which was most of the time of a re-sync of 10 M objects.
 */
async function findStoredFolders(
  client: DbClient,
  datasetNo: number,
  intervals: readonly Interval[],
): Promise<{ inside: StoredFolder[][]; above: Map<string, StoredFolder> }> {
  const paths = new Set(intervals.flatMap(({ from, to }) => [...pathsHolding(from, to)]))
  const { rows } = await client.query<Row>(
    `select w.place::int as place, d.*
       from unnest($2::text[], $3::text[]) with ordinality w (low, high, place)
      cross join lateral (
        select dir_no, path, ${fingerprintColumns}, edits from dir
         where dataset_no = $1 and path > w.low collate "C" and path <= w.high collate "C" and dir_no > 1 offset 0) d
     union all
     select 0, dir_no, path, ${fingerprintColumns}, edits from dir where dataset_no = $1 and path = any($4::text[])`,
    [datasetNo, intervals.map(({ from }) => textAtMost(from)), intervals.map(({ to }) => textAtLeast(to)), [...paths]],
  )
  const inside: StoredFolder[][] = intervals.map(() => [])
  const above = new Map<string, StoredFolder>()
  for (const row of rows) {
    if (row.place === 0) above.set(row.path, folderOf(row))
    else inside[row.place - 1]!.push(folderOf(row))
  }
  return { inside, above }
}
