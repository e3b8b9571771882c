import type { DbClient } from '#db/connect.ts'
import type { Clock } from '#lib/clock.ts'
import type { ListPage } from '#storage/port.ts'
import type { Reach, WalkRange } from '#storage/walk/walk.ts'
import { Batch, type BatchSettings } from './batch.ts'
import { type CommitTarget, commitBatch } from './commit.ts'
import { FolderStack, type FolderTree } from './folder.ts'

/** Rows a transaction: enough that a commit's fsync is lost in it, few enough for 10 MB of memory and a repeat of under a second. */
const BATCH_ROWS = 25_000

export interface IngestOptions extends BatchSettings {
  /** A connection of its own: the temporary table of merges lives on it. */
  readonly client: DbClient
  readonly clock: Clock
  readonly tree: FolderTree
  readonly target: Omit<CommitTarget, 'nowMs' | 'progress'>
  readonly ranges: readonly WalkRange[]
  /** Called after a commit that found somebody's wish to cancel. */
  onCancelAsked(): void
}

/**
 * Takes a walk's pages and commits them in batches: while one batch is written the next is filled, and a page that comes when both are full waits.
 *
 * A batch holds rows and cursors of the same pages, so whatever kills the process, what is committed is exactly what the cursors say.
 */
export class Ingest {
  readonly #options: IngestOptions
  readonly #stacks = new Map<WalkRange, FolderStack>()
  /** How far each range is, as far as pages were taken; ranges that are saved as done are dropped. */
  readonly #reach = new Map<WalkRange, Reach>()
  /** Ranges whose saved form is not what they are. */
  readonly #unsaved = new Set<WalkRange>()
  #batch: Batch
  #writing: Promise<void> | null = null
  #failure: unknown = null
  #isBroken = false
  #rangesDone = 0
  #rangesAll: number

  constructor(options: IngestOptions) {
    this.#options = options
    this.#rangesAll = options.ranges.length
    for (const range of options.ranges) {
      this.#reach.set(range, { cursor: range.cursor, isDone: range.isDone })
      this.#unsaved.add(range)
    }
    this.#batch = new Batch(1, options)
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

  /** For `walk`: takes a page. The promise is there when the page came faster than the database takes rows. */
  takePage(range: WalkRange, page: ListPage, reach: Reach): void | Promise<void> {
    if (this.#failure !== null) throw this.#failure
    let stack = this.#stacks.get(range)
    if (!stack) {
      stack = new FolderStack(this.#options.tree)
      this.#stacks.set(range, stack)
    }
    try {
      this.#batch.takePage(range, page, reach, stack)
    } catch (error) {
      // Half of a bad page is in the batch: nothing of the batch may be written.
      this.#isBroken = true
      throw error
    }
    this.#reach.set(range, reach)
    this.#unsaved.add(range)
    if (reach.isDone) this.#stacks.delete(range)
    if (this.#batch.rows.rows >= BATCH_ROWS) return this.#writeWhenFree()
  }

  async #writeWhenFree(): Promise<void> {
    while (this.#writing) await this.#writing
    if (this.#failure !== null) throw this.#failure
    if (this.#batch.rows.rows >= BATCH_ROWS) this.#write()
  }

  /** Commits what there is, also when it is little; for the progress display. */
  tick(): void {
    if (this.#writing === null && this.#failure === null && !this.#isBroken && this.#unsaved.size > 0) this.#write()
  }

  /** Commits what is left. Throws the first failure of any commit; does nothing after a bad page. */
  async drain(): Promise<void> {
    while (this.#writing) await this.#writing
    if (this.#failure === null && !this.#isBroken && this.#unsaved.size > 0) {
      this.#write()
      await this.#writing
    }
    if (this.#failure !== null) throw this.#failure
  }

  #write(): void {
    const batch = this.#batch
    this.#batch = new Batch(batch.no + 1, this.#options)
    const ranges = [...this.#unsaved].map((range) => ({ ...range, ...this.#reach.get(range)! }))
    for (const range of this.#unsaved) {
      if (!this.#reach.get(range)!.isDone) continue
      this.#rangesDone++
      this.#reach.delete(range)
    }
    this.#unsaved.clear()
    const { client, target, clock } = this.#options
    // The share of ranges is the only honest measure there is before the listing has ended; 100 is the end itself.
    const progress = Math.min(99, Math.floor((100 * this.#rangesDone) / this.#rangesAll))
    this.#writing = commitBatch(client, { ...target, nowMs: clock.now(), progress }, batch, ranges)
      .then(
        (committed) => {
          if (committed.isCancelAsked) this.#options.onCancelAsked()
        },
        (error) => {
          this.#failure = error
        },
      )
      .finally(() => {
        this.#writing = null
      })
  }
}
