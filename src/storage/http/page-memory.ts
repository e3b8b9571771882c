/** Bytes behind the body that the scanner needs for its end mark. */
export const BODY_SLACK_BYTES = 2

const ENTRIES_AT_FIRST = 1024
const BODY_BYTES_AT_FIRST = 320 * 1024

/**
 * Memory of one listing page: the answer's bytes, and a row of numbers for each entry that point into them.
 *
 * A page of 1,000 keys needs about 300 KB of body and 34 KB of columns; both are kept and used again (`PagePool`), because allocating
 * them anew for every page costs more than scanning does. Columns are public fields: the scanner writes them, the cursor reads them.
 */
export class PageMemory {
  body: Buffer = Buffer.allocUnsafeSlow(BODY_BYTES_AT_FIRST)
  keyStart = new Int32Array(ENTRIES_AT_FIRST)
  keyEnd = new Int32Array(ENTRIES_AT_FIRST)
  etagStart = new Int32Array(ENTRIES_AT_FIRST)
  etagEnd = new Int32Array(ENTRIES_AT_FIRST)
  sizeBytes = new Float64Array(ENTRIES_AT_FIRST)
  modifiedMs = new Float64Array(ENTRIES_AT_FIRST)
  isArchived = new Uint8Array(ENTRIES_AT_FIRST)

  /** Makes the body hold at least `bytes` and the end mark, keeping the first `used` bytes. */
  reserveBody(bytes: number, used: number): void {
    const needed = bytes + BODY_SLACK_BYTES
    if (this.body.length >= needed) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.body.length * 2))
    this.body.copy(grown, 0, 0, used)
    this.body = grown
  }

  /** Makes room for one more entry than `count`. */
  reserveEntry(count: number): void {
    if (count < this.keyStart.length) return
    const entries = this.keyStart.length * 2
    this.keyStart = copyInto(new Int32Array(entries), this.keyStart)
    this.keyEnd = copyInto(new Int32Array(entries), this.keyEnd)
    this.etagStart = copyInto(new Int32Array(entries), this.etagStart)
    this.etagEnd = copyInto(new Int32Array(entries), this.etagEnd)
    this.sizeBytes = copyInto(new Float64Array(entries), this.sizeBytes)
    this.modifiedMs = copyInto(new Float64Array(entries), this.modifiedMs)
    this.isArchived = copyInto(new Uint8Array(entries), this.isArchived)
  }
}

function copyInto<A extends Int32Array | Float64Array | Uint8Array>(to: A, from: A): A {
  to.set(from)
  return to
}

// A page far over the usual is given back to the garbage collector, so that one hostile answer does not stay in memory for good.
const BODY_BYTES_KEPT = 2 * 1024 * 1024

/** Pages that wait to be used again; at most `pagesMax` are kept. One pool a storage: pages never pass between credentials. */
export class PagePool {
  readonly #free: PageMemory[] = []
  readonly #pagesMax: number

  constructor(pagesMax: number) {
    this.#pagesMax = pagesMax
  }

  take(): PageMemory {
    return this.#free.pop() ?? new PageMemory()
  }

  give(memory: PageMemory): void {
    if (this.#free.length < this.#pagesMax && memory.body.length <= BODY_BYTES_KEPT) this.#free.push(memory)
  }
}
