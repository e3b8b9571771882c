import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasetNoOf, expectCounters, sumOfDataset } from './catalog.ts'
import { expectSameSum } from './check.ts'
import { usageOf } from './child.ts'
import { type BenchDatabase, startDatabase, withPool } from './database.ts'
import { makeDataset, syncAndWait } from './indexing.ts'
import { type Contender, interleave, type Run } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { type ListTarget, rcloneLister } from './peers.ts'
import { hasPsql, psqlCopier, psqlName, type RowFiles, removeRowFiles, writeRowFiles } from './psql-copy.ts'
import { oracleOf } from './replay/entry.ts'
import { makeLayout } from './replay/layouts.ts'
import { startReplay } from './replay/start.ts'
import { progress, type Result, resultOf } from './report.ts'
import { startSluice } from './server.ts'

interface Round {
  readonly database: BenchDatabase
  readonly target: ListTarget
  readonly folder: string
  readonly files: RowFiles
  readonly connections: number | undefined
}

/**
 * The first sync of a bucket by the real server through its HTTP API, durable and indexed; against rclone, which merely lists the same
 * bucket, and against psql, which loads the very same rows from a ready file into the same tables of the same database server.
 *
 * Every round has a database and a server process of its own. Time runs from the request that starts the sync to the poll that sees its
 * end; processor time and memory are the server process's, without PostgreSQL.
 */
export async function benchSync(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const layout = makeLayout(options.layout, n)
  const truth = oracleOf(layout)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-rows-'))
  const replay = await startReplay({ objects: n, layout: options.layout, latencyMs: options.latencyMs ?? 0 })
  const database = await startDatabase()
  try {
    const files = { folders: join(folder, 'dir.bin'), items: join(folder, 'item.bin') }
    const target: ListTarget = { url: replay.url, bucket: replay.bucket, truth }
    const round: Round = { database, target, folder, files, connections: options.connections }
    const leftOut: string[] = []
    const peers: Contender[] = []
    const rclone = await rcloneLister(target)
    if (rclone === null) leftOut.push('rclone: not installed')
    else peers.push(rclone)
    const isPsqlThere = await hasPsql()
    if (isPsqlThere) peers.push(psqlCopier(database, files, n))
    else leftOut.push(`${psqlName}: psql is not installed`)
    const ours: Contender = {
      name: 'Sluice first sync',
      run: (number) => firstSync(round, number, isPsqlThere && number === 0),
    }
    const measured = await interleave(options.rounds ?? 3, ours, peers)
    await removeRowFiles(files)
    return resultOf('sync', n, measured, leftOut)
  } finally {
    await replay.close()
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function firstSync(round: Round, number: number, isToWriteFiles: boolean): Promise<Run> {
  const { database, target } = round
  const name = `sync_${number}`
  const databaseUrl = await database.create(name)
  const dataDir = join(round.folder, name)
  const sluice = await startSluice({ databaseUrl, dataDir, connections: round.connections })
  try {
    const dataset = await makeDataset(sluice.api, sluice.orgId, target, name)
    await database.checkpoint()
    const before = usageOf(sluice.pid)
    const seconds = await syncAndWait(sluice.api, dataset.id)
    const after = usageOf(sluice.pid)
    await withPool(databaseUrl, async (pool) => {
      const datasetNo = await datasetNoOf(pool, dataset.id)
      expectSameSum('the sync', await sumOfDataset(pool, datasetNo), target.truth)
      await expectCounters(pool, datasetNo, target.truth)
    })
    progress(`round ${number + 1}: the database holds exactly the ${target.truth.count} objects of the bucket`)
    if (isToWriteFiles) await writeRowFiles(databaseUrl, round.files)
    return {
      seconds,
      units: target.truth.count,
      cpuMicros: after.cpuMicros - before.cpuMicros,
      rssMaxMb: after.rssMaxMb,
    }
  } finally {
    await sluice.stop()
    await database.drop(name)
  }
}
