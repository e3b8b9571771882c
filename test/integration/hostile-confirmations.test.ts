// Proves that a wrong answer to what confirms an absence, of whatever shape, marks no file that is there, though the listing left it out; and that wrong guesses of where keys are do no harm.
import { afterAll, beforeAll, describe, test } from 'vitest'
import { hostileShapes } from '../fakes/hostile-shapes.ts'
import { HostileBenches } from './hostile-trials.ts'

const benches = new HostileBenches()
beforeAll(() => benches.start(3, false))
afterAll(async () => {
  benches.report('Confirmations and guesses of a sync')
  await benches.stop()
})

describe.concurrent('a confirmation or guess', () => {
  test.each(hostileShapes.map((shape) => [shape.name, shape] as const))(
    '%s',
    { timeout: 120_000 },
    async (_, shape) => {
      await benches.try(shape, { place: 'confirmation', at: 1, isAlways: false })
      await benches.try(shape, { place: 'confirmation', at: 3, isAlways: true })
      await benches.try(shape, { place: 'guess', at: 1, isAlways: true })
    },
  )
})
