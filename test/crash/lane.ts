// A bucket and a database in which a sync waits to be started, cloned for every trial, so that trials know nothing of one another.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { inject } from 'vitest'
import { markDirty, wakeDrains } from '#core/hints/hints.ts'
import { createPool, type DbPool } from '#db/connect.ts'
import { graphileQueue, migrateQueue } from '#queue/graphile-worker.ts'
import { inDatabase } from '#test/support/database-names.ts'
import { connectApi, type SyncedApi } from '#test/support/sync.ts'
import { createEnvelopeVault } from '#vault/envelope.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { type Content, FOLDER, fillBucket } from './content.ts'
import { type Index, readIndex } from './index-rows.ts'
import { type Oracle, oracleOf } from './oracle.ts'
import { type Listed, Listing, readListing } from './pages.ts'
import { startWorker, type WorkerEnd, type WorkerSettings } from './worker-process.ts'

/** A sync of a bucket. */
export interface Step {
  readonly content: Content
  /** Remove what is gone instead of marking it. */
  readonly reconcile?: boolean
  /** No sync: the keys that differ from the step before are marked as to be read again. */
  readonly isHinted?: boolean
}

/** What is synced, and how. */
export interface Scenario {
  readonly name: string
  /** One sync after another; the last one is killed, those before it run in peace. */
  readonly steps: readonly Step[]
  readonly listConnections: number
  /** Small pages and batches. */
  readonly isSmall: boolean
  /** How long a slice of the sync that is killed may take. */
  readonly sliceMs?: number
}

/** A place for trials, one at a time. */
export interface Lane {
  readonly scenario: Scenario
  readonly datasetNo: number
  readonly runNo: number
  readonly oracle: Oracle
  readonly before: Index
  readonly listing: Listing
  readonly reconciles: boolean
  readonly isHinted: boolean
  /** Whether the work that is killed has come to its end. */
  isDone(pool: DbPool): Promise<boolean>
  /** Makes the bucket what it was before the sync: the product leaves a mark in it. */
  restoreBucket(): void
  /** The listings asked for since the last call, in order. */
  takeListed(): Listed[]
  /** A database in which the sync is queued. */
  clone(): Promise<TrialDatabase>
  /** How a worker reaches a database of this lane. */
  settings(databaseUrl: string): WorkerSettings
  close(): Promise<void>
}

/** A trial's database. */
export interface TrialDatabase {
  readonly url: string
  readonly pool: DbPool
  drop(): Promise<void>
}

const keys = { accessKeyId: 'crash-key', secretKey: 'crash-secret' }

/** Prepares a lane: connects the bucket and does the syncs before the one that is killed. */
export async function openLane(scenario: Scenario): Promise<Lane> {
  let listed: Listed[] = []
  const bucket = await startBucket({
    port: 0,
    ...keys,
    onRequest: (method, url) => {
      const listing = readListing(method, url)
      if (listing !== null) listed.push(listing)
    },
  })
  const masterKey = randomBytes(32).toString('base64')
  const synced = await connectApi(
    { ...bucket, accessKey: keys.accessKeyId, secretKey: keys.secretKey },
    {
      folder: FOLDER.slice(0, -1),
      override: { vault: createEnvelopeVault([Buffer.from(masterKey, 'base64')]), queue: graphileQueue },
    },
  )
  const { pool, url: templateUrl } = synced.api.database
  const { dataDir } = synced.api.deps.config
  await migrateQueue(pool)
  const settings = (databaseUrl: string): WorkerSettings => ({
    databaseUrl,
    dataDir,
    masterKey,
    listConnections: scenario.listConnections,
    isSmall: scenario.isSmall,
    sliceMs: scenario.sliceMs,
  })
  const { datasetNo, runNo, before } = await prepare(synced, bucket, scenario, settings(templateUrl))
  const content = contentOf(bucket, scenario.steps.at(-1)!.content)
  // A database is cloned only while nobody is connected to it.
  await synced.api.app.close()
  await pool.end()
  const { reconcile = false, isHinted = false } = scenario.steps.at(-1)!
  return {
    scenario,
    datasetNo,
    runNo,
    before,
    oracle: oracleOf(content),
    listing: new Listing(content.keys(), scenario.isSmall),
    reconciles: reconcile,
    isHinted,
    isDone: (pool) => (isHinted ? hasNoDirtyKey(pool) : hasEndedRun(pool, runNo)),
    restoreBucket: () => fillBucket(bucket, contentOf(bucket, content), content),
    takeListed: () => {
      const taken = listed
      listed = []
      return taken
    },
    clone: () => cloneDatabase(databaseName(templateUrl)),
    settings,
    close: async () => {
      await bucket.close()
      await asAdmin(`drop database if exists ${databaseName(templateUrl)} with (force)`)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** What is in a bucket, with the keys that the product has put there itself. */
function contentOf(bucket: Bucket, put: Content): Content {
  const ours = bucket.keys().filter((key) => !put.has(key))
  return new Map([...put, ...ours.map((key) => [key, { bytes: bucket.get(key)!, modifiedMs: Date.now() }] as const)])
}

async function prepare(synced: SyncedApi, bucket: Bucket, { steps }: Scenario, settings: WorkerSettings) {
  const { pool } = synced.api.database
  const last = async () => {
    const { rows } = await pool.query<{ run_no: number; dataset_no: number }>(
      'select run_no, dataset_no from sync_run order by run_no desc limit 1',
    )
    return rows[0]!
  }
  let datasetId: string | null = null
  for (const [no, { content, reconcile = false, isHinted = false }] of steps.entries()) {
    if (datasetId !== null) {
      const { run_no: runNo } = await last()
      await runInPeace(settings, `run ${runNo}`, () => hasEndedRun(pool, runNo))
      await writeNotes(pool)
    }
    fillBucket(bucket, steps[no - 1]?.content ?? new Map(), content)
    if (no === 0) datasetId = await synced.addDataset({ sync: true })
    else if (isHinted) await hint(synced, steps[no - 1]!.content, content)
    else await startSync(synced, datasetId!, reconcile)
  }
  const { run_no: runNo, dataset_no: datasetNo } = await last()
  return { runNo, datasetNo, before: await readIndex(pool, datasetNo) }
}

async function startSync({ api }: SyncedApi, datasetId: string, reconcile: boolean): Promise<void> {
  const json = { reconcile }
  const answer = await api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/sync`, { json })
  if (answer.status >= 400) throw new Error(`the sync did not start: ${answer.text} ${api.logs()}`)
}

/** Marks all keys that differ as to be read again, and wakes whoever reads them. */
async function hint({ api: { deps } }: SyncedApi, before: Content, after: Content): Promise<void> {
  const keys = new Set([...before.keys(), ...after.keys()])
  const changed = [...keys].filter((key) => before.get(key) !== after.get(key))
  const { rows } = await deps.db.query<{ source_no: number }>('select source_no from source')
  await markDirty(
    deps.db,
    rows[0]!.source_no,
    changed.map((key) => Buffer.from(key)),
  )
  await wakeDrains(deps)
}

/** People have written something to some of the items; no sync may lose it. */
async function writeNotes(pool: DbPool): Promise<void> {
  await pool.query(
    `update item set metadata = jsonb_build_object('note', item_no::text), updated_at = now() - interval '1 hour' where item_no % 5 = 0 and metadata is null`,
  )
}

/** Lets a worker work until all is done, without disturbing it; answers what it called. */
export async function runInPeace(
  settings: WorkerSettings,
  what: string,
  isDone: () => Promise<boolean>,
): Promise<WorkerEnd> {
  const worker = startWorker(settings, null)
  try {
    await waitFor(what, async () => worker.hasEnded() || (await isDone()))
  } catch (error) {
    worker.kill('SIGKILL')
    const { log } = await worker.ended
    throw new Error(`${String(error)} ${log}`, { cause: error })
  }
  // What it says while it is stopped is another matter than the work it did.
  const log = worker.log()
  worker.kill('SIGTERM')
  const end = await worker.ended
  if (end.calls.length === 0) throw new Error(`${what} did not end well: ${end.log}`)
  return { ...end, log }
}

async function hasEndedRun(pool: DbPool, runNo: number): Promise<boolean> {
  const { rows } = await pool.query<{ state: string }>('select state from sync_run where run_no = $1', [runNo])
  return ['success', 'failed', 'canceled', 'parked'].includes(rows[0]!.state)
}

async function hasNoDirtyKey(pool: DbPool): Promise<boolean> {
  const { rows } = await pool.query<{ left: number }>('select count(*) as left from dirty')
  return rows[0]!.left === 0
}

const PATIENCE_MS = 90_000
const POLL_MS = 8

/** Waits until a condition holds; throws when it does not within a minute and a half: slices of a tenth of a second get nowhere for a while on a machine that is busy otherwise. */
export async function waitFor(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (const untilMs = Date.now() + PATIENCE_MS; !(await condition()); ) {
    if (Date.now() > untilMs) throw new Error(`waited in vain for ${what}`)
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

async function cloneDatabase(template: string): Promise<TrialDatabase> {
  const name = `crash_${randomBytes(6).toString('hex')}`
  await asAdmin(`create database ${name} template ${template}`)
  const url = inDatabase(inject('databaseServerUrl'), name)
  const pool = createPool(url, { connectionsMax: 2, applicationName: 'crash test' })
  return {
    url,
    pool,
    async drop() {
      await pool.end()
      await asAdmin(`drop database if exists ${name} with (force)`)
    },
  }
}

async function asAdmin(sql: string): Promise<void> {
  const admin = createPool(inject('databaseServerUrl'), { connectionsMax: 1 })
  try {
    await admin.query(sql)
  } finally {
    await admin.end()
  }
}

function databaseName(url: string): string {
  return new URL(url).pathname.slice(1)
}
