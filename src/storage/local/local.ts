import { createHash, randomBytes } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, stat, unlink } from 'node:fs/promises'
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
  RemoveOutcome,
  SkippedEntry,
  Storage,
  WriteOptions,
} from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { localError, toLocalError } from './errors.ts'
import { LocalRoot } from './root.ts'
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
        const objects = await describe(selection.found.filter((entry) => entry.skippedFor === undefined))
        const isEmpty = objects.length === 0 && selection.prefixes.length === 0
        // A page of nothing with more behind it would look like a storage gone wrong: look further instead.
        if (!isEmpty || selection.token === undefined) return pageOf(objects, selection, skipped)
        asked = { ...asked, token: selection.token }
      }
    })
  }

  async stat(key: Key, { signal }: Signalled = {}): Promise<Entry | null> {
    return orFailure('stat', key, signal, async () => {
      const path = await this.#root.existing(key, 'stat')
      const stats = path === null ? null : await stat(path, { bigint: true }).catch(nullIfGone)
      if (stats === null || stats.isDirectory()) return null
      if (!stats.isFile()) throw localError('unsupported', 'This is a pipe, a socket or a device.', 'stat', key)
      return { key, ...factsOf(stats) }
    })
  }

  async read(key: Key, { range, ifMatch, signal }: ReadOptions = {}): Promise<Opened> {
    return orFailure('read', key, signal, async () => {
      const path = await this.#root.existing(key, 'read')
      if (path === null) throw toLocalError({ code: 'ENOENT' }, 'read', key)
      // Not following a link put there since, and not waiting for a pipe's other end.
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
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
      const inFolder = (file: Buffer) => Buffer.concat([folder, Buffer.from('/'), file])
      const temporary = inFolder(Buffer.from(`.sluice-upload-${randomBytes(8).toString('hex')}`))
      try {
        const stats = await fill(temporary, body, options, key)
        const path = inFolder(name)
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
      }
    })
  }

  async remove(keys: readonly Key[], { signal }: Signalled = {}): Promise<readonly RemoveOutcome[]> {
    if (keys.length > capabilities.remove_batch_max) {
      throw localError('unsupported', 'Too many keys to remove at once.', 'remove')
    }
    return orFailure('remove', undefined, signal, async () => {
      // All are looked at before the first is removed: a key that is refused is a mistake of the caller's.
      const paths: (Buffer | null)[] = []
      for (const key of keys) paths.push(await this.#root.placeOf(key, 'remove'))
      const outcomes: RemoveOutcome[] = []
      for (const [i, key] of keys.entries()) {
        signal?.throwIfAborted()
        outcomes.push(await removeOne(key, paths[i] ?? null))
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

async function describe(entries: readonly TreeEntry[]): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for (let i = 0; i < entries.length; i += STATS_AT_ONCE) {
    const some = entries.slice(i, i + STATS_AT_ONCE)
    const stats = await Promise.all(some.map(({ path }) => stat(path, { bigint: true }).catch(nullIfGone)))
    for (const [j, found] of stats.entries()) {
      if (found?.isFile()) objects.push({ key: some[j]!.key, ...factsOf(found) })
    }
  }
  return objects
}

async function opened(
  handle: FileHandle,
  key: Key,
  range: ReadOptions['range'],
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const stats = await handle.stat({ bigint: true })
  if (stats.isDirectory()) throw toLocalError({ code: 'ENOENT' }, 'read', key)
  if (!stats.isFile()) throw localError('unsupported', 'This is a pipe, a socket or a device.', 'read', key)
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

async function removeOne(key: Key, path: Buffer | null): Promise<RemoveOutcome> {
  if (path === null) return { key, ok: true }
  try {
    // A folder is no object, so as an object it is not there.
    if ((await lstat(path)).isDirectory()) return { key, ok: true }
    await unlink(path)
    return { key, ok: true }
  } catch (error) {
    const failure = toLocalError(error, 'remove', key)
    return failure.kind === 'not-found' ? { key, ok: true } : { key, ok: false, error: failure }
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
