import type { ListPage, Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import type { WalkCost } from './walk.ts'

/** Levels of folders that are looked into; the number of requests is bounded besides. */
const LEVELS_MAX = 8

/** A folder, or the prefix itself, with more than a page of files and folders in it. */
export interface BigFolder {
  readonly folder: Buffer
  /** The last of the first page. */
  readonly last: Buffer
}

/** What was found below a prefix. */
export interface Discovered {
  /** In order. */
  readonly folders: readonly Buffer[]
  /** Those of them, or the prefix itself, of which only the first page is known. */
  readonly big: readonly BigFolder[]
}

interface Level {
  readonly folders: readonly Buffer[]
  /** Last of the page when there is more: the folders then say where the first of them are, and nothing of the rest. */
  readonly last: Buffer | null
}

/**
 * Finds folders below a prefix, in key order, by listing with a delimiter level by level, until there are as many as wanted.
 *
 * At most `2 × wanted` requests, one page each. A folder that has more than a page of children, or none, stands for itself: as borders, the
 * first thousand of a million folders would cut off a thousandth. A refusal below the prefix (PM-22) ends the search with what is known; it
 * is no error, as the plain listing goes on without.
 */
export async function discoverFolders(options: {
  storage: Storage
  prefix: string
  wanted: number
  cost: WalkCost
  signal: AbortSignal
}): Promise<Discovered> {
  const { storage, wanted, cost, signal } = options
  let open: string[] = [options.prefix]
  const closed: Buffer[] = []
  const big: BigFolder[] = []
  let requests = 0
  for (let depth = 0; depth < LEVELS_MAX && open.length > 0; depth++) {
    if (requests + open.length > 2 * wanted || open.length + closed.length >= wanted) break
    requests += open.length
    cost.requests += open.length
    const levels = await Promise.all(open.map((prefix) => listFolders(storage, prefix, signal)))
    const further: string[] = []
    for (const [index, level] of levels.entries()) {
      const folder = Buffer.from(open[index]!)
      if (level?.last) big.push({ folder, last: level.last })
      if (level === null || level.last !== null || level.folders.length === 0) closed.push(folder)
      else further.push(...level.folders.map((folder) => folder.toString('utf8')))
    }
    open = further
    if (levels.includes(null)) break
  }
  // What is left to look into are folders too; the prefix itself is none.
  const folders = [...closed, ...open.map((folder) => Buffer.from(folder))].filter(
    (folder) => folder.length > Buffer.byteLength(options.prefix),
  )
  return { folders: folders.sort(Buffer.compare), big }
}

/** Null: listing there is refused or fails; the plain listing will say what is wrong if it matters. */
async function listFolders(storage: Storage, prefix: string, signal: AbortSignal): Promise<Level | null> {
  try {
    const page = await storage.list({ prefix, delimiter: '/', signal })
    try {
      // Only names that survive the way through UTF-8 can be a prefix of a request or a cut.
      const folders = page.prefixes
        .map((folder) => Buffer.from(folder))
        .filter((folder) => Buffer.from(folder.toString('utf8'), 'utf8').equals(folder))
      return { folders, last: page.isTruncated ? lastOf(page) : null }
    } finally {
      page.release()
    }
  } catch (error) {
    if (error instanceof StorageError && error.kind !== 'aborted') return null
    throw error
  }
}

function lastOf({ lastKey, prefixes }: ListPage): Buffer | null {
  const folder = prefixes.at(-1)
  if (folder === undefined || lastKey === null) return folder ?? lastKey
  return folder.compare(lastKey) > 0 ? Buffer.from(folder) : lastKey
}
