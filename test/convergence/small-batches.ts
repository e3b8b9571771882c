// A transformation of Vitest's that gives the product small batches and short waits, so that a dozen files meet as many borders as millions would.
// Constants are replaced while their files are loaded; each must be found, so that a renamed one is noticed.
import { readFileSync } from 'node:fs'

/** File, constant as it stands, constant as the stories get it. */
const smaller = [
  ['src/core/sync/rows/ingest.ts', /\bBATCH_ROWS = 15_000\b/, 'BATCH_ROWS = 3'],
  ['src/core/hints/resolve.ts', /\bROW_WAIT = '1s'/, `ROW_WAIT = '60ms'`],
] as const

/** For `plugins` of a Vitest project. */
export function smallBatches() {
  for (const [file, from] of smaller)
    if (!from.test(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')))
      throw new Error(`${file} has no ${from.source} any more; teach small-batches.ts`)
  return {
    name: 'small-batches',
    enforce: 'pre' as const,
    transform(code: string, id: string): string | undefined {
      const change = smaller.find(([file]) => id.split('?')[0]!.endsWith(`/${file}`))
      return change && code.replace(change[1], change[2])
    },
  }
}
