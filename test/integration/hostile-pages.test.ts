// Proves that a sync that meets a wrong page, of whatever shape and wherever in its listing, marks no file that is there: it heals, or fails with its own code.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostileShapes } from '../fakes/hostile-shapes.ts'
import { HostileBenches } from './hostile-trials.ts'

const benches = new HostileBenches()
beforeAll(() => benches.start(3, false))
afterAll(async () => {
  benches.report('Pages of a sync')
  await benches.stop()
})

test('there are more than forty shapes', () => {
  expect(new Set(hostileShapes.map(({ name }) => name)).size).toBe(hostileShapes.length)
  expect(hostileShapes.length).toBeGreaterThan(40)
})

describe.concurrent('a page', () => {
  test.each(hostileShapes.map((shape) => [shape.name, shape] as const))(
    '%s',
    { timeout: 120_000 },
    async (_, shape) => {
      // Once at the first page or at the last; where the other is met once is in hostile-reconcile.test.ts.
      const isEven = hostileShapes.indexOf(shape) % 2 === 0
      await benches.try(shape, { place: 'page', at: isEven ? 1 : 'last', isAlways: false })
      await benches.try(shape, { place: 'page', at: 4, isAlways: true })
    },
  )
})
