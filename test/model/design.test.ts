// Proves that the rules of convergence hold in every state that small worlds can reach: files, events, runs, crashes, zombies, lost leases.
import { afterAll, expect, test } from 'vitest'
import { explore } from './explore.ts'
import { tell } from './report.ts'
import { scenarioOf, scenarios } from './scenarios.ts'

/** What issue and design ask for: enough states that the worlds are not too small to show anything. */
const STATES_MIN = 700_000

const report: string[] = []
let states = 0
afterAll(() => tell([...report, `${states} states in all`]))

test.for(Object.keys(scenarios) as (keyof typeof scenarios)[])('the design holds: %s', (name) => {
  const found = explore(scenarioOf(name))
  expect(found.counterexample).toBeNull()
  // A world that never comes to rest would prove nothing about rest.
  expect(found.atRest).toBeGreaterThan(0)
  states += found.states
  report.push(`${name}: ${found.states} states, ${found.transitions} transitions, ${found.atRest} at rest`)
})

test(`at least ${STATES_MIN} states were visited`, () => {
  expect(states).toBeGreaterThanOrEqual(STATES_MIN)
})
