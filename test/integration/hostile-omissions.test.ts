// Proves that a listing which leaves out keys at random, in well-formed pages, makes no ghosts: what is absent is read again before it is marked.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { omitEntries } from '../fakes/hostile-shapes.ts'
import { HostileBench } from './hostile-trials.ts'

// A storage that lies both times, in its listing and when it is asked again, about no more than the brake lets pass (50 files or 5 %), is believed: to
// anybody who has only its word those files are gone. They come back, with everything, at the first sync that lists them.
const omission = fc.record({
  /** Of a hundred keys so many are left out. */
  share: fc.constantFrom(0, 1, 2, 5, 20, 50, 90, 100),
  seed: fc.integer({ min: 1, max: 0x7ffffffe }),
  /** Another choice with every request, or the same keys from all. */
  isSteady: fc.boolean(),
})
const runs = { numRuns: 25 }
// A page of which nothing is left and that says that more follows is not well-formed.
const ends = { success: null, parked: 'sync.parked', failed: 'storage.invalid_answer' }

test.each([
  ['a sync', false],
  ['a reconcile', true],
])('%s of a storage that leaves out keys', { timeout: 120_000 }, async (_, isReconcile) => {
  const bench = await HostileBench.start(isReconcile)
  const seen = { runs: 0, omitted: 0, parked: 0, failed: 0, success: 0 }
  try {
    await fc.assert(
      fc.asyncProperty(omission, async ({ share, seed, isSteady }) => {
        bench.change()
        const before = await bench.rows()
        let requests = 0
        const run = await bench.sync((asked, right) => {
          if (bench.placeOf(asked) === 'confirmation') return null
          requests++
          const body = omitEntries(right, (key) => hash(key, isSteady ? seed : seed + requests) % 100 < share)
          if (body === null) return null
          seen.omitted++
          return { body }
        })
        seen.runs++
        seen[run.state as 'parked' | 'success' | 'failed']++
        expect(run.errorCode).toBe(ends[run.state as 'parked' | 'success' | 'failed'])
        await bench.expectNoGhost(before)
        if (run.state !== 'success') await bench.expectNothingMarked(before)
        expect(await bench.sync()).toMatchObject({ state: 'success' })
        await bench.expectExact()
      }),
      runs,
    )
    expect(seen.omitted).toBeGreaterThan(seen.runs)
    expect(seen.success).toBeGreaterThan(0)
    console.info(`Omissions${isReconcile ? ' in reconciles' : ''}: ${JSON.stringify(seen)}`)
  } finally {
    await bench.stop()
  }
})

function hash(text: string, seed: number): number {
  let value = seed
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 16777619) >>> 0
  return value >>> 3
}
