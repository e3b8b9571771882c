import { afterAll, beforeAll, describe, test } from 'vitest'
import { abortCases } from './cases/aborts.ts'
import { checkCases } from './cases/checks.ts'
import { keyCases } from './cases/keys.ts'
import { listingCases } from './cases/listings.ts'
import { modelCases } from './cases/model.ts'
import { readCases } from './cases/reads.ts'
import { refusalCases } from './cases/refusals.ts'
import { removalCases } from './cases/removals.ts'
import { signingCases } from './cases/signing.ts'
import { writeCases } from './cases/writes.ts'
import { type Outcome, writeOutcomes } from './outcomes.ts'
import {
  type CaseGroup,
  type ConformanceCase,
  type ConformanceOptions,
  refusals,
  type Stage,
  type StorageUnderTest,
  UNNAMED,
} from './stage.ts'

export type { ConformanceOptions, StorageUnderTest } from './stage.ts'

/** Every case there is: what all storages must do, each within what its capabilities say. */
export const conformanceGroups: readonly CaseGroup[] = [
  { title: 'Keys', cases: keyCases },
  { title: 'Listing', cases: listingCases },
  { title: 'Reading', cases: readCases },
  { title: 'Writing', cases: writeCases },
  { title: 'Removing', cases: removalCases },
  { title: 'Signed addresses', cases: signingCases },
  { title: 'Refusals', cases: refusalCases },
  { title: 'Aborting', cases: abortCases },
  { title: 'Check', cases: checkCases },
  { title: 'Model', cases: modelCases },
]

/**
 * What every storage driver must do, as tests; called once a driver, from a test file that opens it.
 *
 * No case is left out: where a capability that it needs is false, it asserts that the driver refuses just that, as `unsupported` and without a request.
 */
export function storageConformance(
  name: string,
  open: () => Promise<StorageUnderTest>,
  options: ConformanceOptions = {},
): void {
  describe(`storage conformance: ${name}`, () => {
    let stage: Stage
    let folders = 0
    const outcomes = new Map<string, Outcome>()

    beforeAll(async () => {
      stage = { ...(await open()), options, freshFolder: () => `test-${++folders}/` }
    })
    afterAll(async () => {
      await stage?.close()
      const { tableName = name } = options
      if (tableName !== null) await writeOutcomes(tableName, outcomes)
    })

    const ids = new Set(conformanceGroups.flatMap(({ title, cases }) => cases.map((one) => `${title}: ${one.name}`)))
    const unknown = Object.keys(options.faults ?? {}).filter((id) => !ids.has(id))
    if (unknown.length > 0) throw new Error(`There are no such cases: ${unknown.join('; ')}`)

    for (const { title, cases } of conformanceGroups) {
      describe(title, () => {
        for (const one of cases) {
          const id = `${title}: ${one.name}`
          test(one.name, { timeout: one.timeoutMs ?? 60_000 }, async () => {
            outcomes.set(id, 'failed')
            const fault = options.faults?.[id]
            outcomes.set(id, fault === undefined ? await tried(one, stage) : await failed(one, stage, fault))
          })
        }
      })
    }
  })
}

/** Runs a case, or asserts the refusal of the first capability that it lacks. */
async function tried(one: ConformanceCase, stage: Stage): Promise<Outcome> {
  const lacking = one.needs.find((need) => !stage.storage.can[need])
  if (lacking === undefined) {
    return (await one.run(stage)) === UNNAMED ? UNNAMED : 'passed'
  }
  await refusals[lacking](stage, `${stage.freshFolder()}x`)
  return lacking
}

/** What the counterpart gets wrong has to go wrong; once it does not, its place in the list of faults is to be given up. */
async function failed(one: ConformanceCase, stage: Stage, fault: string): Promise<Outcome> {
  const end = await tried(one, stage).catch(() => null)
  if (end !== null) throw new Error(`This was listed as a fault, and works: ${fault}`)
  return { fault }
}
