import type { ErrorCode } from '#contract/errors.ts'
import { type OpenDriver, openDriver } from '#core/drivers/drivers.ts'
import type { DbClient } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { StorageError } from '#storage/storage-error.ts'
import { type WalkRange, walk } from '#storage/walk/walk.ts'
import type { Deps } from '../deps.ts'
import { NotEmpty } from './commit.ts'
import { FolderTree } from './folder.ts'
import { Ingest } from './ingest.ts'
import { MediaTypes } from './media-types.ts'
import { findFolders, LeaseLost } from './queries.ts'
import {
  type ClaimedRun,
  claimRun,
  endRun,
  hasRanges,
  keepLease,
  loadRanges,
  type RunEnd,
  releaseRun,
  turnIntoMerge,
} from './run.ts'

/** Connections a slice writes through; see `Ingest`. */
const CONNECTIONS = 3
/** A third of the lease, so that one lost beat is no harm. */
const HEARTBEAT_MS = 5_000
/** How often at least what was listed is committed, so that progress is seen. */
const TICK_MS = 1_000
/** A slice ends by itself after this, so that other datasets' syncs get their turn; it costs a page a connection. */
const SLICE_MS_MAX = 5 * 60_000
/** Slices in a row that may fail without listing anything, with delays that double from a second: about five minutes of an unreachable storage. */
const ATTEMPTS_MAX = 8
/** The same for answers that make no sense; each slice has tried them several times already. */
const INVALID_ATTEMPTS_MAX = 2

/** How a slice ended: `again` (after a delay in milliseconds) when the run is not finished, `ended` when there is nothing left to do for us. */
export type SliceOutcome = { readonly kind: 'again'; readonly delayMs: number } | { readonly kind: 'ended' }

const ENDED: SliceOutcome = { kind: 'ended' }

/**
 * Does one bounded slice of a sync run: takes the run, lists and commits until all is listed, the time is up, the process is to stop or
 * something fails, and gives the run back or ends it. Whatever happens in between, the next slice goes on at the committed cursors.
 */
export async function runSlice(deps: Deps, runNo: number, signal: AbortSignal): Promise<SliceOutcome> {
  const run = await claimRun(deps.db, runNo)
  if (!run) return ENDED
  const log = deps.log.child({ sync: run.commandId, dataset: run.datasetId })
  const slice = new Slice(deps, run, signal)
  try {
    const end = await slice.work()
    if (end === null) {
      await releaseRun(deps.db, run, slice.requests, null)
      return { kind: 'again', delayMs: 0 }
    }
    await endRun(deps.db, run, slice.requests, end)
    log.info({ state: end.state, requests: slice.requests }, 'sync ended')
    return ENDED
  } catch (error) {
    if (error instanceof LeaseLost) return ENDED
    if (error instanceof NotEmpty) {
      await turnIntoMerge(deps.db, run)
      await releaseRun(deps.db, run, slice.requests, null)
      return { kind: 'again', delayMs: 0 }
    }
    const failure = describeFailure(error)
    if (failure.code === 'server.internal') log.error({ err: error }, 'sync slice failed')
    else log.warn({ code: failure.code, attempts: run.attempts + 1 }, 'sync slice failed')
    if (run.attempts + 1 < failure.attemptsMax) {
      await releaseRun(deps.db, run, slice.requests, failure)
      return { kind: 'again', delayMs: Math.min(300_000, 1000 * 2 ** run.attempts) }
    }
    await endRun(deps.db, run, slice.requests, { state: 'failed', code: failure.code, message: failure.message })
    return ENDED
  }
}

class Slice {
  requests = 0
  readonly #deps: Deps
  readonly #run: ClaimedRun
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  #isCancelAsked = false
  #isLost = false

  constructor(deps: Deps, run: ClaimedRun, signal: AbortSignal) {
    this.#deps = deps
    this.#run = run
    this.#signal = AbortSignal.any([signal, this.#stop.signal, AbortSignal.timeout(SLICE_MS_MAX)])
  }

  /** The run's end, or null when there is more to do. */
  async work(): Promise<RunEnd | null> {
    const heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS)
    const clients: DbClient[] = []
    try {
      for (let n = 0; n < CONNECTIONS; n++) clients.push(await this.#deps.db.connect())
      const isComplete = await this.#listAll(clients)
      if (this.#isLost) throw new LeaseLost('The lease ran out.')
      if (isComplete) return { state: 'success' }
      return this.#isCancelAsked ? { state: 'canceled' } : null
    } finally {
      clearInterval(heartbeat)
      // The connections hold a temporary table and maybe a broken transaction: they are not for others.
      for (const client of clients) client.release(true)
    }
  }

  async #beat(): Promise<void> {
    // A database that does not answer is found out by the commits; the lease then runs out by itself.
    const kept = await keepLease(this.#deps.db, this.#run).catch(() => 'kept' as const)
    if (kept === 'lost') this.#isLost = true
    if (kept === 'cancel') this.#isCancelAsked = true
    if (kept !== 'kept') this.#stop.abort()
  }

  /** Lists until everything is committed (true) or the slice is stopped (false). */
  async #listAll(clients: readonly DbClient[]): Promise<boolean> {
    const { db, config, clock, foreground } = this.#deps
    const run = this.#run
    if (run.driverId === null) throw new AppError('dataset.disconnected')
    const open = await openDriver(this.#deps, run.driverId)
    if (open.driver.epoch !== run.driverEpoch) throw new AppError('sync.driver_changed')
    const ranges = await this.#openRanges()
    const prefixBytes = Buffer.byteLength(open.prefix)
    const ingest = new Ingest({
      clients,
      clock,
      foreground,
      tree: await openTree(db, config.hiddenFolder, run.datasetNo, ranges, prefixBytes),
      target: { runNo: run.runNo, fence: run.fence, datasetNo: run.datasetNo, mode: run.mode },
      datasetNo: run.datasetNo,
      ticket: run.ticket,
      folderBytes: prefixBytes,
      types: await MediaTypes.load(db),
      ranges,
      onCancelAsked: () => {
        this.#isCancelAsked = true
        this.#stop.abort()
      },
    })
    const ticker = setInterval(() => ingest.tick(), TICK_MS)
    try {
      await this.#walk(open, ranges, ingest)
      await ingest.drain()
      return true
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // What was taken before the storage failed or we were stopped is good: keep it.
      await ingest.drain()
      if (error.kind === 'aborted' && this.#signal.aborted) return false
      throw error
    } finally {
      clearInterval(ticker)
    }
  }

  async #walk(open: OpenDriver, ranges: readonly WalkRange[], ingest: Ingest): Promise<void> {
    const cost = { requests: 0 }
    try {
      await walk({
        storage: open.storage,
        prefix: open.prefix,
        ranges,
        connectionsMax: this.#deps.config.listConnections,
        mayListBelow: open.driver.report?.capabilities.list_below ?? false,
        signal: this.#signal,
        cost,
        onPage: (range, page, reach) => ingest.takePage(range, page, reach),
        onRange: (range) => ingest.noteRange(range),
      })
    } finally {
      this.requests = cost.requests
    }
  }

  async #openRanges(): Promise<WalkRange[]> {
    const { db } = this.#deps
    const ranges = await loadRanges(db, this.#run.runNo)
    if (ranges.length > 0 || (await hasRanges(db, this.#run.runNo))) return ranges
    const none = Buffer.alloc(0)
    return [{ no: 1, from: none, to: null, cursor: none, isDone: false, keys: 0 }]
  }
}

/** The folders at which ranges meet, with the numbers of those that exist. */
async function openTree(
  db: Deps['db'],
  hiddenFolder: string,
  datasetNo: number,
  ranges: readonly WalkRange[],
  prefixBytes: number,
): Promise<FolderTree> {
  const tree = new FolderTree(hiddenFolder)
  for (const range of ranges)
    for (const key of [range.from, range.cursor, range.to])
      if (key !== null && key.length > prefixBytes) tree.share(key.toString('utf8', prefixBytes), [])
  const shared = [...tree.shared()]
  const known =
    shared.length === 0
      ? new Map()
      : await findFolders(
          db,
          datasetNo,
          shared.map((folder) => folder.path),
        )
  for (const folder of shared) folder.no = known.get(folder.path) ?? 0
  return tree
}

interface Failure {
  readonly code: ErrorCode
  readonly message: string
  /** Slices that may end like this in a row; 1 where trying again is no use. */
  readonly attemptsMax: number
}

/** PostgreSQL's codes for a server that is restarting, a lost connection and a transaction that has to be repeated. */
const DATABASE_RETRY = /^(08|40|57P0)|^ECONN/

function describeFailure(error: unknown): Failure {
  if (error instanceof StorageError) {
    const { code, message } = new AppError(storageErrorCode(error))
    const isPassing = error.isTransient || error.kind === 'aborted'
    return {
      code,
      message,
      attemptsMax: isPassing ? ATTEMPTS_MAX : error.kind === 'invalid' ? INVALID_ATTEMPTS_MAX : 1,
    }
  }
  if (error instanceof AppError)
    return { code: error.code, message: error.message, attemptsMax: error.status >= 500 ? ATTEMPTS_MAX : 1 }
  const { code } = error as { code?: unknown }
  const isPassing = typeof code === 'string' && DATABASE_RETRY.test(code)
  const internal = new AppError('server.internal')
  return { code: internal.code, message: internal.message, attemptsMax: isPassing ? ATTEMPTS_MAX : 1 }
}
