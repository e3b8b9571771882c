import { expectSum } from './check.ts'
import { benchLayouts } from './layouts.ts'
import { type Contender, interleave } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { awsSdkLister, type ListTarget, rcloneLister } from './peers.ts'
import { oracleOf } from './replay/entry.ts'
import { makeLayout } from './replay/layouts.ts'
import { startReplay } from './replay/start.ts'
import { progress, type Result, resultOf } from './report.ts'
import { runNode } from './run-node.ts'

/**
 * Listing a bucket completely, at 60 ms a request unless said, against the AWS SDK's paginator and `rclone lsf -R --fast-list` on the
 * same server.
 *
 * With `--layout all` Sluice alone over every layout. First one run that is not timed compares every key, size and etag with the generator's; each timed run then compares count and bytes.
 */
export async function benchListing(options: BenchOptions): Promise<Result> {
  if (options.isEveryLayout) return benchLayouts(options)
  const n = options.objects ?? 1_000_000
  const connections = options.connections ?? 64
  const truth = oracleOf(makeLayout(options.layout, n))
  const replay = await startReplay({ objects: n, layout: options.layout, latencyMs: options.latencyMs ?? 60 })
  try {
    const target: ListTarget = { url: replay.url, bucket: replay.bucket, truth }
    const list = (verify: boolean) =>
      runNode('list-sluice.ts', { url: replay.url, bucket: replay.bucket, connections, verify })
    expectSum('the listing', await list(true), truth)
    progress(`every one of the ${n} keys is right, in ${(await replay.stats()).requests} requests`)

    const ours: Contender = {
      name: `Sluice, ${connections} connections`,
      run: async () => {
        const run = await list(false)
        expectSum('the listing', run, truth)
        return run
      },
    }
    const rclone = await rcloneLister(target)
    const peers = [awsSdkLister(target), ...(rclone === null ? [] : [rclone])]
    const measured = await interleave(options.rounds ?? 3, ours, peers)
    return resultOf('listing', n, measured, rclone === null ? ['rclone: not installed'] : [])
  } finally {
    await replay.close()
  }
}
