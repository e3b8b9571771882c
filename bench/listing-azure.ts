import { startNode } from './child.ts'
import { type Contender, interleave, median } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { goalOf, type Result, resultOf } from './report.ts'
import { runNode } from './run-node.ts'

/** Issue 5 wants a listing of Azure at a quarter of the cost of the official SDK or less. */
const TIMES_CHEAPER = 4

/**
 * What a key of an Azure listing costs: our driver, with all checks of a page, against the official SDK's lister, on the same answers of one replay server.
 *
 * Both ask for one page of 5,000 after the other, with their metadata, sign every request by the account's key, and get the same bytes. Cost is processor
 * time of the process that lists; the server is another one.
 */
export async function benchListingAzure(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 200_000
  const server = await startNode('replay/azure.ts', [`--objects=${n}`])
  try {
    const { url, bytes } = server.ready as { url: string; bytes: number }
    const cost = new Map<string, number[]>()
    const contender = (name: string, script: string): Contender => ({
      name,
      run: async () => {
        const run = await runNode(script, { url })
        if (run.units !== n || run.bytes !== bytes) throw new Error(`${name} listed ${run.units} keys instead of ${n}`)
        cost.set(name, [...(cost.get(name) ?? []), run.cpuMicros! / run.units])
        return run
      },
    })
    const ours = contender('Sluice', 'list-azure-sluice.ts')
    const official = contender('@azure/storage-blob', 'list-azure-sdk.ts')
    const measured = await interleave(options.rounds ?? 5, ours, [official])
    const each = cost.get(official.name)!.map((theirs, round) => theirs / cost.get(ours.name)![round]!)
    const goals = [goalOf(`processor time of ${official.name} ÷ ours`, median(each), { atLeast: TIMES_CHEAPER })]
    return { ...resultOf('listing-azure', n, measured, []), goals }
  } finally {
    await server.stop()
  }
}
