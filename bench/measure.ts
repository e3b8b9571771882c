import { progress } from './report.ts'

/** One measured run of one contender. */
export interface Run {
  readonly seconds: number
  /** How many keys, objects or addresses it did. */
  readonly units: number
  readonly cpuMicros?: number
  /** Megabytes of 1,048,576 bytes. */
  readonly rssMaxMb?: number
}

/** Something that does the measured work: ours, or a peer's. It checks its own result and throws when that is wrong. */
export interface Contender {
  readonly name: string
  run(round: number): Promise<Run>
}

/** A peer's line of the result. */
export interface PeerResult {
  readonly name: string
  /** Median seconds, scaled to our number of units where the peer did fewer. */
  readonly seconds: number
  /** Median over the rounds of our seconds ÷ the peer's, a unit each. */
  readonly ratio: number
}

/** What a series of rounds came to. */
export interface Measured {
  readonly seconds: number
  readonly perSecond: number
  readonly cpuMicrosPerUnit: number | undefined
  readonly rssMaxMb: number | undefined
  readonly peers: readonly PeerResult[]
}

/**
 * Runs all contenders in turn, `rounds` times over, so that whatever else the machine does meets all of them; takes medians.
 *
 * A ratio is taken within a round and then the median of these, which is steadier than the ratio of two medians.
 */
export async function interleave(rounds: number, ours: Contender, peers: readonly Contender[]): Promise<Measured> {
  const contenders = [ours, ...peers]
  const runs = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const run = await contender.run(round)
      runs.get(contender)!.push(run)
      progress(`round ${round + 1}/${rounds}  ${contender.name}: ${describe(run)}`)
    }
  }
  const own = runs.get(ours)!
  const perUnit = median(own.map((run) => run.seconds / run.units))
  const cpu = own.flatMap((run) => (run.cpuMicros === undefined ? [] : [run.cpuMicros / run.units]))
  const rss = own.flatMap((run) => (run.rssMaxMb === undefined ? [] : [run.rssMaxMb]))
  return {
    seconds: median(own.map((run) => run.seconds)),
    perSecond: 1 / perUnit,
    cpuMicrosPerUnit: cpu.length === 0 ? undefined : median(cpu),
    rssMaxMb: rss.length === 0 ? undefined : Math.max(...rss),
    peers: peers.map((peer) => comparePeer(peer.name, own, runs.get(peer)!)),
  }
}

function comparePeer(name: string, own: readonly Run[], theirs: readonly Run[]): PeerResult {
  const units = own[0]?.units ?? 0
  return {
    name,
    seconds: median(theirs.map((run) => (run.seconds / run.units) * units)),
    ratio: ratioOf(own, theirs),
  }
}

/** Median over the rounds of one's seconds ÷ another's, a unit each. */
export function ratioOf(some: readonly Run[], others: readonly Run[]): number {
  return median(others.map((run, round) => some[round]!.seconds / some[round]!.units / (run.seconds / run.units)))
}

/** A run in words, for the progress. */
export function describe(run: Run): string {
  const parts = [
    `${run.units.toLocaleString('en')} in ${run.seconds.toFixed(2)} s`,
    `${Math.round(run.units / run.seconds).toLocaleString('en')}/s`,
  ]
  if (run.cpuMicros !== undefined) parts.push(`${(run.cpuMicros / run.units).toFixed(2)} CPU-µs each`)
  if (run.rssMaxMb !== undefined) parts.push(`${run.rssMaxMb.toFixed(0)} MB`)
  return parts.join(', ')
}

/** The middle value; of an even number of values the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The value below or at which a share of the values lies; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN
}
