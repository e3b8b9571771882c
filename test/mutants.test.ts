// Proves that every hand mutant still has its place in the code and its test, and that docs/reference/mutants.md lists exactly them; the mutants themselves are
// met by `npm run test:mutants`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { mutate } from './mutants/mutant.ts'
import { mutants, mutantsPage } from './mutants/table.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

test('every mutant has a name of its own and changes the code in one place', () => {
  const names = mutants.map(({ name }) => name)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  for (const mutant of mutants) {
    const code = read(mutant.file)
    expect(mutate(code, mutant), mutant.name).not.toBe(code)
  }
})

test('every test that kills a mutant is there', () => {
  const missing = mutants.filter(({ killedBy }) => {
    const text = read(killedBy.file)
    // Titles of `test.each` are put together while they run; then a word of it must do.
    return killedBy.test !== undefined && !text.includes(killedBy.test) && !/test\.each/.test(text)
  })
  expect(missing.map(({ name, killedBy }) => `${name}: ${killedBy.test}`)).toEqual([])
})

test('the page lists them', async () => {
  await expect(mutantsPage()).toMatchFileSnapshot(join(root, 'docs/reference/mutants.md'))
})
