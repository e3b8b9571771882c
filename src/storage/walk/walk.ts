import { setTimeout as sleep } from 'node:timers/promises'
import type { ListPage, Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { toCodePoints } from './code-points.ts'
import { type BigFolder, discoverFolders } from './discover.ts'
import { Pace } from './pace.ts'
import { sound } from './sound.ts'
import { Stretch } from './stretch.ts'
import { Terrain } from './terrain.ts'

/**
 * A half-open stretch `(from, to]` of the key space in UTF-8 byte order; `to` null means no end.
 *
 * `cursor` is the last key handed to the consumer. `to` shrinks when a part is given to another worker.
 */
export interface WalkRange {
  readonly no: number
  readonly from: Buffer
  to: Buffer | null
  cursor: Buffer
  isDone: boolean
  /** Entries taken of it in this walk, kept by the consumer. */
  keys: number
}

/** What a consumer is told of a page: how far the range has come when all the page's entries up to `range.to` are taken. */
export interface Reach {
  readonly cursor: Buffer
  readonly isDone: boolean
}

/** What a walk is given. */
export interface WalkOptions {
  readonly storage: Storage
  /** Bytes every key starts with: the driver's folder, or `''`. */
  readonly prefix: string
  /** Where to begin: one range over everything, or the ranges a former run left. */
  readonly ranges: readonly WalkRange[]
  /** Most requests at once. */
  readonly connectionsMax: number
  /** Whether these credentials may list below the prefix (PM-22); if not, only `start-after` cuts the work. */
  readonly mayListBelow: boolean
  readonly signal: AbortSignal
  /** Milliseconds that only grow; the process's own clock unless a simulation has another. */
  readonly now?: () => number
  /** Counted up while the walk goes on, so that it is known also when the walk fails. */
  readonly cost: WalkCost
  /**
   * Takes the page's entries up to `range.to`, synchronously; the promise it may return is back-pressure only. Nothing of the page may be kept
   * if it throws. The page is released afterwards.
   */
  onPage(range: WalkRange, page: ListPage, reach: Reach): void | Promise<void>
  /** A range was added or shortened; called before any page of the new range is handed over. */
  onRange(range: WalkRange): void
}

/** What a walk cost: requests sent, repeated ones and folder listings included. */
export interface WalkCost {
  requests: number
}

/** Tries of one page: 8, with full jitter from 100 ms doubling to 20 s; well-formed refusals are not tried again. */
const ATTEMPTS_MAX = 8
/** Tries of a page whose answer was malformed: a cut connection heals, a broken gateway does not. */
const INVALID_ATTEMPTS_MAX = 3
/** Single keys that may be asked for besides the pages: as many as there may be requests at once, and then this share of the pages. */
const PROBES_PER_PAGE = 0.08
/** Folders of more than a page that are sounded before anything is cut. */
const BIG_FOLDERS_MAX = 8
/** Branches at one place from which on names are taken to go on alike behind it. */
const BRANCHES_REGULAR = 3
/** Requests a sounding takes, about; see `sound`. */
const PROBES_A_SOUNDING = 20
/** Pages that must be left: it takes as long as three to five of them. */
const PAGES_WORTH_SOUNDING = 8

interface Arrival {
  readonly page: ListPage
  /** How long the request was under way. */
  readonly tookMs: number
}

/**
 * Lists a folder of a bucket completely, with many requests at once, and hands every page to one consumer.
 *
 * The only loop over pages there is. Without known ranges the first page shows whether there is more; then a few folder listings or
 * questions for single keys give the first cuts, and idle connections take a part of the range that has most left. Every key is handed over
 * exactly once; pages of one range come in order. Fails with the first error that trying again does not heal, or `aborted`.
 *
 * Where keys do not come in UTF-8 byte order or a listing cannot begin behind a key, one connection goes from token to token. Tokens do not
 * outlive a walk, so such a walk always begins at its start again, whatever the range's cursor says, and what was handed over before comes
 * once more.
 */
export async function walk(options: WalkOptions): Promise<void> {
  return new Walk(options).run()
}

class Walk {
  readonly #options: WalkOptions
  readonly #todo: Stretch[]
  readonly #running = new Set<Stretch>()
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #ended = Promise.withResolvers<void>()
  readonly #pace: Pace
  readonly #now: () => number
  readonly #terrain = new Terrain()
  /** Listings begin behind a key and come in order, so that the key space can be cut. */
  readonly #byKey: boolean
  #nextNo: number
  #isDiscovering = false
  #mayDiscover: boolean
  /** Keys of the fullest page so far. */
  #pageKeys = 1
  #pages = 0
  #probes = 0

  constructor(options: WalkOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#todo = options.ranges.filter((range) => !range.isDone).map((range) => new Stretch(range, null))
    this.#sortTodo()
    this.#nextNo = Math.max(0, ...options.ranges.map((range) => range.no)) + 1
    this.#byKey = options.storage.can.list_after && options.storage.can.list_order === 'utf8'
    this.#pace = new Pace(this.#byKey ? options.connectionsMax : 1)
    this.#mayDiscover = this.#byKey && options.ranges.length === 1 && options.connectionsMax > 1
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
  }

  async run(): Promise<void> {
    this.#assign()
    return this.#ended.promise
  }

  /** Gives idle connections something to do; ends the walk when nothing is left. */
  #assign(): void {
    while (this.#running.size < this.#pace.limit) {
      const next = this.#take()
      if (next === null) break
      this.#running.add(next)
      this.#list(next).then(
        (isParked) => this.#finish(next, isParked),
        (error) => this.#fail(error),
      )
    }
    if (this.#running.size === 0 && this.#todo.length === 0) this.#ended.resolve()
  }

  #take(): Stretch | null {
    const waiting = this.#todo.pop()
    if (waiting) return waiting
    if (!this.#byKey || this.#isDiscovering || this.#mayDiscover) return null
    let victim: Stretch | null = null
    for (const running of this.#running) {
      if (!running.isLookedAt && (victim === null || running.left > victim.left)) victim = running
    }
    if (victim === null || !victim.isWorthCutting(this.#pageKeys)) return null
    this.#divide(victim, this.#pace.limit - this.#running.size + 1)
    if (this.#todo.length === 0) this.#look(victim)
    return this.#todo.pop() ?? null
  }

  /** Cuts a stretch into so many parts at most, where its marks tell where. */
  #divide(victim: Stretch, partsMax: number): void {
    const cuts = victim.cuts(this.#terrain, this.#pageKeys, partsMax)
    // From the end, so that each cut shortens what is still the victim's.
    for (const key of cuts.reverse()) {
      const { range } = victim
      const part: WalkRange = { no: this.#nextNo++, from: key, to: range.to, cursor: key, isDone: false, keys: 0 }
      const stretch = new Stretch(part, victim)
      range.to = key
      this.#options.onRange(range)
      this.#options.onRange(part)
      stretch.estimate(this.#terrain)
      this.#todo.push(stretch)
    }
    victim.estimate(this.#terrain)
    this.#sortTodo()
  }

  /** Finds marks in a stretch that has none: guesses where names are known to go on regularly, else asks for single keys. */
  #look(victim: Stretch): void {
    if (!victim.wantsLook) return
    const { cursor, to } = victim.range
    if (victim.isRegular) {
      this.#terrain.add(this.#terrain.guess(cursor, victim.likelyEnd))
      victim.refined(this.#terrain)
      if (this.#terrain.count(cursor, victim.likelyEnd) > 0) {
        this.#divide(victim, 2)
        return
      }
    }
    if (victim.left < PAGES_WORTH_SOUNDING * this.#pageKeys) return
    if (this.#probes > this.#options.connectionsMax + PROBES_PER_PAGE * this.#pages) return
    this.#probes += PROBES_A_SOUNDING
    victim.isLookedAt = true
    this.#sound(cursor, to)
      .then(({ isRegular, end, marks }) => {
        victim.isLookedAt = false
        victim.end = end ?? victim.end
        victim.isRegular = isRegular
        victim.refined(this.#terrain)
        victim.learn(marks > 0)
        this.#assign()
      })
      .catch((error) => this.#fail(error))
  }

  /** Asks how keys go on behind one, and adds marks there. */
  async #sound(cursor: Buffer, to: Buffer | null): Promise<{ isRegular: boolean; end: Buffer | null; marks: number }> {
    const { keys, end } = await sound({
      cursor,
      to,
      placeMin: toCodePoints(Buffer.from(this.#options.prefix)).length,
      plausibleAt: (place) => this.#terrain.plausibleAt(place),
      nextAfter: (key) => this.#nextKey(key),
    })
    for (const key of keys) this.#terrain.see(key)
    const isRegular = keys.length >= BRANCHES_REGULAR
    this.#terrain.add(isRegular ? [...keys, ...this.#terrain.guess(cursor, end ?? to)] : keys)
    return { isRegular, end, marks: keys.length }
  }

  /** The first key behind another; null when there is none, or when it is not to be had: the listing itself will say why if it matters. */
  async #nextKey(after: Buffer): Promise<Buffer | null> {
    const { storage, prefix, cost } = this.#options
    cost.requests++
    try {
      const page = await storage.list({ prefix, after, entriesMax: 1, signal: this.#signal })
      page.release()
      return page.lastKey
    } catch (error) {
      if (error instanceof StorageError && error.kind !== 'aborted') return null
      throw error
    }
  }

  #finish(stretch: Stretch, isParked: boolean): void {
    this.#running.delete(stretch)
    if (isParked) {
      this.#todo.push(stretch)
      this.#sortTodo()
    }
    // A part in which nothing was found says that the guess was poor: ask the victim for more pages before the next one.
    else stretch.victim?.learn(stretch.range.keys > 0)
    this.#assign()
  }

  /** Taken from the end: lowest keys first, so that rows reach the index as nearly in order as may be. */
  #sortTodo(): void {
    this.#todo.sort((a, b) => b.range.from.compare(a.range.from))
  }

  #fail(error: unknown): void {
    this.#stop.abort()
    this.#ended.reject(error)
  }

  /** Lists a range to its end (false) or until there are more requests than wanted (true: it has to be gone on with later). */
  async #list(running: Stretch): Promise<boolean> {
    const { range } = running
    const byKey = this.#byKey
    let token: string | undefined
    let pending = this.#request(range.cursor, token)
    for (;;) {
      const { page, tookMs } = await pending
      try {
        // A page that was already here when the walk was stopped is not handed over any more.
        if (this.#signal.aborted) throw this.#aborted()
        this.#refuseEndless(page, token)
        const last = page.lastKey
        const isDone = !page.isTruncated || (range.to !== null && last !== null && last.compare(range.to) >= 0)
        const isParked = !isDone && byKey && this.#running.size > this.#pace.limit
        token = page.token
        // The next request is on its way while this page is worked on.
        if (!isDone && !isParked) pending = this.#request(byKey ? last! : range.cursor, token)
        pending.catch(() => {})
        const cursor = isDone && range.to !== null ? range.to : (last ?? range.cursor)
        const pressure = this.#options.onPage(range, page, { cursor, isDone })
        range.cursor = cursor
        range.isDone = isDone
        const handedMs = this.#now()
        this.#countPage(running, page)
        if (pressure) await pressure
        this.#pace.page(tookMs, pressure ? this.#now() - handedMs : 0)
        if (isDone) return false
        // The end may have moved below the cursor while we waited.
        if (range.to !== null && range.cursor.compare(range.to) >= 0) {
          range.isDone = true
          this.#options.onRange(range)
          if (!isParked) releaseWhenHere(pending)
          return false
        }
        if (isParked) return true
      } finally {
        page.release()
      }
    }
  }

  /** An empty page, or the same token again, with “more follows” would be asked for for ever. */
  #refuseEndless(page: ListPage, token: string | undefined): void {
    if (!page.isTruncated) return
    const { storage } = this.#options
    const isStuck = this.#byKey ? page.lastKey === null : page.token === undefined || page.token === token
    if (!isStuck) return
    throw new StorageError('invalid', 'The storage says that more follows, and does not say where.', {
      provider: storage.provider,
      op: 'list',
    })
  }

  #countPage(running: Stretch, page: ListPage): void {
    this.#pages++
    this.#pageKeys = Math.max(this.#pageKeys, page.count)
    if (page.lastKey !== null) this.#terrain.see(page.lastKey)
    running.page(page.count, this.#terrain)
    if (this.#mayDiscover && page.isTruncated) this.#discover(running)
    this.#assign()
  }

  /** Cuts the one open range at the folders below the prefix, or where single keys tell, so that all connections have something to do soon. */
  #discover(stretch: Stretch): void {
    this.#mayDiscover = false
    this.#isDiscovering = true
    this.#findMarks(stretch)
      .then(() => this.#divide(stretch, this.#options.connectionsMax))
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#isDiscovering = false
        this.#assign()
      })
  }

  async #findMarks(stretch: Stretch): Promise<void> {
    const { storage, prefix, connectionsMax, mayListBelow, cost } = this.#options
    let big: readonly BigFolder[] = [{ folder: Buffer.from(prefix), last: stretch.range.cursor }]
    if (mayListBelow) {
      const found = await discoverFolders({ storage, prefix, wanted: connectionsMax, signal: this.#signal })
      cost.requests += found.requests
      this.#terrain.add(found.folders)
      for (const folder of found.folders) this.#terrain.see(folder)
      big = found.big
    }
    const sounded = big.slice(0, BIG_FOLDERS_MAX).map(async ({ folder, last }) => {
      this.#terrain.see(last)
      const to = this.#terrain.mark(folder, null, 0)
      const { end, isRegular } = await this.#sound(last, to)
      if (to !== null) return
      stretch.end = end
      stretch.isRegular = isRegular
    })
    await Promise.all(sounded)
    stretch.refined(this.#terrain)
  }

  /** One page, tried again where that can help. */
  async #request(after: Buffer, token: string | undefined): Promise<Arrival> {
    const { storage, prefix } = this.#options
    for (let attempt = 1; ; attempt++) {
      this.#options.cost.requests++
      try {
        const position = this.#byKey ? { after: after.length > 0 ? after : undefined } : { token }
        const sentMs = this.#now()
        const page = await storage.list({ prefix, ...position, signal: this.#signal })
        return { page, tookMs: this.#now() - sentMs }
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        const isWorthIt = error.isTransient
          ? attempt < ATTEMPTS_MAX
          : error.kind === 'invalid' && attempt < INVALID_ATTEMPTS_MAX
        if (!isWorthIt) throw error
        if (error.kind === 'throttled') this.#pace.throttled()
        const delay = error.facts.retryAfterMs ?? Math.random() * Math.min(20_000, 100 * 2 ** attempt)
        await sleep(delay, undefined, { signal: this.#signal }).catch(() => {
          throw this.#aborted()
        })
      }
    }
  }

  #aborted(): StorageError {
    return new StorageError('aborted', 'The listing was stopped.', {
      provider: this.#options.storage.provider,
      op: 'list',
    })
  }
}

/** Gives back a page that nobody wants any more. */
function releaseWhenHere(pending: Promise<Arrival>): void {
  pending.then(
    ({ page }) => page.release(),
    () => {},
  )
}
