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

/** One of several things a benchmark measures side by side. */
export interface ContenderResult {
  readonly name: string
  readonly seconds: number
  readonly perSecond: number
  readonly cpuMicrosPerUnit?: number
  readonly rssMaxMb?: number
  /** Write-ahead log the database wrote meanwhile. */
  readonly walMb?: number
  /** Objects that were new, changed, gone or back. */
  readonly changes?: number
  readonly walBytesPerChange?: number
}

/** A figure that has a limit it must keep. */
export interface GoalResult {
  readonly name: string
  readonly value: number
  readonly atLeast?: number
  readonly atMost?: number
  readonly isMet: boolean
}

/** Compares a figure with its limit. */
export function goalOf(name: string, value: number, limit: { atLeast: number } | { atMost: number }): GoalResult {
  const isMet = 'atLeast' in limit ? value >= limit.atLeast : value <= limit.atMost
  return { name, value, ...limit, isMet }
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
  readonly contenders?: readonly ContenderResult[]
  readonly goals?: readonly GoalResult[]
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
  for (const contender of result.contenders ?? []) rows.push([contender.name, contenderText(contender)])
  for (const goal of result.goals ?? []) {
    const limit = goal.atLeast === undefined ? `at most ${number(goal.atMost!)}` : `at least ${number(goal.atLeast)}`
    rows.push([goal.name, `${number(goal.value)}, wanted ${limit}: ${goal.isMet ? 'kept' : 'MISSED'}`])
  }
  for (const text of result.leftOut ?? []) rows.push(['left out', text])
  const width = Math.max(...rows.map(([title]) => title.length))
  return [result.bench, ...rows.map(([title, value]) => `  ${title.padEnd(width)}  ${value}`)].join('\n')
}

function number(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

function contenderText(contender: ContenderResult): string {
  const parts = [`${number(contender.seconds)} s`, `${number(contender.perSecond)}/s`]
  if (contender.cpuMicrosPerUnit !== undefined) parts.push(`${number(contender.cpuMicrosPerUnit)} CPU-µs each`)
  if (contender.rssMaxMb !== undefined) parts.push(`${number(contender.rssMaxMb)} MB of memory`)
  if (contender.walMb !== undefined) parts.push(`${number(contender.walMb)} MB of WAL`)
  if (contender.walBytesPerChange !== undefined)
    parts.push(
      `${number(contender.walBytesPerChange)} bytes of it for each of ${number(contender.changes ?? 0)} changes`,
    )
  return parts.join(', ')
}
