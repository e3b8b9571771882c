import type { Sighting } from '#core/catalog/catalog.ts'
import { packEtag } from '#lib/etag.ts'
import type { Storage } from '#storage/port.ts'

/**
 * What is under one key of a bucket; null for nothing. Read from a listing where that is allowed, because a listing's time is finer than a read's on some
 * storages, and the next sync must find the very same. Throws what the storage throws.
 */
export async function sightObject(storage: Storage, key: string, signal?: AbortSignal): Promise<Sighting | null> {
  const { can } = storage
  if (can.list_order === 'utf8' && can.list_below) {
    const page = await storage.list({ prefix: key, entriesMax: 1, signal })
    try {
      const { entries } = page
      const wanted = Buffer.from(key)
      let found: Sighting | null = null
      while (entries.next()) {
        if (wanted.compare(entries.keyBytes, entries.keyStart, entries.keyEnd) !== 0) continue
        found = {
          sizeBytes: entries.sizeBytes,
          etag: packEtag(entries.etagBytes.toString('latin1', entries.etagStart, entries.etagEnd)),
          modifiedMs: entries.modifiedMs,
          isArchived: entries.isArchived,
        }
      }
      if (found !== null) return found
    } finally {
      page.release()
    }
  }
  const entry = await storage.stat(key, { signal })
  if (entry === null) return null
  return {
    sizeBytes: entry.sizeBytes,
    etag: packEtag(entry.etag),
    modifiedMs: Math.floor(entry.modifiedMs),
    isArchived: entry.isArchived ?? false,
  }
}
