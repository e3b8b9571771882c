// Proves that ranges made of sampled keys cover every key of the folder exactly once, whatever the keys, and are about equally full.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seedRanges } from './support/seed-ranges.ts'

const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('p/', 'p/a', 'p/b', 'p/é', 'p/😀', 'p/～', 'q').map((text) => Buffer.from(text)),
)

describe('seedRanges', () => {
  test('every key lies in exactly one range', () => {
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 60 }),
        fc.constantFrom('', 'p/'),
        fc.integer({ min: 1, max: 20 }),
        fc.array(key, { minLength: 1, maxLength: 20 }),
        (borders, prefix, rangesMax, keys) => {
          const ranges = seedRanges(borders, { prefix: Buffer.from(prefix), rangesMax })
          expect(ranges.length).toBeGreaterThan(0)
          expect(ranges.length).toBeLessThanOrEqual(rangesMax)
          expect(ranges.map(({ no }) => no)).toEqual(ranges.map((_, index) => index + 1))
          for (const { cursor, from, isDone } of ranges) expect([cursor.equals(from), isDone]).toEqual([true, false])
          for (const { to } of ranges.slice(0, -1)) {
            expect(to?.toString('latin1').startsWith(prefix)).toBe(true)
            expect(borders.some((border) => border.equals(to!))).toBe(true)
          }
          for (const one of keys.filter((given) => given.length > 0)) {
            const home = ranges.filter(({ from, to }) => one.compare(from) > 0 && (to === null || one.compare(to) <= 0))
            expect(home).toHaveLength(1)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('as many of the sampled keys in each as in the others, give or take one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 70 }), (count, rangesMax) => {
        const borders = Array.from({ length: count }, (_, n) => Buffer.from(String(n).padStart(4, '0')))
        const ranges = seedRanges([...borders, ...borders].reverse(), { prefix: Buffer.alloc(0), rangesMax })
        expect(ranges).toHaveLength(Math.min(rangesMax, count + 1))
        // Parts are what lies between sampled keys: one more than there are keys.
        const parts = ranges.map(
          ({ from, to }) =>
            borders.filter((one) => one.compare(from) > 0 && (to === null || one.compare(to) <= 0)).length +
            (to === null ? 1 : 0),
        )
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1)
      }),
    )
  })
})
