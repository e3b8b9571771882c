// Every hand mutant, by area, and the page that lists them.
import type { Mutant } from './mutant.ts'
import { ofAbsence } from './of-absence.ts'
import { ofComparing } from './of-comparing.ts'
import { ofReadings } from './of-readings.ts'
import { ofRemoval } from './of-removal.ts'
import { ofRuns } from './of-runs.ts'
import { ofStorage } from './of-storage.ts'

/** Titles of the areas and their mutants, in the order of the page. */
export const areas: readonly (readonly [string, readonly Mutant[]])[] = [
  ['Runs, leases and cursors', ofRuns],
  ['Two looks at one file', ofReadings],
  ['Comparing a listing with the rows', ofComparing],
  ['What is absent', ofAbsence],
  ['What goes, comes back and costs', ofRemoval],
  ['Keys and listing pages', ofStorage],
]

/** All of them. */
export const mutants: readonly Mutant[] = areas.flatMap(([, ofArea]) => ofArea)

/** Text of docs/reference/mutants.md. */
export function mutantsPage(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const row = ({ name, rule, file, killedBy }: Mutant) => {
    const test = killedBy.test === undefined ? '' : `: “${killedBy.test}”`
    return `| ${cell(name)} | \`${file}\` | ${cell(rule)} | \`${killedBy.file}\`${cell(test)} |`
  }
  const parts = areas.map(([title, ofArea]) =>
    [
      `## ${title}`,
      '',
      '| what the code does then | in | the rule it breaks | killed by |',
      '|---|---|---|---|',
      ...ofArea.map(row),
      '',
    ].join('\n'),
  )
  return `# Hand mutants of the real code

${mutants.length} ways to break a rule of syncs, hints, the catalog and listings, each in one place of the real code, and the test that notices. \`npm run test:mutants\`
copies the work tree, runs each test without a mutant first, then with it, and fails when a mutant survives, is killed by something else than an
expectation, or its place in the code is not there any more. This page is written from the table (\`test/mutants/table.ts\`) by \`npx vitest run --project
unit test/mutants.test.ts -u\` and checked against it by the same test.

The model of the convergence rules has mutants of its own ([decision 0008](../adr/0008-model-of-convergence.md)), and so have its random stories
(\`test/convergence/mutants.ts\`).

${parts.join('\n')}`
}
