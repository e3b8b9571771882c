import { RowHash } from '#core/catalog/catalog.ts'
import type { DbClient } from '#db/connect.ts'
import type { Batch } from '../rows/batch.ts'
import type { FolderDelta } from '../rows/folder.ts'
import { compareName } from '../rows/row-buffer.ts'
import { Merge, type WindowRows } from './merge.ts'
import { narrowWindows, type SegmentPlan } from './narrow.ts'
import { readStoredRows } from './stored-rows.ts'
import { findWindows, type Window } from './windows.ts'

const NONE = new Int32Array(0)

/** A row of the batch that differs from the item the dataset has. */
export interface ChangedRow {
  readonly row: number
  readonly itemNo: bigint
  /** What the item's ticket was when it was read; whoever writes it raises that, so it guards the update. */
  readonly ticket: bigint
  readonly oldBytes: number
  /** The item was not live: missing, or excluded. */
  readonly isReturned: boolean
  /** What leaves the folder's fingerprint: 0 and 0 of one that was not live. */
  readonly oldHigh: number
  readonly oldLow: number
}

/** Items that the listing did not show where they should be; in arrays of numbers, because a folder of millions may be gone. */
export class AbsentItems {
  count = 0
  #itemNos = new BigInt64Array(64)
  #dirNos = new Int32Array(64)

  add(itemNo: bigint, dirNo: number): void {
    if (this.count === this.#itemNos.length) {
      const [itemNos, dirNos] = [new BigInt64Array(2 * this.count), new Int32Array(2 * this.count)]
      itemNos.set(this.#itemNos)
      dirNos.set(this.#dirNos)
      this.#itemNos = itemNos
      this.#dirNos = dirNos
    }
    this.#itemNos[this.count] = itemNo
    this.#dirNos[this.count++] = dirNo
  }

  /** Numbers of items and of their folders, in pieces for one statement each. */
  *pieces(size: number): Generator<{ itemNos: string[]; dirNos: number[] }> {
    for (let at = 0; at < this.count; at += size) {
      const end = Math.min(this.count, at + size)
      yield {
        itemNos: Array.from(this.#itemNos.subarray(at, end), String),
        dirNos: [...this.#dirNos.subarray(at, end)],
      }
    }
  }
}

/** How a batch differs from the dataset. */
export interface Comparison {
  readonly added: number[]
  readonly changed: ChangedRow[]
  readonly absent: AbsentItems
  /** Numbers of folders of which the listing showed nothing. */
  readonly absentFolders: number[]
  /** Keys below the driver's folder that somebody has observed since the run began, and differently: to be read again, not overruled. */
  readonly disputed: Buffer[]
  /** Folders whose kept fingerprint was not that of their rows, by number, with what it has to be combined with; looked for in a forced comparison. */
  readonly drifts: Map<number, { readonly high: number; readonly low: number }>
  /** Segments of large folders that are to be kept, unless their window is among the doubtful. */
  readonly segments: SegmentPlan[number][]
  /** Windows in which an item was absent or disputed. */
  readonly doubtful: Set<WindowRows>
  unchanged: number
}

/** A comparison before anything is compared. */
export function nothingFound(): Comparison {
  return {
    added: [],
    changed: [],
    absent: new AbsentItems(),
    absentFolders: [],
    disputed: [],
    drifts: new Map(),
    segments: [],
    doubtful: new Set(),
    unchanged: 0,
  }
}

/** What a comparison is made against. */
export interface CompareTarget {
  readonly datasetNo: number
  readonly ticket: number
  /** Compare every row, whatever the fingerprints say. */
  readonly isForced: boolean
}

/**
 * Finds what of a batch differs from the dataset, reading as little as can be: of a folder that was listed as a whole and has the stored fingerprint
 * nothing; of all others the rows in the stretch that was listed.
 *
 * Gives the batch's folders their numbers where they have one. A row that is there and was not listed is only a hint of absence.
 */
export async function compareBatch(client: DbClient, target: CompareTarget, batch: Batch): Promise<Comparison> {
  return new Compare(target, batch).run(client)
}

class Compare {
  readonly #target: CompareTarget
  readonly #batch: Batch
  readonly #hash: RowHash
  readonly #rows: Int32Array
  readonly #starts: Int32Array
  readonly #found = nothingFound()

  constructor(target: CompareTarget, batch: Batch) {
    this.#target = target
    this.#batch = batch
    this.#hash = new RowHash(target.datasetNo)
    const { starts, rows } = batch.rows.byFolder(batch.deltas.length)
    this.#starts = starts
    this.#rows = rows
  }

  async run(client: DbClient): Promise<Comparison> {
    const { datasetNo } = this.#target
    const windows = await findWindows(client, datasetNo, this.#batch.intervals())
    const deltas = new Map(this.#batch.deltas.map((delta) => [delta.folder.path, delta]))
    const known = new Set<FolderDelta>()
    const toRead: WindowRows[] = []
    for (const window of windows) {
      const delta = deltas.get(window.folder.path)
      if (delta) {
        known.add(delta)
        delta.folder.no ||= window.folder.no
      }
      if (this.#mustRead(window, delta)) toRead.push({ ...window, rows: delta ? this.#rowsIn(window, delta) : NONE })
    }
    for (const delta of this.#batch.deltas) if (!known.has(delta)) this.#addAll(delta)
    const read = this.#target.isForced ? toRead : await this.#narrow(client, toRead)
    // Whole folders first, as the statement gives them.
    const isBounded = ({ low, high }: Window) => Number(low !== null || high !== null)
    read.sort((a, b) => isBounded(a) - isBounded(b))
    const merge = new Merge(this.#batch, this.#target, this.#found, this.#hash, read)
    await readStoredRows(client, datasetNo, read, (bytes, at, end) => merge.take(bytes, at, end))
    merge.finish()
    return this.#found
  }

  async #narrow(client: DbClient, windows: readonly WindowRows[]): Promise<WindowRows[]> {
    const narrowed = await narrowWindows(client, this.#target.datasetNo, this.#batch, windows)
    this.#found.unchanged += narrowed.unchanged
    this.#found.segments.push(...narrowed.plan)
    return narrowed.windows
  }

  #mustRead({ folder, low, high }: Window, delta: FolderDelta | undefined): boolean {
    const isWhole = low === null && high === null
    const isStoredEmpty = folder.fpHigh === 0 && folder.fpLow === 0
    if (delta === undefined || delta.items === 0) {
      if (isStoredEmpty) return false
      if (isWhole) this.#found.absentFolders.push(folder.no)
      return !isWhole
    }
    if (!isWhole || this.#target.isForced) return true
    if (folder.fpHigh !== delta.fpHigh || folder.fpLow !== delta.fpLow) return true
    this.#found.unchanged += delta.items
    return false
  }

  #addAll(delta: FolderDelta): void {
    for (let at = this.#starts[delta.place]!; at < this.#starts[delta.place + 1]!; at++)
      this.#found.added.push(this.#rows[at]!)
  }

  /** The batch's rows in the window. They come by name: a window belongs to one range, and a range meets its keys in order. */
  #rowsIn({ low, high }: Window, delta: FolderDelta): Int32Array {
    const rows = this.#rows.subarray(this.#starts[delta.place]!, this.#starts[delta.place + 1]!)
    if (low === null && high === null) return rows
    const { rows: buffer } = this.#batch
    return rows.filter(
      (row) =>
        (low === null || compareName(buffer, row, low, 0, low.length) > 0) &&
        (high === null || compareName(buffer, row, high, 0, high.length) <= 0),
    )
  }
}
