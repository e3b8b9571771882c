import { setTimeout as sleep } from 'node:timers/promises'
import type { ListPage, Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { discoverFolders } from './discover.ts'
import { Pace } from './pace.ts'
import { splitKey, spread } from './split.ts'

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
/** Never more ranges than this a connection from known folders: more shatters pages (10 times the requests at 10,000 folders, measured). */
const RANGES_PER_CONNECTION = 4
/** Pages a range must have given since it was last cut before it is cut again, so that a useless cut costs a share and not the run. */
const PAGES_BETWEEN_CUTS = 2

interface Arrival {
  readonly page: ListPage
  /** How long the request was under way. */
  readonly tookMs: number
}

interface Running {
  readonly range: WalkRange
  /** Last key of the first page; null before. */
  first: Buffer | null
  pages: number
  pagesWanted: number
  /** Whose part was taken, to tell it how useful that was. */
  readonly victim: Running | null
}

/**
 * Lists a folder of a bucket completely, with many requests at once, and hands every page to one consumer.
 *
 * The only loop over pages there is. Without known ranges the first page shows whether there is more; then a few folder listings give
 * the first cuts, and idle connections take the upper half of the busiest range. Every key is handed over exactly once; pages of one
 * range come in order. Fails with the first error that trying again does not heal, or `aborted`.
 */
export async function walk(options: WalkOptions): Promise<void> {
  return new Walk(options).run()
}

class Walk {
  readonly #options: WalkOptions
  readonly #todo: WalkRange[]
  readonly #running = new Set<Running>()
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #ended = Promise.withResolvers<void>()
  readonly #pace: Pace
  #nextNo: number
  #isDiscovering = false
  #mayDiscover: boolean

  constructor(options: WalkOptions) {
    this.#options = options
    this.#todo = options.ranges.filter((range) => !range.isDone)
    this.#sortTodo()
    this.#nextNo = Math.max(0, ...options.ranges.map((range) => range.no)) + 1
    const isSharded = options.storage.can.list_after && options.storage.can.list_order === 'utf8'
    this.#pace = new Pace(isSharded ? options.connectionsMax : 1)
    this.#mayDiscover = isSharded && options.mayListBelow && options.ranges.length === 1 && options.connectionsMax > 1
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
    if (this.#running.size === 0 && this.#todo.length === 0 && !this.#isDiscovering) this.#ended.resolve()
  }

  #take(): Running | null {
    const range = this.#todo.pop()
    if (range) return { range, first: null, pages: 0, pagesWanted: PAGES_BETWEEN_CUTS, victim: null }
    if (this.#isDiscovering || this.#mayDiscover) return null
    let victim: Running | null = null
    for (const running of this.#running) {
      if (running.first === null || running.pages < running.pagesWanted) continue
      if (victim === null || running.pages > victim.pages) victim = running
    }
    if (victim === null) return null
    const cut = splitKey(victim.first!, victim.range.cursor, victim.range.to)
    victim.pages = 0
    if (cut === null) return null
    const part = this.#cut(victim.range, cut)
    return { range: part, first: null, pages: 0, pagesWanted: PAGES_BETWEEN_CUTS, victim }
  }

  #cut(range: WalkRange, key: Buffer): WalkRange {
    const part: WalkRange = { no: this.#nextNo++, from: key, to: range.to, cursor: key, isDone: false, keys: 0 }
    range.to = key
    this.#options.onRange(range)
    this.#options.onRange(part)
    return part
  }

  #finish(running: Running, isParked: boolean): void {
    this.#running.delete(running)
    if (isParked) {
      this.#todo.push(running.range)
      this.#sortTodo()
    }
    // A part in which nothing was found says that the guess was poor: ask the victim for more pages before the next one.
    if (running.victim)
      running.victim.pagesWanted =
        running.range.keys === 0 ? Math.min(64, running.victim.pagesWanted * 2) : PAGES_BETWEEN_CUTS
    this.#assign()
  }

  /** Taken from the end: lowest keys first, so that rows reach the index as nearly in order as may be. */
  #sortTodo(): void {
    this.#todo.sort((a, b) => b.from.compare(a.from))
  }

  #fail(error: unknown): void {
    this.#stop.abort()
    this.#ended.reject(error)
  }

  /** Lists a range to its end (false) or until there are more requests than wanted (true: it has to be gone on with later). */
  async #list(running: Running): Promise<boolean> {
    const { range } = running
    const byKey = this.#options.storage.can.list_after
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
        const handedMs = performance.now()
        this.#countPage(running, page)
        if (pressure) await pressure
        this.#pace.page(tookMs, pressure ? performance.now() - handedMs : 0)
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
    const isStuck = storage.can.list_after ? page.lastKey === null : page.token === undefined || page.token === token
    if (!isStuck) return
    throw new StorageError('invalid', 'The storage says that more follows, and does not say where.', {
      provider: storage.provider,
      op: 'list',
    })
  }

  #countPage(running: Running, page: ListPage): void {
    running.pages++
    running.first ??= page.lastKey
    if (this.#mayDiscover && page.isTruncated) this.#discover()
    this.#assign()
  }

  /** Cuts the one open range at the folders below the prefix, so that all connections have something to do after a few requests. */
  #discover(): void {
    this.#mayDiscover = false
    this.#isDiscovering = true
    const { storage, prefix, connectionsMax } = this.#options
    discoverFolders({ storage, prefix, wanted: connectionsMax, signal: this.#signal })
      .then(({ folders, requests }) => {
        this.#options.cost.requests += requests
        for (const key of spread(folders, connectionsMax * RANGES_PER_CONNECTION)) {
          const open = [...this.#running].map((running) => running.range).concat(this.#todo)
          const range = open.find(
            (candidate) =>
              key.compare(candidate.cursor) > 0 && (candidate.to === null || key.compare(candidate.to) < 0),
          )
          if (range) this.#todo.push(this.#cut(range, key))
        }
        this.#sortTodo()
      })
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#isDiscovering = false
        this.#assign()
      })
  }

  /** One page, tried again where that can help. */
  async #request(after: Buffer, token: string | undefined): Promise<Arrival> {
    const { storage, prefix } = this.#options
    for (let attempt = 1; ; attempt++) {
      this.#options.cost.requests++
      try {
        const position = storage.can.list_after ? { after: after.length > 0 ? after : undefined } : { token }
        const sentMs = performance.now()
        const page = await storage.list({ prefix, ...position, signal: this.#signal })
        return { page, tookMs: performance.now() - sentMs }
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
