import { parseArgs } from 'node:util'
import { type LayoutName, layoutNames } from './replay/layouts.ts'

/** What a benchmark was asked for on the command line. */
export interface BenchOptions {
  readonly objects: number | undefined
  /** Share of objects that a change touches, 0 to 1. */
  readonly changed: number | undefined
  /** Milliseconds the replay server waits before each listing answer. */
  readonly latencyMs: number | undefined
  /** Listing requests at once. */
  readonly connections: number | undefined
  readonly rounds: number | undefined
  /** Shape of the bucket's keys. */
  readonly layout: LayoutName
  /** Every layout in turn (`--layout all`); for the listing alone. */
  readonly isEveryLayout: boolean
  readonly json: boolean
}

/** Parses `NAME [--objects N] [--changed F] [--latency MS] [--connections N] [--rounds N] [--layout NAME|all] [--json]`; throws an error that says what is wrong. */
export function parseOptions(argv: readonly string[]): { name: string; options: BenchOptions } {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      objects: { type: 'string' },
      changed: { type: 'string' },
      latency: { type: 'string' },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      layout: { type: 'string', default: 'realistic' },
      json: { type: 'boolean', default: false },
    },
  })
  if (positionals.length !== 1) throw new Error('name one benchmark')
  return {
    name: positionals[0]!,
    options: {
      objects: numberOf('objects', values.objects, 1),
      changed: numberOf('changed', values.changed, 0, 1),
      latencyMs: numberOf('latency', values.latency, 0),
      connections: numberOf('connections', values.connections, 1),
      rounds: numberOf('rounds', values.rounds, 1),
      layout: values.layout === 'all' ? 'realistic' : layoutOf(values.layout),
      isEveryLayout: values.layout === 'all',
      json: values.json,
    },
  }
}

function numberOf(
  name: string,
  text: string | undefined,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (text === undefined) return undefined
  // `1e6` and `1_000_000` are both easier to read than seven digits.
  const value = Number(text.replaceAll('_', ''))
  if (Number.isNaN(value) || value < least || value > most)
    throw new Error(`--${name} wants a number from ${least} to ${most}, not “${text}”`)
  return value
}

/** The layout of a name; throws an error that lists them. */
export function layoutOf(name: string): LayoutName {
  const known = layoutNames.find((candidate) => candidate === name)
  if (known === undefined) throw new Error(`there is no layout “${name}”; there are ${layoutNames.join(', ')}`)
  return known
}
