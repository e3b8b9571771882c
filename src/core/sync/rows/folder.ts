import { isUtf8 } from 'node:buffer'

const SLASH = 0x2f

/** Whether a name has a part that is `.` or `..`, by the rule of `unaddressableReason`: a backslash divides too, and a slash may end it. */
export function hasDotPart(name: string): boolean {
  return name.includes('.') && /(?:^|\\)\.{1,2}(?:[/\\]|$)/.test(name)
}

/** What one batch adds to a folder's counters; belongs to the batch, as the next one is filled while this one is written. */
export class FolderDelta {
  readonly folder: Folder
  readonly parent: FolderDelta | null
  /** Place in its batch's list; what the batch's rows name their folder by. */
  readonly place: number
  items = 0
  bytes = 0
  deepItems = 0
  deepBytes = 0
  /** What its fingerprint is to be combined with, in two halves. */
  fpHigh = 0
  fpLow = 0

  constructor(folder: Folder, parent: FolderDelta | null, place: number) {
    this.folder = folder
    this.parent = parent
    this.place = place
  }
}

/**
 * A folder of the dataset while a slice runs: its number once it is known, and its place in the batch that is being filled.
 *
 * `path` is `''` for the root and ends in `/` otherwise; it may hold empty segments (`a//`), `.` and `..`: keys are bytes the user chose.
 */
export class Folder {
  /** 0 until the database has said whether the folder exists, or a new number was taken. */
  no: number
  readonly parent: Folder | null
  readonly path: string
  readonly name: string
  /** Bytes of `path`; where the folder ends in a key. */
  readonly end: number
  /** A segment starts with a dot, so by the SDK's convention the items are hidden. */
  readonly isHidden: boolean
  /** A segment has a part that is `.` or `..`: no address is ever made for what is below. */
  readonly isDot: boolean
  /** At or below the platform's own hidden folder: never indexed. */
  readonly isOwn: boolean
  /** Counters of the batch with number `batchNo`. */
  delta: FolderDelta | null = null
  batchNo = 0

  constructor(parent: Folder | null, path: string, end: number, hiddenFolder: string) {
    this.parent = parent
    this.path = path
    this.end = end
    this.no = parent === null ? 1 : 0
    this.name = parent === null ? '' : path.slice(parent.path.length, -1)
    this.isHidden = parent !== null && (parent.isHidden || this.name.startsWith('.'))
    this.isDot = parent !== null && (parent.isDot || hasDotPart(this.name))
    this.isOwn = parent !== null && (parent.isOwn || this.name === hiddenFolder)
  }
}

/**
 * The folders a slice knows, in memory bounded by the depth of the tree and the number of ranges, not by the number of folders.
 *
 * A range meets its keys in order, so a stack of open folders is enough. Only the ancestors of a key at which ranges meet can be met by two ranges:
 * those are kept by path. (If two keys lie in one folder, so does every key between them, hence a border or cursor between them.)
 */
export class FolderTree {
  readonly root: Folder
  readonly #hiddenFolder: string
  readonly #keepsAll: boolean
  readonly #shared = new Map<string, Folder>()

  /** `keepsAll`: keys come in no order, so every folder may be met again and is kept. */
  constructor(hiddenFolder: string, keepsAll = false) {
    this.#keepsAll = keepsAll
    this.#hiddenFolder = hiddenFolder
    this.root = new Folder(null, '', 0, hiddenFolder)
  }

  /** Paths of the folders that hold the key, outermost first, without the root. */
  static pathsAbove(key: string): string[] {
    const paths: string[] = []
    for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1)) paths.push(key.slice(0, at + 1))
    return paths
  }

  /** Keeps the folders above a border key by path; those that are open in one of the ranges' stacks are taken over. */
  share(key: string, stacks: Iterable<FolderStack>): void {
    let parent = this.root
    for (const path of FolderTree.pathsAbove(key)) {
      let folder = this.#shared.get(path)
      if (!folder) {
        for (const stack of stacks) folder ??= stack.find(path)
        folder ??= new Folder(parent, path, Buffer.byteLength(path), this.#hiddenFolder)
        this.#shared.set(path, folder)
      }
      parent = folder
    }
  }

  /** The folders kept by path. */
  shared(): Iterable<Folder> {
    return this.#shared.values()
  }

  /** The folder below `parent` that ends at byte `end` of its path: the shared one, or one made now. */
  enter(parent: Folder, path: string, end: number): Folder {
    const known = this.#shared.get(path)
    if (known) return known
    const folder = new Folder(parent, path, end, this.#hiddenFolder)
    if (this.#keepsAll) this.#shared.set(path, folder)
    return folder
  }
}

/** The open folders of one range: where the last key was. */
export class FolderStack {
  readonly #tree: FolderTree
  readonly #folders: Folder[]
  #bytes = Buffer.alloc(256)
  #length = 0

  constructor(tree: FolderTree) {
    this.#tree = tree
    this.#folders = [tree.root]
  }

  /** The innermost open folder. */
  get top(): Folder {
    return this.#folders[this.#folders.length - 1]!
  }

  find(path: string): Folder | undefined {
    return this.#folders.find((folder) => folder.path === path)
  }

  /**
   * Moves to the folder whose path is `bytes[start, end)` and gives it; null if the path is not valid UTF-8 or holds NUL, and then nothing has moved.
   */
  move(bytes: Buffer, start: number, end: number): Folder | null {
    const length = end - start
    const current = this.#bytes
    const shorter = Math.min(length, this.#length)
    let common = 0
    while (common < shorter && current[common] === bytes[start + common]) common++
    if (common === length && common === this.#length) return this.top
    if (!isUtf8(bytes.subarray(start, end)) || bytes.subarray(start, end).includes(0)) return null
    while (this.top.end > common) this.#folders.pop()
    for (let at = this.top.end; at < length; at++) {
      if (bytes[start + at] !== SLASH) continue
      const path = bytes.toString('utf8', start, start + at + 1)
      this.#folders.push(this.#tree.enter(this.top, path, at + 1))
    }
    if (length > current.length) this.#bytes = Buffer.alloc(length * 2)
    bytes.copy(this.#bytes, 0, start, end)
    this.#length = length
    return this.top
  }
}
