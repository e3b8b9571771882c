import { expectSum } from './check.ts'
import { interleave } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { oracleOf } from './replay/entry.ts'
import { makeLayout } from './replay/layouts.ts'
import { progress, type Result, resultOf } from './report.ts'
import { runNode } from './run-node.ts'

/** Different pages a contender goes round in; enough that none stays in a cache of the processor, few enough for any machine's memory. */
const pages = 50

/**
 * Reading listing pages alone, on one core: the S3 driver's scanner against the AWS SDK with its network replaced.
 *
 * The SDK reads a tenth of the pages, since its time a key does not depend on how many there are.
 */
export async function benchScan(options: BenchOptions): Promise<Result> {
  const n = wholePages(options.objects ?? 2_000_000)
  // The oracle of the very keys on those pages: a layout's first keys depend on its size, so they are summed one by one.
  const whole = makeLayout('realistic', pages * 2_000)
  const truth = oracleOf({ ...whole, count: pages * 1_000 })
  progress(`checking ${truth.count} keys`)
  expectSum('the scanner', await runNode('scan-sluice.ts', { pages, units: 0, verify: true }), truth)

  const sdkUnits = wholePages(n / 10)
  const measured = await interleave(
    options.rounds ?? 5,
    { name: 'Sluice scanner', run: () => runChecked('scan-sluice.ts', n) },
    [{ name: 'AWS SDK ListObjectsV2', run: () => runChecked('scan-aws-sdk.ts', sdkUnits) }],
  )
  return resultOf('scan', n, measured, [])
}

async function runChecked(script: string, units: number) {
  const run = await runNode(script, { pages, units, verify: false })
  if (run.units !== units) throw new Error(`${script} read ${run.units} keys instead of ${units}`)
  return run
}

function wholePages(keys: number): number {
  return Math.max(1, Math.round(keys / 1_000)) * 1_000
}
