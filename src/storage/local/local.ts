import { createHash, randomBytes } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkStorage } from '../check.ts'
import { type ListedObject, pageOf, rangeOf, selectPage } from '../entry-page.ts'
import type {
  Capabilities,
  CheckOptions,
  CheckReport,
  Entry,
  Key,
  ListPage,
  ListQuery,
  Opened,
  ReadOptions,
  RemoveOptions,
  RemoveOutcome,
  SkippedEntry,
  Storage,
  WriteOptions,
} from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { localError, toLocalError } from './errors.ts'
import { type Held, hold } from './hold.ts'
import { LocalRoot, type Place, pathIn } from './root.ts'
import { FolderTree, type TreeEntry } from './tree.ts'

/** A folder or mount on the server. */
export interface LocalOptions {
  /** Full path of the folder. */
  readonly rootPath: string
  /** Folders the operator opened (`SLUICE_LOCAL_ROOTS`); the folder must be one of them or inside one. */
  readonly allowedRoots: readonly string[]
}

type Signalled = { readonly signal?: AbortSignal | undefined }

const capabilities: Capabilities = {
  list_after: true,
  list_below: true,
  list_page_max: 1000,
  list_order: 'utf8',
  read_range: true,
  write: true,
  write_if_absent: true,
  write_if_match: false,
  remove_if_match: false,
  remove_batch_max: 1000,
  // A browser cannot reach the server's disk: the server streams.
  sign_read: false,
  sign_write: false,
  sign_max_seconds: 0,
}

const rights = {
  list: 'reading and searching of the folder (r-x)',
  read: 'reading of the files',
  write: 'writing in the folder (-w-)',
  delete: 'writing in the folder (-w-)',
}

const STATS_AT_ONCE = 64

/**
 * Opens the local-folder driver: the files under a folder are the objects of a bucket, their paths below it the keys.
 *
 * Folders themselves are no objects. Keys a file system has no name for (an empty part, over 255 bytes in a part) are refused. Throws
 * `StorageError('root-not-allowed')` or `('unknown-bucket')`.
 */
export async function openLocalStorage(options: LocalOptions): Promise<Storage> {
  return new LocalStorage(await LocalRoot.open(options.rootPath, options.allowedRoots))
}

class LocalStorage implements Storage {
  readonly provider = 'local'
  readonly can = capabilities
  readonly #root: LocalRoot
  readonly #tree: FolderTree

  constructor(root: LocalRoot) {
    this.#root = root
    this.#tree = new FolderTree(root)
  }

  async list(query: ListQuery): Promise<ListPage> {
    return orFailure('list', undefined, query.signal, async () => {
      const skipped: SkippedEntry[] = []
      for (let asked = query; ; ) {
        const selection = await selectPage(asked, capabilities.list_page_max, (start) => this.#tree.from(start))
        for (const { key, skippedFor } of selection.found) {
          if (skippedFor !== undefined) skipped.push({ key, reason: skippedFor })
        }
        const objects = await describe(
          this.#root,
          selection.found.filter((entry) => entry.skippedFor === undefined),
        )
        const isEmpty = objects.length === 0 && selection.prefixes.length === 0
        // A page of nothing with more behind it would look like a storage gone wrong: look further instead.
        if (!isEmpty || selection.token === undefined) return pageOf(objects, selection, skipped)
        asked = { ...asked, token: selection.token }
      }
    })
  }

  async stat(key: Key, { signal }: Signalled = {}): Promise<Entry | null> {
    return orFailure('stat', key, signal, async () => {
      const held = await this.#root.existing(key, 'stat')
      if (held === null) return null
      try {
        const stats = await held.stats()
        if (stats.isDirectory()) return null
        if (!stats.isFile()) throw localError('unsupported', 'This is a pipe, a socket or a device.', 'stat', key)
        return { key, ...factsOf(stats) }
      } finally {
        await held.close()
      }
    })
  }

  async read(key: Key, { range, ifMatch, signal }: ReadOptions = {}): Promise<Opened> {
    return orFailure('read', key, signal, async () => {
      const held = await this.#root.existing(key, 'read')
      if (held === null) throw toLocalError({ code: 'ENOENT' }, 'read', key)
      let handle: FileHandle
      try {
        // Looked at before it is opened: opening a pipe or a device already does something.
        requireFile(await held.stats(), key)
        handle = await open(held.path, constants.O_RDONLY | constants.O_NONBLOCK)
      } finally {
        await held.close()
      }
      try {
        return await opened(handle, key, range, ifMatch, signal)
      } catch (error) {
        await handle.close()
        throw error
      }
    })
  }

  async write(key: Key, body: Readable | Buffer, options: WriteOptions): Promise<Entry> {
    return orFailure('write', key, options.signal, async () => {
      const { folder, name } = await this.#root.parentOf(key, 'write')
      const temporary = pathIn(folder, Buffer.from(`.sluice-upload-${randomBytes(8).toString('hex')}`))
      try {
        const stats = await fill(temporary, body, options, key)
        const path = pathIn(folder, name)
        if (options.ifAbsent === true) {
          // A link is only made where there is nothing, in one step; renaming would replace.
          await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'EEXIST') throw error
            throw localError('precondition-failed', 'There is such a file already.', 'write', key)
          })
          await unlink(temporary)
        } else {
          await rename(temporary, path)
        }
        return { key, ...factsOf(stats) }
      } catch (error) {
        await unlink(temporary).catch(() => {})
        throw error
      } finally {
        await folder.close()
      }
    })
  }

  async remove(keys: readonly Key[], { signal, ifMatch }: RemoveOptions = {}): Promise<readonly RemoveOutcome[]> {
    if (ifMatch !== undefined) throw localError('unsupported', 'A local folder removes on no condition.', 'remove')
    if (keys.length > capabilities.remove_batch_max) {
      throw localError('unsupported', 'Too many keys to remove at once.', 'remove')
    }
    return orFailure('remove', undefined, signal, async () => {
      // All are looked at before the first is removed: a key that is refused is a mistake of the caller's.
      for (const key of keys) await (await this.#root.placeOf(key, 'remove'))?.folder.close()
      const outcomes: RemoveOutcome[] = []
      for (const key of keys) {
        signal?.throwIfAborted()
        outcomes.push(await removeOne(this.#root, key))
      }
      return outcomes
    })
  }

  signRead(): never {
    throw localError(
      'unsupported',
      'A folder on the server signs no addresses; the server streams its files.',
      'signRead',
    )
  }

  signWrite(): never {
    throw localError('unsupported', 'A folder on the server signs no addresses; the server takes uploads.', 'signWrite')
  }

  check(options: CheckOptions): Promise<CheckReport> {
    return checkStorage(this, options, { rights })
  }

  async close(): Promise<void> {}
}

/** What the files of a page are, folder by folder: each is held while its files are looked at. */
async function describe(root: LocalRoot, entries: readonly TreeEntry[]): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for (let from = 0; from < entries.length; ) {
    const { folder } = entries[from]!
    let to = from + 1
    while (to < entries.length && entries[to]!.folder === folder) to++
    const held = await root.folder(folder)
    if (held !== null) {
      try {
        await describeFolder(root, held, entries.slice(from, to), objects)
      } finally {
        await held.close()
      }
    }
    from = to
  }
  return objects
}

async function describeFolder(
  root: LocalRoot,
  folder: Held,
  entries: readonly TreeEntry[],
  objects: ListedObject[],
): Promise<void> {
  for (let i = 0; i < entries.length; i += STATS_AT_ONCE) {
    const some = entries.slice(i, i + STATS_AT_ONCE)
    const stats = await Promise.all(some.map((entry) => statsOf(root, folder, entry)))
    for (const [j, found] of stats.entries()) {
      if (found?.isFile()) objects.push({ key: some[j]!.key, ...factsOf(found) })
    }
  }
}

async function statsOf(root: LocalRoot, folder: Held, { name }: TreeEntry): Promise<BigIntStats | null> {
  const path = pathIn(folder, name)
  const stats = await lstat(path, { bigint: true }).catch(nullIfGone)
  if (stats === null || !stats.isSymbolicLink()) return stats
  // A link inside the folder shows what it leads to; that it still does is seen by holding it.
  const target = await hold(path, false).catch(nullIfGone)
  if (target === null) return null
  try {
    return root.holds(target.realPath) ? await target.stats() : null
  } finally {
    await target.close()
  }
}

function requireFile(stats: BigIntStats, key: Key): void {
  if (stats.isDirectory()) throw toLocalError({ code: 'ENOENT' }, 'read', key)
  if (!stats.isFile()) throw localError('unsupported', 'This is a pipe, a socket or a device.', 'read', key)
}

async function opened(
  handle: FileHandle,
  key: Key,
  range: ReadOptions['range'],
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const stats = await handle.stat({ bigint: true })
  requireFile(stats, key)
  const entry = { key, ...factsOf(stats) }
  if (ifMatch !== undefined && ifMatch !== entry.etag) {
    throw localError('precondition-failed', 'The file is another one by now.', 'read', key)
  }
  const { start, end } = rangeOf(range, entry.sizeBytes, { provider: 'local', key })
  if (start === end) {
    await handle.close()
    return { entry, body: Readable.from([]), bodyBytes: 0 }
  }
  // `end` holds the stream to what was promised if the file grows meanwhile.
  const body = handle.createReadStream({ start, end: end - 1, ...(signal === undefined ? {} : { signal }) })
  return { entry, body, bodyBytes: end - start }
}

async function fill(path: Buffer, body: Readable | Buffer, options: WriteOptions, key: Key): Promise<BigIntStats> {
  const handle = await open(path, 'wx', 0o666)
  try {
    const source = Buffer.isBuffer(body) ? Readable.from([body]) : body
    const sink = async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await handle.writeFile(chunk)
    }
    await pipeline(source, sink, options.signal === undefined ? {} : { signal: options.signal })
    const stats = await handle.stat({ bigint: true })
    if (Number(stats.size) !== options.sizeBytes) {
      throw localError('invalid', 'The body has another length than said.', 'write', key)
    }
    await handle.sync()
    return await handle.stat({ bigint: true })
  } finally {
    await handle.close()
  }
}

async function removeOne(root: LocalRoot, key: Key): Promise<RemoveOutcome> {
  let place: Place | null = null
  try {
    place = await root.placeOf(key, 'remove')
    if (place === null) return { key, ok: true }
    const path = pathIn(place.folder, place.name)
    // A folder is no object, so as an object it is not there.
    if ((await lstat(path)).isDirectory()) return { key, ok: true }
    await unlink(path)
    return { key, ok: true }
  } catch (error) {
    const failure = toLocalError(error, 'remove', key)
    return failure.kind === 'not-found' ? { key, ok: true } : { key, ok: false, error: failure }
  } finally {
    await place?.folder.close()
  }
}

function factsOf(stats: BigIntStats): { sizeBytes: number; etag: string; modifiedMs: number } {
  const etag = createHash('md5').update(`${stats.size}-${stats.mtimeNs}-${stats.ino}`).digest('hex')
  return { sizeBytes: Number(stats.size), etag, modifiedMs: Math.floor(Number(stats.mtimeMs)) }
}

function nullIfGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}

async function orFailure<T>(
  op: string,
  key: string | undefined,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    signal?.throwIfAborted()
    return await work()
  } catch (error) {
    if (signal?.aborted && !(error instanceof StorageError))
      throw localError('aborted', 'The work was stopped.', op, key)
    throw toLocalError(error, op, key)
  }
}
