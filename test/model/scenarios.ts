import type { Scenario } from './scenario.ts'

const base = {
  keys: 1,
  datasets: 1,
  begins: 'empty',
  resolvers: 2,
  scanners: 1,
  runs: [1],
  confirmed: 'missing',
  resolved: 'removed',
} as const

/** The configurations in which the design is proved; each keeps its states few enough to be visited all. */
export const scenarios = {
  'events, a run, crashes': { ...base, budget: { changes: 2, duplicates: 1, crashes: 1 } },
  'three changes': { ...base, runs: [0], budget: { changes: 3, duplicates: 1, crashes: 1 } },
  'lost events': { ...base, runs: [2], budget: { changes: 2, losses: 2, crashes: 1 } },
  'lost events, reconcile': { ...base, confirmed: 'removed', runs: [2], budget: { changes: 3, losses: 1 } },
  'canceled runs and their zombies': {
    ...base,
    resolvers: 1,
    scanners: 2,
    runs: [2],
    budget: { changes: 2, losses: 1, cancels: 1, crashes: 1 },
  },
  'first sync': { ...base, begins: 'unsynced', budget: { changes: 2, losses: 1, cancels: 1, crashes: 1 } },
  'first sync of two pages': {
    ...base,
    keys: 2,
    begins: 'unsynced',
    resolvers: 1,
    budget: { changes: 2, losses: 1, crashes: 1 },
  },
  'two pages': { ...base, keys: 2, begins: 'synced', resolvers: 1, budget: { changes: 2, crashes: 1 } },
  'two pages, lost events': { ...base, keys: 2, resolvers: 1, budget: { changes: 2, losses: 1, crashes: 1 } },
  'two datasets': {
    ...base,
    datasets: 2,
    resolvers: 1,
    scanners: 2,
    runs: [1, 1],
    budget: { changes: 2, losses: 1 },
  },
  'two files, two datasets': {
    ...base,
    keys: 2,
    datasets: 2,
    begins: 'synced',
    resolvers: 1,
    runs: [1, 1],
    budget: { changes: 1, losses: 1, crashes: 1 },
  },
  'listings that leave files out': {
    ...base,
    begins: 'synced',
    runs: [2],
    budget: { changes: 1, omissions: 2, crashes: 1 },
  },
  'forged events, reconcile': {
    ...base,
    begins: 'synced',
    confirmed: 'removed',
    runs: [2],
    budget: { changes: 1, forgeries: 1, duplicates: 1, cancels: 1 },
  },
  'missing items cleared': {
    ...base,
    begins: 'synced',
    resolved: 'missing',
    resolvers: 1,
    runs: [2],
    budget: { changes: 2, clears: 1, crashes: 1 },
  },
} satisfies Record<string, Omit<Scenario, 'name'>>

/** A scenario by its name. */
export function scenarioOf(name: keyof typeof scenarios): Scenario {
  return { name, ...scenarios[name] }
}
