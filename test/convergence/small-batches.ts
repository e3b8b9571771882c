// Transformations of Vitest's: small batches and short waits, so that a dozen files meet as many borders as millions would; and a mutant, where one is asked for.
// Texts are replaced while their files are loaded; each must be found, so that a renamed one is noticed.
import { readFileSync } from 'node:fs'
import { type Mutant, mutants } from './mutants.ts'

const smaller: readonly Mutant[] = [
  { file: 'src/core/sync/rows/ingest.ts', from: /\bBATCH_ROWS = 15_000\b/, to: 'BATCH_ROWS = 3' },
  { file: 'src/core/hints/resolve.ts', from: /\bROW_WAIT = '300ms'/, to: `ROW_WAIT = '60ms'` },
]

/** For `plugins` of a Vitest project. */
export function smallBatches() {
  const name = process.env.CONVERGENCE_MUTANT
  if (name !== undefined && !(name in mutants)) throw new Error(`There is no mutant “${name}”.`)
  const changes = name === undefined ? smaller : [...smaller, mutants[name]!]
  for (const { file, from } of changes)
    if (!from.test(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')))
      throw new Error(`${file} has no ${from.source} any more; teach test/convergence`)
  return {
    // Vitest keeps what it transformed by the names of plugins: a mutant must not be met again without having been asked for.
    name: `small-batches ${name ?? ''}`,
    enforce: 'pre' as const,
    transform(code: string, id: string): string | undefined {
      const path = id.split('?')[0]!
      let changed = code
      for (const { file, from, to } of changes) {
        if (path.endsWith(`/${file}`)) changed = changed.replace(from, to)
      }
      return changed === code ? undefined : changed
    },
  }
}
