// Proves that the model can tell: every broken rule leads to a counterexample, and what is said to be needless is.
import { afterAll, describe, expect, test } from 'vitest'
import { explore } from './explore.ts'
import { mutants, variants } from './mutants.ts'
import { tell } from './report.ts'
import { design } from './rules.ts'
import { scenarioOf } from './scenarios.ts'

const report: string[] = []
afterAll(() => tell(report))

describe('caught', () => {
  test.for(mutants)('$name', ({ name, rules, scenario }) => {
    const { counterexample, states } = explore(scenarioOf(scenario), { ...design, ...rules })
    expect(counterexample).not.toBeNull()
    const { problem, steps } = counterexample!
    report.push(`${name} (${scenario}): ${problem}, ${steps.length} steps, ${states} states`)
  })
})

describe('holds as well', () => {
  test.for(variants)('$name', ({ name, rules, scenarios }) => {
    for (const scenario of scenarios) {
      const { counterexample, states } = explore(scenarioOf(scenario), { ...design, ...rules })
      expect([scenario, counterexample]).toEqual([scenario, null])
      report.push(`${name} (${scenario}): holds in ${states} states`)
    }
  })
})

test('a counterexample tells its steps in order', () => {
  const { counterexample } = explore(scenarioOf('listings that leave files out'), {
    ...design,
    absenceIsConfirmed: false,
  })
  expect(counterexample).toEqual({
    problem: 'file 0 in dataset 0 is missing and was always stored',
    steps: [
      'run of dataset 0 begins',
      'scanner 0 lists file 0 for dataset 0, but the listing OMITS it',
      'scanner 0 compares file 0 of dataset 0',
      'scanner 0 commits file 0 of dataset 0: absent',
    ],
  })
})
