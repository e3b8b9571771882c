import { type KeyEncoding, renderEntry } from './entry.ts'
import type { Layout } from './layouts.ts'

/** Entries rendered together; small enough to be rendered for one page when nothing may be kept. */
const entriesPerChunk = 1024

interface Chunk {
  readonly bytes: Buffer
  /** Where each entry begins, and where the last ends. */
  readonly offsets: Uint32Array
}

/**
 * Rendered entries of a layout, sliced into pages without copying.
 *
 * Everything that fits `keptBytesMax` stays rendered (about 270 bytes an entry); what does not is rendered again each time it is asked for.
 */
export class RenderedPages {
  readonly #layout: Layout
  readonly #encoding: KeyEncoding
  readonly #chunks: (Chunk | undefined)[] = []
  readonly #keptBytesMax: number
  #keptBytes = 0

  constructor(layout: Layout, encoding: KeyEncoding, keptBytesMax: number) {
    this.#layout = layout
    this.#encoding = encoding
    this.#keptBytesMax = keptBytesMax
  }

  /** Renders all that may be kept, so that no request pays for it; answers how many bytes that is. */
  renderAhead(): number {
    const chunks = Math.ceil(this.#layout.count / entriesPerChunk)
    for (let number = 0; number < chunks && this.#keptBytes < this.#keptBytesMax; number++) this.#chunk(number)
    return this.#keptBytes
  }

  /** The bytes of the entries from `from` up to, not including, `to`. */
  slices(from: number, to: number): Buffer[] {
    const slices: Buffer[] = []
    for (let index = from; index < to; ) {
      const number = Math.floor(index / entriesPerChunk)
      const first = number * entriesPerChunk
      const stop = Math.min(to, first + entriesPerChunk)
      const chunk = this.#chunk(number)
      slices.push(chunk.bytes.subarray(chunk.offsets[index - first]!, chunk.offsets[stop - first]!))
      index = stop
    }
    return slices
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

  #render(number: number): Chunk {
    const first = number * entriesPerChunk
    const entries = Math.min(this.#layout.count - first, entriesPerChunk)
    const offsets = new Uint32Array(entries + 1)
    let text = ''
    let length = 0
    for (let i = 0; i < entries; i++) {
      const entry = renderEntry(this.#layout, first + i, this.#encoding)
      text += entry
      length += this.#layout.isPlain ? entry.length : Buffer.byteLength(entry)
      offsets[i + 1] = length
    }
    const bytes = Buffer.allocUnsafeSlow(length)
    bytes.write(text, this.#layout.isPlain ? 'latin1' : 'utf8')
    return { bytes, offsets }
  }
}
