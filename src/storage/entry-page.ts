import type { EntryCursor, ListPage, ListQuery, ProviderId, SkippedEntry } from './port.ts'
import { StorageError } from './storage-error.ts'

/** An object as a driver without a wire format lists it. */
export interface ListedObject {
  readonly key: Buffer
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedMs: number
}

/** Something in byte order of its keys; what `selectPage` chooses from. */
export interface Keyed {
  readonly key: Buffer
}

/** What belongs on one page. */
export interface Selection<T extends Keyed> {
  readonly found: readonly T[]
  readonly prefixes: readonly Buffer[]
  /** Where the next page begins (inclusive), as its token; undefined when nothing follows. */
  readonly token: string | undefined
}

/**
 * Chooses the entries of one page the way S3 does, with prefix, start, folding and token; for drivers that hold or walk their keys themselves.
 *
 * `from` gives what is at or after a key, in byte order; it is called again behind every folded folder, so nothing inside one is walked.
 */
export async function selectPage<T extends Keyed>(
  query: ListQuery,
  pageMax: number,
  from: (start: Buffer) => AsyncIterable<T> | Iterable<T>,
): Promise<Selection<T>> {
  const prefix = Buffer.from(query.prefix)
  const max = Math.min(query.entriesMax ?? pageMax, pageMax)
  const found: T[] = []
  const prefixes: Buffer[] = []
  let start: Buffer | undefined = startOf(query, prefix)
  while (start !== undefined) {
    let skipTo: Buffer | undefined
    for await (const one of from(start)) {
      query.signal?.throwIfAborted()
      if (!startsWith(one.key, prefix)) break
      if (found.length + prefixes.length === max) return { found, prefixes, token: one.key.toString('base64url') }
      const slash = query.delimiter === undefined ? -1 : one.key.indexOf('/', prefix.length)
      if (slash < 0) {
        found.push(one)
      } else {
        const folded = Buffer.from(one.key.subarray(0, slash + 1))
        prefixes.push(folded)
        skipTo = behindFolder(folded)
        break
      }
    }
    start = skipTo
  }
  return { found, prefixes, token: undefined }
}

function startOf(query: ListQuery, prefix: Buffer): Buffer {
  const { token, after } = query
  // The first key after another is that key with the lowest byte behind it.
  let start: Buffer = token === undefined ? Buffer.alloc(0) : Buffer.from(token, 'base64url')
  if (after !== undefined) start = highest(start, Buffer.concat([after, Buffer.alloc(1)]))
  return highest(start, prefix)
}

function highest(a: Buffer, b: Buffer): Buffer {
  return a.compare(b) >= 0 ? a : b
}

/** The lowest key behind everything in a folder: its slash (0x2f) raised by one. */
function behindFolder(folder: Buffer): Buffer {
  const behind = Buffer.from(folder)
  behind[behind.length - 1] = 0x30
  return behind
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}

/** Makes a page out of objects that are in byte order. */
export function pageOf(
  objects: readonly ListedObject[],
  selection: Pick<Selection<Keyed>, 'prefixes' | 'token'>,
  skipped?: readonly SkippedEntry[],
): ListPage {
  // Also behind what is skipped at the end of the page, so that the next page does not tell it again.
  const ends = [objects.at(-1), skipped?.at(-1)].flatMap((end) => (end === undefined ? [] : [end.key]))
  const last = ends.sort(Buffer.compare).at(-1)
  return {
    entries: new ObjectCursor(objects),
    count: objects.length,
    lastKey: last === undefined ? null : Buffer.from(last),
    prefixes: selection.prefixes,
    isTruncated: selection.token !== undefined,
    token: selection.token,
    release() {},
    ...(skipped === undefined || skipped.length === 0 ? {} : { skipped }),
  }
}

const nothing = Buffer.alloc(0)

class ObjectCursor implements EntryCursor {
  keyBytes: Buffer = nothing
  readonly keyStart = 0
  keyEnd = 0
  etagBytes: Buffer = nothing
  readonly etagStart = 0
  etagEnd = 0
  sizeBytes = 0
  modifiedMs = 0
  readonly isArchived = false
  readonly #objects: readonly ListedObject[]
  #next = 0

  constructor(objects: readonly ListedObject[]) {
    this.#objects = objects
  }

  next(): boolean {
    const object = this.#objects[this.#next]
    if (object === undefined) return false
    this.#next++
    this.keyBytes = object.key
    this.keyEnd = object.key.length
    this.etagBytes = Buffer.from(object.etag, 'latin1')
    this.etagEnd = this.etagBytes.length
    this.sizeBytes = object.sizeBytes
    this.modifiedMs = object.modifiedMs
    return true
  }
}

/** First byte (inclusive) and end (exclusive) of what a range asks of so many bytes; throws `invalid` where it begins behind the end, as S3 does. */
export function rangeOf(
  range: { readonly start: number; readonly end?: number } | undefined,
  sizeBytes: number,
  where: { readonly provider: ProviderId; readonly key: string },
): { start: number; end: number } {
  const start = range?.start ?? 0
  const end = Math.min((range?.end ?? sizeBytes - 1) + 1, sizeBytes)
  if (start > 0 && start >= sizeBytes) {
    throw new StorageError('invalid', 'The range begins behind the end of the object.', { ...where, op: 'read' })
  }
  return { start, end: Math.max(start, end) }
}
