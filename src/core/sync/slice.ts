import type { ErrorCode } from '#contract/errors.ts'
import { keepEstimates } from '#core/catalog/catalog.ts'
import { followMaster } from '#core/clones/clones.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import { notify } from '#core/notifications/notifications.ts'
import { compilePatterns, syncSettingsOf } from '#core/patterns/patterns.ts'
import { QuotaExceeded } from '#core/quota/quota.ts'
import { type DbClient, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { grouped } from '#lib/grouped.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Deps } from '../deps.ts'
import { leaveMark } from './absence/bucket-mark.ts'
import { confirmAbsences } from './absence/confirm.ts'
import { judgeListing, quotaEnd } from './absence/judge.ts'
import { listAll } from './listing.ts'
import { LeaseLost, NotEmpty } from './queries.ts'
import { NotNew } from './rows/commit.ts'
import { type ClaimedRun, claimRun, enterPhase, keepLease, releaseRun, turnIntoCompare } from './run.ts'
import { endRun, noticeKey, REFUSALS, type RunEnd } from './run-end.ts'
import { enqueueSlice } from './slice-job.ts'
import { undoFirstSync } from './undo.ts'

/** Connections a slice writes through; see `Ingest`. */
const CONNECTIONS = 3
/** A third of the lease, so that one lost beat is no harm. */
const HEARTBEAT_MS = 5_000
/** A slice ends by itself after this, so that other datasets' syncs get their turn; it costs a page a connection. */
const SLICE_MS_MAX = 5 * 60_000
/** Slices in a row that may fail without listing anything, with delays that double from a second: about five minutes of an unreachable storage. */
const ATTEMPTS_MAX = 8
/** The same for answers that make no sense; each slice has tried them several times already. */
const INVALID_ATTEMPTS_MAX = 2

/** How a slice ended: `again` when the run is not finished and its next slice is in the queue, `ended` when there is nothing left to do for us. */
export type SliceOutcome = 'again' | 'ended'

/**
 * Does one bounded slice of a sync run: takes the run, works until it has ended or parked, the time is up, the process is to stop or something fails,
 * and gives the run back or ends it. Whatever happens in between, the next slice goes on at the committed cursors.
 */
export async function runSlice(deps: Deps, runNo: number, signal: AbortSignal): Promise<SliceOutcome> {
  const run = await claimRun(deps.db, runNo)
  if (!run) return 'ended'
  const log = deps.log.child({ sync: run.commandId, dataset: run.datasetId })
  const slice = new Slice(deps, run, signal)
  try {
    const done = await slice.work()
    if (done === null) {
      return await giveBack(deps, run, slice.cost.requests, null, 0)
    }
    await endRun(deps.db, run, slice.cost.requests, done.end, deps.clock.now(), done.report, (tx) =>
      followMaster(deps, tx, run.datasetNo),
    )
    log.info({ state: done.end.state, requests: slice.cost.requests }, 'sync ended')
    return 'ended'
  } catch (error) {
    if (error instanceof LeaseLost) return 'ended'
    if (error instanceof NotEmpty || error instanceof QuotaExceeded) {
      if (error instanceof NotEmpty) await turnIntoCompare(deps.db, run)
      if (error instanceof QuotaExceeded) await enterPhase(deps.db, run, 'counting')
      return await giveBack(deps, run, slice.cost.requests, null, 0)
    }
    const failure = describeFailure(error)
    if (failure.code === 'server.internal') log.error({ err: error }, 'sync slice failed')
    else log.warn({ code: failure.code, attempts: run.attempts + 1 }, 'sync slice failed')
    if (run.attempts + 1 < failure.attemptsMax) {
      return await giveBack(deps, run, slice.cost.requests, failure, Math.min(300_000, 1000 * 2 ** run.attempts))
    }
    // New credentials mend it: the run keeps its cursors and goes on when it is resumed (§2.5).
    const state = REFUSALS.has(failure.code) && run.options.dryRun !== true ? 'parked' : 'failed'
    const end = { state, code: failure.code, message: failure.message } as const
    await endRun(deps.db, run, slice.cost.requests, end, deps.clock.now(), {}, (tx) =>
      followMaster(deps, tx, run.datasetNo),
    )
    return 'ended'
  }
}

/** Gives the run back and puts its next slice into the queue, both or neither: a run that nobody holds and nobody is to take would never end. */
async function giveBack(
  deps: Deps,
  run: ClaimedRun,
  requests: number,
  trouble: Failure | null,
  delayMs: number,
): Promise<SliceOutcome> {
  return withTransaction(deps.db, async (tx) => {
    if (!(await releaseRun(tx, run, requests, trouble, delayMs))) return 'ended'
    await enqueueSlice(deps, tx, run.runNo, { delayMs })
    return 'again'
  })
}

interface Done {
  readonly end: RunEnd
  readonly report: Record<string, unknown>
}

class Slice {
  readonly cost = { requests: 0 }
  readonly #deps: Deps
  #run: ClaimedRun
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  /** The same without the limit in time. */
  readonly #untimed: AbortSignal
  #stopAsked: 'cancel' | 'pause' | null = null
  #isLost = false

  constructor(deps: Deps, run: ClaimedRun, signal: AbortSignal) {
    this.#deps = deps
    this.#run = run
    this.#untimed = AbortSignal.any([signal, this.#stop.signal])
    this.#signal = AbortSignal.any([this.#untimed, AbortSignal.timeout(SLICE_MS_MAX)])
  }

  /** How the run ended, or null when there is more to do. */
  async work(): Promise<Done | null> {
    const heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS)
    try {
      const done = await this.#untilStopped()
      // While the lease is still kept: on a large table that is not in memory it takes seconds. Who wants us to stop does not wait for it.
      if (!this.#untimed.aborted) await keepEstimates(this.#deps, this.#run.datasetNo)
      if (this.#isLost) throw new LeaseLost('The lease ran out.')
      if (done !== null || this.#stopAsked === null) return done
      return { end: { state: this.#stopAsked === 'cancel' ? 'canceled' : 'paused' }, report: {} }
    } finally {
      clearInterval(heartbeat)
    }
  }

  async #beat(): Promise<void> {
    // A database that does not answer is found out by the commits; the lease then runs out by itself.
    const kept = await keepLease(this.#deps.db, this.#run).catch(() => 'kept' as const)
    if (kept === 'lost') this.#isLost = true
    if (kept === 'cancel' || kept === 'pause') this.#stopAsked = kept
    if (kept !== 'kept') this.#stop.abort()
  }

  /** Null when it was stopped before the end: whatever was asking the storage then was told to, and has not failed. */
  async #untilStopped(): Promise<Done | null> {
    try {
      return await this.#workThrough()
    } catch (error) {
      if (this.#signal.aborted && error instanceof StorageError && error.kind === 'aborted') return null
      throw error
    }
  }

  /** One phase after another; null when it was stopped between two of its steps. */
  async #workThrough(): Promise<Done | null> {
    const deps = this.#deps
    const run = this.#run
    if (run.driverId === null) throw new AppError('dataset.disconnected')
    const open = await openDriver(deps, run.driverId)
    if (open.driver.epoch !== run.driverEpoch) throw new AppError('sync.driver_changed')
    const settings = syncSettingsOf(run.datasetOptions)
    const patterns = compilePatterns(settings)
    if (run.isNew && run.options.scheduled !== true)
      await notify(deps.db, this.#notice('sync.started', 0), deps.clock.now())
    if (run.phase === 'listing' || run.phase === 'counting') {
      await this.#list(open, patterns)
      const verdict = await judgeListing(deps, run, open, settings)
      if (verdict.kind === 'end') {
        if (verdict.end.state === 'success' && run.options.dryRun !== true) await leaveMark(deps, open)
        return verdict
      }
      this.#run = verdict.run
    }
    if (this.#run.phase === 'undoing') return (await undoFirstSync(deps, run, this.#signal)) ? this.#quotaDone() : null
    const isComplete = await confirmAbsences(deps, run, open, patterns, this.#signal, this.cost)
    if (!isComplete) return null
    await leaveMark(deps, open)
    return this.#quotaDone()
  }

  async #quotaDone(): Promise<Done> {
    return { end: (await quotaEnd(this.#deps, this.#run)) ?? { state: 'success' }, report: {} }
  }

  async #list(
    open: Awaited<ReturnType<typeof openDriver>>,
    patterns: ReturnType<typeof compilePatterns>,
  ): Promise<void> {
    const clients: DbClient[] = []
    const startedMs = performance.now()
    const { can } = open.storage
    // A listing that cannot be gone on with begins anew each time: with a limit, one that takes longer would never end.
    const isResumable = can.list_after && can.list_order === 'utf8'
    try {
      for (let n = 0; n < CONNECTIONS; n++) {
        const client = await this.#deps.db.connect()
        clients.push(client)
        // Rows of a comparison have to come in order, and its statements are too short to be worth compiling. Batches do not wait for the disk: rows and
        // cursors are lost together or not at all when the database's machine fails, and the end of the run waits for everything before it.
        await client.query('set max_parallel_workers_per_gather = 0; set jit = off; set synchronous_commit = off')
      }
      await listAll(this.#deps, {
        run: this.#run,
        open,
        patterns,
        clients,
        signal: isResumable ? this.#signal : this.#untimed,
        cost: this.cost,
        onStopAsked: () => void this.#beat(),
        onProgress: (listed) => void this.#tell(listed, startedMs),
      })
    } finally {
      // They have settings of their own and maybe a broken transaction: they are not for others.
      for (const client of clients) client.release(true)
    }
  }

  async #tell(listed: number, startedMs: number): Promise<void> {
    // People browse while the first sync runs.
    await keepEstimates(this.#deps, this.#run.datasetNo)
    if (this.#run.options.scheduled === true) return
    const perSecond = Math.round((listed * 1000) / (performance.now() - startedMs))
    // A notice that cannot be written is no reason to end a sync.
    await notify(this.#deps.db, this.#notice('sync.progress', listed, perSecond), this.#deps.clock.now()).catch(
      () => {},
    )
  }

  #notice(code: 'sync.started' | 'sync.progress', listed: number, perSecond = 0) {
    const run = this.#run
    const count = run.listedBefore + listed
    const left = run.itemsKnown - count
    const isKnown = run.mode === 'compare' && left > 0
    return {
      code,
      orgId: run.orgId,
      projectId: run.projectId,
      resource: { type: 'dataset', id: run.datasetId, name: run.datasetName, action: 'sync' },
      text: code === 'sync.started' ? 'The storage is being listed.' : `${grouped(count)} files listed.`,
      groupKey: noticeKey(run),
      progress: {
        percent: isKnown ? Math.floor((100 * count) / run.itemsKnown) : null,
        count,
        perSecond,
        secondsLeft: isKnown && perSecond > 0 ? Math.ceil(left / perSecond) : null,
      },
    } as const
  }
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
  // A key that came in between is seen by the next look; one that never is must not be looked for without end.
  const isPassing = error instanceof NotNew || (typeof code === 'string' && DATABASE_RETRY.test(code))
  const internal = new AppError('server.internal')
  return { code: internal.code, message: internal.message, attemptsMax: isPassing ? ATTEMPTS_MAX : 1 }
}
