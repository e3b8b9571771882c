import type { ListPage, Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { toCodePoints } from './code-points.ts'
import { type BigFolder, type Discovered, discoverFolders } from './discover.ts'
import { sound } from './sound.ts'
import { Grain, Stretch } from './stretch.ts'
import { Terrain } from './terrain.ts'
import type { WalkCost, WalkRange } from './walk.ts'

/** What of a walk its sharing out needs. */
export interface ShareOptions {
  readonly storage: Storage
  readonly prefix: string
  readonly ranges: readonly WalkRange[]
  readonly marks: readonly Buffer[]
  readonly connectionsMax: number
  readonly mayListBelow: boolean
  readonly signal: AbortSignal
  readonly cost: WalkCost
  onRange(range: WalkRange): void
}

/** Single keys that may be asked for besides the pages: as many as there may be requests at once, and then this share of the pages. */
const PROBES_PER_PAGE = 0.05
/** Requests a sounding takes, about; see `sound`. */
const PROBES_A_SOUNDING = 20
/** Pages that must be left of a stretch that is sounded: it takes as long as three to five of them. */
const PAGES_WORTH_SOUNDING = 8
/** Folders of more than a page that are sounded before anything is cut. */
const BIG_FOLDERS_MAX = 3
/** Branches at one place from which on names are taken to go on alike behind it. */
const BRANCHES_REGULAR = 3

/** A folder of more than a page, and the last key of it that is known. */
interface OpenFolder extends BigFolder {
  /** The folder behind it, or the end of the stretch it is in. */
  readonly behind: Buffer | null
}

/** The same when it is known how it goes on. */
interface SoundedFolder extends OpenFolder {
  readonly end: Buffer | null
  readonly isRegular: boolean
}

/**
 * Shares a key space out among the connections of a walk: knows the stretches that wait, where keys are likely to be, and whom to help.
 *
 * A cut costs about half a page, the one that goes over it, so cuts fall only on marks (found folders, keys met, guesses where names go on
 * regularly), never within what is under way, and only where some pages are left on both sides.
 */
export class Share {
  readonly #options: ShareOptions
  readonly #terrain: Terrain
  /** Code points of the prefix. */
  readonly #placeMin: number
  /** Taken from the end: lowest keys first, so that rows reach the index as nearly in order as may be. */
  readonly #todo: Stretch[]
  #nextNo: number
  /** Keys of the fullest page so far. */
  #pageKeys = 1
  #pages = 0
  #probes = 0
  #isDiscovering = false
  #mayDiscover: boolean
  /** Nobody has said where keys are. */
  readonly #isUnknown: boolean

  constructor(options: ShareOptions) {
    this.#options = options
    const { ranges, marks, connectionsMax } = options
    const prefix = Buffer.from(options.prefix)
    this.#placeMin = toCodePoints(prefix).length
    this.#terrain = new Terrain(this.#placeMin)
    this.#terrain.add(marks.filter((mark) => mark.subarray(0, prefix.length).equals(prefix)))
    const grain = new Grain()
    this.#todo = ranges.filter((range) => !range.isDone).map((range) => new Stretch(range, grain))
    this.#sortTodo()
    this.#nextNo = Math.max(0, ...ranges.map((range) => range.no)) + 1
    this.#mayDiscover = connectionsMax > 1
    this.#isUnknown = this.#todo.length === 1
  }

  /** Whether nothing waits to be listed. */
  get isEmpty(): boolean {
    return this.#todo.length === 0
  }

  /** The next stretch to list. */
  take(): Stretch | null {
    return this.#todo.pop() ?? null
  }

  /** Gives a stretch back that is not finished. */
  giveBack(stretch: Stretch): void {
    this.#todo.push(stretch)
    this.#sortTodo()
  }

  /** Learns from a page, when its range's cursor has been moved behind it. */
  page(stretch: Stretch, page: ListPage): void {
    this.#pages++
    this.#pageKeys = Math.max(this.#pageKeys, page.count)
    if (page.lastKey !== null) this.#terrain.see(page.lastKey)
    stretch.page(page.count, this.#terrain)
  }

  /**
   * Has so many idle connections helped: cuts the running stretch that has most left, so that `take` has something. The promise is there
   * when that takes questions to the storage first; then try again when it is settled. It fails when the walk was stopped.
   */
  help(running: Iterable<Stretch>, idle: number): Promise<void> | null {
    if (this.#isDiscovering) return null
    let victim: Stretch | null = null
    for (const stretch of running) {
      if (stretch.left === 0 || stretch.range.isDone || stretch.isLookedAt) continue
      if (victim === null || stretch.left > victim.left) victim = stretch
    }
    if (victim === null) return null
    if (this.#mayDiscover && this.#isUnknown) return this.#discover(victim)
    if (!victim.isWorthCutting(this.#pageKeys)) return null
    this.#divide(victim, idle + 1)
    if (this.#todo.length > 0 || !victim.wantsLook) return null
    // Where keys were said to be, they are not any more.
    if (this.#mayDiscover && victim.isLonger && victim.left >= PAGES_WORTH_SOUNDING * this.#pageKeys)
      return this.#discover(victim)
    return this.#look(victim)
  }

  /** Cuts a stretch into so many parts at most, where its marks tell where. */
  #divide(victim: Stretch, partsMax: number): void {
    const { range } = victim
    if (range.isDone) return
    const cuts = victim.cuts(this.#terrain, this.#pageKeys, partsMax)
    // From the end, so that each cut shortens what is still the victim's.
    for (const key of cuts.reverse()) this.#cut(victim, key)
    victim.estimate(this.#terrain)
    this.#sortTodo()
  }

  #cut(victim: Stretch, key: Buffer, grain?: Grain): Stretch {
    const { range } = victim
    const part: WalkRange = { no: this.#nextNo++, from: key, to: range.to, cursor: key, isDone: false, keys: 0 }
    const stretch = victim.part(part, grain)
    range.to = key
    this.#options.onRange(range)
    this.#options.onRange(part)
    stretch.estimate(this.#terrain)
    this.#todo.push(stretch)
    return stretch
  }

  /** Finds marks in a stretch that has none: guesses where names are known to go on regularly, else asks for single keys. */
  #look(victim: Stretch): Promise<void> | null {
    const { cursor, to } = victim.range
    if (victim.isRegular) {
      this.#terrain.add(this.#terrain.guess(cursor, victim.likelyEnd))
      victim.refined(this.#terrain)
      if (this.#terrain.count(cursor, victim.likelyEnd) > 0) {
        this.#divide(victim, 2)
        return null
      }
    }
    if (victim.left < PAGES_WORTH_SOUNDING * this.#pageKeys) return null
    if (this.#probes > this.#options.connectionsMax / 2 + PROBES_PER_PAGE * this.#pages) return null
    victim.isLookedAt = true
    return this.#sound(victim, cursor, to).then(({ isRegular, end, marks }) => {
      victim.isLookedAt = false
      victim.end = end ?? victim.end
      victim.isRegular = isRegular
      victim.refined(this.#terrain)
      victim.learn(marks > 0)
    })
  }

  /** Asks how keys go on behind one, and adds marks there. */
  async #sound(stretch: Stretch, cursor: Buffer, to: Buffer | null) {
    this.#probes += PROBES_A_SOUNDING
    const { keys, end } = await sound({
      cursor,
      to,
      placeMin: this.#placeMin,
      plausibleAt: (place) => this.#terrain.plausibleAt(place),
      // Nobody needs to know any more when the listing was quicker.
      nextAfter: async (key) => (stretch.range.isDone ? null : this.#nextKey(key)),
    })
    for (const key of keys) this.#terrain.see(key)
    const isRegular = keys.length >= BRANCHES_REGULAR
    this.#terrain.add(isRegular ? [...keys, ...this.#terrain.guess(cursor, end ?? to)] : keys)
    return { isRegular, end, marks: keys.length }
  }

  /** The first key behind another; null when there is none, or when it is not to be had: the listing itself will say why if it matters. */
  async #nextKey(after: Buffer): Promise<Buffer | null> {
    const { storage, prefix, cost, signal } = this.#options
    cost.requests++
    try {
      const page = await storage.list({ prefix, after, entriesMax: 1, signal })
      page.release()
      return page.lastKey
    } catch (error) {
      if (error instanceof StorageError && error.kind !== 'aborted') return null
      throw error
    }
  }

  /** Cuts the one open range at the folders below the prefix, or where single keys tell, so that all connections have something to do soon. */
  async #discover(stretch: Stretch): Promise<void> {
    this.#mayDiscover = false
    this.#isDiscovering = true
    const { storage, prefix, connectionsMax, mayListBelow, cost, signal } = this.#options
    let found: Discovered = { folders: [], big: [{ folder: Buffer.from(prefix), last: stretch.range.cursor }] }
    if (mayListBelow) {
      found = await discoverFolders({ storage, prefix, wanted: connectionsMax, cost, signal })
      this.#terrain.add(found.folders)
      for (const folder of found.folders) this.#terrain.see(folder)
    }
    const { cursor, to } = stretch.range
    const open = found.big.map((big): OpenFolder => {
      const behind = found.folders.find((folder) => folder.compare(big.folder) > 0) ?? null
      const isHere = big.folder.compare(cursor) <= 0 && big.last.compare(cursor) < 0
      return { folder: big.folder, last: isHere ? cursor : big.last, behind: earlier(behind, to) }
    })
    const inside = open.filter(({ last, behind }) => earlier(last, behind) === last)
    const sounded = await Promise.all(inside.slice(0, BIG_FOLDERS_MAX).map((one) => this.#soundFolder(stretch, one)))
    stretch.refined(this.#terrain)
    this.#isDiscovering = false
    if (stretch.range.isDone) return
    // From the last to the first, so that each cut shortens what comes before.
    const pieces = [stretch, ...sounded.reverse().flatMap((folder) => this.#setApart(stretch, folder))]
    for (const piece of pieces) piece.estimate(this.#terrain)
    const left = Math.max(
      1,
      pieces.reduce((sum, piece) => sum + piece.left, 0),
    )
    for (const piece of pieces) this.#divide(piece, Math.ceil((connectionsMax * piece.left) / left))
  }

  async #soundFolder(stretch: Stretch, open: OpenFolder): Promise<SoundedFolder> {
    this.#terrain.see(open.last)
    const { end, isRegular } = await this.#sound(stretch, open.last, open.behind)
    return { ...open, end, isRegular }
  }

  /** Makes a stretch of its own of a folder of more than a page, as it is of another kind than those around; its first page says how full it is. */
  #setApart(stretch: Stretch, { folder, last, behind, end, isRegular }: SoundedFolder): Stretch[] {
    const { cursor, to } = stretch.range
    const isBefore = (key: Buffer) => key.compare(cursor) > 0 && (to === null || key.compare(to) < 0)
    const pieces: Stretch[] = []
    if (behind !== null && isBefore(behind)) pieces.push(this.#cut(stretch, behind))
    let own = stretch
    if (isBefore(folder)) {
      own = this.#cut(stretch, folder, new Grain(this.#pageKeys, Math.max(1, this.#terrain.count(folder, last))))
      pieces.push(own)
    }
    own.end = end ?? own.end
    own.isRegular = isRegular
    return pieces
  }

  #sortTodo(): void {
    this.#todo.sort((a, b) => b.range.from.compare(a.range.from))
  }
}

/** The earlier of two ends; null means none. */
function earlier<E extends Buffer | null>(a: E, b: Buffer | null): E | Buffer {
  if (a === null || b === null) return (a ?? b) as E
  return b.compare(a) < 0 ? b : a
}
