import type { Dirent, Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import type { SkipReason } from '#contract/skip-reasons.ts'
import { systemClock } from '#lib/clock.ts'
import { toLocalError } from './errors.ts'
import type { Held } from './hold.ts'
import type { LocalRoot } from './root.ts'

const SLASH = Buffer.from('/')

/** A file of the tree, or something that is none and why. */
export interface TreeEntry {
  readonly key: Buffer
  /** Resolved path of its folder, the same buffer for all that are in it, and its name there. */
  readonly folder: Buffer
  readonly name: Buffer
  readonly skippedFor?: SkipReason | undefined
}

interface Child {
  /** Name; with a slash at the end for folders, so that sorting names sorts keys. */
  readonly name: Buffer
  readonly isFolder: boolean
  readonly skippedFor?: SkipReason | undefined
}

interface Frame {
  readonly path: Buffer
  readonly key: Buffer
  readonly children: readonly Child[]
  /** Resolved folders on the way here, to break circles of links. */
  readonly trail: readonly string[]
  next: number
}

/** Files of an unfinished upload; nobody's but ours. */
export const temporaryName = /^\.sluice-upload-[0-9a-f]{16}$/

const NAMES_KEPT_MAX = 500_000
/** File systems count time in steps of some milliseconds: a folder changed just now may change again without its time showing it. */
const SETTLED_MS = 2000

/**
 * Walks the files under a root in byte order of their keys, from any place. For the local-folder driver.
 *
 * Sorted names of big folders are kept while the folder's time of change stands, so that going on page by page does not sort them anew.
 */
export class FolderTree {
  readonly #root: LocalRoot
  readonly #kept = new Map<string, { readonly stamp: string; readonly children: readonly Child[] }>()
  #namesKept = 0

  constructor(root: LocalRoot) {
    this.#root = root
  }

  /** What is at or after a key, in byte order. */
  async *from(start: Buffer): AsyncGenerator<TreeEntry> {
    const root = this.#root.path
    const top = await this.#read(root)
    if (top === null) throw toLocalError({ code: 'ENOENT' }, 'list')
    const frames: Frame[] = [frameOf(root, Buffer.alloc(0), top.children, [root.toString('latin1')], start)]
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const child = frame.children[frame.next++]
      if (child === undefined) {
        frames.pop()
        continue
      }
      const { path: folder } = frame
      const key = Buffer.concat([frame.key, child.name])
      if (!child.isFolder) {
        yield { key, folder, name: child.name, skippedFor: child.skippedFor }
        continue
      }
      const name = child.name.subarray(0, -1)
      const inside = await this.#read(Buffer.concat([folder, SLASH, name]))
      // Gone, or turned into a link that leads out, since its folder was read.
      if (inside === null) continue
      const place = inside.path.toString('latin1')
      if (frame.trail.includes(place)) yield { key, folder, name, skippedFor: 'link-loop' }
      else frames.push(frameOf(inside.path, key, inside.children, [...frame.trail, place], start))
    }
  }

  /** Where a folder really is, and what is in it; null where there is none inside the root. */
  async #read(path: Buffer): Promise<{ readonly path: Buffer; readonly children: readonly Child[] } | null> {
    try {
      const held = await this.#root.folder(path)
      if (held === null) return null
      try {
        return { path: held.realPath, children: await this.#children(held) }
      } finally {
        await held.close()
      }
    } catch (error) {
      // Removed since its parent was read.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw toLocalError(error, 'list')
    }
  }

  async #children(folder: Held): Promise<readonly Child[]> {
    const id = folder.realPath.toString('latin1')
    const { mtimeNs, ctimeNs, ctimeMs } = await folder.stats()
    const stamp = `${mtimeNs} ${ctimeNs}`
    const kept = this.#kept.get(id)
    if (kept?.stamp === stamp) return kept.children
    if (kept !== undefined) this.#forget(id)
    const dirents = await readdir(folder.path, { withFileTypes: true, encoding: 'buffer' })
    const children: Child[] = []
    for (const dirent of dirents) {
      if (!temporaryName.test(dirent.name.toString('latin1'))) children.push(await this.#childOf(folder.path, dirent))
    }
    children.sort((a, b) => a.name.compare(b.name))
    if (systemClock.now() - Number(ctimeMs) > SETTLED_MS) this.#keep(id, stamp, children)
    return children
  }

  async #childOf(folder: Buffer, dirent: Dirent<Buffer>): Promise<Child> {
    const { name } = dirent
    if (dirent.isFile()) return { name, isFolder: false }
    if (dirent.isDirectory()) return { name: Buffer.concat([name, SLASH]), isFolder: true }
    if (!dirent.isSymbolicLink()) return { name, isFolder: false, skippedFor: 'special-file' }
    const target = await realpath(Buffer.concat([folder, SLASH, name]), 'buffer').catch(() => null)
    const found: Stats | null = target === null ? null : await stat(target).catch(() => null)
    if (target === null || found === null) return { name, isFolder: false, skippedFor: 'link-nowhere' }
    if (!this.#root.holds(target)) return { name, isFolder: false, skippedFor: 'link-outside' }
    if (found.isDirectory()) return { name: Buffer.concat([name, SLASH]), isFolder: true }
    return { name, isFolder: false, skippedFor: found.isFile() ? undefined : 'link-nowhere' }
  }

  #keep(id: string, stamp: string, children: readonly Child[]): void {
    for (const old of this.#kept.keys()) {
      if (this.#namesKept + children.length <= NAMES_KEPT_MAX) break
      this.#forget(old)
    }
    this.#kept.set(id, { stamp, children })
    this.#namesKept += children.length
  }

  #forget(id: string): void {
    this.#namesKept -= this.#kept.get(id)?.children.length ?? 0
    this.#kept.delete(id)
  }
}

/** A folder's children from the first on that is, or holds, something at or after `start`. */
function frameOf(
  path: Buffer,
  key: Buffer,
  children: readonly Child[],
  trail: readonly string[],
  start: Buffer,
): Frame {
  let low = 0
  let high = children.length
  while (low < high) {
    const middle = (low + high) >> 1
    const child = children[middle]!
    const childKey = Buffer.concat([key, child.name])
    const isBefore = childKey.compare(start) < 0 && !(child.isFolder && startsWith(start, childKey))
    if (isBefore) low = middle + 1
    else high = middle
  }
  return { path, key, children, trail, next: low }
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
