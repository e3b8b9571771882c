import { constants, setPriority } from 'node:os'
import { type BrowseStage, browsingTimes, caseResult, timeCall, withBrowseStage } from './browse.ts'
import { makeDataset, syncAndWait } from './indexing.ts'
import { percentile } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { startReplay } from './replay/start.ts'
import { progress, type Result } from './report.ts'

/** Items of the dataset that is read; the bucket that is synced meanwhile has as many objects as `--objects` says. */
const browsedItems = 1_000_000

/**
 * Reading while the same server process syncs a bucket, against reading while it does not; `ratio` is p95 under the sync ÷ p95 idle,
 * for everything a person clicks through together and for each kind.
 *
 * Every round measures ten seconds of idling before its sync; the replay server waits 60 ms before each answer unless said otherwise.
 * Database, server, replay server and the caller share the machine.
 */
export async function benchApiUnderSync(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const rounds = options.rounds ?? 3
  const replay = await startReplay({ objects: n, latencyMs: options.latencyMs ?? 60 })
  // It stands for a storage far away, whose work is not this machine's: it must not take the processors from those who are measured.
  setPriority(replay.child.pid!, constants.priority.PRIORITY_LOW)
  try {
    return await withBrowseStage(browsedItems, options.connections, async (stage) => {
      const idle = stage.cases.map((): number[] => [])
      const busy = stage.cases.map((): number[] => [])
      const { api, orgId } = stage.sluice
      for (let round = 0; round < rounds; round++) {
        const dataset = await makeDataset(api, orgId, replay, `busy-${round}`)
        const pause = new Promise<void>((resolve) => setTimeout(resolve, 10_000))
        await readUntil(stage, pause, idle)
        let seconds = 0
        const sync = syncAndWait(api, dataset.id).then((taken) => {
          seconds = taken
        })
        await readUntil(stage, sync, busy)
        progress(
          `round ${round + 1}/${rounds}: ${busy[0]!.length} calls of each kind under sync so far, ${seconds.toFixed(1)} s of sync`,
        )
      }
      return summary(n, stage, idle, busy)
    })
  } finally {
    await replay.close()
  }
}

/** Calls all kinds in turn until a promise settles; throws when that rejects. */
async function readUntil(stage: BrowseStage, end: Promise<void>, times: number[][]): Promise<void> {
  let isOver = false
  const over = end.finally(() => {
    isOver = true
  })
  over.catch(() => {})
  for (let number = times[0]!.length; !isOver; number++) {
    for (const [i, item] of stage.cases.entries()) times[i]!.push(await timeCall(stage.sluice, item, number))
  }
  await over
}

function summary(n: number, stage: BrowseStage, idle: number[][], busy: number[][]): Result {
  const [calm, under] = [browsingTimes(stage.cases, idle), browsingTimes(stage.cases, busy)]
  return {
    bench: 'api-under-sync',
    n,
    p50Ms: percentile(under, 0.5),
    p95Ms: percentile(under, 0.95),
    ratio: percentile(under, 0.95) / percentile(calm, 0.95),
    cases: stage.cases.map((item, i) => ({
      ...caseResult(item.name, busy[i]!),
      ratio: percentile(busy[i]!, 0.95) / percentile(idle[i]!, 0.95),
    })),
  }
}
