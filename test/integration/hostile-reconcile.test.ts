// Proves of reconciles, which remove items, what hostile-pages.test.ts proves of syncs: no wrong page and no wrong confirmation costs an item of a file that is there.
import { afterAll, beforeAll, describe, test } from 'vitest'
import { hostileShapes } from '../fakes/hostile-shapes.ts'
import { HostileBenches } from './hostile-trials.ts'

const benches = new HostileBenches()
beforeAll(() => benches.start(3, true))
afterAll(async () => {
  benches.report('Pages and confirmations of a reconcile')
  await benches.stop()
})

describe.concurrent('a page or confirmation', () => {
  test.each(hostileShapes.map((shape) => [shape.name, shape] as const))(
    '%s',
    { timeout: 120_000 },
    async (_, shape) => {
      const isEven = hostileShapes.indexOf(shape) % 2 === 0
      await benches.try(shape, { place: 'page', at: isEven ? 'last' : 1, isAlways: false })
      await benches.try(shape, { place: 'confirmation', at: 2, isAlways: true })
    },
  )
})
