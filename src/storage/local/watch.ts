import { type FSWatcher, watch } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { LocalRoot } from './root.ts'
import { temporaryName } from './tree.ts'

/** Folders that are watched at the most: each costs the system some memory, and most systems allow 8,000 to 500,000 of them. */
const FOLDERS_MAX = 50_000
/** Changes kept at the most, until they are told; beyond that everything has to be looked at. */
const KEYS_MAX = 10_000
/** So many events at once may have filled the system's own queue (16,384 on Linux), which drops what comes then and does not say so. */
const EVENTS_MAX = 8_000
/** Changes are told together, so that a file that is still being written is told once in this time and not with every write. */
const TELL_MS = 1_000

/** What changed in a watched folder: hints only, which whoever gets them has to look at. */
export interface FolderChanges {
  /** Full keys that are there, or are there no more. */
  readonly changed: readonly string[]
  readonly gone: readonly string[]
  /** False: more than this changed, and nobody knows what. */
  readonly isComplete: boolean
}

/** What is watched, and who is told. */
export interface WatchOptions {
  readonly rootPath: string
  readonly allowedRoots: readonly string[]
  /** The driver's folder: `''`, or a text that ends in `/`. */
  readonly folder: string
  /** Called at most once a second, and not before something changed. */
  onChanges(changes: FolderChanges): void
  /** Some or all of it is not watched (any more), for a reason that is the system's: too many folders, or the folder is gone. */
  onTrouble(reason: unknown): void
}

/** A folder that is watched until `close()`. */
export interface FolderWatch {
  /** Whether the folder is still the one that was opened; nothing is told of another that took its place. */
  isStanding(): Promise<boolean>
  close(): void
}

/**
 * Watches a driver's folder for changes, by the system's own events. For the background work; nothing of it proves anything (D12).
 *
 * Linux has no events for whole trees, so each folder is watched, those that appear as well. Links to folders are not followed: what changes behind them is
 * told by the folder they lead to, or not at all. Unfinished uploads of our own are left out. Throws `root-not-allowed` and `unknown-bucket` as opening the
 * storage does, and the system's error where the folder does not exist.
 */
export async function watchFolder(options: WatchOptions): Promise<FolderWatch> {
  const root = await LocalRoot.open(options.rootPath, options.allowedRoots)
  const tree = process.platform === 'linux' ? new TreeByFolder(root, options) : new TreeAtOnce(root, options)
  try {
    await tree.open()
    await tree.isStanding()
    return tree
  } catch (error) {
    tree.close()
    throw error
  }
}

/** Collects changes and tells them together; what both ways of watching share. */
abstract class WatchedTree implements FolderWatch {
  protected readonly root: LocalRoot
  protected readonly options: WatchOptions
  protected isClosed = false
  readonly #changed = new Set<string>()
  readonly #gone = new Set<string>()
  #isComplete = true
  #events = 0
  /** What the folder was when it was opened. */
  #opened: string | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(root: LocalRoot, options: WatchOptions) {
    this.root = root
    this.options = options
  }

  abstract open(): Promise<void>

  async isStanding(): Promise<boolean> {
    const now = await this.#identity()
    this.#opened ??= now
    return now !== null && now === this.#opened
  }

  close(): void {
    this.isClosed = true
    clearTimeout(this.#timer)
  }

  async #identity(): Promise<string | null> {
    const top = this.pathOf(this.options.folder.replace(/\/$/, ''))
    const found = await lstat(top, { bigint: true }).catch(() => null)
    return found === null ? null : `${found.dev} ${found.ino}`
  }

  protected pathOf(key: string): Buffer {
    return Buffer.concat([this.root.path, Buffer.from(key === '' ? '' : `/${key}`)])
  }

  /** Something happened to a name. */
  protected look(key: string): void {
    // Whatever keeps it from being looked at: somebody has to.
    this.#onEvent(key).catch(() => this.noteUnknown())
  }

  async #onEvent(key: string): Promise<void> {
    if (this.isClosed || temporaryName.test(key.slice(key.lastIndexOf('/') + 1))) return
    if (++this.#events > EVENTS_MAX) this.noteUnknown()
    const found = await lstat(this.pathOf(key)).catch((error: NodeJS.ErrnoException) => error)
    if (this.isClosed) return
    if (!(found instanceof Error)) {
      if (found.isDirectory()) await this.onFolder(key)
      else this.note(key, false)
    } else if (found.code === 'ENOENT' || found.code === 'ENOTDIR') {
      if (!this.onGone(key)) this.note(key, true)
    } else this.noteUnknown()
  }

  /** A folder appeared or changed. */
  protected abstract onFolder(key: string): Promise<void>

  /** A name is gone; true where it was a folder, whose files nobody names any more. */
  protected abstract onGone(key: string): boolean

  protected note(key: string, isGone: boolean): void {
    const [into, from] = isGone ? [this.#gone, this.#changed] : [this.#changed, this.#gone]
    from.delete(key)
    into.add(key)
    if (this.#changed.size + this.#gone.size > KEYS_MAX) this.noteUnknown()
    else this.#tellSoon()
  }

  /** Something changed that nobody can name: what is known of single keys does not matter then. */
  protected noteUnknown(): void {
    this.#isComplete = false
    this.#changed.clear()
    this.#gone.clear()
    this.#tellSoon()
  }

  #tellSoon(): void {
    if (this.isClosed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const changes = { changed: [...this.#changed], gone: [...this.#gone], isComplete: this.#isComplete }
      this.#changed.clear()
      this.#gone.clear()
      this.#isComplete = true
      this.#events = 0
      this.options.onChanges(changes)
    }, TELL_MS).unref()
  }
}

/** One watcher a folder: Linux. */
class TreeByFolder extends WatchedTree {
  /** By the folder's key: empty, or with a slash at the end. */
  readonly #watchers = new Map<string, FSWatcher>()
  #isFull = false

  async open(): Promise<void> {
    await this.#add(this.options.folder, false, true)
  }

  override close(): void {
    super.close()
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  protected async onFolder(key: string): Promise<void> {
    // A change of the folder itself, such as of its rights, says nothing of its files.
    if (!this.#watchers.has(`${key}/`)) await this.#add(`${key}/`, true, false)
  }

  protected onGone(key: string): boolean {
    const folder = `${key}/`
    if (!this.#watchers.has(folder)) return false
    for (const [inside, watcher] of this.#watchers) {
      if (!inside.startsWith(folder)) continue
      watcher.close()
      this.#watchers.delete(inside)
    }
    this.noteUnknown()
    return true
  }

  /** Watches a folder and those in it. `isNew`: what is in it appeared with it. `isTop`: it has to be there. */
  async #add(folder: string, isNew: boolean, isTop: boolean): Promise<void> {
    const queue = [folder]
    for (let key = queue.shift(); key !== undefined && !this.isClosed; key = queue.shift()) {
      const held = await this.root.folder(this.pathOf(key.replace(/\/$/, '')))
      if (held === null) {
        if (isTop && key === folder) throw Object.assign(new Error('no such folder'), { code: 'ENOENT' })
        continue
      }
      try {
        // Watched first and read then: what appears in between is told twice rather than not at all.
        if (!this.#watch(key, held.path)) return
        for (const entry of await readdir(held.path, { withFileTypes: true, encoding: 'buffer' })) {
          const name = textOf(entry.name)
          if (name === null) continue
          if (entry.isDirectory()) queue.push(`${key}${name}/`)
          else if (isNew && !temporaryName.test(name)) this.note(`${key}${name}`, false)
        }
      } catch (error) {
        // Gone again, or not to be read; its parent tells of the former, and a sync of the latter.
        if (isTop && key === folder) throw error
        this.noteUnknown()
      } finally {
        await held.close()
      }
    }
  }

  #watch(folder: string, path: Buffer): boolean {
    if (this.#isFull || this.#watchers.has(folder)) return !this.#isFull
    try {
      if (this.#watchers.size >= FOLDERS_MAX) throw new Error(`more than ${FOLDERS_MAX} folders`)
      const watcher = watch(path, { encoding: 'buffer', persistent: false }, (_event, name) => {
        const text = name === null ? null : textOf(name)
        if (text !== null) this.look(`${folder}${text}`)
      })
      watcher.on('error', (error) => {
        this.options.onTrouble(error)
        this.noteUnknown()
      })
      this.#watchers.set(folder, watcher)
      return true
    } catch (error) {
      // The system allows no more. What is watched by now goes on being watched.
      this.#isFull = true
      this.options.onTrouble(error)
      return false
    }
  }
}

/** One watcher for the whole tree: macOS and Windows. */
class TreeAtOnce extends WatchedTree {
  #watcher: FSWatcher | undefined

  async open(): Promise<void> {
    const { folder } = this.options
    const path = this.pathOf(folder.replace(/\/$/, '')).toString()
    this.#watcher = watch(path, { recursive: true, persistent: false }, (_event, name) => {
      if (name === null) this.noteUnknown()
      else this.look(`${folder}${name.replaceAll('\\', '/')}`)
    })
    this.#watcher.on('error', (error) => {
      this.options.onTrouble(error)
      this.noteUnknown()
    })
  }

  override close(): void {
    super.close()
    this.#watcher?.close()
  }

  protected async onFolder(): Promise<void> {
    // Its files may have come or gone with it, and no event names them.
    this.noteUnknown()
  }

  protected onGone(): boolean {
    return false
  }
}

/** A name as text; null where it is none: such a file is told by syncs only. */
function textOf(name: Buffer): string | null {
  const text = name.toString('utf8')
  return Buffer.from(text).equals(name) ? text : null
}
