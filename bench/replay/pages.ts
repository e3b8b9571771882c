import { ABSENT, type Bucket } from './bucket.ts'
import { type KeyEncoding, renderEntry } from './entry.ts'

/** Objects rendered together; few enough to be rendered for one page when nothing may be kept. */
const objectsPerChunk = 1024

interface Chunk {
  readonly bytes: Buffer
  /** Slots that have an object, counted from the chunk's first, in order; null when all have one. */
  readonly slots: Uint16Array | null
  /** Where each object's entry begins, and where the last ends. */
  readonly offsets: Uint32Array
}

/** A stretch of a listing. */
export interface Stretch {
  readonly entries: readonly Buffer[]
  readonly count: number
  /** Slot of the last object; -1 when there is none. */
  readonly lastSlot: number
  /** Slot of the object after it, or where the stretch had to end. */
  readonly next: number
}

/**
 * Rendered entries of a bucket, sliced into pages without copying.
 *
 * Everything that fits `keptBytesMax` stays rendered (about 270 bytes an entry); what does not is rendered again each time it is asked for.
 * After a change the entries that it touched are put into the rendered ones at once, so that no request pays for that and pages that did
 * not change are the very same bytes.
 */
export class RenderedPages {
  readonly #bucket: Bucket
  readonly #encoding: KeyEncoding | 'plain'
  readonly #slotsPerChunk: number
  readonly #chunks: (Chunk | undefined)[] = []
  readonly #keptBytesMax: number
  #keptBytes = 0

  constructor(bucket: Bucket, encoding: KeyEncoding, keptBytesMax: number) {
    this.#bucket = bucket
    this.#encoding = bucket.keys.isPlain ? 'plain' : encoding
    this.#keptBytesMax = keptBytesMax
    this.#slotsPerChunk = objectsPerChunk * bucket.slotsPerObject
  }

  /** Renders all that may be kept, so that no request pays for it; answers how many bytes that is. */
  renderAhead(): number {
    const chunks = Math.ceil(this.#bucket.keys.count / this.#slotsPerChunk)
    for (let number = 0; number < chunks && this.#keptBytes < this.#keptBytesMax; number++) this.#chunk(number)
    return this.#keptBytes
  }

  /** Brings what is kept up to the bucket's present generation; to be called after each change. */
  renderChanged(): void {
    for (const [number, chunk] of this.#chunks.entries()) {
      if (chunk === undefined) continue
      const fresh = this.#changed(number, chunk)
      this.#chunks[number] = fresh
      this.#keptBytes += fresh.bytes.length - chunk.bytes.length
    }
  }

  /** The entries of at most `max` objects in slots from `from` up to, not including, `to`. */
  take(from: number, to: number, max: number): Stretch {
    const entries: Buffer[] = []
    let count = 0
    let lastSlot = -1
    let at = from
    while (at < to && count < max) {
      const first = at - (at % this.#slotsPerChunk)
      const chunk = this.#chunk(first / this.#slotsPerChunk)
      const begin = rankOf(chunk, at - first)
      const end = Math.min(rankOf(chunk, Math.min(to - first, this.#slotsPerChunk)), begin + max - count)
      if (end > begin) {
        entries.push(chunk.bytes.subarray(chunk.offsets[begin]!, chunk.offsets[end]!))
        lastSlot = first + slotOf(chunk, end - 1)
        count += end - begin
      }
      at = count === max ? lastSlot + 1 : first + this.#slotsPerChunk
    }
    return { entries, count, lastSlot, next: this.nextObject(Math.min(at, to), to) }
  }

  /** The first slot at or after `from` that has an object; `to` when there is none before that. */
  nextObject(from: number, to: number): number {
    for (let at = from; at < to; ) {
      const first = at - (at % this.#slotsPerChunk)
      const chunk = this.#chunk(first / this.#slotsPerChunk)
      const rank = rankOf(chunk, at - first)
      if (rank < chunk.offsets.length - 1) return Math.min(to, first + slotOf(chunk, rank))
      at = first + this.#slotsPerChunk
    }
    return to
  }

  #chunk(number: number): Chunk {
    const kept = this.#chunks[number]
    if (kept !== undefined) return kept
    const chunk = this.#render(number)
    if (this.#keptBytes < this.#keptBytesMax) {
      this.#chunks[number] = chunk
      this.#keptBytes += chunk.bytes.length
    }
    return chunk
  }

  #slotRange(number: number): { first: number; end: number } {
    const first = number * this.#slotsPerChunk
    return { first, end: Math.min(this.#bucket.keys.count, first + this.#slotsPerChunk) }
  }

  #render(number: number): Chunk {
    const { first, end } = this.#slotRange(number)
    const texts: string[] = []
    const slots: number[] = []
    for (let slot = first; slot < end; slot++) {
      const text = this.#entry(slot)
      if (text === null) continue
      texts.push(text)
      slots.push(slot - first)
    }
    // What is plain has one byte a character, which spares measuring every entry.
    const isPlain = this.#encoding === 'plain'
    const offsets = new Uint32Array(texts.length + 1)
    for (const [i, text] of texts.entries())
      offsets[i + 1] = offsets[i]! + (isPlain ? text.length : Buffer.byteLength(text))
    const bytes = Buffer.allocUnsafeSlow(offsets[texts.length]!)
    bytes.write(texts.join(''), isPlain ? 'latin1' : 'utf8')
    return { bytes, slots: slots.length === end - first ? null : Uint16Array.from(slots), offsets }
  }

  /** A kept chunk as it is after the last change: the touched entries are rendered, all others copied. */
  #changed(number: number, chunk: Chunk): Chunk {
    const { first, end } = this.#slotRange(number)
    const parts: Buffer[] = []
    const slots: number[] = []
    const lengths: number[] = []
    let rank = 0
    let copied = 0
    for (let slot = first; slot < end; slot++) {
      const wasThere = rank < chunk.offsets.length - 1 && slotOf(chunk, rank) === slot - first
      const begin = chunk.offsets[rank]!
      if (wasThere) rank += 1
      const after = chunk.offsets[rank]!
      if (!this.#bucket.isTouched(slot)) {
        if (!wasThere) continue
        slots.push(slot - first)
        lengths.push(after - begin)
        continue
      }
      parts.push(chunk.bytes.subarray(copied, begin))
      copied = after
      const text = this.#entry(slot)
      if (text === null) continue
      const entry = Buffer.from(text)
      parts.push(entry)
      slots.push(slot - first)
      lengths.push(entry.length)
    }
    if (parts.length === 0) return chunk
    parts.push(chunk.bytes.subarray(copied))
    const offsets = new Uint32Array(lengths.length + 1)
    for (const [i, length] of lengths.entries()) offsets[i + 1] = offsets[i]! + length
    // Copied, so that the bytes of former generations are let go.
    const bytes = Buffer.allocUnsafeSlow(offsets[lengths.length]!)
    let at = 0
    for (const part of parts) at += part.copy(bytes, at)
    return { bytes, slots: slots.length === end - first ? null : Uint16Array.from(slots), offsets }
  }

  #entry(slot: number): string | null {
    const version = this.#bucket.versionAt(slot)
    if (version === ABSENT) return null
    return renderEntry(this.#bucket.keys.keyAt(slot), this.#bucket.factsOf(slot, version), this.#encoding)
  }
}

/** How many of a chunk's objects lie in slots below one. */
function rankOf({ slots, offsets }: Chunk, slot: number): number {
  if (slots === null) return Math.min(slot, offsets.length - 1)
  let low = 0
  let high = slots.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (slots[middle]! < slot) low = middle + 1
    else high = middle
  }
  return low
}

function slotOf({ slots }: Chunk, rank: number): number {
  return slots === null ? rank : slots[rank]!
}
