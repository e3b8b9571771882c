// Proves the arithmetic behind every figure: medians, percentiles, and ratios taken round by round with unlike amounts of work.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { interleave, median, percentile, type Run } from './measure.ts'

it('compares a unit with a unit, takes the median over the rounds, and runs the contenders in turn', async () => {
  const order: string[] = []
  const contender = (name: string, runs: Run[]) => ({
    name,
    run: async (round: number) => {
      order.push(name)
      return runs[round]!
    },
  })
  const ours = contender(
    'ours',
    [1, 2, 9].map((seconds) => ({ seconds, units: 100, cpuMicros: seconds * 50, rssMaxMb: seconds })),
  )
  const peer = contender(
    'peer',
    [4, 4, 4].map((seconds) => ({ seconds, units: 10 })),
  )
  const measured = await interleave(3, ours, [peer])
  expect(order).toEqual(['ours', 'peer', 'ours', 'peer', 'ours', 'peer'])
  expect(measured).toMatchObject({ seconds: 2, perSecond: 50, cpuMicrosPerUnit: 1, rssMaxMb: 9 })
  expect(measured.peers).toEqual([{ name: 'peer', seconds: 40, ratio: expect.closeTo(0.05) }])
})

it('finds the middle and the share whatever the order', () => {
  const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, share) => {
      const below = (limit: number) => list.filter((value) => value <= limit).length
      expect(below(median(list))).toBeGreaterThanOrEqual(Math.floor(list.length / 2))
      const found = percentile(list, share)
      expect(list).toContain(found)
      expect(below(found) / list.length).toBeGreaterThanOrEqual(share - 1e-9)
      expect(percentile([...list].reverse(), share)).toBe(found)
    }),
  )
})
