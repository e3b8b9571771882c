import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowseCase, browseCases, readFlatCursors } from './browse-cases.ts'
import { BrowseTree, seedTree } from './browse-seed.ts'
import { startDatabase, withPool } from './database.ts'
import { makeBareDataset } from './indexing.ts'
import { percentile } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { type CaseResult, progress, type Result } from './report.ts'
import { type SluiceServer, startSluice } from './server.ts'

/** A running server with a seeded dataset to browse. */
export interface BrowseStage {
  readonly sluice: SluiceServer
  readonly cases: readonly BrowseCase[]
}

/** Calls of each kind that are made before any is timed. */
const warmUps = 20

/** Starts database and server, fills a dataset with `count` items, and gives them to `work`; everything is gone afterwards. */
export async function withBrowseStage<T>(
  count: number,
  connections: number | undefined,
  work: (stage: BrowseStage) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-browse-'))
  const database = await startDatabase()
  try {
    const databaseUrl = await database.create('browse')
    const sluice = await startSluice({ databaseUrl, dataDir: join(folder, 'data'), connections })
    try {
      const dataset = await makeBareDataset(sluice.api, 'browse')
      const tree = new BrowseTree(count)
      progress(`filling ${count} items into ${tree.leaves} leaf folders and a flat one of ${tree.flatItems}`)
      const seeded = await withPool(databaseUrl, (pool) => seedTree(pool, dataset.id, tree))
      await database.checkpoint()
      const flatCursors = await readFlatCursors(sluice.api, dataset.id, tree)
      const cases = browseCases({ tree, datasetId: dataset.id, seeded, flatCursors })
      for (const item of cases) for (let i = 0; i < warmUps; i++) await timeCall(sluice, item, i)
      return await work({ sluice, cases })
    } finally {
      await sluice.stop()
    }
  } finally {
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes one call and checks its answer; answers its milliseconds, the check not included. */
export async function timeCall(sluice: SluiceServer, item: BrowseCase, number: number): Promise<number> {
  const started = performance.now()
  const text = await item.send(sluice.api, number)
  const ms = performance.now() - started
  item.check(text, number)
  return ms
}

/** Reading through the HTTP API of the real server, one call after the other: time from sending the request to having the whole answer. */
export async function benchBrowse(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 10_000_000
  const calls = 200 * (options.rounds ?? 5)
  return withBrowseStage(n, options.connections, async ({ sluice, cases }) => {
    const times = cases.map((): number[] => [])
    // In turn, so that whatever else the machine does meets all kinds.
    for (let number = 0; number < calls; number++) {
      for (const [i, item] of cases.entries()) times[i]!.push(await timeCall(sluice, item, warmUps + number))
    }
    const all = browsingTimes(cases, times)
    return {
      bench: 'browse',
      n,
      p50Ms: percentile(all, 0.5),
      p95Ms: percentile(all, 0.95),
      cases: cases.map((item, i) => caseResult(item.name, times[i]!)),
    }
  })
}

/** The milliseconds that count towards the overall percentiles. */
export function browsingTimes(cases: readonly BrowseCase[], times: readonly (readonly number[])[]): number[] {
  return times.filter((_, i) => cases[i]!.isBrowsing).flat()
}

/** Sums up the milliseconds of one kind of call. */
export function caseResult(name: string, times: readonly number[]): CaseResult {
  return { name, n: times.length, p50Ms: percentile(times, 0.5), p95Ms: percentile(times, 0.95) }
}
