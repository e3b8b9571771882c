import type { Sighting } from '#core/catalog/catalog.ts'
import type { OpenDriver } from '#core/drivers/drivers.ts'
import { packEtag } from '#lib/etag.ts'
import { withRetry } from '#storage/layers.ts'
import type { EntryCursor, ProviderId, Storage } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'

/** Readers at once. */
const READERS = 16
/** Entries asked for at first; doubled while neighbours are found with one answer, halved when they are not. */
const ENTRIES_FIRST = 8
const ENTRIES_LEAST = 4

/** What reading a key came to: what is there, null for nothing, or why nobody can tell. */
export type Reading = { readonly sighting: Sighting | null } | { readonly failure: unknown }

/**
 * Reads keys of a driver again. The keys must be in byte order and lie in the driver's folder.
 *
 * Where the storage lists in order, by listing from just before a key: a well-formed page says everything about the stretch it covers, so absent
 * neighbours cost one request together, and only the driver's own folder is ever named as a prefix (PM-22). Elsewhere one by one.
 * An answer that makes no sense, or none, proves nothing: that is a failure, also of keys beside it.
 */
export async function readKeys(
  open: OpenDriver,
  keys: readonly Buffer[],
  signal: AbortSignal,
  cost: { requests: number },
): Promise<Reading[]> {
  const storage = withRetry(open.storage, { includesList: true, signal })
  const { can } = storage
  const isOrdered = can.list_after && can.list_order === 'utf8'
  const share = Math.ceil(keys.length / READERS)
  const readers: Promise<Reading[]>[] = []
  for (let from = 0; from < keys.length; from += share) {
    const reader = new Reader({ storage, prefix: open.prefix, signal, cost }, keys.slice(from, from + share))
    readers.push(isOrdered ? reader.listStretch() : reader.statEach())
  }
  return (await Promise.all(readers)).flat()
}

/** Reads keys as `readKeys` does and tells of each what is there; throws what the storage throws when any of them cannot be read. */
export async function observeKeys(
  open: OpenDriver,
  keys: readonly Buffer[],
  signal: AbortSignal,
  cost: { requests: number },
): Promise<(Sighting | null)[]> {
  return (await readKeys(open, keys, signal, cost)).map((reading) => {
    if ('failure' in reading) throw reading.failure
    return reading.sighting
  })
}

interface Bucket {
  readonly storage: Storage
  readonly prefix: string
  readonly signal: AbortSignal
  readonly cost: { requests: number }
}

class Reader {
  readonly #bucket: Bucket
  readonly #keys: readonly Buffer[]
  readonly #readings: Reading[] = []

  constructor(bucket: Bucket, keys: readonly Buffer[]) {
    this.#bucket = bucket
    this.#keys = keys
  }

  async listStretch(): Promise<Reading[]> {
    const { storage, prefix, signal, cost } = this.#bucket
    let entriesMax = ENTRIES_FIRST
    let covered: Buffer | null = null
    while (this.#readings.length < this.#keys.length) {
      cost.requests++
      const first = this.#readings.length
      // Where a page has ended before the key it was asked for, it goes on behind that page.
      const before = keyBefore(this.#keys[first]!)
      const after: Buffer = covered !== null && covered.compare(before) > 0 ? covered : before
      try {
        const page = await storage.list({ prefix, after: after.length > 0 ? after : undefined, entriesMax, signal })
        try {
          if (page.count === 0 && page.isTruncated) throw emptyPage(storage.provider)
          this.#takeEntries(page.entries)
          covered = page.lastKey
          // What lies up to the end of the page and was not among its entries is not there; nothing follows a page that is not truncated.
          const end = page.isTruncated ? covered : null
          this.#missWhile((key) => !page.isTruncated || (end !== null && key.compare(end) <= 0))
        } finally {
          page.release()
        }
      } catch (failure) {
        // What its entries showed before it contradicted itself is no more to be believed than the rest.
        this.#readings.length = first
        return this.#failRest(failure)
      }
      // None: the key lies far behind. Many: its neighbours are gone as well. In both cases a longer page says more.
      const isTooShort = this.#readings.length - first !== 1
      entriesMax = isTooShort
        ? Math.min(storage.can.list_page_max, entriesMax * 4)
        : Math.max(ENTRIES_LEAST, entriesMax >> 1)
    }
    return this.#readings
  }

  #takeEntries(entries: EntryCursor): void {
    while (entries.next()) {
      const { keyBytes, keyStart, keyEnd } = entries
      this.#missWhile((key) => key.compare(keyBytes, keyStart, keyEnd) < 0)
      const key = this.#keys[this.#readings.length]
      if (key?.compare(keyBytes, keyStart, keyEnd) === 0) this.#readings.push({ sighting: sightingOf(entries) })
    }
  }

  #missWhile(isMissed: (key: Buffer) => boolean): void {
    while (this.#readings.length < this.#keys.length && isMissed(this.#keys[this.#readings.length]!))
      this.#readings.push({ sighting: null })
  }

  #failRest(failure: unknown): Reading[] {
    while (this.#readings.length < this.#keys.length) this.#readings.push({ failure })
    return this.#readings
  }

  async statEach(): Promise<Reading[]> {
    const { storage, signal, cost } = this.#bucket
    for (const key of this.#keys) {
      cost.requests++
      try {
        const entry = await storage.stat(key.toString('utf8'), { signal })
        const sighting = entry && {
          sizeBytes: entry.sizeBytes,
          etag: packEtag(entry.etag),
          modifiedMs: entry.modifiedMs,
          isArchived: entry.isArchived ?? false,
        }
        this.#readings.push({ sighting })
      } catch (failure) {
        this.#readings.push({ failure })
      }
    }
    return this.#readings
  }
}

/** A page that shows nothing and says that more follows leads nowhere when listings go on behind keys. */
function emptyPage(provider: ProviderId): StorageError {
  return new StorageError('invalid', 'The page is empty and says that more follows.', { provider, op: 'list' })
}

function sightingOf(entry: EntryCursor): Sighting {
  return {
    sizeBytes: entry.sizeBytes,
    etag: packEtag(entry.etagBytes.toString('latin1', entry.etagStart, entry.etagEnd)),
    modifiedMs: entry.modifiedMs,
    isArchived: entry.isArchived,
  }
}

/** A text that sorts before the key, with little between them: a listing starts behind what it is given. */
function keyBefore(key: Buffer): Buffer {
  // Cut at a whole character: start-after has to be valid UTF-8.
  let end = key.length - 1
  while (end > 0 && (key[end]! & 0xc0) === 0x80) end--
  const last = key[end]!
  // Behind a folder's slash everything of the folder would come before the key: so it begins behind the character before the last one, and all that begins with it.
  if (last <= 0x30 || last > 0x7e || end !== key.length - 1) return key.subarray(0, end)
  return Buffer.concat([key.subarray(0, end), Buffer.of(last - 1), HIGHEST])
}

const HIGHEST = Buffer.from('\u{10ffff}')
