import { malformedAnswer } from '../http/failures.ts'
import type { PageMemory } from '../http/page-memory.ts'
import { decodeEntities, decodeUrl } from '../xml/xml-text.ts'
import { isName, LT, nameBytes, QUOTE, stopsText, XmlWalk } from '../xml/xml-walk.ts'

const GT = 62
const SLASH = 47
const PLUS = 43

const ROOT = nameBytes('EnumerationResults')
const BLOBS = nameBytes('Blobs')
const BLOB = nameBytes('Blob')
const BLOB_PREFIX = nameBytes('BlobPrefix')
const NAME = nameBytes('Name')
const PROPERTIES = nameBytes('Properties')
const METADATA = nameBytes('Metadata')
const SNAPSHOT = nameBytes('Snapshot')
const DELETED = nameBytes('Deleted')
const IS_CURRENT = nameBytes('IsCurrentVersion')
const LAST_MODIFIED = nameBytes('Last-Modified')
const CONTENT_LENGTH = nameBytes('Content-Length')
const ETAG = nameBytes('Etag')
const ACCESS_TIER = nameBytes('AccessTier')
const RESOURCE_TYPE = nameBytes('ResourceType')
const ARCHIVE = nameBytes('Archive')
const DIRECTORY = nameBytes('directory')
const TRUE = nameBytes('true')
const FALSE = nameBytes('false')

const headNames = new Set(['Prefix', 'NextMarker'])

const SAW_NAME = 1
const SAW_MODIFIED = 2
const SAW_SIZE = 4
const SAW_ETAG = 8
const SAW_TIER = 16
const SAW_TYPE = 32
const SAW_PROPERTIES = 64
const SAW_METADATA = 128
const SAW_NEEDED = SAW_NAME | SAW_MODIFIED | SAW_SIZE

/**
 * Walks a List Blobs answer once, byte by byte, and writes its entries into the columns of a `PageMemory`; for `list-page.ts`.
 *
 * Elements may stand in any order and unknown ones are skipped, but the answer must be well-formed to its last byte. Names are decoded in place.
 * Directories of hierarchical accounts (`ResourceType` directory, or the metadata `hdi_isfolder` of a blob without bytes) get a slash at the end of
 * their name, by which everybody knows a folder's marker. Snapshots, old versions and deleted blobs, which nobody asked for, are left out.
 * Throws `BadAnswer`. https://learn.microsoft.com/rest/api/storageservices/list-blobs
 */
export class BlobScanner extends XmlWalk {
  /** Elements of the root by name, decoded, as bytes of the body. */
  readonly head = new Map<string, Buffer>()
  readonly prefixes: Buffer[] = []
  container: string | undefined
  count = 0
  readonly #memory: PageMemory
  #hasBlobs = false
  #seen = 0
  #isFolder = false
  #isLeftOut = false
  #dayText = -1
  #dayMs = 0

  constructor(memory: PageMemory, lengthBytes: number) {
    super(memory.body, lengthBytes)
    this.#memory = memory
  }

  /** Scans the whole answer. Call it once. */
  scan(): void {
    let at = this.skipProlog()
    const nameStart = at + 1
    const nameEnd = this.nameEnd(nameStart)
    if (!isName(this.bytes, nameStart, nameEnd, ROOT)) throw this.wrongRoot(nameStart, nameEnd)
    at = this.openEnd(nameEnd)
    if (at < 0) throw malformedAnswer('it has no content')
    this.container = /\sContainerName\s*=\s*["']([^"']*)["']/.exec(this.bytes.toString('utf8', nameEnd, at))?.[1]
    at = this.skipSpace(this.#root(at))
    if (at !== this.lengthBytes) throw malformedAnswer('something follows its end')
    if (!this.#hasBlobs) throw malformedAnswer('it has no list of blobs')
  }

  #root(from: number): number {
    const bytes = this.bytes
    let at = from
    for (;;) {
      at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) return this.closeOf(ROOT, nameStart + 1)
      const nameEnd = this.nameEnd(nameStart)
      const openEnd = this.openEnd(nameEnd)
      if (isName(bytes, nameStart, nameEnd, BLOBS)) {
        if (this.#hasBlobs) throw malformedAnswer('it has two lists of blobs')
        this.#hasBlobs = true
        at = openEnd < 0 ? -openEnd : this.#blobs(openEnd)
      } else {
        at = this.#headElement(nameStart, nameEnd, openEnd)
      }
    }
  }

  #headElement(nameStart: number, nameEnd: number, openEnd: number): number {
    const name = this.bytes.toString('latin1', nameStart, nameEnd)
    if (!headNames.has(name)) return openEnd < 0 ? -openEnd : this.#pass(nameStart, nameEnd, openEnd)
    if (this.head.has(name)) throw malformedAnswer(`it has ${name} twice`)
    if (openEnd < 0) {
      this.head.set(name, Buffer.alloc(0))
      return -openEnd
    }
    const at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
    this.head.set(name, this.bytes.subarray(this.textStart, this.#nameTextEnd(nameEnd, openEnd)))
    return at
  }

  #blobs(from: number): number {
    const bytes = this.bytes
    let at = from
    for (;;) {
      if (bytes[at] !== LT) at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) return this.closeOf(BLOBS, nameStart + 1)
      const nameEnd = this.nameEnd(nameStart)
      const openEnd = this.openEnd(nameEnd)
      const isBlob = isName(bytes, nameStart, nameEnd, BLOB)
      if (!isBlob && !isName(bytes, nameStart, nameEnd, BLOB_PREFIX))
        throw malformedAnswer('its list has something else')
      if (openEnd < 0) throw malformedAnswer('an entry has no name')
      at = isBlob ? this.#blob(openEnd) : this.#prefix(openEnd)
    }
  }

  #blob(from: number): number {
    const bytes = this.bytes
    const memory = this.#memory
    const index = this.count
    memory.reserveEntry(index)
    memory.etagStart[index] = 0
    memory.etagEnd[index] = 0
    memory.isArchived[index] = 0
    this.#seen = 0
    this.#isFolder = false
    this.#isLeftOut = false
    let at = from
    for (;;) {
      if (bytes[at] !== LT) at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) break
      const nameEnd = this.nameEnd(nameStart)
      at = this.#blobPart(nameStart, nameEnd, this.openEnd(nameEnd), index)
    }
    if ((this.#seen & SAW_NEEDED) !== SAW_NEEDED) throw malformedAnswer('an entry lacks its name, size or date')
    if (!this.#isLeftOut) {
      if (this.#isFolder) this.#markFolder(index)
      this.count = index + 1
    }
    return this.closeOf(BLOB, at + 2)
  }

  #blobPart(nameStart: number, nameEnd: number, openEnd: number, index: number): number {
    const bytes = this.bytes
    const memory = this.#memory
    if (isName(bytes, nameStart, nameEnd, NAME)) {
      this.#once(SAW_NAME)
      if (openEnd < 0) throw malformedAnswer('an entry has no name')
      const at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
      memory.keyStart[index] = this.textStart
      memory.keyEnd[index] = this.#nameTextEnd(nameEnd, openEnd)
      return at
    }
    if (openEnd < 0) return -openEnd
    if (isName(bytes, nameStart, nameEnd, PROPERTIES)) {
      this.#once(SAW_PROPERTIES)
      return this.#properties(openEnd, index)
    }
    if (isName(bytes, nameStart, nameEnd, METADATA)) {
      this.#once(SAW_METADATA)
      return this.#metadata(openEnd)
    }
    const isSnapshot = isName(bytes, nameStart, nameEnd, SNAPSHOT)
    const isDeleted = isName(bytes, nameStart, nameEnd, DELETED)
    const isCurrent = isName(bytes, nameStart, nameEnd, IS_CURRENT)
    if (!isSnapshot && !isDeleted && !isCurrent) return this.#pass(nameStart, nameEnd, openEnd)
    const at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
    const isOfSnapshot = isSnapshot && this.textEnd > this.textStart
    if (isOfSnapshot || (isDeleted && this.#textIs(TRUE)) || (isCurrent && this.#textIs(FALSE))) this.#isLeftOut = true
    return at
  }

  #properties(from: number, index: number): number {
    const bytes = this.bytes
    let at = from
    for (;;) {
      if (bytes[at] !== LT) at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) return this.closeOf(PROPERTIES, nameStart + 1)
      const nameEnd = this.nameEnd(nameStart)
      const openEnd = this.openEnd(nameEnd)
      const what = propertyOf(bytes, nameStart, nameEnd)
      if (openEnd < 0) {
        at = -openEnd
      } else if (what === 0) {
        at = this.#pass(nameStart, nameEnd, openEnd)
      } else {
        this.#once(what)
        at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
        this.#property(what, index)
      }
    }
  }

  #property(what: number, index: number): void {
    const memory = this.#memory
    if (what === SAW_SIZE) {
      memory.sizeBytes[index] = this.wholeNumber()
    } else if (what === SAW_MODIFIED) {
      memory.modifiedMs[index] = this.#time()
    } else if (what === SAW_ETAG) {
      let end = this.isPlain ? this.textEnd : decodeEntities(this.bytes, this.textStart, this.textEnd)
      let start = this.textStart
      if (end - start >= 2 && this.bytes[start] === QUOTE && this.bytes[end - 1] === QUOTE) {
        start++
        end--
      }
      memory.etagStart[index] = start
      memory.etagEnd[index] = end
    } else if (what === SAW_TIER) {
      memory.isArchived[index] = this.#textIs(ARCHIVE) ? 1 : 0
    } else if (this.#textIs(DIRECTORY)) {
      this.#isFolder = true
    }
  }

  /** Only `hdi_isfolder` is of interest, whatever the case of its letters: metadata names have none. */
  #metadata(from: number): number {
    const bytes = this.bytes
    let at = from
    for (;;) {
      if (bytes[at] !== LT) at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) return this.closeOf(METADATA, nameStart + 1)
      const nameEnd = this.nameEnd(nameStart)
      const openEnd = this.openEnd(nameEnd)
      if (openEnd < 0) {
        at = -openEnd
        continue
      }
      const isMark =
        nameEnd - nameStart === 12 && bytes.toString('latin1', nameStart, nameEnd).toLowerCase() === 'hdi_isfolder'
      if (!isMark) {
        at = this.#pass(nameStart, nameEnd, openEnd)
        continue
      }
      at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
      // Looked at with the size, which may stand before or behind: see `#markFolder`.
      if (bytes.toString('latin1', this.textStart, this.textEnd).toLowerCase() === 'true') this.#isFolder = true
    }
  }

  /** One that holds bytes is a file like any other, whatever its metadata says. */
  #markFolder(index: number): void {
    const memory = this.#memory
    const end = memory.keyEnd[index]!
    if (memory.sizeBytes[index] !== 0 || this.bytes[end - 1] === SLASH) return
    // In place of the closing tag's first byte, which has been read.
    this.bytes[end] = SLASH
    memory.keyEnd[index] = end + 1
  }

  #prefix(from: number): number {
    const bytes = this.bytes
    let at = from
    let isNamed = false
    for (;;) {
      if (bytes[at] !== LT) at = this.toTag(at)
      const nameStart = at + 1
      if (bytes[nameStart] === SLASH) break
      const nameEnd = this.nameEnd(nameStart)
      const openEnd = this.openEnd(nameEnd)
      if (openEnd < 0) {
        at = -openEnd
      } else if (isName(bytes, nameStart, nameEnd, NAME)) {
        if (isNamed) throw malformedAnswer('an entry says the same thing twice')
        isNamed = true
        at = this.leaf(nameStart, nameEnd, openEnd, stopsText)
        this.prefixes.push(Buffer.from(bytes.subarray(this.textStart, this.#nameTextEnd(nameEnd, openEnd))))
      } else {
        at = this.#pass(nameStart, nameEnd, openEnd)
      }
    }
    if (!isNamed) throw malformedAnswer('an entry has no name')
    return this.closeOf(BLOB_PREFIX, at + 2)
  }

  /** Decodes the leaf just read, by what its opening tag says of it: names that XML cannot carry come with `Encoded="true"`. */
  #nameTextEnd(nameEnd: number, openEnd: number): number {
    const { textStart, bytes } = this
    const end = this.isPlain ? this.textEnd : decodeEntities(bytes, textStart, this.textEnd)
    if (bytes[nameEnd] === GT) return end
    const isEncoded = /\sEncoded\s*=\s*["']true["']/i.test(bytes.toString('latin1', nameEnd, openEnd))
    return isEncoded ? decodeUrl(bytes, textStart, end, PLUS) : end
  }

  /** Skips an element; most are leaves, for which nothing has to be remembered. */
  #pass(nameStart: number, nameEnd: number, openEnd: number): number {
    const bytes = this.bytes
    let at = openEnd
    while (bytes[at] !== LT) at++
    return bytes[at + 1] === SLASH ? this.closeLike(nameStart, nameEnd, at) : this.skip(nameStart, nameEnd, openEnd)
  }

  #once(what: number): void {
    if (this.#seen & what) throw malformedAnswer('an entry says the same thing twice')
    this.#seen |= what
  }

  #textIs(name: Uint8Array): boolean {
    return isName(this.bytes, this.textStart, this.textEnd, name)
  }

  /** `Wed, 09 Sep 2009 09:20:02 GMT` by its digits; entries of a page are mostly of few days, so the day is worked out once. */
  #time(): number {
    const { bytes, textStart: at, textEnd } = this
    if (textEnd - at !== 29 || bytes[at + 16] !== 32 || bytes[at + 26] !== 71)
      throw malformedAnswer('a date is no date')
    const seconds = this.#twoDigits(at + 17) * 3600 + this.#twoDigits(at + 20) * 60 + this.#twoDigits(at + 23)
    // Day, month and year as one number that only equal texts have.
    let day = 0
    for (const place of dayPlaces) day = day * 128 + (bytes[at + place]! & 127)
    if (day !== this.#dayText) {
      this.#dayMs = dateOf(bytes.toString('latin1', at, at + 16))
      this.#dayText = day
    }
    return this.#dayMs + seconds * 1000
  }

  #twoDigits(at: number): number {
    const tens = this.bytes[at]! - 48
    const ones = this.bytes[at + 1]! - 48
    if (!(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9)) throw malformedAnswer('a date is no date')
    return tens * 10 + ones
  }
}

/** Where day, the last two letters of the month, and the year's last two digits stand: enough to tell days apart. */
const dayPlaces = [5, 6, 9, 10, 14, 15]

function dateOf(day: string): number {
  const ms = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4}$/.test(day) ? Date.parse(`${day} 00:00:00 GMT`) : Number.NaN
  if (Number.isNaN(ms)) throw malformedAnswer('a date is no date')
  return ms
}

function propertyOf(bytes: Buffer, start: number, end: number): number {
  switch (end - start) {
    case 4:
      return isName(bytes, start, end, ETAG) ? SAW_ETAG : 0
    case 10:
      return isName(bytes, start, end, ACCESS_TIER) ? SAW_TIER : 0
    case 12:
      return isName(bytes, start, end, RESOURCE_TYPE) ? SAW_TYPE : 0
    case 13:
      return isName(bytes, start, end, LAST_MODIFIED) ? SAW_MODIFIED : 0
    case 14:
      return isName(bytes, start, end, CONTENT_LENGTH) ? SAW_SIZE : 0
    default:
      return 0
  }
}
