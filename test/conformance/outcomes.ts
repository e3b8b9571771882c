// What a run of the conformance suite found, kept for the table in docs/reference/driver-conformance.md.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Need, UNNAMED } from './stage.ts'

/** How a case ended: a capability stands for its refusal, which was asserted in the case's place; a fault is the counterpart's own. */
export type Outcome = 'passed' | 'failed' | typeof UNNAMED | Need | { readonly fault: string }

/** Where the runs of this project leave what they found; under a folder that git does not keep. */
export const outcomesFolder = join('test-results', 'conformance')

/** Writes what a run found to a file of its own; a run of a few cases only leaves a file with those. */
export async function writeOutcomes(name: string, outcomes: ReadonlyMap<string, Outcome>): Promise<void> {
  await mkdir(outcomesFolder, { recursive: true })
  const file = `${name.replace(/[^a-zA-Z0-9]+/g, '-').toLowerCase()}.json`
  const text = JSON.stringify({ name, outcomes: Object.fromEntries(outcomes) }, null, 1)
  await writeFile(join(outcomesFolder, file), `${text}\n`)
}
