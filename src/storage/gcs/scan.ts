import type { PageMemory } from '../http/page-memory.ts'
import { invalidAnswer, notAStorage } from './fault.ts'
import { CLOSE_BRACE, CLOSE_BRACKET, COLON, JsonWalk, malformed, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-walk.ts'

const LESS_THAN = 0x3c

const SAW_NAME = 1
const SAW_SIZE = 2
const SAW_GENERATION = 4
const SAW_UPDATED = 8
const SAW_BUCKET = 16
const SAW_ALL = 31

const NAME = Buffer.from('name')
const SIZE = Buffer.from('size')
const GENERATION = Buffer.from('generation')
const UPDATED = Buffer.from('updated')
const BUCKET = Buffer.from('bucket')

const OTHER_JSON = 'with JSON that is no listing'

/** What is asked of each object, and nothing else: the `fields` of the request and what the scanner insists on. */
export const LIST_FIELDS = 'kind,nextPageToken,prefixes,items(bucket,name,size,generation,updated)'

/**
 * Walks an answer of `objects.list` once, byte by byte, and writes its entries into the columns of a `PageMemory`; for `list-page.ts`.
 *
 * Members may stand in any order and unknown ones of an entry are skipped, but the answer must be whole JSON to its last byte: a cut answer never passes
 * for a short one. Every object must say that it is of the bucket, which is the only thing of the question that Google's answer repeats. An entry's etag is its
 * generation, since that is an object's identity there. https://cloud.google.com/storage/docs/json_api/v1/objects/list
 */
export class ListingScanner extends JsonWalk {
  readonly prefixes: Buffer[] = []
  count = 0
  token: string | undefined
  readonly #memory: PageMemory
  readonly #bucket: Buffer
  #hasKind = false
  #dayNumber = 0
  #dayMs = 0

  constructor(memory: PageMemory, lengthBytes: number, bucket: string) {
    super(memory.body, lengthBytes)
    this.#memory = memory
    this.#bucket = Buffer.from(bucket)
  }

  /** Scans the whole answer; throws `StorageError('invalid')` or `('not-a-storage')`. Call it once. */
  scan(): void {
    const { bytes } = this
    let at = this.skipSpace(0)
    if (at >= this.lengthBytes) throw notAStorage('with nothing')
    if (bytes[at] !== OPEN_BRACE) throw notAStorage(bytes[at] === LESS_THAN ? 'with a web page' : 'with no JSON object')
    at = this.skipSpace(at + 1)
    const seen = new Set<string>()
    if (bytes[at] === CLOSE_BRACE) this.place = at + 1
    else {
      do {
        at = this.string(this.skipSpace(at))
        const name = bytes.toString('latin1', this.textStart, this.textEnd)
        if (seen.has(name)) throw invalidAnswer('it says the same thing twice')
        seen.add(name)
        at = this.#member(name, this.skipSpace(this.expect(at, COLON)))
        at = this.hasMore(at, CLOSE_BRACE) ? this.place : -1
      } while (at >= 0)
    }
    if (this.skipSpace(this.place) !== this.lengthBytes) throw invalidAnswer('something follows its end')
    if (!this.#hasKind) throw notAStorage(OTHER_JSON)
  }

  #member(name: string, at: number): number {
    switch (name) {
      case 'kind': {
        const end = this.string(at)
        if (this.#text() !== 'storage#objects') throw invalidAnswer('it is an answer to something else')
        this.#hasKind = true
        return end
      }
      case 'nextPageToken': {
        const end = this.string(at)
        this.token = this.#text()
        if (this.token === '') throw invalidAnswer('it does not say clearly whether more follows')
        return end
      }
      case 'items':
        return this.#list(at, (from) => this.#entry(from))
      case 'prefixes':
        return this.#list(at, (from) => {
          const end = this.string(from)
          this.prefixes.push(Buffer.from(this.bytes.subarray(this.textStart, this.textEnd)))
          return end
        })
      default:
        // Only what was asked for is answered. Skipped, a name that was damaged on the way would make an empty page of a full one.
        throw this.#hasKind ? invalidAnswer('it says something that was not asked for') : notAStorage(OTHER_JSON)
    }
  }

  #list(from: number, element: (at: number) => number): number {
    if (this.bytes[from] !== OPEN_BRACKET) throw malformed()
    let at = this.skipSpace(from + 1)
    if (this.bytes[at] === CLOSE_BRACKET) return at + 1
    for (;;) {
      at = element(this.skipSpace(at))
      if (!this.hasMore(at, CLOSE_BRACKET)) return this.place
      at = this.place
    }
  }

  #entry(from: number): number {
    const { bytes } = this
    const index = this.count
    this.#memory.reserveEntry(index)
    this.#memory.isArchived[index] = 0
    if (bytes[from] !== OPEN_BRACE) throw malformed()
    let seen = 0
    let at = from + 1
    for (;;) {
      if (bytes[at] !== QUOTE) at = this.skipSpace(at)
      at = this.string(at)
      const what = memberOf(bytes, this.textStart, this.textEnd)
      at = bytes[at] === COLON ? at + 1 : this.expect(at, COLON)
      if (bytes[at] !== QUOTE) at = this.skipSpace(at)
      if (what === 0) {
        at = this.skip(at)
      } else {
        if ((seen & what) !== 0) throw invalidAnswer('an entry says the same thing twice')
        seen |= what
        at = this.string(at)
        this.#keep(what, index)
      }
      if (!this.hasMore(at, CLOSE_BRACE)) break
      at = this.place
    }
    if (seen !== SAW_ALL) throw invalidAnswer('an entry lacks its name, bucket, size, generation or date')
    this.count = index + 1
    return this.place
  }

  #keep(what: number, index: number): void {
    const memory = this.#memory
    if (what === SAW_NAME) {
      memory.keyStart[index] = this.textStart
      memory.keyEnd[index] = this.textEnd
    } else if (what === SAW_SIZE) {
      memory.sizeBytes[index] = this.#wholeNumber()
    } else if (what === SAW_GENERATION) {
      this.#refuseNoDigits()
      memory.etagStart[index] = this.textStart
      memory.etagEnd[index] = this.textEnd
    } else if (what === SAW_UPDATED) {
      memory.modifiedMs[index] = this.#time()
    } else if (!isText(this.bytes, this.textStart, this.textEnd, this.#bucket)) {
      throw invalidAnswer('it is of another bucket')
    }
  }

  #text(): string {
    return this.bytes.toString('utf8', this.textStart, this.textEnd)
  }

  #wholeNumber(): number {
    const end = this.textEnd
    let value = 0
    for (let at = this.textStart; at < end; at++) {
      const digit = this.bytes[at]! - 48
      if (digit < 0 || digit > 9) throw invalidAnswer('a size is no number')
      value = value * 10 + digit
    }
    if (end === this.textStart || value > Number.MAX_SAFE_INTEGER) throw invalidAnswer('a size is no number')
    return value
  }

  /** Generations have 16 digits and more than a double holds exactly: they stay text. */
  #refuseNoDigits(): void {
    const { bytes, textStart, textEnd } = this
    let isRight = textEnd > textStart && textEnd - textStart <= 20
    for (let at = textStart; at < textEnd; at++) isRight &&= bytes[at]! >= 48 && bytes[at]! <= 57
    if (!isRight) throw invalidAnswer('a generation is no number')
  }

  /** `2024-01-31T23:59:59.000Z` by its digits; entries of a page are mostly of few days, so the day is worked out once. */
  #time(): number {
    const bytes = this.bytes
    const at = this.textStart
    const length = this.textEnd - at
    if (length < 20 || bytes[at + 10] !== 84 || bytes[this.textEnd - 1] !== 90) return this.#oddTime()
    const dayNumber =
      two(bytes, at) * 1_000_000 + two(bytes, at + 2) * 10_000 + two(bytes, at + 5) * 100 + two(bytes, at + 8)
    if (dayNumber !== this.#dayNumber) {
      const dayMs = Date.parse(bytes.toString('latin1', at, at + 10))
      if (Number.isNaN(dayMs)) throw invalidAnswer('a date is no date')
      this.#dayNumber = dayNumber
      this.#dayMs = dayMs
    }
    const hours = two(bytes, at + 11)
    const minutes = two(bytes, at + 14)
    const seconds = two(bytes, at + 17)
    if (!(hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60 && seconds >= 0 && seconds < 61)) {
      throw invalidAnswer('a date is no date')
    }
    let ms = 0
    for (let place = 100, digit = at + 20; place >= 1 && digit < this.textEnd - 1; digit++, place /= 10) {
      ms += (bytes[digit]! - 48) * place
    }
    return this.#dayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1000 + Math.floor(ms)
  }

  #oddTime(): number {
    const ms = Date.parse(this.bytes.toString('latin1', this.textStart, this.textEnd))
    if (Number.isNaN(ms)) throw invalidAnswer('a date is no date')
    return ms
  }
}

function two(bytes: Buffer, at: number): number {
  return (bytes[at]! - 48) * 10 + bytes[at + 1]! - 48
}

function memberOf(bytes: Buffer, start: number, end: number): number {
  switch (end - start) {
    case 4:
      if (isText(bytes, start, end, NAME)) return SAW_NAME
      return isText(bytes, start, end, SIZE) ? SAW_SIZE : 0
    case 6:
      return isText(bytes, start, end, BUCKET) ? SAW_BUCKET : 0
    case 7:
      return isText(bytes, start, end, UPDATED) ? SAW_UPDATED : 0
    case 10:
      return isText(bytes, start, end, GENERATION) ? SAW_GENERATION : 0
    default:
      return 0
  }
}

function isText(bytes: Buffer, start: number, end: number, text: Buffer): boolean {
  const length = text.length
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}
