// Proves that the tests notice when a rule of the real code is broken: every hand mutant is killed, by the test that is named, for the right reason.
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type {} from '../support/database-server.ts'
import { Lanes } from './lane.ts'
import type { Killer } from './mutant.ts'
import { mutants } from './table.ts'

/** As many as the least machine has processors. */
const LANES = 2

let lanes: Lanes
beforeAll(async () => {
  lanes = await Lanes.open(LANES, inject('databaseServerUrl'))
})
afterAll(() => lanes.close())

/** By file: names of the tests that mutants of this run want and that pass without a mutant. */
const sound = new Map<string, Promise<readonly string[]>>()

/** The tests of a killer's file that pass while nothing is broken; only what they say later means anything. */
function soundTests(file: string): Promise<readonly string[]> {
  let names = sound.get(file)
  if (!names) {
    const killers = mutants.map(({ killedBy }) => killedBy).filter((killer) => killer.file === file)
    const isWhole = killers.some((killer) => killer.test === undefined)
    const wanted = isWhole ? [] : [...new Set(killers.map((killer) => killer.test!))]
    names = lanes.with(async (lane) => {
      const results = await lane.run({ file, names: wanted })
      expect(results.filter(({ isPassed }) => !isPassed).map((result) => `${result.test}: ${result.failure}`)).toEqual(
        [],
      )
      return results.map((result) => result.test)
    })
    sound.set(file, names)
  }
  return names
}

/** Whether a failure says that an expectation was not met, or what the mutant announces. */
function isRightReason(failure: string, { saying = [] }: Killer): boolean {
  if (saying.some((part) => failure.includes(part))) return true
  return /AssertionError|^Error: promise (resolved|rejected) .* instead of/m.test(failure)
}

test.concurrent.each(mutants)('$name', { timeout: 900_000 }, async (mutant) => {
  const { killedBy } = mutant
  const names = killedBy.test === undefined ? [] : [killedBy.test]
  const passing = await soundTests(killedBy.file)
  expect(passing.filter((name) => name.includes(killedBy.test ?? '')).length, 'tests of that name').toBeGreaterThan(0)
  const startedMs = performance.now()
  const results = await lanes.with((lane) => lane.run({ file: killedBy.file, names }, mutant))
  const failures = results.filter(({ isPassed }) => !isPassed)
  const isKilled = failures.length > 0
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  process.stdout.write(`${isKilled ? 'killed  ' : 'SURVIVED'} ${seconds.padStart(6)} s  ${mutant.name}\n`)
  expect(isKilled, 'it survived').toBe(true)
  const right = failures.filter(({ failure }) => isRightReason(failure, killedBy))
  expect(right.length, `killed for another reason: ${failures[0]!.failure}`).toBeGreaterThan(0)
})
