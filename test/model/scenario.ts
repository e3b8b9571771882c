import { type Budget, NO_ROW, type Row, type State } from './state.ts'

/** What a configuration of the model starts with and what may happen in it. */
export interface Scenario {
  readonly name: string
  readonly keys: number
  readonly datasets: number
  /**
   * - `empty`: no file, no item.
   * - `synced`: each file has its item.
   * - `unsynced`: there are files and nothing was ever synced or told.
   */
  readonly begins: 'empty' | 'synced' | 'unsynced'
  readonly resolvers: number
  readonly scanners: number
  /** Runs that each dataset may begin. */
  readonly runs: readonly number[]
  readonly budget: Partial<Budget>
  /** What becomes of an item whose file a confirmation, or a resolver, finds absent. */
  readonly confirmed: 'missing' | 'removed'
  readonly resolved: 'missing' | 'removed'
}

const NOTHING: Budget = {
  changes: 0,
  duplicates: 0,
  losses: 0,
  forgeries: 0,
  omissions: 0,
  crashes: 0,
  cancels: 0,
  clears: 0,
}

/** The state in which a scenario begins. */
export function initialState(scenario: Scenario): State {
  const { keys, datasets, begins } = scenario
  const hasFiles = begins !== 'empty'
  const all = (1 << keys) - 1
  const row: Row = begins === 'synced' ? { state: 'live', version: 1, ticket: 1, isFresh: false } : NO_ROW
  return {
    store: Array.from({ length: keys }, () => (hasFiles ? 1 : 0)),
    hints: [],
    rows: Array.from({ length: keys * datasets }, () => row),
    dirty: Array.from({ length: keys }, () => 0),
    floor: 0,
    lastTicket: 1,
    lastVersion: 1,
    resolvers: Array.from({ length: scenario.resolvers }, () => ({ step: 'idle' })),
    scanners: Array.from({ length: scenario.scanners }, () => ({ step: 'idle' })),
    runs: Array.from({ length: datasets }, () => null),
    runsLeft: scenario.runs,
    left: { ...NOTHING, ...scenario.budget },
    unproven: begins === 'unsynced' ? (1 << (keys * datasets)) - 1 : 0,
    unhinted: begins === 'unsynced' ? all : 0,
    everAbsent: hasFiles ? 0 : all,
  }
}
