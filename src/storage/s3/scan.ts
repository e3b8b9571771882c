import { networkFailure } from '../http/failures.ts'
import type { PageMemory } from '../http/page-memory.ts'
import { decodeEntities, decodeUrl } from '../xml/xml-text.ts'
import { AMP, isName, LT, malformed, nameBytes, QUOTE, stopsText, stopsUrlText, XmlWalk } from '../xml/xml-walk.ts'
import { invalidAnswer } from './fault.ts'

const SLASH = 47

const ROOT = nameBytes('ListBucketResult')
const CONTENTS = nameBytes('Contents')
const COMMON_PREFIXES = nameBytes('CommonPrefixes')
const PREFIX = nameBytes('Prefix')
const KEY = nameBytes('Key')
const ETAG = nameBytes('ETag')
const SIZE = nameBytes('Size')
const LAST_MODIFIED = nameBytes('LastModified')
const STORAGE_CLASS = nameBytes('StorageClass')
const GLACIER = nameBytes('GLACIER')
const DEEP_ARCHIVE = nameBytes('DEEP_ARCHIVE')

/** Elements of the root that are kept as text; every other one but entries and folded prefixes is skipped. */
const headNames = new Set(['Name', 'Prefix', 'KeyCount', 'EncodingType', 'IsTruncated', 'NextContinuationToken'])

const SAW_KEY = 1
const SAW_ETAG = 2
const SAW_SIZE = 4
const SAW_MODIFIED = 8
const SAW_CLASS = 16
const SAW_NEEDED = SAW_KEY | SAW_SIZE | SAW_MODIFIED

/**
 * Walks a ListObjectsV2 answer once, byte by byte, and writes its entries into the columns of a `PageMemory`; for `list-page.ts`.
 *
 * Elements may stand in any order and unknown ones are skipped, but the answer must be well-formed to its last byte: a cut answer
 * never passes for a short one. Keys and etags are decoded in place, so they stay bytes of the body. Nothing is checked against the
 * question here. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export class ListingScanner extends XmlWalk {
  /** Root elements by name, entities decoded, as bytes of the body. */
  readonly head = new Map<string, Buffer>()
  readonly prefixes: Buffer[] = []
  count = 0
  isUrlEncoded = false
  readonly #memory: PageMemory
  #dayNumber = 0
  #dayMs = 0

  constructor(memory: PageMemory, lengthBytes: number) {
    super(memory.body, lengthBytes)
    this.#memory = memory
  }

  /** Scans the whole answer; throws `StorageError('invalid')` or `('not-a-storage')`. Call it once. */
  scan(): void {
    try {
      this.#scan()
    } catch (error) {
      // What steps over XML does not know whose it is.
      throw networkFailure(error, { provider: 's3', op: 'list' })
    }
  }

  #scan(): void {
    const bytes = this.bytes
    let at = this.skipProlog()
    const nameStart = at + 1
    at = this.nameEnd(nameStart)
    if (!isName(bytes, nameStart, at, ROOT)) throw this.wrongRoot(nameStart, at)
    at = this.openEnd(at)
    if (at < 0) throw invalidAnswer('it has no content')
    // Whether keys are encoded is said once, often before the entries, but nothing promises that.
    this.isUrlEncoded = this.#announcesUrl()
    at = this.#root(at)
    at = this.skipSpace(at)
    if (at !== this.lengthBytes) throw invalidAnswer('something follows its end')
    const encoding = this.head.get('EncodingType')?.toString('latin1') ?? ''
    if (encoding !== (this.isUrlEncoded ? 'url' : ''))
      throw invalidAnswer('it does not say clearly how keys are encoded')
  }

  #root(from: number): number {
    const bytes = this.bytes
    let at = from
    for (;;) {
      at = this.skipSpace(at)
      if (bytes[at] !== LT) throw malformed()
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) return this.closeOf(ROOT, nameStart + 1)
      const nameEnd = this.nameEnd(nameStart)
      at = this.openEnd(nameEnd)
      if (isName(bytes, nameStart, nameEnd, CONTENTS)) {
        if (at < 0) throw invalidAnswer('it has an entry without a key')
        at = this.#contents(at)
      } else if (isName(bytes, nameStart, nameEnd, COMMON_PREFIXES)) {
        if (at >= 0) at = this.#commonPrefixes(at)
        else at = -at
      } else {
        at = this.#headElement(nameStart, nameEnd, at)
      }
    }
  }

  #headElement(nameStart: number, nameEnd: number, openEnd: number): number {
    const name = this.bytes.toString('latin1', nameStart, nameEnd)
    if (!headNames.has(name)) return openEnd < 0 ? -openEnd : this.skip(nameStart, nameEnd, openEnd)
    if (this.head.has(name)) throw invalidAnswer(`it has ${name} twice`)
    if (openEnd < 0) {
      this.head.set(name, Buffer.alloc(0))
      return -openEnd
    }
    const at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
    this.head.set(name, this.bytes.subarray(this.textStart, this.#decodedEnd()))
    return at
  }

  #contents(from: number): number {
    const bytes = this.bytes
    const memory = this.#memory
    const index = this.count
    memory.reserveEntry(index)
    memory.etagStart[index] = 0
    memory.etagEnd[index] = 0
    memory.isArchived[index] = 0
    let seen = 0
    let at = from
    for (;;) {
      if (bytes[at] !== LT) at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) {
        if ((seen & SAW_NEEDED) !== SAW_NEEDED) throw invalidAnswer('an entry lacks its key, size or date')
        this.count = index + 1
        return this.closeOf(CONTENTS, nameStart + 1)
      }
      const nameEnd = this.nameEnd(nameStart)
      const openEnd = this.openEnd(nameEnd)
      const what = entryElement(bytes, nameStart, nameEnd)
      if (seen & what) throw invalidAnswer('an entry says the same thing twice')
      seen |= what
      if (openEnd < 0) {
        // An empty element: only an etag or a storage class may be absent in this way.
        if (what & SAW_NEEDED) throw invalidAnswer('an entry lacks its key, size or date')
        at = -openEnd
      } else if (what === 0) {
        at = this.skip(nameStart, nameEnd, openEnd)
      } else if (what === SAW_KEY) {
        at = this.leaf(nameStart, nameEnd, openEnd, this.isUrlEncoded ? stopsUrlText : stopsText)
        memory.keyStart[index] = this.textStart
        memory.keyEnd[index] = this.isPlain ? this.textEnd : this.#decodedKeyEnd()
      } else {
        at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
        this.#entryText(what, index)
      }
    }
  }

  #entryText(what: number, index: number): void {
    const memory = this.#memory
    if (what === SAW_SIZE) {
      memory.sizeBytes[index] = this.wholeNumber()
    } else if (what === SAW_MODIFIED) {
      memory.modifiedMs[index] = this.#time()
    } else if (what === SAW_ETAG) {
      let end = this.isPlain ? this.textEnd : this.#etagDecodedEnd()
      let start = this.textStart
      if (end - start >= 2 && this.bytes[start] === QUOTE && this.bytes[end - 1] === QUOTE) {
        start++
        end--
      }
      memory.etagStart[index] = start
      memory.etagEnd[index] = end
    } else {
      const isArchived =
        isName(this.bytes, this.textStart, this.textEnd, GLACIER) ||
        isName(this.bytes, this.textStart, this.textEnd, DEEP_ARCHIVE)
      memory.isArchived[index] = isArchived ? 1 : 0
    }
  }

  #commonPrefixes(from: number): number {
    const bytes = this.bytes
    let at = from
    for (;;) {
      if (bytes[at] !== LT) at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) return this.closeOf(COMMON_PREFIXES, nameStart + 1)
      const nameEnd = this.nameEnd(nameStart)
      const openEnd = this.openEnd(nameEnd)
      if (openEnd < 0) {
        at = -openEnd
      } else if (isName(bytes, nameStart, nameEnd, PREFIX)) {
        at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
        this.prefixes.push(Buffer.from(bytes.subarray(this.textStart, this.#decodedKeyEnd())))
      } else {
        at = this.skip(nameStart, nameEnd, openEnd)
      }
    }
  }

  #decodedEnd(): number {
    return this.isPlain ? this.textEnd : decodeEntities(this.bytes, this.textStart, this.textEnd)
  }

  #decodedKeyEnd(): number {
    const end = decodeEntities(this.bytes, this.textStart, this.textEnd)
    return this.isUrlEncoded ? decodeUrl(this.bytes, this.textStart, end) : end
  }

  /** `&quot;…&quot;` is how every etag comes: its quotes are stepped over instead of decoded. */
  #etagDecodedEnd(): number {
    const start = this.textStart
    const end = this.textEnd
    if (isQuot(this.bytes, start) && end - start >= 12 && isQuot(this.bytes, end - 6)) {
      let at = start + 6
      while (at < end - 6 && this.bytes[at] !== AMP) at++
      if (at === end - 6) {
        this.textStart = start + 6
        return at
      }
    }
    return decodeEntities(this.bytes, start, end)
  }

  /** `2024-01-31T23:59:59.000Z` by its digits; entries of a page are mostly of few days, so the day is worked out once. */
  #time(): number {
    const bytes = this.bytes
    const at = this.textStart
    const length = this.textEnd - at
    if (length < 20 || bytes[at + 10] !== 84 || bytes[this.textEnd - 1] !== 90) return this.#oddTime()
    const dayNumber =
      (bytes[at]! - 48) * 10_000_000 +
      (bytes[at + 1]! - 48) * 1_000_000 +
      (bytes[at + 2]! - 48) * 100_000 +
      (bytes[at + 3]! - 48) * 10_000 +
      (bytes[at + 5]! - 48) * 1000 +
      (bytes[at + 6]! - 48) * 100 +
      (bytes[at + 8]! - 48) * 10 +
      (bytes[at + 9]! - 48)
    if (dayNumber !== this.#dayNumber) {
      const dayMs = Date.parse(bytes.toString('latin1', at, at + 10))
      if (Number.isNaN(dayMs)) throw invalidAnswer('a date is no date')
      this.#dayNumber = dayNumber
      this.#dayMs = dayMs
    }
    const hours = (bytes[at + 11]! - 48) * 10 + bytes[at + 12]! - 48
    const minutes = (bytes[at + 14]! - 48) * 10 + bytes[at + 15]! - 48
    const seconds = (bytes[at + 17]! - 48) * 10 + bytes[at + 18]! - 48
    if (!(hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60 && seconds >= 0 && seconds < 61)) {
      throw invalidAnswer('a date is no date')
    }
    let ms = 0
    if (length > 20) {
      for (let place = 100, digit = at + 20; place >= 1 && digit < this.textEnd - 1; digit++, place /= 10) {
        ms += (bytes[digit]! - 48) * place
      }
    }
    return this.#dayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1000 + Math.floor(ms)
  }

  #oddTime(): number {
    const ms = Date.parse(this.bytes.toString('latin1', this.textStart, this.textEnd))
    if (Number.isNaN(ms)) throw invalidAnswer('a date is no date')
    return ms
  }

  #announcesUrl(): boolean {
    const at = this.bytes.indexOf('<EncodingType>', 0, 'latin1')
    return at >= 0 && at < this.lengthBytes && this.bytes.toString('latin1', at + 14, at + 18) === 'url<'
  }
}

function entryElement(bytes: Buffer, start: number, end: number): number {
  switch (end - start) {
    case 3:
      return isName(bytes, start, end, KEY) ? SAW_KEY : 0
    case 4:
      if (isName(bytes, start, end, SIZE)) return SAW_SIZE
      return isName(bytes, start, end, ETAG) ? SAW_ETAG : 0
    case 12:
      if (isName(bytes, start, end, LAST_MODIFIED)) return SAW_MODIFIED
      return isName(bytes, start, end, STORAGE_CLASS) ? SAW_CLASS : 0
    default:
      return 0
  }
}

/** Whether `&quot;` stands there. */
function isQuot(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === AMP &&
    bytes[at + 1] === 113 &&
    bytes[at + 2] === 117 &&
    bytes[at + 3] === 111 &&
    bytes[at + 4] === 116 &&
    bytes[at + 5] === 59
  )
}
