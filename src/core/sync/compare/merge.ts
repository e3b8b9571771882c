import { FLAG_ARCHIVED, LIVE, type RowHash, STORAGE_FLAGS } from '#core/catalog/catalog.ts'
import type { Batch } from '../rows/batch.ts'
import { compareName, encoded, nameOf } from '../rows/row-buffer.ts'
import type { CompareTarget, Comparison } from './compare.ts'
import { stored } from './stored-rows.ts'
import type { StoredFolder } from './windows.ts'

/** A window with what was listed in it. */
export interface WindowRows {
  readonly folder: StoredFolder
  readonly low: Buffer | null
  readonly high: Buffer | null
  /** Rows of the batch, by name. */
  readonly rows: Int32Array
}

/** Runs along stored rows and listed rows of one window after another, both in the order of names. */
export class Merge {
  readonly #batch: Batch
  readonly #target: CompareTarget
  readonly #found: Comparison
  readonly #hash: RowHash
  readonly #windows: readonly WindowRows[]
  #place = -1
  #window: WindowRows | null = null
  #next = 0
  /** Fingerprint of the window's stored rows, in a forced comparison. */
  #high = 0
  #low = 0

  constructor(batch: Batch, target: CompareTarget, found: Comparison, hash: RowHash, windows: readonly WindowRows[]) {
    this.#windows = windows
    this.#batch = batch
    this.#target = target
    this.#found = found
    this.#hash = hash
  }

  /** Takes the next stored row. */
  take(bytes: Buffer, at: number, end: number): void {
    const place = bytes.readInt32BE(at + stored.window)
    if (place < this.#place) throw new Error('Stored rows came out of order.')
    this.#moveTo(place)
    const { low, high, rows } = this.#window!
    const nameAt = at + stored.name + 4
    const nameEnd = nameAt + bytes.readUInt32BE(at + stored.name)
    if (this.#target.isForced) this.#addStored(bytes, at, end)
    // Bounds were rounded to whole characters for the statement.
    if (low !== null && low.compare(bytes, nameAt, nameEnd) >= 0) return
    if (high !== null && high.compare(bytes, nameAt, nameEnd) < 0) return
    while (this.#next < rows.length) {
      const row = rows[this.#next]!
      const order = compareName(this.#batch.rows, row, bytes, nameAt, nameEnd)
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

  /** Tells that no stored row follows. */
  finish(): void {
    this.#moveTo(this.#windows.length)
  }

  /** Leaves all windows before this place; what was listed there and is not stored is new. */
  #moveTo(place: number): void {
    while (this.#place < place) {
      if (this.#window) this.#leave(this.#window)
      this.#place++
      this.#next = this.#high = this.#low = 0
      this.#window = this.#windows[this.#place] ?? null
    }
  }

  #leave({ rows, folder, low, high }: WindowRows): void {
    for (let at = this.#next; at < rows.length; at++) this.#found.added.push(rows[at]!)
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
      this.#dispute(nameOf(this.#batch.rows, row))
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
    else {
      this.#found.doubtful.add(this.#window!)
      this.#found.absent.add(bytes.readBigInt64BE(at + stored.itemNo), this.#window!.folder.no)
    }
  }

  #dispute(name: Buffer): void {
    this.#found.doubtful.add(this.#window!)
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
    const isArchived = (bytes.readInt16BE(at + stored.flags) & FLAG_ARCHIVED) !== 0
    this.#hash.row(view, at + stored.size, at + stored.modified, isArchived, at + stored.name, end)
  }
}

/** Whether size, time, flags, name and etag are the same bytes. */
function isSame(bytes: Buffer, at: number, end: number, listed: Buffer, row: number): boolean {
  const flags = bytes.readInt16BE(at + stored.flags) & STORAGE_FLAGS
  return (
    flags === listed.readInt16BE(row + encoded.flags) &&
    areEqual(bytes, at + stored.size, listed, row + encoded.size, 8) &&
    areEqual(bytes, at + stored.modified, listed, row + encoded.modified, 8) &&
    areEqual(bytes, at + stored.name, listed, row + encoded.name, end - at - stored.name)
  )
}

/** A loop, because most of what is compared is shorter than what a call of `Buffer.compare` costs. */
function areEqual(a: Buffer, aAt: number, b: Buffer, bAt: number, length: number): boolean {
  for (let n = 0; n < length; n++) if (a[aAt + n] !== b[bAt + n]) return false
  return true
}
