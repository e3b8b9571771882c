import { RowHash } from '#core/catalog/catalog.ts'
import type { DbClient } from '#db/connect.ts'
import type { Batch } from './batch.ts'
import type { FolderDelta } from './folder.ts'
import { encoded } from './row-buffer.ts'
import { readStoredRows, stored } from './stored-rows.ts'
import { findWindows, type StoredFolder, type Window } from './windows.ts'

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
  unchanged: number
  /** Rows of the dataset that had to be read. */
  rowsRead: number
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
  readonly #found: Comparison = {
    added: [],
    changed: [],
    absent: new AbsentItems(),
    absentFolders: [],
    disputed: [],
    drifts: new Map(),
    unchanged: 0,
    rowsRead: 0,
  }

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
    const toRead: { window: Window; delta: FolderDelta | undefined }[] = []
    for (const window of windows) {
      const delta = deltas.get(window.folder.path)
      if (delta) {
        known.add(delta)
        delta.folder.no ||= window.folder.no
      }
      if (this.#mustRead(window, delta)) toRead.push({ window, delta })
    }
    for (const delta of this.#batch.deltas) if (!known.has(delta)) this.#addAll(delta)
    // Whole folders first, as the statement gives them.
    const isBounded = ({ low, high }: Window) => Number(low !== null || high !== null)
    toRead.sort((a, b) => isBounded(a.window) - isBounded(b.window))
    const merge = new Merge(this.#batch, this.#target, this.#found, this.#hash, toRead.length, (place) => {
      const { window, delta } = toRead[place]!
      return { ...window, rows: delta ? this.#rowsIn(window, delta) : NONE }
    })
    const asked = toRead.map(({ window }) => window)
    await readStoredRows(client, datasetNo, asked, (bytes, at, end) => merge.take(bytes, at, end))
    merge.moveTo(toRead.length)
    return this.#found
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

  /** The batch's rows in the window, by name. They come so, unless two ranges met in the folder within this batch. */
  #rowsIn({ low, high }: Window, delta: FolderDelta): number[] {
    const rows: number[] = []
    let isSorted = true
    for (let at = this.#starts[delta.place]!; at < this.#starts[delta.place + 1]!; at++) {
      const row = this.#rows[at]!
      const name = nameOf(this.#batch, row)
      if ((low !== null && name.compare(low) <= 0) || (high !== null && name.compare(high) > 0)) continue
      if (isSorted && rows.length > 0) isSorted = nameOf(this.#batch, rows.at(-1)!).compare(name) < 0
      rows.push(row)
    }
    return isSorted ? rows : rows.sort((a, b) => nameOf(this.#batch, a).compare(nameOf(this.#batch, b)))
  }
}

function nameOf(batch: Batch, row: number): Buffer {
  const { bytes, at } = batch.rows.rowAt(row)
  const start = at + encoded.name + 4
  return bytes.subarray(start, start + bytes.readUInt32BE(at + encoded.name))
}

interface WindowRows {
  readonly folder: StoredFolder
  readonly low: Buffer | null
  readonly high: Buffer | null
  readonly rows: readonly number[]
}

const NONE: readonly number[] = []
/** Flags that the storage decides; a mark of ours is no difference. */
const STORAGE_FLAGS = 7
const LIVE = 0

/** Runs along stored rows and listed rows of one window after another, both in the order of names. */
class Merge {
  readonly #batch: Batch
  readonly #target: CompareTarget
  readonly #found: Comparison
  readonly #hash: RowHash
  readonly #rowsOf: (place: number) => WindowRows
  readonly #places: number
  #place = -1
  #window: WindowRows | null = null
  #next = 0
  /** Fingerprint of the window's stored rows, in a forced comparison. */
  #high = 0
  #low = 0

  constructor(
    batch: Batch,
    target: CompareTarget,
    found: Comparison,
    hash: RowHash,
    places: number,
    rowsOf: (place: number) => WindowRows,
  ) {
    this.#places = places
    this.#batch = batch
    this.#target = target
    this.#found = found
    this.#hash = hash
    this.#rowsOf = rowsOf
  }

  /** Takes the next stored row. */
  take(bytes: Buffer, at: number, end: number): void {
    this.#found.rowsRead++
    const place = bytes.readInt32BE(at + stored.window)
    if (place < this.#place) throw new Error('Stored rows came out of order.')
    this.moveTo(place)
    const { low, high, rows } = this.#window!
    const nameAt = at + stored.name + 4
    const nameEnd = nameAt + bytes.readUInt32BE(at + stored.name)
    if (this.#target.isForced) this.#addStored(bytes, at, end)
    // Bounds were rounded to whole characters for the statement.
    if (low !== null && low.compare(bytes, nameAt, nameEnd) >= 0) return
    if (high !== null && high.compare(bytes, nameAt, nameEnd) < 0) return
    while (this.#next < rows.length) {
      const row = rows[this.#next]!
      const order = nameOf(this.#batch, row).compare(bytes, nameAt, nameEnd)
      if (order > 0) break
      this.#next++
      if (order === 0) {
        this.#match(row, bytes, at, end)
        return
      }
      this.#found.added.push(row)
    }
    this.#miss(bytes, at, nameAt, nameEnd)
  }

  /** Leaves all windows before this place; what was listed there and is not stored is new. */
  moveTo(place: number): void {
    while (this.#place < place) {
      if (this.#window) this.#leave(this.#window)
      this.#place++
      this.#next = this.#high = this.#low = 0
      this.#window = this.#place < this.#places ? this.#rowsOf(this.#place) : null
    }
  }

  #leave({ rows, folder, low, high }: WindowRows): void {
    for (const row of rows.slice(this.#next)) this.#found.added.push(row)
    if (!this.#target.isForced || low !== null || high !== null) return
    const drift = { high: this.#high ^ folder.fpHigh, low: this.#low ^ folder.fpLow }
    if (drift.high !== 0 || drift.low !== 0) this.#found.drifts.set(folder.no, drift)
  }

  #match(row: number, bytes: Buffer, at: number, end: number): void {
    const listed = this.#batch.rows.rowAt(row)
    const isLive = bytes.readInt16BE(at + stored.state) === LIVE
    if (isLive && isSame(bytes, at, end, listed.bytes, listed.at)) {
      this.#found.unchanged++
      return
    }
    const ticket = bytes.readBigInt64BE(at + stored.ticket)
    // Somebody has observed it since this run began, and differently. Which is newer is not known: it is read again.
    if (ticket > this.#target.ticket) {
      this.#dispute(nameOf(this.#batch, row))
      return
    }
    if (isLive) this.#hashStored(bytes, at, end)
    this.#found.changed.push({
      row,
      itemNo: bytes.readBigInt64BE(at + stored.itemNo),
      ticket,
      oldBytes: Number(bytes.readBigInt64BE(at + stored.size)),
      isReturned: !isLive,
      oldHigh: isLive ? this.#hash.high : 0,
      oldLow: isLive ? this.#hash.low : 0,
    })
  }

  #miss(bytes: Buffer, at: number, nameAt: number, nameEnd: number): void {
    if (bytes.readInt16BE(at + stored.state) !== LIVE) return
    if (bytes.readBigInt64BE(at + stored.ticket) > this.#target.ticket) this.#dispute(bytes.subarray(nameAt, nameEnd))
    else this.#found.absent.add(bytes.readBigInt64BE(at + stored.itemNo), this.#window!.folder.no)
  }

  #dispute(name: Buffer): void {
    this.#found.disputed.push(Buffer.concat([this.#window!.folder.bytes, name]))
  }

  #addStored(bytes: Buffer, at: number, end: number): void {
    if (bytes.readInt16BE(at + stored.state) !== LIVE) return
    this.#hashStored(bytes, at, end)
    this.#high ^= this.#hash.high
    this.#low ^= this.#hash.low
  }

  #hashStored(bytes: Buffer, at: number, end: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const isArchived = (bytes.readInt16BE(at + stored.flags) & 4) !== 0
    this.#hash.row(view, at + stored.size, at + stored.modified, isArchived, at + stored.name, end)
  }
}

/** Whether size, time, flags, name and etag are the same bytes. */
function isSame(bytes: Buffer, at: number, end: number, listed: Buffer, row: number): boolean {
  const flags = bytes.readInt16BE(at + stored.flags) & STORAGE_FLAGS
  if (flags !== listed.readInt16BE(row + encoded.flags)) return false
  if (bytes.compare(listed, row + encoded.size, row + encoded.size + 8, at + stored.size, at + stored.size + 8) !== 0)
    return false
  const [modified, time] = [at + stored.modified, row + encoded.modified]
  if (bytes.compare(listed, time, time + 8, modified, modified + 8) !== 0) return false
  const length = end - at - stored.name
  return bytes.compare(listed, row + encoded.name, row + encoded.name + length, at + stored.name, end) === 0
}
