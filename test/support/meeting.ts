// A dataset on a bucket in memory whose workers can be made to meet at one exact moment: behind a listing's answer, or before a statement.
import { randomBytes } from 'node:crypto'
import { createDatasetIn } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import { type DrainReport, drainSource, markDirty } from '#core/hints/hints.ts'
import { continueSync, type SyncRequest, startSync } from '#core/sync/sync.ts'
import { createPool, type DbClient, type DbPool, withTransaction } from '#db/connect.ts'
import { newId } from '#lib/ids.ts'
import { createMemoryStorage, type MemoryBucket, memoryBucket } from '#storage/memory/memory.ts'
import type { ListPage, ListQuery, Storage } from '#storage/port.ts'
import { type TestApi, withApi } from './api.ts'

/** An item as these tests look at it. */
export interface MeetingRow {
  readonly state: number
  readonly text: string
  readonly itemNo: string
  readonly flags: number
  readonly metadata: unknown
}

/** See the head of this file. */
export class Meeting {
  readonly api: TestApi
  readonly deps: Deps
  bucket: MemoryBucket
  sourceNo = 0
  datasetNo = 0
  /** Keys a page. */
  pageKeys = 1000
  /** Called with every page of a listing after it was read and before anybody gets it; may give another one. */
  onPage: ((page: ListPage, query: ListQuery) => Promise<ListPage | undefined>) | null = null
  readonly #pool: DbPool
  readonly #queued: number[] = []
  #bucketName = ''
  #projectId = ''
  #waiting: { readonly sql: RegExp; readonly work: () => Promise<unknown> } | null = null

  private constructor(api: TestApi) {
    this.api = api
    this.bucket = memoryBucket('nobody’s')
    this.#pool = createPool(api.database.url, { connectionsMax: 30 })
    this.deps = {
      ...api.deps,
      db: this.#watched(this.#pool),
      queue: {
        enqueue: async (_tx, job, payload) => {
          if (job === 'sync.slice') this.#queued.push((payload as { runNo: number }).runNo)
        },
      },
      openStorage: async (spec) => {
        if (spec.provider !== 'local') throw new Error('a meeting has buckets in memory')
        return this.#storage(spec.rootPath)
      },
    }
  }

  /** Makes the API; `begin` then makes a bucket with a dataset. */
  static async open(): Promise<Meeting> {
    const meeting = new Meeting(await withApi())
    meeting.#projectId = await meeting.api.addProject()
    return meeting
  }

  async close(): Promise<void> {
    await this.#pool.end()
    await this.api.close()
  }

  /** A new bucket with these files, and a dataset on it that nobody has synced. */
  async begin(files: Readonly<Record<string, string>> = {}): Promise<void> {
    this.onPage = null
    this.pageKeys = 1000
    this.#waiting = null
    this.#queued.length = 0
    this.#bucketName = `/meetings/${randomBytes(6).toString('hex')}`
    this.bucket = memoryBucket(this.#bucketName)
    for (const [key, text] of Object.entries(files)) this.put(key, text)
    const { rows } = await this.#pool.query<{ no: number }>(
      `insert into source (org_id, provider, fingerprint) values ($1, 'local', $2) returning source_no as no`,
      [this.api.orgId, this.#bucketName],
    )
    this.sourceNo = rows[0]!.no
    this.datasetNo = await this.addDataset()
  }

  /** Another dataset on the bucket, with a driver of its own. */
  async addDataset(folder = ''): Promise<number> {
    const driverId = newId(Date.now())
    const { userId } = this.api.owner
    await this.#pool.query(
      `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, $1, 'local', $4, $5, $6)`,
      [driverId, this.#projectId, this.sourceNo, folder, JSON.stringify({ rootPath: this.#bucketName }), userId],
    )
    const dataset = { name: driverId, projectId: this.#projectId, driverId }
    return withTransaction(this.#pool, (tx) => createDatasetIn(this.deps, tx, this.api.owner, dataset))
  }

  /** The same text again is the same etag; the time never changes, so that an equal file is equal in everything. */
  put(key: string, text = key): void {
    this.bucket.put(Buffer.from(key), Buffer.from(text), { modifiedMs: 1_700_000_000_000 })
  }

  remove(key: string): void {
    this.bucket.delete(Buffer.from(key))
  }

  /** Puts a sync into the queue; answers its run. */
  async start(request: SyncRequest = {}, datasetNo = this.datasetNo): Promise<number> {
    await startSync(this.deps, this.api.owner, datasetNo, request)
    return this.#queued.at(-1)!
  }

  /** Does what is in the queue until nothing is. */
  async work(): Promise<void> {
    for (let runNo = this.#queued.shift(); runNo !== undefined; runNo = this.#queued.shift())
      await continueSync(this.deps, runNo, AbortSignal.timeout(60_000))
  }

  /** Starts a sync and does all of it; answers its state and counters. */
  async sync(request: SyncRequest = {}, datasetNo = this.datasetNo) {
    const runNo = await this.start(request, datasetNo)
    await this.work()
    return this.run(runNo)
  }

  /** A run as the table has it. */
  async run(runNo: number) {
    const { rows } = await this.#pool.query('select * from sync_run where run_no = $1', [runNo])
    return rows[0]!
  }

  async hint(key: string, removes = false): Promise<void> {
    await withTransaction(this.#pool, (tx) => markDirty(tx, this.sourceNo, [Buffer.from(key)], removes))
  }

  /** One pass over the dirty keys. */
  drain(): Promise<DrainReport> {
    return drainSource(this.deps, this.sourceNo, AbortSignal.timeout(60_000))
  }

  /** Passes until no key is dirty any more. */
  async drainAll(): Promise<void> {
    for (let pass = 0; pass < 20 && (await this.dirty()).length > 0; pass++) {
      await this.#pool.query('update dirty set not_before = null where source_no = $1', [this.sourceNo])
      await this.drain()
    }
  }

  async dirty(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ key: string }>(
      `select convert_from(key, 'UTF8') as key from dirty where source_no = $1 order by dirty.key`,
      [this.sourceNo],
    )
    return rows.map(({ key }) => key)
  }

  /** Items by their path; `text` is the etag of what the item was last seen to hold. */
  async rows(datasetNo = this.datasetNo): Promise<Record<string, MeetingRow>> {
    const { rows } = await this.#pool.query<MeetingRow & { path: string }>(
      `select d.path || i.name as path, i.state, encode(i.etag, 'hex') as text, i.item_no::text as "itemNo", i.flags, i.metadata
         from item i join dir d using (dataset_no, dir_no) where i.dataset_no = $1`,
      [datasetNo],
    )
    return Object.fromEntries(rows.map(({ path, ...row }) => [path, row]))
  }

  /** Paths of what is live, in order. */
  async live(datasetNo = this.datasetNo): Promise<string[]> {
    const rows = Object.entries(await this.rows(datasetNo))
    return rows
      .filter(([, { state }]) => state === 0)
      .flatMap(([path]) => path)
      .sort()
  }

  /**
   * Does something once, behind the next page of a sync's listing or of a look at single keys: when it was read, and before anybody has it. Resolves when that
   * is done.
   */
  atPage(of: 'listing' | 'look', work: () => unknown): Promise<void> {
    return new Promise((done, failed) => {
      this.onPage = async (_page, { entriesMax }) => {
        if ((of === 'listing') !== (entriesMax === undefined)) return undefined
        this.onPage = null
        await Promise.resolve(work()).then(() => done(), failed)
        return undefined
      }
    })
  }

  /** Does something once, before the next statement on a connection of its own that is like this; the statement waits. */
  beforeStatement(sql: RegExp, work: () => Promise<unknown>): void {
    this.#waiting = { sql, work }
  }

  /** Whether the moment that was waited for has not come: then a test shows nothing. */
  get isWaiting(): boolean {
    return this.onPage !== null || this.#waiting !== null
  }

  /** Starts something and goes on when it has ended or waits for a lock in the database. */
  async untilBlocked(work: Promise<unknown>): Promise<void> {
    let hasEnded = false
    const ended = () => {
      hasEnded = true
    }
    work.then(ended, ended)
    while (!hasEnded) {
      const { rows } = await this.#pool.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if (rows.length > 0) return
    }
  }

  #storage(name: string): Storage {
    const storage = createMemoryStorage({ name })
    return {
      ...storage,
      list: async (query) => {
        const page = await storage.list({ ...query, entriesMax: Math.min(query.entriesMax ?? 1000, this.pageKeys) })
        return (await this.onPage?.(page, query)) ?? page
      },
    }
  }

  /** The pool, with statements of its lent connections looked at before they are sent. */
  #watched(pool: DbPool): DbPool {
    const watched: DbPool = Object.create(pool)
    const lend = pool.connect.bind(pool) as () => Promise<DbClient>
    const watch = async () => {
      const client = await lend()
      const lent: DbClient = Object.create(client)
      const query = client.query.bind(client) as (...args: unknown[]) => unknown
      lent.query = ((...args: unknown[]) => this.#send(() => query(...args), args[0])) as DbClient['query']
      return lent
    }
    watched.connect = watch as unknown as typeof pool.connect
    watched.query = pool.query.bind(pool) as typeof pool.query
    return watched
  }

  #send(send: () => unknown, given: unknown): unknown {
    const waiting = this.#waiting
    if (waiting === null || typeof given !== 'string' || !waiting.sql.test(given)) return send()
    this.#waiting = null
    return waiting.work().then(send)
  }
}
