import type { PageMemory } from '../http/page-memory.ts'
import type { EntryCursor, ListPage } from '../port.ts'
import { invalidAnswer } from './fault.ts'
import { ListingScanner } from './scan.ts'

/** What was asked, to hold the answer against. */
export interface ListQuestion {
  readonly bucket: string
  readonly prefix: Buffer
  /** Every key must come after it; also given with a token, where it is the last key of the page before. */
  readonly after?: Buffer | undefined
  readonly token?: string | undefined
  readonly isDelimited: boolean
}

/**
 * Reads a ListObjectsV2 answer of status 200 and holds it against the question (§2.1 of the safety design): a page that is cut, foreign,
 * contradictory or out of order is `StorageError('invalid')`, a web page or an empty body `('not-a-storage')`, and never a short success.
 *
 * For `s3.ts`. `memory.body` holds the answer in its first `lengthBytes` bytes. All checks are done when it returns, so the page's cursor
 * does not throw any more. `giveBack` is called once, by `release()`. It scans well over a million keys a second on one core.
 */
export function openListPage(
  memory: PageMemory,
  lengthBytes: number,
  question: ListQuestion,
  giveBack: (memory: PageMemory) => void,
): ListPage {
  const scanner = new ListingScanner(memory, lengthBytes)
  scanner.scan()
  const { head, count, prefixes } = scanner
  checkQuestion(scanner, question)
  const isTruncated = truthOf(head.get('IsTruncated'))
  const token = head.get('NextContinuationToken')?.toString() || undefined
  if (isTruncated !== (token !== undefined)) throw invalidAnswer('it does not say clearly whether more follows')
  if (token !== undefined && token === question.token) throw invalidAnswer('it would go on at the place it came from')
  const keyCount = head.get('KeyCount')
  if (keyCount !== undefined && keyCount.toString('latin1') !== String(count + prefixes.length)) {
    throw invalidAnswer('it does not hold as many keys as it says')
  }
  checkKeys(memory, count, question)
  checkPrefixes(prefixes, question)
  const lastKey =
    count === 0 ? null : Buffer.from(memory.body.subarray(memory.keyStart[count - 1]!, memory.keyEnd[count - 1]!))
  return new ScannedPage(memory, { count, lastKey, prefixes, isTruncated, token }, giveBack)
}

function checkQuestion(scanner: ListingScanner, question: ListQuestion): void {
  const name = scanner.head.get('Name')
  if (name?.toString() !== question.bucket) throw invalidAnswer('it is of another bucket')
  const echo = scanner.head.get('Prefix') ?? Buffer.alloc(0)
  // Ceph echoes the prefix as it was asked even where it encodes keys, so either reading of the echo will do; the keys are checked besides.
  if (
    !echo.equals(question.prefix) &&
    !(scanner.isUrlEncoded && urlDecoded(echo) === question.prefix.toString('latin1'))
  ) {
    throw invalidAnswer('it is of another folder')
  }
}

function urlDecoded(text: Buffer): string {
  return text
    .toString('latin1')
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function truthOf(text: Buffer | undefined): boolean {
  const said = text?.toString('latin1')
  if (said !== 'true' && said !== 'false') throw invalidAnswer('it does not say whether more follows')
  return said === 'true'
}

/** Keys must rise strictly in byte order; then the first and the last tell that all are in the folder and after the place asked for. */
function checkKeys(memory: PageMemory, count: number, question: ListQuestion): void {
  if (count === 0) return
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
    if (!isRising) throw invalidAnswer('its keys are not in order')
  }
  for (const i of [0, count - 1]) {
    const key = body.subarray(keyStart[i]!, keyEnd[i]!)
    if (key.length === 0) throw invalidAnswer('a key is empty')
    if (!startsWith(key, question.prefix)) throw invalidAnswer('a key is outside the folder that was asked for')
  }
  if (question.after !== undefined && body.subarray(keyStart[0]!, keyEnd[0]!).compare(question.after) <= 0) {
    throw invalidAnswer('it begins before the place that was asked for')
  }
}

function checkPrefixes(prefixes: readonly Buffer[], question: ListQuestion): void {
  if (prefixes.length > 0 && !question.isDelimited) throw invalidAnswer('it folds keys that were asked for singly')
  for (const [i, prefix] of prefixes.entries()) {
    if (!startsWith(prefix, question.prefix) || prefix.length === question.prefix.length) {
      throw invalidAnswer('a folded folder is outside the one that was asked for')
    }
    if (i > 0 && prefixes[i - 1]!.compare(prefix) >= 0) throw invalidAnswer('its folded folders are not in order')
    // A folder is also told when the place asked for is inside it.
    if (question.after !== undefined && prefix.compare(question.after) <= 0 && !startsWith(question.after, prefix)) {
      throw invalidAnswer('it begins before the place that was asked for')
    }
  }
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}

interface PageFacts {
  readonly count: number
  readonly lastKey: Buffer | null
  readonly prefixes: readonly Buffer[]
  readonly isTruncated: boolean
  readonly token: string | undefined
}

/** Page and cursor in one, so that a page costs one object. */
class ScannedPage implements ListPage, EntryCursor {
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
  #next = 0
  #memory: PageMemory | undefined
  readonly #giveBack: (memory: PageMemory) => void

  constructor(memory: PageMemory, facts: PageFacts, giveBack: (memory: PageMemory) => void) {
    this.count = facts.count
    this.lastKey = facts.lastKey
    this.prefixes = facts.prefixes
    this.isTruncated = facts.isTruncated
    this.token = facts.token
    this.keyBytes = memory.body
    this.etagBytes = memory.body
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
    if (i >= this.count) return false
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
