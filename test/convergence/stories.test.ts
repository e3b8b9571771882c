// Proves by random stories that, whatever happens in whatever order, an index at rest is what the bucket is: items, counters, fingerprints, data points.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { play, type StoryKind, stories } from './story.ts'
import { openUniverse, type Universe } from './world.ts'

/** Stories of each kind with each of the stored seeds, and with one that is new every time. */
const RUNS = Number(process.env.CONVERGENCE_RUNS ?? 100)
const SEEDS = [1, 20_261_122, 816]
const fresh = Number(process.env.CONVERGENCE_SEED ?? Date.now() % 1_000_000_000)

const plain = {
  steps: 16,
  withHolds: false,
  withBreaks: false,
  withSettings: false,
  withSecond: false,
  withQuota: false,
}
const kinds: Readonly<Record<string, StoryKind>> = {
  'events and syncs': { ...plain, steps: 24, withSecond: true },
  'workers that are held back and lose their leases': { ...plain, steps: 24, withHolds: true },
  'two datasets on one bucket, events that get lost, settings that change': {
    ...plain,
    withHolds: true,
    withSettings: true,
    withSecond: true,
  },
  'connections that break': { ...plain, withHolds: true, withBreaks: true, withSecond: true, withSettings: true },
  'data points that run out': { ...plain, withQuota: true, withSecond: true },
}

let universe: Universe
beforeAll(async () => {
  universe = await openUniverse()
})
afterAll(() => universe.close())

describe.each(Object.entries(kinds))('%s', (_name, kind) => {
  test.each([...SEEDS, fresh])('seed %i', async (seed) => {
    await fc.assert(
      fc.asyncProperty(stories(kind), async (story) => {
        expect(await play(universe, story, kind.withQuota)).toEqual([])
      }),
      { seed, numRuns: RUNS },
    )
  })
})
