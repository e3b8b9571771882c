// Proves that the committed table of drivers and cases has the cases of the suite, all of them, and no failure.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conformanceGroups } from './storage.suite.ts'
import { escaped } from './table.ts'

test('the committed table has the cases of the suite; run the suites and then node test/conformance/table.ts', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/reference/driver-conformance.md'), 'utf8')
  const expected = conformanceGroups.flatMap(({ title, cases }) => [
    `## ${title}`,
    ...cases.map(({ name }) => escaped(name)),
  ])
  const found = page
    .split('\n## What the counterparts get wrong')[0]!
    .split('\n')
    .flatMap((line) =>
      line.startsWith('## ') ? [line] : (/^\| (?!Case \|)(.*?) (?:\| [^| ]{1,2} )+\|$/.exec(line)?.slice(1) ?? []),
    )
  expect(found).toEqual(expected)
  expect(expected.length).toBeGreaterThanOrEqual(150)
})

test('every case has a name of its own', () => {
  for (const { cases } of conformanceGroups) expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
})
