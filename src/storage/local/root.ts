import { mkdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { addressableKey } from '../key.ts'
import { localError, toLocalError } from './errors.ts'

const SLASH = Buffer.from('/')
const SEGMENT_BYTES_MAX = 255

/**
 * A folder on the server and the way from keys to paths inside it. For the local-folder driver.
 *
 * Every path that is opened has been resolved first and lies under the root: a link that leads out is refused, whoever made it.
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

  /** Resolved path of what a key names; null where there is nothing. */
  async existing(key: string, op: string): Promise<Buffer | null> {
    const path = this.#pathOf(key, op)
    try {
      return this.#within(await realpath(path, 'buffer'), op, key)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw toLocalError(error, op, key)
      return null
    }
  }

  /** Where a key's own name stands: in a resolved folder, itself not resolved, so that a link is meant and not what it leads to. Null where there is no such folder. */
  async placeOf(key: string, op: string): Promise<Buffer | null> {
    const path = this.#pathOf(key, op)
    const end = path.lastIndexOf(0x2f)
    try {
      const folder = this.#within(await realpath(path.subarray(0, end), 'buffer'), op, key)
      return Buffer.concat([folder, path.subarray(end)])
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw toLocalError(error, op, key)
      return null
    }
  }

  /** Resolved folder for a key that is to be written, made where it is missing, and the name in it. */
  async parentOf(key: string, op: string): Promise<{ readonly folder: Buffer; readonly name: Buffer }> {
    const path = this.#pathOf(key, op)
    try {
      let end = path.lastIndexOf(0x2f)
      const name = path.subarray(end + 1)
      const parent = path.subarray(0, end)
      // The part that exists decides where the rest is made: it must lie under the root before anything is made in it.
      let folder: Buffer | null = null
      while (folder === null) {
        folder = await realpath(path.subarray(0, end), 'buffer').catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return null
          throw error
        })
        if (folder === null) end = path.lastIndexOf(0x2f, end - 1)
      }
      this.#within(folder, op, key)
      if (end < parent.length) {
        folder = Buffer.concat([folder, parent.subarray(end)])
        await mkdir(folder, { recursive: true })
      }
      return { folder, name }
    } catch (error) {
      throw toLocalError(error, op, key)
    }
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

  #within(path: Buffer, op: string, key: string): Buffer {
    if (this.holds(path)) return path
    throw localError('forbidden', 'This is a link that leads out of the folder; it is not followed.', op, key)
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
