import { type Applied, MediaTypes, takeTicket } from '#core/catalog/catalog.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import { notify } from '#core/notifications/notifications.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { grouped } from '#lib/grouped.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { inFolder } from '#storage/key.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Deps } from '../deps.ts'
import { backOff, clearKey, type HeldKey, HoldLost, holdKeys, isDue, releaseBusy } from './lease.ts'
import { type Reading, readKeys } from './observe.ts'
import { type Door, findDoors, hasDatasets, type KeyDataset } from './queries.ts'
import { isPassing, resolveKey } from './resolve.ts'

/** Name of the job that reads the dirty keys of one source. */
export const DRAIN_JOB = 'hints.drain'

/** Keys that are taken and read together: enough that neighbours share requests, few enough to be written well within their lease. */
const BATCH = 200
/** Keys written at once. */
const WRITERS = 4
/** A pass ends by itself after this, so that syncs get their turn. */
const PASS_MS_MAX = 60_000
/** Longest reading of one batch. */
const READ_MS_MAX = 30_000

/** What a pass did: keys read and written, by outcome, and those that are to be read again. */
export interface DrainReport {
  readonly read: number
  readonly requests: number
  readonly outcomes: Readonly<Partial<Record<Applied, number>>>
  readonly stale: number
  readonly failed: number
}

/**
 * For the clockwork: puts a pass into the queue for each source that has due keys and no worker on them. Called once a second, which together with one
 * reading a pass bounds how often a key that never rests is read.
 */
export async function wakeDrains(deps: Deps): Promise<void> {
  for (const sourceNo of await findDueSources(deps.db))
    await deps.queue.enqueue(deps.db, DRAIN_JOB, { sourceNo }, { key: `hints:${sourceNo}` })
}

async function findDueSources(db: Db): Promise<number[]> {
  const { rows } = await db.query<{ source_no: number }>(
    `select s.source_no from source s
      where exists (select 1 from dirty d where d.source_no = s.source_no and ${isDue})
        and not exists (select 1 from dirty d where d.source_no = s.source_no and d.lease_until >= now())
      order by s.source_no`,
  )
  return rows.map((row) => row.source_no)
}

/** Reads what is due in all sources, one pass each; for tests and for a person who does not want to wait. */
export async function drainHints(deps: Deps, signal: AbortSignal): Promise<DrainReport> {
  const pass = new Pass(deps, signal)
  for (const sourceNo of await findDueSources(deps.db)) await pass.run(sourceNo)
  return pass.report
}

/**
 * Reads the due keys of a source again and writes what is there to every dataset they belong to (UP-10, UP-12). Any number of workers may do so at once:
 * each key has one at a time, and one that lost its lease writes nothing.
 *
 * A key that cannot be read, or not be written for want of data points (UP-16), stays, and is tried again later. Nothing in any bucket is ever changed (UP-11).
 */
export async function drainSource(deps: Deps, sourceNo: number, signal: AbortSignal): Promise<DrainReport> {
  const pass = new Pass(deps, signal)
  await pass.run(sourceNo)
  return pass.report
}

class Pass {
  readonly #deps: Deps
  readonly #signal: AbortSignal
  readonly #cost = { requests: 0 }
  readonly #outcomes: Partial<Record<Applied, number>> = {}
  #read = 0
  #stale = 0
  #failed = 0
  #types: MediaTypes | null = null
  /** Datasets that lacked data points for a key for the first time, and for how many. */
  readonly #short = new Map<number, { readonly dataset: KeyDataset; count: number }>()

  constructor(deps: Deps, signal: AbortSignal) {
    this.#deps = deps
    this.#signal = AbortSignal.any([signal, AbortSignal.timeout(PASS_MS_MAX)])
  }

  get report(): DrainReport {
    const { requests } = this.#cost
    return { read: this.#read, requests, outcomes: this.#outcomes, stale: this.#stale, failed: this.#failed }
  }

  async run(sourceNo: number): Promise<void> {
    const { db } = this.#deps
    const pass = await takeTicket(db)
    while (!this.#signal.aborted) {
      const held = await holdKeys(db, sourceNo, pass, BATCH)
      if (held.length === 0) break
      await this.#readBatch(sourceNo, held)
    }
    await this.#tellShort()
  }

  async #readBatch(sourceNo: number, held: readonly HeldKey[]): Promise<void> {
    const { db } = this.#deps
    const wanted: HeldKey[] = []
    for (const key of held) {
      if (await hasDatasets(db, sourceNo, key.key)) wanted.push(key)
      else await this.#guard(key, () => clearKey(db, key))
    }
    const readings = await this.#throughDoors(await findDoors(db, sourceNo), wanted)
    this.#types ??= await MediaTypes.load(db)
    const queue = [...wanted]
    const writer = async () => {
      for (let key = queue.shift(); key !== undefined; key = queue.shift()) await this.#write(key, readings.get(key)!)
    }
    await Promise.all(Array.from({ length: WRITERS }, writer))
  }

  /** Reads each key by the first driver that holds it and is let in; what refuses one driver says nothing about the file. */
  async #throughDoors(doors: readonly Door[], wanted: readonly HeldKey[]): Promise<Map<HeldKey, Reading>> {
    const none: Reading = { failure: new AppError('dataset.disconnected') }
    const readings = new Map<HeldKey, Reading>(wanted.map((key) => [key, none]))
    for (const door of doors) {
      const open = wanted.filter(({ key }) => inFolder(door.folder, key))
      const left = open.filter((key) => 'failure' in readings.get(key)!)
      if (left.length === 0) continue
      const found = await this.#readBy(
        door,
        left.map(({ key }) => key),
      )
      left.forEach((key, index) => void readings.set(key, found[index]!))
    }
    return readings
  }

  async #readBy({ driverId }: Door, keys: readonly Buffer[]): Promise<Reading[]> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(READ_MS_MAX)])
    try {
      return await readKeys(await openDriver(this.#deps, driverId), keys, signal, this.#cost)
    } catch (failure) {
      // The driver itself could not be opened.
      return keys.map(() => ({ failure }))
    }
  }

  async #write(held: HeldKey, reading: Reading): Promise<void> {
    if ('failure' in reading) {
      this.#failed++
      await this.#guard(held, () => this.#putBack(held, reading.failure))
      return
    }
    this.#read++
    await this.#guard(held, async () => {
      const resolved = await resolveKey(this.#deps, held, reading.sighting, this.#types!)
      if (resolved.kind === 'stale') {
        this.#stale++
        return
      }
      for (const outcome of resolved.applied) this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1
      if (held.attempts === 0) for (const dataset of resolved.overQuota) this.#noteShort(dataset)
    })
  }

  async #putBack(held: HeldKey, failure: unknown): Promise<void> {
    const { db, log } = this.#deps
    if (this.#signal.aborted) return releaseBusy(db, held)
    // Where a storage cannot list, such a key cannot be read alone, today or ever: the next sync sees it.
    if (failure instanceof StorageError && failure.kind === 'unaddressable') return clearKey(db, held)
    const code =
      failure instanceof StorageError
        ? storageErrorCode(failure)
        : failure instanceof AppError
          ? failure.code
          : 'server.internal'
    if (code === 'server.internal') log.error({ err: failure, sourceNo: held.sourceNo }, 'a key could not be read')
    await backOff(db, held, code)
  }

  /** Does something with a held key. Whoever lost it leaves it to the one who has it. */
  async #guard(held: HeldKey, work: () => Promise<void>): Promise<void> {
    const { db, log } = this.#deps
    try {
      await work()
    } catch (error) {
      if (error instanceof HoldLost) return
      const wayOut = isPassing(error)
        ? () => releaseBusy(db, held)
        : () => {
            log.error({ err: error, sourceNo: held.sourceNo }, 'a key could not be written')
            return backOff(db, held, 'server.internal')
          }
      await wayOut().catch((second: unknown) => {
        // A database that is away: the lease runs out by itself.
        if (!(second instanceof HoldLost) && !isPassing(second)) log.error({ err: second }, 'a key could not be let go')
      })
    }
  }

  #noteShort(dataset: KeyDataset): void {
    const known = this.#short.get(dataset.datasetNo)
    if (known) known.count++
    else this.#short.set(dataset.datasetNo, { dataset, count: 1 })
  }

  async #tellShort(): Promise<void> {
    for (const { dataset, count } of this.#short.values()) {
      const files = count === 1 ? 'A new file was' : `${grouped(count)} new files were`
      const notice = {
        code: 'quota.exceeded',
        orgId: dataset.orgId,
        projectId: dataset.projectId,
        resource: { type: 'dataset', id: dataset.id, name: dataset.name, action: 'upstream' },
        text: `${files} not added for want of data points. Raise the organization’s quota or free data points; they are then added by themselves.`,
        groupKey: `hints.quota:${dataset.id}`,
      } as const
      await notify(this.#deps.db, notice, this.#deps.clock.now())
    }
    this.#short.clear()
  }
}
