import { expectSum } from './check.ts'
import { describe, median, ratioOf } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { checkPeer, copyTables, resyncPeers, runPeer } from './peer-tables.ts'
import type { ChangeKind } from './replay/bucket.ts'
import { type ContenderResult, type GoalResult, goalOf, progress, type Result } from './report.ts'
import { changesOf, type ResyncStage, syncUnchanged, type WrittenRun, withResyncStage } from './resync-stage.ts'
import { runNode } from './run-node.ts'

/** Listing requests at once where nothing else is said; what the server takes as well. */
const connectionsAtOnce = 64
const bytesPerMb = 1_048_576

interface MeasuredRun extends WrittenRun {
  /** Objects that had changed since the contender's run before; none where it was measured without. */
  readonly changes?: number
}

/** What each contender did, round by round. */
type Runs = Map<string, MeasuredRun[]>

const listingName = 'listing alone'
const ourName = (what: 'no change' | ChangeKind) => `Sluice, ${what}`
const peerName = (peer: string, kind: ChangeKind) => `${peer}, ${kind}`

/**
 * Re-syncs through the HTTP API of the real server: of a bucket that did not change, and of one in which a share of the objects did, in runs of
 * neighbours or everywhere. In each round also: Sluice's walk listing the same bucket and doing nothing else, and two ways that others
 * bring an index up to date, on copies of the same tables in the same database.
 *
 * No time counts before its result was compared: live rows with the bucket's objects, missing rows with those that are gone, the folders'
 * and the run's counters with both.
 */
export async function benchResync(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const share = options.changed ?? 0.01
  const rounds = options.rounds ?? 3
  const runs: Runs = new Map()
  const take = (round: number, name: string, run: MeasuredRun) => {
    runs.set(name, [...(runs.get(name) ?? []), run])
    progress(`round ${round + 1}/${rounds}  ${name}: ${describe(run)}, ${megabytes(run.walBytes)} MB of WAL`)
  }
  await withResyncStage(n, options, async (stage) => {
    const target = {
      url: stage.replay.url,
      bucket: stage.replay.bucket,
      connections: options.connections ?? connectionsAtOnce,
    }
    const place = { database: stage.database, databaseUrl: stage.databaseUrl, datasetNo: stage.datasetNo, target }
    await stage.settle()
    for (const peer of resyncPeers) await copyTables(peer, place)
    let generation = 0
    for (let round = 0; round < rounds; round++) {
      take(round, listingName, await listAlone(stage, target))
      take(round, ourName('no change'), await syncUnchanged(stage))
      for (const kind of ['clustered', 'spread'] as const) {
        const counts = await stage.change({ kind, share })
        generation += 1
        const changes = changesOf(counts)
        take(round, ourName(kind), { ...(await stage.sync(counts)), changes })
        for (const peer of resyncPeers) {
          const { run, walBytes } = await stage.measureWal(() => runPeer(peer, place, generation))
          await checkPeer(peer, place, run, stage.ledger)
          take(round, peerName(peer.name, kind), { ...run, walBytes, changes })
        }
      }
    }
  })
  return { bench: 'resync', n, contenders: contendersOf(runs), goals: goalsOf(runs) }
}

async function listAlone(
  stage: ResyncStage,
  target: { url: string; bucket: string; connections: number },
): Promise<WrittenRun> {
  const run = await runNode('list-sluice.ts', { ...target, verify: false })
  expectSum(listingName, run, stage.ledger.present)
  return { ...run, walBytes: 0 }
}

function contendersOf(runs: Runs): ContenderResult[] {
  return [...runs].map(([name, own]) => {
    const cpu = own.flatMap((run) => (run.cpuMicros === undefined ? [] : [run.cpuMicros / run.units]))
    const rss = own.flatMap((run) => (run.rssMaxMb === undefined ? [] : [run.rssMaxMb]))
    const each = own.flatMap((run) => (run.changes ? [run.walBytes / run.changes] : []))
    return {
      name,
      seconds: median(own.map((run) => run.seconds)),
      perSecond: 1 / median(own.map((run) => run.seconds / run.units)),
      ...(cpu.length === 0 ? {} : { cpuMicrosPerUnit: median(cpu) }),
      ...(rss.length === 0 ? {} : { rssMaxMb: Math.max(...rss) }),
      ...(name === listingName ? {} : { walMb: median(own.map((run) => run.walBytes)) / bytesPerMb }),
      ...(each.length === 0
        ? {}
        : { changes: median(own.map((run) => run.changes ?? 0)), walBytesPerChange: median(each) }),
    }
  })
}

function goalsOf(runs: Runs): GoalResult[] {
  const of = (name: string) => runs.get(name)!
  const perSecond = (name: string) => 1 / median(of(name).map((run) => run.seconds / run.units))
  const unchanged = of(ourName('no change'))
  const leastTimes = { 'naive upsert': 10, 'staging merge': 2 } as Record<string, number>
  return [
    goalOf('no change ÷ listing alone, keys a second', ratioOf(of(listingName), unchanged), { atLeast: 0.7 }),
    goalOf('clustered, keys a second', perSecond(ourName('clustered')), { atLeast: 300_000 }),
    goalOf('spread, keys a second', perSecond(ourName('spread')), { atLeast: 200_000 }),
    ...(['clustered', 'spread'] as const).flatMap((kind) =>
      resyncPeers.map((peer) =>
        goalOf(
          `${kind}, times as fast as the ${peer.name}`,
          ratioOf(of(peerName(peer.name, kind)), of(ourName(kind))),
          { atLeast: leastTimes[peer.name]! },
        ),
      ),
    ),
    goalOf('no change, MB of WAL', median(unchanged.map((run) => run.walBytes)) / bytesPerMb, { atMost: 1 }),
  ]
}

function megabytes(bytes: number): string {
  return (bytes / bytesPerMb).toFixed(1)
}
