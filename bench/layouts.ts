import { expectSum } from './check.ts'
import { type Contender, interleave } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { oracleOf } from './replay/entry.ts'
import { type LayoutName, layoutNames, makeLayout } from './replay/layouts.ts'
import { type Replay, startReplay } from './replay/start.ts'
import { type ContenderResult, type GoalResult, goalOf, progress, type Result } from './report.ts'
import { runNode } from './run-node.ts'

/** Least rate of a hostile key space, as a share of the usual one's. */
const RATE_LEAST = 0.7
const USUAL = 'realistic'

interface Subject extends Contender {
  readonly replay: Replay
}

/**
 * Lists every layout and compares its rate with that of the `realistic` one, in turns on servers that are up at the same time; for
 * `benchListing`.
 *
 * Of each layout one run that is not timed compares every key, size and etag, and counts requests and keys listed.
 */
export async function benchLayouts(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const usual = await open(USUAL, n, options)
  const contenders: ContenderResult[] = []
  const goals: GoalResult[] = []
  try {
    for (const name of layoutNames.filter((one) => one !== USUAL)) {
      const subject = await open(name, n, options)
      try {
        const { seconds, perSecond, cpuMicrosPerUnit, peers } = await interleave(options.rounds ?? 3, subject, [usual])
        contenders.push({ name, seconds, perSecond, ...(cpuMicrosPerUnit === undefined ? {} : { cpuMicrosPerUnit }) })
        goals.push(goalOf(`${name}: rate ÷ ${USUAL}`, 1 / peers[0]!.ratio, { atLeast: RATE_LEAST }))
      } finally {
        await subject.replay.close()
      }
    }
  } finally {
    await usual.replay.close()
  }
  return { bench: 'listing', n, contenders, goals }
}

async function open(layout: LayoutName, objects: number, options: BenchOptions): Promise<Subject> {
  const connections = options.connections ?? 64
  const truth = oracleOf(makeLayout(layout, objects))
  const replay = await startReplay({ objects, layout, latencyMs: options.latencyMs ?? 60 })
  const list = (verify: boolean) =>
    runNode('list-sluice.ts', { url: replay.url, bucket: replay.bucket, connections, verify })
  expectSum(layout, await list(true), truth)
  const { requests, keys } = await replay.stats()
  const perPage = (requests / Math.max(1, objects / 1000)).toFixed(2)
  progress(`${layout}: all right; ${perPage} requests a page, ${(keys / objects).toFixed(2)} keys listed for one`)
  const run = async () => {
    const timed = await list(false)
    expectSum(layout, timed, truth)
    return timed
  }
  return { name: layout, replay, run }
}
