import { type BigIntStats, constants, existsSync } from 'node:fs'
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises'

/** Linux's flag for a handle that only holds a place: nothing is read, no pipe is waited for, no device woken. Node has no name for it. */
const O_PATH = 0o10_000_000

/** Where Linux shows what a process has open; a path that leads through it leads to the very thing that is open. */
const FD_FOLDER = '/proc/self/fd'
const canHold = process.platform === 'linux' && existsSync(FD_FOLDER)

/** A file or folder that is held: its path for the system leads there, whatever happens to the names on the way. */
export interface Held {
  /** For the system, until `close()`. */
  readonly path: Buffer
  /** Where it really is, links resolved. */
  readonly realPath: Buffer
  stats(): Promise<BigIntStats>
  close(): Promise<void>
}

/**
 * Holds what a path leads to, links followed, so that it can be judged by where it really is and then used: nobody can put another thing in its place
 * in between. For the local-folder driver.
 *
 * Where the system cannot hold things (anything but Linux) the path is resolved instead; between that and its use a name may be given to another thing.
 * Errors are the system's; `isFolder`: `ENOTDIR` for anything but a folder.
 */
export async function hold(path: Buffer, isFolder: boolean): Promise<Held> {
  if (!canHold) return resolved(path, isFolder)
  const handle = await open(path, O_PATH | (isFolder ? constants.O_DIRECTORY : 0))
  try {
    const held = Buffer.from(`${FD_FOLDER}/${handle.fd}`)
    return new HeldHandle(handle, held, await readlink(held, 'buffer'))
  } catch (error) {
    await handle.close()
    throw error
  }
}

class HeldHandle implements Held {
  readonly path: Buffer
  readonly realPath: Buffer
  readonly #handle: FileHandle

  constructor(handle: FileHandle, path: Buffer, realPath: Buffer) {
    this.#handle = handle
    this.path = path
    this.realPath = realPath
  }

  stats(): Promise<BigIntStats> {
    return this.#handle.stat({ bigint: true })
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

async function resolved(path: Buffer, isFolder: boolean): Promise<Held> {
  const realPath = await realpath(path, 'buffer')
  if (isFolder && !(await stat(realPath)).isDirectory())
    throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' })
  return { path: realPath, realPath, stats: () => stat(realPath, { bigint: true }), close: async () => {} }
}
