import type { Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'

/** Levels of folders that are looked into; real trees fan out within the first few. */
const LEVELS_MAX = 4

/**
 * Finds folders below a prefix, in key order, by listing with a delimiter level by level, until there are as many as wanted.
 *
 * At most `2 × wanted` requests, one page each: a folder with more than a page of children is represented by its first page. A refusal below the
 * prefix (PM-22) ends the search with what is known; it is no error, as the plain listing goes on without.
 */
export async function discoverFolders(options: {
  storage: Storage
  prefix: string
  wanted: number
  signal: AbortSignal
}): Promise<{ folders: Buffer[]; requests: number }> {
  const { storage, wanted, signal } = options
  let level: string[] = [options.prefix]
  let folders: Buffer[] = []
  let requests = 0
  for (let depth = 0; depth < LEVELS_MAX && requests + level.length <= 2 * wanted; depth++) {
    requests += level.length
    const listed = await Promise.all(level.map((prefix) => listFolders(storage, prefix, signal)))
    const children = listed.flatMap((found) => found ?? [])
    if (listed.includes(null) || children.length === 0) break
    folders = children
    level = children.map((folder) => folder.toString('utf8'))
    if (folders.length >= wanted) break
  }
  return { folders: folders.sort(Buffer.compare), requests }
}

/** Null: listing there is refused or fails; the plain listing will say what is wrong if it matters. */
async function listFolders(storage: Storage, prefix: string, signal: AbortSignal): Promise<Buffer[] | null> {
  try {
    const page = await storage.list({ prefix, delimiter: '/', signal })
    try {
      // Only names that survive the way through UTF-8 can be a prefix of a request or a cut.
      return page.prefixes
        .map((folder) => Buffer.from(folder))
        .filter((folder) => Buffer.from(folder.toString('utf8'), 'utf8').equals(folder))
    } finally {
      page.release()
    }
  } catch (error) {
    if (error instanceof StorageError && error.kind !== 'aborted') return null
    throw error
  }
}
