import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasetNoOf, expectFolderCounters, sumOfDataset } from './catalog.ts'
import { expectSameSum } from './check.ts'
import { usageOf } from './child.ts'
import { type BenchDatabase, startDatabase, withPool } from './database.ts'
import { lastRun, makeDataset, syncAndWait } from './indexing.ts'
import { describe, type Run } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { Bucket, type Change } from './replay/bucket.ts'
import { makeLayout } from './replay/layouts.ts'
import { BucketLedger, type ChangeCounts } from './replay/ledger.ts'
import { type Replay, startReplay } from './replay/start.ts'
import { progress } from './report.ts'
import { type SluiceServer, startSluice } from './server.ts'

/** A run of which is known what it wrote. */
export interface WrittenRun extends Run {
  readonly walBytes: number
}

const nothingChanged: ChangeCounts = { added: 0, changed: 0, gone: 0, returned: 0 }

/** Objects that a change was about, whatever became of them. */
export function changesOf({ added, changed, gone, returned }: ChangeCounts): number {
  return added + changed + gone + returned
}

/** A changing bucket, the real server with a dataset on it, and the truth about both. */
export class ResyncStage {
  readonly replay: Replay
  readonly database: BenchDatabase
  readonly databaseUrl: string
  readonly ledger: BucketLedger
  readonly #sluice: SluiceServer
  readonly #datasetId: string
  readonly datasetNo: number

  constructor(parts: {
    replay: Replay
    database: BenchDatabase
    databaseUrl: string
    ledger: BucketLedger
    sluice: SluiceServer
    datasetId: string
    datasetNo: number
  }) {
    this.replay = parts.replay
    this.database = parts.database
    this.databaseUrl = parts.databaseUrl
    this.ledger = parts.ledger
    this.#sluice = parts.sluice
    this.#datasetId = parts.datasetId
    this.datasetNo = parts.datasetNo
  }

  /** Does at once what the database does by itself within a minute of a first sync, and what would else fall on whoever is measured then. */
  settle(): Promise<void> {
    return withPool(this.databaseUrl, async (pool) => {
      for (const table of ['item', 'dir']) await pool.query(`vacuum (analyze) ${table}`)
    })
  }

  /** Leads bucket and truth to the next generation. */
  async change(change: Change): Promise<ChangeCounts> {
    await this.replay.change(change)
    return this.ledger.change(change)
  }

  /** Syncs once through the HTTP API and checks that the index is then exactly the bucket; processor time and memory are the server process's. */
  async sync(counts: ChangeCounts): Promise<WrittenRun> {
    const { api, pid } = this.#sluice
    const before = usageOf(pid)
    const { run, walBytes } = await this.measureWal(() => syncAndWait(api, this.#datasetId))
    const after = usageOf(pid)
    await this.#expectCounts(counts)
    await this.#expectIndexed()
    const units = this.ledger.present.count
    return { seconds: run, units, cpuMicros: after.cpuMicros - before.cpuMicros, rssMaxMb: after.rssMaxMb, walBytes }
  }

  /** Does some work after a checkpoint and says how much write-ahead log the database wrote meanwhile. */
  async measureWal<T>(work: () => Promise<T>): Promise<{ run: T; walBytes: number }> {
    await this.database.checkpoint()
    const before = await this.database.walBytes()
    const run = await work()
    return { run, walBytes: (await this.database.walBytes()) - before }
  }

  /** Throws unless the dataset's last run counted what really changed. */
  async #expectCounts({ added, changed, gone, returned }: ChangeCounts): Promise<void> {
    const { counts: found } = await lastRun(this.#sluice.api, this.#datasetId)
    const listed = this.ledger.present.count
    const wanted: Record<string, number> = {
      listed,
      added,
      changed,
      returned,
      unchanged: listed - added - changed - returned,
      missing: gone,
    }
    const wrong = Object.entries(wanted).filter(([name, count]) => found[name] !== count)
    if (wrong.length === 0) return
    const text = wrong.map(([name, count]) => `${found[name]} ${name} instead of ${count}`).join(', ')
    throw new Error(`the run's counts are wrong: ${text}`)
  }

  /** Throws unless live rows are the bucket's objects, missing rows those that are gone, and every folder counts its own. */
  async #expectIndexed(): Promise<void> {
    const { present, gone } = this.ledger
    await withPool(this.databaseUrl, async (pool) => {
      const live = await sumOfDataset(pool, this.datasetNo)
      const missing = await sumOfDataset(pool, this.datasetNo, { state: 1 })
      expectSameSum('the sync', live, present)
      expectSameSum('what the sync marked missing', missing, gone)
      await expectFolderCounters(pool, this.datasetNo)
    })
  }
}

/**
 * Starts replay server, database and Sluice, makes a dataset, syncs it for the first time and checks that; gives the stage and that first run to
 * `work`. Everything is gone afterwards.
 */
export async function withResyncStage<T>(
  objects: number,
  options: BenchOptions,
  work: (stage: ResyncStage, first: WrittenRun) => Promise<T>,
): Promise<T> {
  const { layout, latencyMs = 0, connections } = options
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-resync-'))
  const replay = await startReplay({ objects, layout, latencyMs, isChanging: true })
  const database = await startDatabase()
  try {
    const databaseUrl = await database.create('resync')
    const sluice = await startSluice({ databaseUrl, dataDir: join(folder, 'data'), connections })
    try {
      const ledger = new BucketLedger(new Bucket(makeLayout(layout, objects), true))
      const { id } = await makeDataset(sluice.api, sluice.orgId, replay, 'resync')
      const datasetNo = await withPool(databaseUrl, (pool) => datasetNoOf(pool, id))
      const stage = new ResyncStage({
        replay,
        database,
        databaseUrl,
        ledger,
        sluice,
        datasetId: id,
        datasetNo,
      })
      const first = await stage.sync({ ...nothingChanged, added: objects })
      progress(`first sync: ${describe(first)}`)
      return await work(stage, first)
    } finally {
      await sluice.stop()
    }
  } finally {
    await replay.close()
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Re-syncs a bucket that did not change since the last sync. */
export function syncUnchanged(stage: ResyncStage): Promise<WrittenRun> {
  return stage.sync(nothingChanged)
}
