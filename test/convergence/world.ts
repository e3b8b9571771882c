// One bucket, the datasets on it, and everything that can happen to both: files change, events come or do not, syncs and resolvers work, crash and meet.
import { randomBytes } from 'node:crypto'
import type { PatternRule } from '#contract/sync-settings.ts'
import { clearMissing } from '#core/catalog/catalog.ts'
import { createDatasetIn } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import { drainSource, markDirty } from '#core/hints/hints.ts'
import { updateSyncSettings } from '#core/patterns/patterns.ts'
import {
  approveSync,
  cancelSync,
  continueSync,
  pauseSync,
  resumeSync,
  type SyncRequest,
  startSync,
} from '#core/sync/sync.ts'
import { createPool, type DbPool, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import { createMemoryStorage, type MemoryBucket, memoryBucket } from '#storage/memory/memory.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { Actor, heldPool, heldStorage, type Plan } from './actor.ts'

/** Nobody works longer than this when nobody is held back; the longest wait of the product's own is 15 s. */
const STUCK_MS = 30_000

/** Keys a page. */
const PAGE_KEYS = 2

/** Where worlds are: one server and one database for all. */
export interface Universe {
  readonly api: TestApi
  readonly deps: Deps
  close(): Promise<void>
}

/** Opens the database of a test file's worlds. */
export async function openUniverse(): Promise<Universe> {
  const api = await withApi()
  const pool = createPool(api.database.url, { connectionsMax: 40 })
  const deps: Deps = {
    ...api.deps,
    db: heldPool(pool),
    config: { ...api.deps.config, listConnections: 2 },
    openStorage: async (spec) => {
      if (spec.provider !== 'local') throw new Error('a world has buckets in memory')
      return heldStorage(createMemoryStorage({ name: spec.rootPath }), PAGE_KEYS)
    },
  }
  return {
    api,
    deps,
    close: async () => {
      await pool.end()
      await api.close()
    },
  }
}

/** A dataset of a world. */
export interface WorldDataset {
  readonly datasetNo: number
  /** The driver's folder. */
  readonly folder: string
  /** When it was made, or its patterns were changed: before, nothing that was read counts. */
  changedAt: number
  /** When each of its syncs began, by number. */
  readonly began: Map<number, number>
  patterns: { include: PatternRule[]; exclude: PatternRule[] }
}

/** An event about a file that is on its way. */
export interface WorldEvent {
  readonly key: string
  readonly removes: boolean
}

/** What becomes of an event. */
export type Fate = 'now' | 'later' | 'lost'

/** See the head of this file. Everything resolves when nothing moves any more by itself. */
export class World {
  readonly bucket: MemoryBucket
  readonly deps: Deps
  /** For looking: a pool in which nobody is held back. */
  readonly db: DbPool
  readonly datasets: WorldDataset[] = []
  readonly events: WorldEvent[] = []
  /** Keys that were ever in the bucket. */
  readonly everThere = new Set<string>()
  readonly actors: Actor[] = []
  sourceNo = 0
  orgId = ''
  /** When each key was last changed, and when somebody last said something about it. */
  readonly #changedAt = new Map<string, number>()
  readonly #hintedAt = new Map<string, number>()
  /** Counts changes: the world's own time. */
  #now = 0
  readonly #universe: Universe
  readonly #name: string
  #projectId = ''
  #clockMs = Date.UTC(2026, 0, 1)

  constructor(universe: Universe) {
    this.#universe = universe
    this.deps = universe.deps
    this.db = universe.api.deps.db
    this.#name = randomBytes(6).toString('hex')
    this.bucket = memoryBucket(`/worlds/${this.#name}`)
  }

  /** Makes the organization and the bucket's drivers: one of the whole bucket, one of the folder `a/`. */
  async open(points: number | null): Promise<void> {
    const { db } = this.deps
    const { userId } = this.#universe.api.owner
    this.orgId = newId(Date.now())
    this.#projectId = newId(Date.now())
    await db.query('insert into org (id, name, creator_id) values ($1, $2, $3)', [this.orgId, this.#name, userId])
    await db.query('insert into data_points (org_id, points_max) values ($1, $2)', [this.orgId, points])
    await db.query('insert into project (id, org_id, name, creator_id) values ($1, $2, $3, $4)', [
      this.#projectId,
      this.orgId,
      this.#name,
      userId,
    ])
    const { rows } = await db.query<{ source_no: number }>(
      `insert into source (org_id, provider, fingerprint) values ($1, 'local', 'bucket') returning source_no`,
      [this.orgId],
    )
    this.sourceNo = rows[0]!.source_no
  }

  /** Makes a dataset on a driver of its own. */
  async addDataset(folder: string): Promise<void> {
    const driverId = newId(Date.now())
    const { userId, email } = this.#universe.api.owner
    await this.deps.db.query(
      `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, $1, 'local', $4, $5, $6)`,
      [driverId, this.#projectId, this.sourceNo, folder, JSON.stringify({ rootPath: `/worlds/${this.#name}` }), userId],
    )
    const datasetNo = await withTransaction(this.deps.db, (tx) =>
      createDatasetIn(this.deps, tx, { userId, email }, { name: driverId, projectId: this.#projectId, driverId }),
    )
    this.datasets.push({
      datasetNo,
      folder,
      changedAt: ++this.#now,
      began: new Map(),
      patterns: { include: [], exclude: [] },
    })
  }

  // ---- the bucket -------------------------------------------------------------------------------------------------------------------------------

  /** Writes a file, the same text again with the same etag at another time; null deletes it. The event arrives now, later or never. */
  async write(key: string, text: string | null, fate: Fate): Promise<void> {
    const bytes = Buffer.from(key)
    this.#clockMs += 1000
    if (text !== null) this.bucket.put(bytes, Buffer.from(text), { modifiedMs: this.#clockMs })
    else if (!this.bucket.delete(bytes)) return
    if (text !== null) this.everThere.add(key)
    this.#changedAt.set(key, ++this.#now)
    if (fate === 'later') this.events.push({ key, removes: text === null })
    if (fate === 'now') await this.hint(key, text === null)
  }

  /** Copies a file over another, and deletes the first where it is a move. */
  async copy(from: string, to: string, isMove: boolean): Promise<void> {
    const file = this.bucket.get(Buffer.from(from))
    if (file === undefined || from === to) return
    await this.write(to, file.body.toString(), 'later')
    if (isMove) await this.write(from, null, 'later')
  }

  // ---- events -----------------------------------------------------------------------------------------------------------------------------------

  /** Delivers one of the events that are on their way, in whatever order; `again`: it will come once more. */
  async deliver(place: number, again: boolean): Promise<void> {
    const [event] = this.events.splice(place % this.events.length, 1)
    if (event === undefined) return
    if (again) this.events.push(event)
    await this.hint(event.key, event.removes)
  }

  /** Says something about a key, true or not. */
  async hint(key: string, removes: boolean): Promise<void> {
    const saidAt = this.#now
    await withTransaction(this.deps.db, (tx) => markDirty(tx, this.sourceNo, [Buffer.from(key)], removes))
    this.#hintedAt.set(key, Math.max(saidAt, this.#hintedAt.get(key) ?? -1))
  }

  // ---- workers ----------------------------------------------------------------------------------------------------------------------------------

  /** Lets a resolver make one pass. */
  async resolve(plan: Plan): Promise<void> {
    await this.#start(new Actor('resolver', plan), (signal) => drainSource(this.deps, this.sourceNo, signal))
  }

  /** Lets a worker do a slice of the dataset's unfinished sync, if it has one. */
  async slice(dataset: WorldDataset, plan: Plan): Promise<void> {
    const run = await this.run(dataset)
    if (run === null) return
    await this.#start(new Actor(`slice of ${run.runNo}`, plan), (signal) => continueSync(this.deps, run.runNo, signal))
  }

  /** Does something that may have to wait for one who is held back: goes on when it is done or waits. */
  async meanwhile(name: string, work: () => void | Promise<void>): Promise<void> {
    await this.#start(new Actor(name, {}), async () => work())
  }

  /** How many have begun and not ended, whoever holds them back. */
  get crowd(): number {
    return this.actors.filter((actor) => !actor.hasEnded).length
  }

  async #start(actor: Actor, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    this.actors.push(actor)
    await actor.start(work)
  }

  /** Lets one of those who are held back go on. */
  async release(place: number): Promise<void> {
    const waiting = this.actors.filter((actor) => actor.isHeldBack)
    await waiting[place % waiting.length]?.release()
  }

  /** Lets everybody go on to their end; throws when some wait for one another for ever. */
  async letAllEnd(): Promise<void> {
    const all = Promise.all(this.actors.map((actor) => actor.finish()))
    let timer: NodeJS.Timeout | undefined
    const stuck = new Promise<'stuck'>((done) => {
      timer = setTimeout(done, STUCK_MS, 'stuck')
    })
    const outcome = await Promise.race([all, stuck])
    clearTimeout(timer)
    if (outcome !== 'stuck') return
    const names = this.actors.filter((actor) => !actor.hasEnded).map((actor) => actor.name)
    const { rows } = await this.#universe.api.deps.db.query(
      `select pid, state, pg_blocking_pids(pid) as blocked_by, left(query, 200) as query from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`,
    )
    throw new Error(`${names.join(', ')} wait for ever: ${JSON.stringify(rows)}`)
  }

  /** Leases run out: whoever is held back has lost what it was working on. */
  async expireLeases(): Promise<void> {
    const { db } = this.deps
    const past = `now() - interval '1 second'`
    await db.query(
      `update sync_run set lease_until = ${past} where lease_until is not null and dataset_no = any($1::int[])`,
      [this.datasets.map(({ datasetNo }) => datasetNo)],
    )
    await db.query(`update dirty set lease_until = ${past} where lease_until is not null and source_no = $1`, [
      this.sourceNo,
    ])
  }

  // ---- people -----------------------------------------------------------------------------------------------------------------------------------

  /** The dataset's unfinished sync. */
  async run(dataset: WorldDataset): Promise<{
    runNo: number
    commandId: string
    state: string
    errorCode: string | null
    set: string | null
  } | null> {
    const { rows } = await this.db.query<{
      runNo: number
      commandId: string
      state: string
      errorCode: string | null
      set: string | null
    }>(
      `select run_no as "runNo", command_id as "commandId", state, error_code as "errorCode", report->'absent'->>'set' as set
         from sync_run where dataset_no = $1 and state in ('queued', 'running', 'paused', 'parked')`,
      [dataset.datasetNo],
    )
    return rows[0] ?? null
  }

  async startSync(dataset: WorldDataset, request: SyncRequest): Promise<void> {
    const beganAt = this.#now
    await unlessRefused(startSync(this.deps, this.#universe.api.owner, dataset.datasetNo, request))
    const run = await this.run(dataset)
    if (run !== null && !dataset.began.has(run.runNo)) dataset.began.set(run.runNo, beganAt)
  }

  /**
   * Tells which files a dataset must know as they are, once everything is at rest: those of which something was said after their last change, and those that
   * a sync has seen through which began later than that.
   */
  async known(dataset: WorldDataset): Promise<(path: string) => boolean> {
    const { rows } = await this.db.query<{ run_no: number | null }>(
      `select max(run_no) as run_no from sync_run where dataset_no = $1 and state = 'success' and options->>'dryRun' is null`,
      [dataset.datasetNo],
    )
    const syncedAt = dataset.began.get(rows[0]?.run_no ?? -1) ?? -1
    return (path) => {
      const key = dataset.folder + path
      const changedAt = Math.max(this.#changedAt.get(key) ?? 0, dataset.changedAt)
      return syncedAt >= changedAt || (this.#hintedAt.get(key) ?? -1) >= changedAt
    }
  }

  async steer(dataset: WorldDataset, how: 'pause' | 'resume' | 'cancel' | 'approve'): Promise<void> {
    const run = await this.run(dataset)
    if (run === null) return
    if (how === 'pause') await unlessRefused(pauseSync(this.deps, run.commandId))
    if (how === 'resume') await unlessRefused(resumeSync(this.deps, run.commandId))
    if (how === 'cancel') await cancelSync(this.deps, run.commandId)
    if (how === 'approve' && run.set !== null)
      await unlessRefused(approveSync(this.deps, dataset.datasetNo, run.commandId, run.set))
  }

  /** A user clears everything that is missing. */
  async clearMissing(dataset: WorldDataset): Promise<void> {
    await withTransaction(this.deps.db, async (tx) => {
      const { rows } = await tx.query<{ no: string; ticket: number }>(
        `select item_no::text as no, nextval('ticket') as ticket from item where dataset_no = $1 and state = 1 order by item_no`,
        [dataset.datasetNo],
      )
      if (rows.length === 0) return
      const target = {
        datasetNo: dataset.datasetNo,
        orgId: this.orgId,
        ticket: rows[0]!.ticket,
        nowMs: this.deps.clock.now(),
      }
      await clearMissing(
        tx,
        target,
        rows.map(({ no }) => no),
      )
    })
  }

  async setPatterns(dataset: WorldDataset, exclude: PatternRule[]): Promise<void> {
    dataset.patterns = { include: [], exclude }
    dataset.changedAt = ++this.#now
    await updateSyncSettings(this.deps, this.#universe.api.owner, dataset.datasetNo, dataset.patterns)
  }

  /** A user writes metadata to an item, if there is one with this path. */
  async annotate(dataset: WorldDataset, path: string, note: string): Promise<void> {
    await this.deps.db.query(
      `update item i set metadata = jsonb_build_object('note', $3::text) from dir f
        where i.dataset_no = $1 and f.dataset_no = i.dataset_no and f.dir_no = i.dir_no and f.path || i.name = $2`,
      [dataset.datasetNo, path, note],
    )
  }

  async setPoints(max: number | null): Promise<void> {
    await this.deps.db.query('update data_points set points_max = $2 where org_id = $1', [this.orgId, max])
  }
}

/** What a person asks for at the wrong moment is refused, and nothing happens. */
async function unlessRefused(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error
  })
}
