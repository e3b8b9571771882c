// Proves by random races that of workers on one key the one that looked last is right, wherever the others are held back, lose their leases or come late.
import { afterAll, beforeAll } from 'vitest'
import { plain, testKind } from './kinds.ts'
import { openUniverse, type Universe } from './world.ts'

let universe: Universe
beforeAll(async () => {
  universe = await openUniverse()
})
afterAll(() => universe.close())
const here = () => universe

testKind('a worker is held back while a file changes', { ...plain, withHolds: true }, here, [31, 47, 2_718, 65_537])
testKind('the same with two datasets', { ...plain, withHolds: true, withSecond: true }, here, [7, 1_729])
