import type { OpenDriver } from '#core/drivers/drivers.ts'
import { withRetry } from '#storage/layers.ts'
import type { Storage } from '#storage/port.ts'

/** Readers at once. */
const READERS = 16
/** Entries asked for at first; doubled while neighbours are found with one answer, halved when they are not. */
const ENTRIES_FIRST = 8
const ENTRIES_LEAST = 4

/**
 * Reads keys of a driver again and tells of each whether it is there. The keys must be in byte order and lie in the driver's folder.
 *
 * Where the storage lists in order, by listing from just before a key: a well-formed page says everything about the stretch it covers, so absent
 * neighbours cost one request together, and only the driver's own folder is ever named as a prefix (PM-22). Elsewhere one by one.
 * Throws what the storage throws: an answer that makes no sense proves nothing.
 */
export async function observeKeys(
  open: OpenDriver,
  keys: readonly Buffer[],
  signal: AbortSignal,
  cost: { requests: number },
): Promise<boolean[]> {
  const found = keys.map(() => false)
  const share = Math.ceil(keys.length / READERS)
  const storage = withRetry(open.storage, { includesList: true, signal })
  const { can } = storage
  const isOrdered = can.list_after && can.list_order === 'utf8'
  const read = isOrdered ? listStretch : statEach
  const readers: Promise<void>[] = []
  for (let from = 0; from < keys.length; from += share)
    readers.push(
      read({ storage, prefix: open.prefix }, keys, from, Math.min(keys.length, from + share), found, signal, cost),
    )
  await Promise.all(readers)
  return found
}

interface Bucket {
  readonly storage: Storage
  readonly prefix: string
}

async function listStretch(
  { storage, prefix }: Bucket,
  keys: readonly Buffer[],
  from: number,
  to: number,
  found: boolean[],
  signal: AbortSignal,
  cost: { requests: number },
): Promise<void> {
  let entriesMax = ENTRIES_FIRST
  let covered: Buffer | null = null
  for (let next = from; next < to; ) {
    cost.requests++
    // Where a page has ended before the key it was asked for, it goes on behind that page.
    const before = keyBefore(keys[next]!)
    const after: Buffer = covered !== null && covered.compare(before) > 0 ? covered : before
    const page = await storage.list({ prefix, after: after.length > 0 ? after : undefined, entriesMax, signal })
    try {
      covered = page.lastKey
      const first = next
      const { entries } = page
      while (entries.next()) {
        const { keyBytes, keyStart, keyEnd } = entries
        while (next < to && keys[next]!.compare(keyBytes, keyStart, keyEnd) < 0) next++
        if (next < to && keys[next]!.compare(keyBytes, keyStart, keyEnd) === 0) found[next++] = true
      }
      // What lies up to the end of the page and was not among its entries is not there; nothing follows a page that is not truncated.
      if (!page.isTruncated) next = to
      else while (next < to && covered !== null && keys[next]!.compare(covered) <= 0) next++
      // None: the key lies far behind. Many: its neighbours are gone as well. In both cases a longer page says more.
      const isTooShort = next - first !== 1
      entriesMax = isTooShort
        ? Math.min(storage.can.list_page_max, entriesMax * 4)
        : Math.max(ENTRIES_LEAST, entriesMax >> 1)
    } finally {
      page.release()
    }
  }
}

/** A key that sorts before the key, with little between them: a listing starts behind what it is given. */
function keyBefore(key: Buffer): Buffer {
  // Cut at a whole character: start-after has to be valid UTF-8.
  let end = key.length - 1
  while (end > 0 && (key[end]! & 0xc0) === 0x80) end--
  return key.subarray(0, end)
}

async function statEach(
  { storage }: Bucket,
  keys: readonly Buffer[],
  from: number,
  to: number,
  found: boolean[],
  signal: AbortSignal,
  cost: { requests: number },
): Promise<void> {
  for (let at = from; at < to; at++) {
    cost.requests++
    found[at] = (await storage.stat(keys[at]!.toString('utf8'), { signal })) !== null
  }
}
