import { setTimeout as sleep } from 'node:timers/promises'
import type { DbClient } from '#db/connect.ts'
import type { Clock } from '#lib/clock.ts'
import type { Foreground } from '#lib/foreground.ts'
import type { ListPage } from '#storage/port.ts'
import type { Reach, WalkRange } from '#storage/walk/walk.ts'
import { type Comparison, compareBatch } from '../compare/compare.ts'
import { compareByName } from '../compare/compare-by-name.ts'
import { Batch, type BatchSettings } from './batch.ts'
import { type CommitTarget, copyBatch, numberBatch } from './commit.ts'
import { FolderStack, type FolderTree } from './folder.ts'
import { NumberStock } from './numbers.ts'

/** Most rows a transaction: enough that its commit is lost in it, few enough to keep the memory of four batches small. */
const BATCH_ROWS = 15_000
/** Rows from which on a batch goes out beside others; with fewer it waits for those, because every batch costs some statements. */
const ROWS_WORTH_A_CONNECTION = 8_000
/** Longest rest after a batch while people are served; it rests as long as the batch took, so a sync then has half its speed. */
const REST_MS_MAX = 1_000

/** What an ingest is given, for one slice of one run. */
export interface IngestOptions extends BatchSettings {
  /** Connections of its own, as many as batches are to be under way at once. */
  readonly clients: readonly DbClient[]
  readonly clock: Clock
  readonly tree: FolderTree
  readonly target: Omit<CommitTarget, 'nowMs'>
  readonly ranges: readonly WalkRange[]
  readonly foreground: Foreground
  /** Most rows a transaction; `BATCH_ROWS` unless a test wants many small ones. */
  readonly batchRows?: number
  /** Called after a commit that found somebody's wish to cancel or pause. */
  onStopAsked(): void
}

/**
 * Takes a walk's pages and commits them in batches: what came while the connections were busy is written when one of them is free, so batches are as large
 * as the database is slow. Batches are sent at the same time, each on a connection of its own, and settled in their order.
 *
 * A page's promise is kept when its batch is committed, and a range asks for its next page only then: whatever kills the process, one page of each
 * range has to be listed again at the most. So it is many ranges and not many pages of one that keep the database busy.
 *
 * Several at once, because one COPY alone waits a third of its time for this thread to find the socket writable (measured: PostgreSQL 70 % busy
 * with one, 292 k objects/s; 320 k with three).
 */
export class Ingest {
  readonly #options: IngestOptions
  readonly #stacks = new Map<WalkRange, FolderStack>()
  /** How far each range is, as far as pages were taken; ranges that are saved as done are dropped. */
  readonly #reach = new Map<WalkRange, Reach>()
  /** Ranges whose saved form is not what they are. */
  readonly #unsaved = new Set<WalkRange>()
  /** Entries taken so far. */
  listed = 0
  /** The batch that is being filled; those before it that are full wait for a connection. */
  #batch: Batch
  readonly #full: Batch[] = []
  #made = 1
  readonly #numbers = new NumberStock()
  readonly #idle: DbClient[]
  readonly #underWay = new Set<Promise<void>>()
  /** The last batch's settling; rejects when it or one before failed. */
  #settled: Promise<void> = Promise.resolve()
  /** The last batch's numbering; they take turns. */
  #numbered: Promise<unknown> = Promise.resolve()
  #failure: unknown = null
  #isBroken = false
  #rangesDone = 0
  #rangesAll: number

  constructor(options: IngestOptions) {
    this.#options = options
    this.#rangesAll = options.ranges.length
    this.#idle = [...options.clients]
    for (const range of options.ranges) {
      if (range.isDone) {
        this.#rangesDone++
        continue
      }
      this.#reach.set(range, { cursor: range.cursor, isDone: range.isDone })
      this.#unsaved.add(range)
    }
    this.#batch = this.#newBatch()
  }

  /** For `walk`: a range was added or shortened. */
  noteRange(range: WalkRange): void {
    if (!this.#reach.has(range)) {
      this.#rangesAll++
      this.#reach.set(range, { cursor: range.cursor, isDone: false })
      const border = range.from.toString('utf8', this.#options.folderBytes)
      this.#options.tree.share(border, [...this.#stacks.values()])
    } else if (range.isDone) {
      this.#reach.set(range, { cursor: this.#reach.get(range)!.cursor, isDone: true })
      this.#stacks.delete(range)
    }
    this.#unsaved.add(range)
  }

  /** For `walk`: takes a page. The promise is kept when it is committed, and broken when that failed. */
  takePage(range: WalkRange, page: ListPage, reach: Reach): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    let stack = this.#stacks.get(range)
    if (!stack) {
      stack = new FolderStack(this.#options.tree)
      this.#stacks.set(range, stack)
    }
    const batch = this.#batch
    const before = batch.counts.listed
    try {
      batch.takePage(range, page, reach, stack)
    } catch (error) {
      // Half of a bad page is in the batch: nothing of the batch may be written.
      this.#isBroken = true
      throw error
    }
    this.listed += batch.counts.listed - before
    this.#reach.set(range, reach)
    this.#unsaved.add(range)
    if (reach.isDone) this.#stacks.delete(range)
    if (batch.rows.rows >= (this.#options.batchRows ?? BATCH_ROWS)) this.#closeBatch()
    this.#writeWhatMay()
    return batch.committed.promise
  }

  /** The batch takes no more pages; how far the ranges are when it is committed is how far they are now. */
  #closeBatch(): void {
    const batch = this.#batch
    batch.ranges = [...this.#unsaved].map((range) => ({ ...range, ...this.#reach.get(range)! }))
    for (const range of this.#unsaved) {
      if (!this.#reach.get(range)!.isDone) continue
      this.#rangesDone++
      this.#reach.delete(range)
    }
    this.#unsaved.clear()
    this.#full.push(batch)
    this.#batch = this.#newBatch()
  }

  #newBatch(): Batch {
    return new Batch(this.#made++, this.#options)
  }

  get #isFree(): boolean {
    // While people are served, one batch at a time: the other processor is theirs.
    const { clients, foreground } = this.#options
    return foreground.isBusy() ? this.#idle.length === clients.length : this.#idle.length > 0
  }

  get #mayClose(): boolean {
    if (this.#isBroken || this.#unsaved.size === 0) return false
    return this.#underWay.size === 0 || this.#batch.rows.rows >= ROWS_WORTH_A_CONNECTION
  }

  /** Writes as many batches as there are connections for; the one that is being filled only if none before it waits. */
  #writeWhatMay(): void {
    while (this.#isFree && this.#failure === null) {
      if (this.#full.length === 0 && this.#mayClose) this.#closeBatch()
      const batch = this.#full.shift()
      if (!batch) return
      const settling = this.#commit(this.#idle.pop()!, batch, this.#settled)
      this.#settled = settling
      this.#underWay.add(settling)
      settling.then(
        () => batch.committed.resolve(),
        (error) => {
          this.#failure ??= error
          batch.committed.reject(error)
        },
      )
      settling
        .catch(() => {})
        .finally(() => {
          this.#underWay.delete(settling)
          this.#writeWhatMay()
        })
    }
  }

  /** Commits what is left. Throws the first failure of any commit, when none is under way any more; leaves out a batch with a bad page. */
  async drain(): Promise<void> {
    for (;;) {
      this.#writeWhatMay()
      if (this.#underWay.size === 0) break
      await Promise.race([...this.#underWay].map((settling) => settling.catch(() => {})))
      if (this.#failure !== null) await Promise.allSettled([...this.#underWay])
    }
    if (this.#failure !== null) throw this.#failure
  }

  async #commit(client: DbClient, batch: Batch, before: Promise<void>): Promise<void> {
    const { target, clock } = this.#options
    // The share of ranges is the only honest measure there is before the listing has ended; 100 is the end itself.
    const progress = Math.min(99, Math.floor((100 * this.#rangesDone) / this.#rangesAll))
    const startedMs = performance.now()
    const stamped = { ...target, nowMs: clock.now() }
    const comparing = target.mode === 'load' ? null : this.#compare(client, stamped, batch)
    comparing?.catch(() => {})
    const numbering = this.#numbered.then(async () =>
      numberBatch(client, stamped, this.#numbers, batch, await comparing),
    )
    this.#numbered = numbering.catch(() => {})
    const copied = await copyBatch(client, stamped, batch, await numbering, await comparing)
    try {
      await before
    } catch (error) {
      await copied.drop()
      throw error
    }
    const { isStopAsked } = await copied.settle(progress)
    if (this.#options.foreground.isBusy()) await sleep(Math.min(REST_MS_MAX, performance.now() - startedMs))
    this.#idle.push(client)
    if (isStopAsked) this.#options.onStopAsked()
  }

  #compare(client: DbClient, target: CommitTarget, batch: Batch): Promise<Comparison> {
    return target.isOrdered ? compareBatch(client, target, batch) : compareByName(client, target, batch)
  }
}
