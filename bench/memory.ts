import { describe } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { type ContenderResult, goalOf, progress, type Result } from './report.ts'
import { type WrittenRun, withResyncStage } from './resync-stage.ts'

/** How many times bigger the second bucket is. */
const growth = 10
/** Megabytes that the server process may hold at once, and by how much that may differ between the two buckets. */
const rssMaxMb = 250
const differenceMaxMb = 40

/**
 * The most memory the server process ever held: after the first sync of a bucket, and after a re-sync of it with changes everywhere; for a bucket
 * and for one ten times as big. Each bucket has a server process of its own; what it held at its start counts as well.
 */
export async function benchMemory(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const share = options.changed ?? 0.01
  const contenders: ContenderResult[] = []
  const peaks: { first: number; again: number }[] = []
  for (const objects of [n, n * growth]) {
    await withResyncStage(objects, options, async (stage, first) => {
      const counts = await stage.change({ kind: 'spread', share })
      const again = await stage.sync(counts)
      progress(`re-sync: ${describe(again)}`)
      const many = objects.toLocaleString('en')
      contenders.push(contenderOf(`first sync of ${many}`, first), contenderOf(`re-sync of ${many}`, again))
      peaks.push({ first: first.rssMaxMb ?? 0, again: again.rssMaxMb ?? 0 })
    })
  }
  const [small, big] = peaks as [{ first: number; again: number }, { first: number; again: number }]
  return {
    bench: 'memory',
    n,
    rssMaxMb: Math.max(...peaks.flatMap(({ first, again }) => [first, again])),
    contenders,
    goals: [
      goalOf('first sync, MB', Math.max(small.first, big.first), { atMost: rssMaxMb }),
      goalOf('re-sync, MB', Math.max(small.again, big.again), { atMost: rssMaxMb }),
      goalOf('first sync, MB between the buckets', Math.abs(big.first - small.first), { atMost: differenceMaxMb }),
      goalOf('re-sync, MB between the buckets', Math.abs(big.again - small.again), { atMost: differenceMaxMb }),
    ],
  }
}

function contenderOf(name: string, run: WrittenRun): ContenderResult {
  return {
    name,
    seconds: run.seconds,
    perSecond: run.units / run.seconds,
    ...(run.cpuMicros === undefined ? {} : { cpuMicrosPerUnit: run.cpuMicros / run.units }),
    ...(run.rssMaxMb === undefined ? {} : { rssMaxMb: run.rssMaxMb }),
  }
}
