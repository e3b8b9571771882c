// Proves that the number of requests at once grows while answers come in time, halves when the storage asks, and keeps its bounds.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pace } from './pace.ts'

/** Hands over `pages` pages; answers the limit then. */
function after(pace: Pace, pages: number, tookMs: number): number {
  for (let page = 0; page < pages; page++) pace.page(tookMs)
  return pace.limit
}

test('doubles with every round trip, up to its most', () => {
  const pace = new Pace(64)
  const first = pace.limit
  expect(after(pace, first, 60)).toBe(2 * first)
  expect(after(pace, 2 * first, 60)).toBe(4 * first)
  expect(after(pace, 1000, 60)).toBe(64)
})

test('from 32 on it does not grow while answers take twice as long as they did, and by one a round trip when they do not', () => {
  const pace = new Pace(64)
  pace.page(3)
  expect(after(pace, 200, 7)).toBe(32)
  expect(after(pace, 40, 4)).toBe(33)
  expect(after(pace, 4000, 4)).toBe(64)
})

test('a storage that throttles halves it, and it grows by one a round trip from there', () => {
  const pace = new Pace(64)
  after(pace, 1000, 60)
  pace.throttled()
  expect(pace.limit).toBe(32)
  expect(after(pace, 33, 60)).toBe(33)
})

test('stays within its bounds whatever happens', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 128 }),
      fc.array(fc.tuple(fc.nat(200), fc.boolean()), { maxLength: 500 }),
      (most, events) => {
        const pace = new Pace(most)
        for (const [tookMs, isThrottled] of events) {
          if (isThrottled) pace.throttled()
          else pace.page(tookMs)
          expect(pace.limit).toBeGreaterThanOrEqual(1)
          expect(pace.limit).toBeLessThanOrEqual(most)
        }
      },
    ),
  )
})
