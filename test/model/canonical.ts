import type { Rules } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { FORGED, type Hint, type Resolver, type Row, type Run, type Scanner, type State } from './state.ts'

const ROW_STATES: readonly Row['state'][] = ['none', 'live', 'missing', 'removed']
const STEPS = ['idle', 'asked', 'read', 'page', 'compared', 'cursor saved', 'confirm asked', 'confirm read']

/** No world is so long that more tickets or versions are given out on a way through it. */
const NUMBERS_MAX = 128
const RANK_BITS = 5
const VERSION_BITS = 3
const FORGED_RANK = 7

/** Replaces numbers by their ranks among the numbers in use. */
class Ranks {
  readonly #ranks = new Uint8Array(NUMBERS_MAX)
  readonly #bits: number

  constructor(bits: number) {
    this.#bits = bits
  }

  clear(): void {
    this.#ranks.fill(0)
    this.#ranks[0] = 1
  }

  use(value: number): void {
    if (value >= NUMBERS_MAX) throw new RangeError(`${value} is more than the model was made for`)
    this.#ranks[value] = 1
  }

  /** From now on `of` answers: 0 for 0, 1 for the smallest other number in use, and so on. */
  settle(last: number): void {
    let rank = -1
    for (let value = 0; value <= last; value++) if (this.#ranks[value] === 1) this.#ranks[value] = ++rank
    if (rank >> this.#bits !== 0) throw new RangeError('More numbers in use than a name has room for.')
  }

  of(value: number): number {
    return this.#ranks[value]!
  }
}

/**
 * Makes the function that names states: two states have the same name when they differ only in how tickets and versions are numbered, which
 * of two workers is which, or in what no rule looks at any more.
 *
 * Tickets are replaced by their ranks: nothing but their order is ever used. A name is one character (16 bits) for each thing that there is.
 */
export function namer(scenario: Scenario, rules: Rules): (state: State) => string {
  const mayLose = scenario.begins === 'unsynced' || (scenario.budget.losses ?? 0) > 0
  const tickets = new Ranks(RANK_BITS)
  const versions = new Ranks(VERSION_BITS)
  const version = (value: number) => (value === FORGED ? FORGED_RANK : versions.of(value))

  function rank(state: State): void {
    tickets.clear()
    versions.clear()
    tickets.use(state.floor)
    for (const mark of state.dirty) tickets.use(mark)
    for (const stored of state.store) versions.use(stored)
    for (const row of state.rows) {
      tickets.use(row.ticket)
      if (row.version !== FORGED) versions.use(row.version)
    }
    for (const run of state.runs) if (run !== null) tickets.use(run.ticket)
    for (const resolver of state.resolvers) rankWorker(resolver)
    for (const scanner of state.scanners) rankWorker(scanner)
    for (const hint of state.hints) if (hint.version !== FORGED) versions.use(hint.version)
    tickets.settle(state.lastTicket)
    versions.settle(state.lastVersion)
  }

  function rankWorker(worker: Resolver | Scanner): void {
    if (worker.step === 'idle') return
    tickets.use(worker.ticket)
    if ('seen' in worker) versions.use(worker.seen)
  }

  function nameWorker(worker: Resolver | Scanner): number {
    if (worker.step === 'idle') return 0
    const isLoad = 'mode' in worker && worker.mode === 'load' && !rules.loadChecksMode
    // Scanners compare, resolvers go from dataset to dataset: never both.
    const detail = ('wantsToWrite' in worker && worker.wantsToWrite) || ('from' in worker && worker.from > 0)
    let name = STEPS.indexOf(worker.step)
    name = (name << 1) | ('dataset' in worker ? worker.dataset : 0)
    name = (name << 1) | worker.key
    name = (name << RANK_BITS) | tickets.of(worker.ticket)
    name = (name << VERSION_BITS) | ('seen' in worker ? versions.of(worker.seen) : 0)
    return (name << 3) | (isLoad ? 4 : 0) | (detail ? 2 : 0) | (worker.holds ? 1 : 0)
  }

  function nameRow(row: Row): number {
    const name = (ROW_STATES.indexOf(row.state) << VERSION_BITS) | version(row.version)
    const isFresh = rules.floor === 'end and dirty' && row.isFresh
    return (((name << RANK_BITS) | tickets.of(row.ticket)) << 1) | (isFresh ? 1 : 0)
  }

  function nameRun(run: Run | null): number {
    if (run === null) return 0
    let name = ((run.mode === 'load' ? 1 : 2) << RANK_BITS) | tickets.of(run.ticket)
    name = (name << 2) | run.cursor
    name = (name << 2) | run.candidates
    return (name << 2) | (mayLose ? run.covers : 0)
  }

  const nameHint = (hint: Hint) => (hint.key << VERSION_BITS) | version(hint.version)

  return (state) => {
    rank(state)
    const name = [
      tickets.of(state.floor),
      (state.unhinted << 8) | (state.everAbsent << 4) | (mayLose ? state.unproven : 0),
      pairs(state.runsLeft),
      pairs(Object.values(state.left)),
    ]
    for (const stored of state.store) name.push(version(stored))
    for (const row of state.rows) name.push(nameRow(row))
    for (const mark of state.dirty) name.push(tickets.of(mark))
    for (const run of state.runs) name.push(nameRun(run))
    name.push(...state.resolvers.map(nameWorker).sort(ascending))
    name.push(...state.scanners.map(nameWorker).sort(ascending))
    name.push(...state.hints.map(nameHint).sort(ascending))
    return String.fromCharCode(...name)
  }
}

/** Numbers below four, two bits each. */
function pairs(numbers: readonly number[]): number {
  let name = 0
  for (const number of numbers) name = (name << 2) | number
  return name
}

function ascending(a: number, b: number): number {
  return a - b
}
