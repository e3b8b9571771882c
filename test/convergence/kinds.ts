// How many stories of a kind are played, and from which seeds.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { play } from './play.ts'
import { type StoryKind, stories } from './story.ts'
import type { Universe } from './world.ts'

/** Stories a seed. */
const STORIES = Number(process.env.CONVERGENCE_STORIES ?? 100)
/** Seeds that are played every time; those of stories that once failed are added here. */
const SEEDS = [1, 816, 20_261_122]
/** One that is new every time; it stands in the test's name. */
const fresh = Number(process.env.CONVERGENCE_SEED ?? Date.now() % 1_000_000_000)

/** A short story in which nobody is in another’s way: what the kinds are made from. */
export const plain: StoryKind = {
  steps: 4,
  withHolds: false,
  withBreaks: false,
  withSettings: false,
  withSecond: false,
  withQuota: false,
}

/** Declares the tests of a kind. `more`: further seeds, for kinds in which what matters is rare. */
export function testKind(name: string, kind: StoryKind, universe: () => Universe, more: readonly number[] = []): void {
  test.each([...SEEDS, ...more, fresh])(`${name}, ${STORIES} stories of seed %i`, async (seed) => {
    await fc.assert(
      fc.asyncProperty(stories(kind), async (story) => {
        expect(await play(universe(), story, kind.withQuota)).toEqual([])
      }),
      { seed, numRuns: STORIES },
    )
  })
}
