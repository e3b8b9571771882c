import { isUtf8 } from 'node:buffer'
import type { SkipReason } from '#contract/skip-reasons.ts'
import {
  FLAG_ARCHIVED,
  FLAG_HIDDEN,
  FLAG_UNADDRESSABLE,
  type MediaTypes,
  PART_BYTES_MAX,
} from '#core/catalog/catalog.ts'
import type { CompiledPatterns } from '#core/patterns/patterns.ts'
import type { EntryCursor, ListPage } from '#storage/port.ts'
import type { Reach, WalkRange } from '#storage/walk/walk.ts'
import type { Interval } from '../compare/windows.ts'
import { type Folder, FolderDelta, type FolderStack, hasDotPart } from './folder.ts'
import { RowBuffer } from './row-buffer.ts'

/** A key that cannot be an item, kept to be shown. */
export interface Skipped {
  readonly key: Buffer
  readonly reason: SkipReason
  readonly sizeBytes: number
}

/** What was met, by kind; they add up to `listed`. */
export interface Counts {
  listed: number
  items: number
  markers: number
  hidden: number
  skipped: number
  excluded: number
}

/** Skipped keys kept a batch with their names; beyond that they are only counted. A bucket of nothing else must not fill the memory. */
const SKIPPED_KEPT_MAX = 1000
const SLASH = 0x2f
const POINT = 0x2e
const BACKSLASH = 0x5c

/** What is settled before a slice begins. */
export interface BatchSettings {
  readonly datasetNo: number
  readonly ticket: number
  /** Bytes of the driver's folder: what is cut off every key. */
  readonly folderBytes: number
  readonly types: MediaTypes
  /** What keeps files out of the dataset; null when nothing does. */
  readonly patterns: CompiledPatterns | null
}

/** Listed entries on their way into one transaction, with everything that has to be true when they are there. */
export class Batch {
  readonly no: number
  readonly rows: RowBuffer
  /** Kept when it is committed. */
  readonly committed = Promise.withResolvers<void>()
  /** The ranges that it moves on or makes, as they are when it is committed; set when it takes no more pages. */
  ranges: readonly WalkRange[] = []
  /** What it adds to the counters of each folder it has rows in, and of those above. */
  readonly deltas: FolderDelta[] = []
  readonly counts: Counts = { listed: 0, items: 0, markers: 0, hidden: 0, skipped: 0, excluded: 0 }
  readonly skipped: Skipped[] = []
  /** How far each range is when this batch is committed. */
  readonly reached = new Map<WalkRange, Reach>()
  /** Places of rows in the order of their pages, by range: those of one range follow each other in the bucket. */
  readonly pages = new Map<WalkRange, { readonly from: number; readonly to: number }[]>()
  /** Where each range was before the batch's first page of it. */
  readonly #from = new Map<WalkRange, Buffer>()
  readonly #settings: BatchSettings

  constructor(no: number, settings: BatchSettings) {
    this.no = no
    // Whoever waits hears of a failure; if nobody does, the ingest tells it.
    this.committed.promise.catch(() => {})
    this.#settings = settings
    this.rows = new RowBuffer(settings.datasetNo, settings.ticket)
  }

  /** Takes a page's entries up to the range's end. Throws what the page's cursor throws; then the whole batch has to be dropped. */
  takePage(range: WalkRange, page: ListPage, reach: Reach, stack: FolderStack): void {
    const { entries } = page
    if (!this.#from.has(range)) this.#from.set(range, range.cursor)
    const end = range.to !== null && page.lastKey !== null && page.lastKey.compare(range.to) > 0 ? range.to : null
    const before = this.counts.listed
    const firstRow = this.rows.rows
    while (entries.next()) {
      if (end !== null && entries.keyBytes.compare(end, 0, end.length, entries.keyStart, entries.keyEnd) > 0) continue
      this.counts.listed++
      this.#takeEntry(entries, stack)
    }
    for (const { key, reason } of page.skipped ?? []) {
      if (end !== null && key.compare(end) > 0) continue
      this.counts.listed++
      this.#skip(key, reason, 0)
    }
    const rows = { from: firstRow, to: this.rows.rows }
    const pages = this.pages.get(range)
    if (pages) pages.push(rows)
    else this.pages.set(range, [rows])
    range.keys += this.counts.listed - before
    this.reached.set(range, reach)
  }

  /** The stretches of the key space the batch says everything about, below the driver's folder. */
  intervals(): Interval[] {
    const { folderBytes } = this.#settings
    return Array.from(this.reached, ([range, reach]) => ({
      from: this.#from.get(range)!.subarray(folderBytes),
      to: reach.isDone && range.to === null ? null : reach.cursor.subarray(folderBytes),
    }))
  }

  #takeEntry(entry: EntryCursor, stack: FolderStack): void {
    const { keyBytes: bytes, keyEnd } = entry
    const start = entry.keyStart + this.#settings.folderBytes
    if (start >= keyEnd) {
      // The driver's folder itself: a marker, or a file that has the folder's name with a slash.
      if (entry.sizeBytes === 0) this.counts.markers++
      else this.#skipEntry(entry, 'folder-itself')
      return
    }
    // A key that ends in a slash and has bytes is a file; the slash is the end of its name.
    let slash = keyEnd - 1
    const isMarker = bytes[slash] === SLASH && entry.sizeBytes === 0
    if (bytes[slash] === SLASH) slash--
    let seen = 0
    let hasNul = false
    let hasBackslash = false
    while (slash >= start && bytes[slash] !== SLASH) {
      const byte = bytes[slash--]!
      seen |= byte
      if (byte === 0) hasNul = true
      else if (byte === BACKSLASH) hasBackslash = true
    }
    const nameStart = slash + 1
    const isTooLong = nameStart - start > PART_BYTES_MAX || keyEnd - nameStart > PART_BYTES_MAX
    const isText = !hasNul && (seen <= 0x7f || isUtf8(bytes.subarray(nameStart, keyEnd)))
    const folder = isTooLong || !isText ? null : stack.move(bytes, start, nameStart)
    if (folder === null) this.#skipEntry(entry, isTooLong ? 'too-long' : 'not-text')
    else if (folder.isOwn) this.counts.hidden++
    else if (isMarker) this.counts.markers++
    else if (this.#isRefused(bytes, start, keyEnd)) this.counts.excluded++
    else this.#addRow(entry, folder, nameStart, hasBackslash)
  }

  #isRefused(bytes: Buffer, start: number, end: number): boolean {
    const { patterns } = this.#settings
    return patterns !== null && patterns.refusal(bytes.toString('utf8', start, end)) !== null
  }

  #addRow(entry: EntryCursor, folder: Folder, nameStart: number, hasBackslash: boolean): void {
    const { keyBytes: bytes, keyEnd } = entry
    let flags = folder.isHidden ? FLAG_HIDDEN : 0
    if (bytes[nameStart] === POINT) flags |= FLAG_HIDDEN
    // Few names begin with a point or have a backslash: only those are looked at as text.
    const isOdd = hasBackslash || bytes[nameStart] === POINT
    if (folder.isDot || (isOdd && hasDotPart(bytes.toString('utf8', nameStart, keyEnd)))) flags |= FLAG_UNADDRESSABLE
    if (entry.isArchived) flags |= FLAG_ARCHIVED
    const delta = folder.batchNo === this.no ? folder.delta! : this.#touch(folder)
    this.rows.add(
      delta.place,
      entry.sizeBytes,
      entry.modifiedMs,
      this.#settings.types.numberOf(bytes, nameStart, keyEnd),
      flags,
      bytes,
      nameStart,
      keyEnd,
      entry.etagBytes,
      entry.etagStart,
      entry.etagEnd,
    )
    delta.items++
    delta.bytes += entry.sizeBytes
    delta.fpHigh ^= this.rows.hash.high
    delta.fpLow ^= this.rows.hash.low
    this.counts.items++
  }

  #touch(folder: Folder): FolderDelta {
    if (folder.batchNo === this.no) return folder.delta!
    const parent = folder.parent && this.#touch(folder.parent)
    const delta = new FolderDelta(folder, parent, this.deltas.length)
    folder.batchNo = this.no
    folder.delta = delta
    this.deltas.push(delta)
    return delta
  }

  #skipEntry(entry: EntryCursor, reason: SkipReason): void {
    this.#skip(entry.keyBytes.subarray(entry.keyStart, entry.keyEnd), reason, entry.sizeBytes)
  }

  #skip(key: Buffer, reason: SkipReason, sizeBytes: number): void {
    this.counts.skipped++
    if (this.skipped.length < SKIPPED_KEPT_MAX) this.skipped.push({ key: Buffer.from(key), reason, sizeBytes })
  }
}
