import { findSegments, isBorder, type Segment } from '#core/catalog/catalog.ts'
import type { DbClient } from '#db/connect.ts'
import type { Batch } from '../rows/batch.ts'
import { hashRow, nameOf } from '../rows/row-buffer.ts'
import type { WindowRows } from './merge.ts'
import { textAtLeast, textAtMost } from './windows.ts'

/** Listed rows from which on a window is looked at in segments; below, reading them all costs less. */
const ROWS_MIN = 256

/** Segments to be kept when the batch is written, each with the window it was read in: only if nothing there was in doubt. */
export type SegmentPlan = readonly { readonly segment: Segment; readonly window: WindowRows }[]

/** Windows in which rows must be read, and what follows for the segments. */
export interface Narrowed {
  readonly windows: WindowRows[]
  readonly plan: SegmentPlan
  /** Rows in segments that are as they were. */
  readonly unchanged: number
}

/**
 * Cuts windows with many rows into segments and leaves out those whose fingerprint is the kept one, so that of a folder of any size only the stretches
 * that changed are read. Segments that are not kept yet are to be kept after the comparison: the first look at a large folder makes them.
 */
export async function narrowWindows(
  client: DbClient,
  datasetNo: number,
  batch: Batch,
  windows: readonly WindowRows[],
): Promise<Narrowed> {
  const large = windows.filter(({ rows }) => rows.length >= ROWS_MIN)
  const narrowed = windows.filter(({ rows }) => rows.length < ROWS_MIN)
  const stretches = large.map(({ folder, low, high }) => ({
    dirNo: folder.no,
    low: low === null ? '' : textAtMost(low),
    high: textAtLeast(high),
  }))
  const kept = await findSegments(client, datasetNo, stretches)
  const plan: SegmentPlan[number][] = []
  let unchanged = 0
  for (const [index, window] of large.entries()) {
    let open: Piece[] = []
    for (const piece of cut(batch, window, kept[index]!)) {
      if (!piece.isKept) {
        open.push(piece)
        continue
      }
      unchanged += piece.to - piece.from
      if (open.length > 0) narrowed.push(join(batch, window, open, plan))
      open = []
    }
    // The last piece is always read.
    narrowed.push(join(batch, window, open, plan))
  }
  return { windows: narrowed, plan, unchanged }
}

/** Rows `[from, to)` of a window: a whole segment, or what lies before the first border or behind the last one. */
interface Piece {
  readonly from: number
  readonly to: number
  readonly segment: Segment | null
  readonly isKept: boolean
  readonly isLast: boolean
}

/** The window's rows in pieces; the last one is what lies behind the last border, even if nothing was listed there. */
function cut(batch: Batch, window: WindowRows, kept: readonly Segment[]): Piece[] {
  const { rows, folder } = window
  const keptAt = new Map(kept.map((segment) => [segment.lastName, segment]))
  const pieces: Piece[] = []
  let [from, high, low] = [0, 0, 0]
  // Without a lower bound the folder's first segment begins here as well.
  let before: string | null = window.low === null ? '' : null
  for (let at = 0; at < rows.length; at++) {
    hashRow(batch.rows, rows[at]!)
    high ^= batch.rows.hash.high
    low ^= batch.rows.hash.low
    const name = nameOf(batch.rows, rows[at]!)
    if (!isBorder(name, 0, name.length)) continue
    const lastName = name.toString('utf8')
    const segment: Segment | null =
      before === null ? null : { dirNo: folder.no, behindName: before, lastName, fpHigh: high, fpLow: low }
    pieces.push({ from, to: at + 1, segment, isKept: isSame(segment, keptAt.get(lastName)), isLast: false })
    before = lastName
    from = at + 1
    high = low = 0
  }
  pieces.push({ from, to: rows.length, segment: null, isKept: false, isLast: true })
  return pieces
}

/** Whether a listed segment is the kept one: from the same border to the same border, with the same fingerprint. */
function isSame(listed: Segment | null, kept: Segment | undefined): boolean {
  if (listed === null || kept === undefined || kept.behindName !== listed.behindName) return false
  return kept.fpHigh === listed.fpHigh && kept.fpLow === listed.fpLow
}

/** One window over neighbouring pieces; their segments go into the plan. */
function join(batch: Batch, window: WindowRows, pieces: readonly Piece[], plan: SegmentPlan[number][]): WindowRows {
  const { from } = pieces[0]!
  const last = pieces.at(-1)!
  const { rows, folder } = window
  const part: WindowRows = {
    folder,
    low: from === 0 ? window.low : nameOf(batch.rows, rows[from - 1]!),
    high: last.isLast ? window.high : nameOf(batch.rows, rows[last.to - 1]!),
    rows: rows.subarray(from, last.to),
  }
  for (const { segment } of pieces) if (segment !== null) plan.push({ segment, window: part })
  return part
}

/**
 * Segments of large folders as a batch lists them, for a load: between two borders that one range met one after the other lies everything there is.
 * What lies before the first border and behind the last one is left to the first comparison.
 */
export function listedSegments(batch: Batch): Segment[] {
  const large = batch.deltas.filter(({ items }) => items >= ROWS_MIN)
  if (large.length === 0) return []
  const places = new Set(large.map(({ place }) => place))
  const segments: Segment[] = []
  for (const pages of batch.pages.values()) {
    const open = new Map<number, { behindName: string | null; high: number; low: number }>()
    for (const { from, to } of pages)
      for (let row = from; row < to; row++) {
        const place = batch.rows.folderOf(row)
        if (!places.has(place)) continue
        const segment = open.get(place) ?? { behindName: null, high: 0, low: 0 }
        open.set(place, segment)
        hashRow(batch.rows, row)
        segment.high ^= batch.rows.hash.high
        segment.low ^= batch.rows.hash.low
        const name = nameOf(batch.rows, row)
        if (!isBorder(name, 0, name.length)) continue
        const { behindName, high: fpHigh, low: fpLow } = segment
        const lastName = name.toString('utf8')
        const dirNo = batch.deltas[place]!.folder.no
        if (behindName !== null) segments.push({ dirNo, behindName, lastName, fpHigh, fpLow })
        open.set(place, { behindName: lastName, high: 0, low: 0 })
      }
  }
  return segments
}
