import { setTimeout as sleep } from 'node:timers/promises'
import type { ListPage, Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { Pace } from './pace.ts'
import { Share } from './share.ts'
import type { Stretch } from './stretch.ts'

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
  /** Where to begin: one range over everything, or all ranges that a former walk left, those that are done too: new ones get other numbers. */
  readonly ranges: readonly WalkRange[]
  /** Keys of an earlier index, evenly sampled, where there is one: where to cut when connections have nothing to do. */
  readonly marks?: readonly Buffer[]
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
   * Takes the page's entries up to `range.to`, synchronously; the page is released at once afterwards, and nothing of it may be kept if it throws. The
   * range's next page is asked for when the promise it may return is kept; if that is broken, so is the walk.
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
  readonly #share: Share
  readonly #running = new Set<Stretch>()
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #ended = Promise.withResolvers<void>()
  readonly #pace: Pace
  readonly #now: () => number
  /** Listings begin behind a key and come in order, so that the key space can be cut. */
  readonly #byKey: boolean

  constructor(options: WalkOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#byKey = options.storage.can.list_after && options.storage.can.list_order === 'utf8'
    this.#pace = new Pace(this.#byKey ? options.connectionsMax : 1)
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
    const onRange = (range: WalkRange) => options.onRange(range)
    this.#share = new Share({ ...options, marks: options.marks ?? [], signal: this.#signal, onRange })
  }

  async run(): Promise<void> {
    this.#assign()
    try {
      await this.#ended.promise
    } finally {
      // Questions about where keys might be are of no use any more.
      this.#stop.abort()
    }
  }

  /** Gives idle connections something to do; ends the walk when nothing is left. */
  #assign(): void {
    if (this.#signal.aborted) return
    while (this.#running.size < this.#pace.limit) {
      const next = this.#share.take() ?? this.#takeHelp()
      if (next === null) break
      this.#running.add(next)
      this.#list(next).then(
        (isParked) => this.#finish(next, isParked),
        (error) => this.#fail(error),
      )
    }
    if (this.#running.size === 0 && this.#share.isEmpty) this.#ended.resolve()
  }

  /** A part of what others list. */
  #takeHelp(): Stretch | null {
    if (!this.#byKey) return null
    const looking = this.#share.help(this.#running, this.#pace.limit - this.#running.size)
    looking?.then(
      () => this.#assign(),
      (error) => this.#fail(error),
    )
    return this.#share.take()
  }

  #finish(stretch: Stretch, isParked: boolean): void {
    this.#running.delete(stretch)
    if (isParked) this.#share.giveBack(stretch)
    // A part in which nothing was found says that the guess was poor.
    else stretch.victim?.learn(stretch.range.keys > 0)
    this.#assign()
  }

  #fail(error: unknown): void {
    this.#stop.abort()
    this.#ended.reject(error)
  }

  /** Lists a range to its end (false) or until there are more requests than wanted (true: it has to be gone on with later). */
  async #list(running: Stretch): Promise<boolean> {
    const { range } = running

    let token: string | undefined
    let next: Promise<Arrival> | null = null
    for (;;) {
      const arrival: Arrival = await (next ?? this.#request(range.cursor, token))
      let handed: { taken: void | Promise<void>; isParked: boolean }
      try {
        handed = this.#handOver(running, arrival.page, token)
      } catch (error) {
        // At once, so that no other range hands over a page any more.
        this.#fail(error)
        throw error
      }
      const { taken, isParked } = handed
      token = arrival.page.token
      // Nothing more is asked of this range before the page is in safety: a crash then repeats one page of it at the most.
      next = taken || range.isDone || isParked ? null : this.#request(range.cursor, token)
      next?.catch(() => {})
      this.#assign()
      this.#pace.page(arrival.tookMs)
      if (taken) await taken
      if (range.isDone) return false
      // The end may have moved below the cursor while we waited.
      if (range.to !== null && range.cursor.compare(range.to) >= 0) {
        range.isDone = true
        this.#options.onRange(range)
        next?.then(({ page }) => page.release()).catch(() => {})
        return false
      }
      if (isParked) return true
    }
  }

  /** Hands a page to the consumer, moves the range on and gives the page back. */
  #handOver(running: Stretch, page: ListPage, token: string | undefined) {
    const { range } = running
    try {
      // A page that was already here when the walk was stopped is not handed over any more.
      if (this.#signal.aborted) throw this.#aborted()
      this.#refuseEndless(page, range.cursor, token)
      const last = page.lastKey
      const isDone = !page.isTruncated || (range.to !== null && last !== null && last.compare(range.to) >= 0)
      const isParked = !isDone && this.#byKey && this.#running.size > this.#pace.limit
      const cursor = isDone && range.to !== null ? range.to : (last ?? range.cursor)
      const taken = this.#options.onPage(range, page, { cursor, isDone })
      range.cursor = cursor
      range.isDone = isDone
      this.#share.page(running, page)
      return { taken, isParked }
    } finally {
      page.release()
    }
  }

  /** A page that does not get ahead, or the same token again, with “more follows” would be asked for for ever. */
  #refuseEndless(page: ListPage, after: Buffer, token: string | undefined): void {
    if (!page.isTruncated) return
    const { storage } = this.#options
    const isStuck = this.#byKey
      ? page.lastKey === null || page.lastKey.compare(after) <= 0
      : page.token === undefined || page.token === token
    if (!isStuck) return
    throw new StorageError('invalid', 'The storage says that more follows, and does not say where.', {
      provider: storage.provider,
      op: 'list',
    })
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
