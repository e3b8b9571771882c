// Proves by random stories that an index at rest is what its bucket is, whatever comes in whatever order, breaks or runs out: items, counters, fingerprints, points.
import { afterAll, beforeAll } from 'vitest'
import { plain, testKind } from './kinds.ts'
import { openUniverse, type Universe } from './world.ts'

let universe: Universe
beforeAll(async () => {
  universe = await openUniverse()
})
afterAll(() => universe.close())
const here = () => universe

testKind('events and syncs', { ...plain, steps: 16, withSecond: true, withSettings: true }, here)
testKind('connections that break', { ...plain, steps: 10, withBreaks: true, withSecond: true }, here)
testKind('data points that run out', { ...plain, steps: 12, withQuota: true, withSecond: true }, here)
testKind(
  'all at once',
  { ...plain, steps: 8, withHolds: true, withBreaks: true, withSettings: true, withSecond: true, withQuota: true },
  here,
)
