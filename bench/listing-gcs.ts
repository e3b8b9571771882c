import { startNode } from './child.ts'
import { type Contender, interleave, median, type Run } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { goalOf, type Result, resultOf } from './report.ts'
import { runNode } from './run-node.ts'

/** Issue 5 wants a listing of Cloud Storage at a quarter of the cost of Google's own library or less. */
const TIMES_CHEAPER = 4

/**
 * What a key of a Cloud Storage listing costs: our driver, with all checks of a page, against Google's library, on the same answers of one replay server.
 *
 * All ask for one page after the other and get the same bytes; with `fields` the library gives out parsed JSON and makes no files of it. Cost is processor time of the process that lists; the server is another one.
 */
export async function benchListingGcs(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 200_000
  const server = await startNode('replay/gcs.ts', [`--objects=${n}`])
  try {
    const { url, bytes } = server.ready as { url: string; bytes: number }
    const cost = new Map<string, number[]>()
    const contender = (name: string, script: string, args: Record<string, boolean> = {}): Contender => ({
      name,
      run: async () => {
        const run = await runNode(script, { url, ...args })
        if (run.units !== n || run.bytes !== bytes) throw new Error(`${name} listed ${run.units} keys instead of ${n}`)
        const each: Run = run
        cost.set(name, [...(cost.get(name) ?? []), each.cpuMicros! / each.units])
        return run
      },
    })
    const ours = contender('Sluice', 'list-gcs-sluice.ts')
    const google = [
      contender('@google-cloud/storage', 'list-gcs-google.ts', { hasFields: false }),
      contender('@google-cloud/storage with fields', 'list-gcs-google.ts', { hasFields: true }),
    ]
    const measured = await interleave(options.rounds ?? 5, ours, google)
    const times = median(cost.get(google[0]!.name)!.map((each, round) => each / cost.get(ours.name)![round]!))
    const goals = [goalOf('processor time of Google’s library ÷ ours', times, { atLeast: TIMES_CHEAPER })]
    return { ...resultOf('listing-gcs', n, measured, []), goals }
  } finally {
    await server.stop()
  }
}
