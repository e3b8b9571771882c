import type { Measured, PeerResult } from './measure.ts'

/** One kind of request of a benchmark that measures several. */
export interface CaseResult {
  readonly name: string
  readonly n: number
  readonly p50Ms: number
  readonly p95Ms: number
  /** p95 under load ÷ p95 idle, where that is what is measured. */
  readonly ratio?: number
}

/** The result of one benchmark as the one JSON line says it; what does not apply is left out. */
export interface Result {
  readonly bench: string
  /** Units of work: keys, objects, addresses or rows. */
  readonly n: number
  readonly seconds?: number
  readonly perSecond?: number
  readonly cpuMicrosPerUnit?: number
  readonly rssMaxMb?: number
  readonly p50Ms?: number
  readonly p95Ms?: number
  /** p95 under load ÷ p95 idle (`api-under-sync`). */
  readonly ratio?: number
  readonly peers?: readonly PeerResult[]
  readonly cases?: readonly CaseResult[]
  /** Peers that were not run, each with the reason. */
  readonly leftOut?: readonly string[]
}

/** Puts a measured series into a result. */
export function resultOf(bench: string, n: number, measured: Measured, leftOut: readonly string[]): Result {
  return {
    bench,
    n,
    seconds: measured.seconds,
    perSecond: measured.perSecond,
    ...(measured.cpuMicrosPerUnit === undefined ? {} : { cpuMicrosPerUnit: measured.cpuMicrosPerUnit }),
    ...(measured.rssMaxMb === undefined ? {} : { rssMaxMb: measured.rssMaxMb }),
    peers: measured.peers,
    ...(leftOut.length === 0 ? {} : { leftOut }),
  }
}

/** Says on standard error what is going on; standard output holds the result alone. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** The JSON line: four significant digits, since no figure here is better than that. */
export function toJsonLine(result: Result): string {
  return JSON.stringify(result, (_key, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  )
}

/** The same for people. */
export function toTable(result: Result): string {
  const number = (value: number) =>
    value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
  const rows: [string, string][] = [['n', number(result.n)]]
  const facts = {
    seconds: 'seconds',
    perSecond: 'per second',
    cpuMicrosPerUnit: 'CPU-µs each',
    rssMaxMb: 'most memory, MB',
    p50Ms: 'p50, ms',
    p95Ms: 'p95, ms',
    ratio: 'p95 under load ÷ idle',
  } as const
  for (const [key, title] of Object.entries(facts) as [keyof typeof facts, string][]) {
    const value = result[key]
    if (value !== undefined) rows.push([title, number(value)])
  }
  for (const peer of result.peers ?? [])
    rows.push([`against ${peer.name}`, `${number(peer.seconds)} s, ours takes ${number(peer.ratio)} of it`])
  for (const item of result.cases ?? []) {
    const ratio = item.ratio === undefined ? '' : `, ÷ idle ${number(item.ratio)}`
    rows.push([
      item.name,
      `p50 ${number(item.p50Ms)} ms, p95 ${number(item.p95Ms)} ms${ratio} (${number(item.n)} calls)`,
    ])
  }
  for (const text of result.leftOut ?? []) rows.push(['left out', text])
  const width = Math.max(...rows.map(([title]) => title.length))
  return [result.bench, ...rows.map(([title, value]) => `  ${title.padEnd(width)}  ${value}`)].join('\n')
}
