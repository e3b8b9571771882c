import type { EntryCursor, ListPage } from '../port.ts'
import type { PageMemory } from './page-memory.ts'

/** What a page was asked for, as far as its keys can be held against it. */
export interface PageBounds {
  readonly prefix: Buffer
  /** Every key must come after it. */
  readonly after?: Buffer | undefined
  readonly isDelimited: boolean
}

/**
 * What is wrong with the first `count` keys of a page whose storage lists in the order of bytes; null when nothing is. For the drivers’ page readers.
 *
 * Keys must rise strictly; then the first and the last tell that all are in the folder and after the place asked for.
 */
export function keyFault(memory: PageMemory, count: number, { prefix, after }: PageBounds): string | null {
  if (count === 0) return null
  const { body, keyStart, keyEnd } = memory
  for (let i = 1; i < count; i++) {
    let left = keyStart[i - 1]!
    const leftEnd = keyEnd[i - 1]!
    let right = keyStart[i]!
    const rightEnd = keyEnd[i]!
    while (left < leftEnd && right < rightEnd && body[left] === body[right]) {
      left++
      right++
    }
    const isRising = left === leftEnd ? right < rightEnd : right < rightEnd && body[left]! < body[right]!
    if (!isRising) return 'its keys are not in order'
  }
  for (const i of [0, count - 1]) {
    const key = body.subarray(keyStart[i]!, keyEnd[i]!)
    if (key.length === 0) return 'a key is empty'
    if (!startsWith(key, prefix)) return 'a key is outside the folder that was asked for'
  }
  const isBefore = after !== undefined && body.subarray(keyStart[0]!, keyEnd[0]!).compare(after) <= 0
  return isBefore ? 'it begins before the place that was asked for' : null
}

/** The same for folded folders. */
export function prefixFault(prefixes: readonly Buffer[], bounds: PageBounds): string | null {
  if (prefixes.length > 0 && !bounds.isDelimited) return 'it folds keys that were asked for singly'
  const { after } = bounds
  for (const [i, prefix] of prefixes.entries()) {
    if (!startsWith(prefix, bounds.prefix) || prefix.length === bounds.prefix.length) {
      return 'a folded folder is outside the one that was asked for'
    }
    if (i > 0 && prefixes[i - 1]!.compare(prefix) >= 0) return 'its folded folders are not in order'
    // A folder is also told when the place asked for is inside it.
    if (after !== undefined && prefix.compare(after) <= 0 && !startsWith(after, prefix)) {
      return 'it begins before the place that was asked for'
    }
  }
  return null
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}

/** What a page says of itself, all of it checked. */
export interface PageFacts {
  /** Entries in the columns of the page memory. */
  readonly count: number
  /** The first of them that counts; 0 unless said. */
  readonly first?: number
  readonly prefixes: readonly Buffer[]
  readonly isTruncated: boolean
  readonly token: string | undefined
}

/** Page and cursor in one over the columns of a page memory, so that a page costs one object; for the drivers’ page readers. `giveBack` is called once, by `release()`. */
export class ScannedPage implements ListPage, EntryCursor {
  readonly count: number
  readonly lastKey: Buffer | null
  readonly prefixes: readonly Buffer[]
  readonly isTruncated: boolean
  readonly token: string | undefined
  readonly keyBytes: Buffer
  readonly etagBytes: Buffer
  keyStart = 0
  keyEnd = 0
  etagStart = 0
  etagEnd = 0
  sizeBytes = 0
  modifiedMs = 0
  isArchived = false
  #next: number
  readonly #end: number
  #memory: PageMemory | undefined
  readonly #giveBack: (memory: PageMemory) => void

  constructor(memory: PageMemory, facts: PageFacts, giveBack: (memory: PageMemory) => void) {
    const { count, first = 0 } = facts
    this.count = count - first
    this.lastKey =
      count === first ? null : Buffer.from(memory.body.subarray(memory.keyStart[count - 1]!, memory.keyEnd[count - 1]!))
    this.prefixes = facts.prefixes
    this.isTruncated = facts.isTruncated
    this.token = facts.token
    this.keyBytes = memory.body
    this.etagBytes = memory.body
    this.#next = first
    this.#end = count
    this.#memory = memory
    this.#giveBack = giveBack
  }

  get entries(): EntryCursor {
    return this
  }

  next(): boolean {
    const memory = this.#memory
    if (memory === undefined) throw new Error('the page was released')
    const i = this.#next
    if (i >= this.#end) return false
    this.#next = i + 1
    this.keyStart = memory.keyStart[i]!
    this.keyEnd = memory.keyEnd[i]!
    this.etagStart = memory.etagStart[i]!
    this.etagEnd = memory.etagEnd[i]!
    this.sizeBytes = memory.sizeBytes[i]!
    this.modifiedMs = memory.modifiedMs[i]!
    this.isArchived = memory.isArchived[i] === 1
    return true
  }

  release(): void {
    const memory = this.#memory
    if (memory === undefined) return
    this.#memory = undefined
    this.#giveBack(memory)
  }
}
