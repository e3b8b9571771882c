import { mkdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { addressableKey } from '../key.ts'
import { localError, toLocalError } from './errors.ts'
import { type Held, hold } from './hold.ts'

const SLASH = Buffer.from('/')
const SEGMENT_BYTES_MAX = 255

/** Where a name stands. The caller closes the folder. */
export interface Place {
  readonly folder: Held
  readonly name: Buffer
}

/** Path of a name in a held folder, for the system. */
export function pathIn(folder: Held, name: Buffer): Buffer {
  return Buffer.concat([folder.path, SLASH, name])
}

/**
 * A folder on the server and the way from keys to paths inside it. For the local-folder driver.
 *
 * Everything that is used is held first and judged by where it really is: a link that leads out is refused, whoever made it, and whenever.
 */
export class LocalRoot {
  /** Resolved path of the folder, without a slash at the end. */
  readonly path: Buffer

  private constructor(path: Buffer) {
    this.path = path
  }

  /** Opens a folder; refuses it unless it is, links resolved, one of the folders the operator opened or inside one. */
  static async open(rootPath: string, allowedRoots: readonly string[]): Promise<LocalRoot> {
    const op = 'open'
    if (!isAbsolute(rootPath) || rootPath.includes('\0')) throw rootNotAllowed()
    const path = await realpath(rootPath, 'buffer').catch(() => null)
    const allowed = await Promise.all(allowedRoots.map((root) => realpath(root, 'buffer').catch(() => null)))
    const isAllowed = path !== null && allowed.some((root) => root !== null && isWithin(root, path))
    if (!isAllowed) {
      // Whether a folder outside exists is nobody's business; inside, its absence is worth saying.
      const isNamedInside = allowedRoots.some((root) => isWithin(Buffer.from(root), Buffer.from(rootPath)))
      if (path === null && isNamedInside && !rootPath.split('/').includes('..')) {
        throw localError('unknown-bucket', 'There is no such folder on the server.', op)
      }
      throw rootNotAllowed()
    }
    const found = await stat(path).catch((error) => {
      throw toLocalError(error, op)
    })
    if (!found.isDirectory()) throw localError('unknown-bucket', 'This path on the server is no folder.', op)
    return new LocalRoot(path)
  }

  /** Holds what a key names, links followed; null where there is nothing. The caller closes it. */
  async existing(key: string, op: string): Promise<Held | null> {
    return orNull(() => this.#holdInside(this.#pathOf(key, op), false, op, key), op, key)
  }

  /** Holds the folder that a key's own name stands in; the name itself is not followed, so that a link is meant and not what it leads to. Null where there is no such folder. */
  async placeOf(key: string, op: string): Promise<Place | null> {
    const { folder, name } = split(this.#pathOf(key, op))
    const held = await orNull(() => this.#holdInside(folder, true, op, key), op, key)
    return held === null ? null : { folder: held, name }
  }

  /** The same for a key that is to be written: folders are made where they are missing. */
  async parentOf(key: string, op: string): Promise<Place> {
    const { folder, name } = split(this.#pathOf(key, op))
    try {
      return { folder: await this.#holdOrMake(folder, op, key), name }
    } catch (error) {
      throw toLocalError(error, op, key)
    }
  }

  /** Holds a folder of the tree; null where it is gone, or is by now a link that leads out. */
  async folder(path: Buffer): Promise<Held | null> {
    const held = await hold(path, true).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
      throw error
    })
    if (held === null || this.holds(held.realPath)) return held
    await held.close()
    return null
  }

  /** Whether a resolved path lies under the root. */
  holds(path: Buffer): boolean {
    return isWithin(this.path, path)
  }

  #pathOf(key: string, op: string): Buffer {
    addressableKey(key, { provider: 'local', op })
    // `a//b` and `a/b` are one file here but two keys: answering to both would show files under names they do not have.
    for (const segment of key.split('/')) {
      if (segment === '' || (segment.length > 63 && Buffer.byteLength(segment) > SEGMENT_BYTES_MAX)) {
        throw localError('unaddressable', 'A file system has no name for this key.', op, key)
      }
    }
    return Buffer.concat([this.path, SLASH, Buffer.from(key)])
  }

  /** Every folder is made in one that is held: a name that is given to a link meanwhile leads nowhere else. */
  async #holdOrMake(path: Buffer, op: string, key: string): Promise<Held> {
    const there = await this.#holdInside(path, true, op, key).catch(nullIfMissing)
    if (there !== null) return there
    const { folder, name } = split(path)
    const parent = await this.#holdOrMake(folder, op, key)
    try {
      const own = pathIn(parent, name)
      await mkdir(own).catch((error: NodeJS.ErrnoException) => {
        // Somebody else was quicker.
        if (error.code !== 'EEXIST') throw error
      })
      return await this.#holdInside(own, true, op, key)
    } finally {
      await parent.close()
    }
  }

  async #holdInside(path: Buffer, isFolder: boolean, op: string, key: string): Promise<Held> {
    const held = await hold(path, isFolder)
    if (this.holds(held.realPath)) return held
    await held.close()
    throw localError('forbidden', 'This is a link that leads out of the folder; it is not followed.', op, key)
  }
}

function split(path: Buffer): { folder: Buffer; name: Buffer } {
  const end = path.lastIndexOf(0x2f)
  return { folder: path.subarray(0, end), name: path.subarray(end + 1) }
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

async function orNull<T>(work: () => Promise<T>, op: string, key: string): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw toLocalError(error, op, key)
    return null
  }
}

/** Whether a path is a folder or lies in it; both resolved, or both as typed. */
export function isWithin(folder: Buffer, path: Buffer): boolean {
  if (folder.equals(SLASH)) return path[0] === 0x2f
  if (path.length < folder.length || path.compare(folder, 0, folder.length, 0, folder.length) !== 0) return false
  return path.length === folder.length || path[folder.length] === 0x2f
}

function rootNotAllowed(): Error {
  const message = 'The operator has not opened this folder; it must be in SLUICE_LOCAL_ROOTS.'
  return localError('root-not-allowed', message, 'open')
}
