// Proves that the number of requests at once grows while pages are taken in time, shrinks when they wait, halves when the storage asks, and keeps its bounds.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pace } from './pace.ts'

/** Hands over `pages` pages; answers the limit then. */
function after(pace: Pace, pages: number, tookMs: number, waitedMs: number): number {
  for (let page = 0; page < pages; page++) pace.page(tookMs, waitedMs)
  return pace.limit
}

test('doubles with every round trip while nothing waits, up to its most', () => {
  const pace = new Pace(64)
  const first = pace.limit
  expect(after(pace, first, 60, 0)).toBe(2 * first)
  expect(after(pace, 2 * first, 60, 0)).toBe(4 * first)
  expect(after(pace, 1000, 60, 0)).toBe(64)
})

test('a wait shorter than a round trip is no reason for less', () => {
  expect(after(new Pace(64), 1000, 60, 40)).toBe(64)
})

test('slow answers that are slow because many are under way do not excuse waiting', () => {
  const pace = new Pace(64)
  pace.page(3, 0)
  for (let page = 0; page < 200; page++) pace.page(40, 40)
  expect(pace.limit).toBe(8)
})

test('stops doubling when answers take twice as long as they did', () => {
  const pace = new Pace(64)
  after(pace, 4, 3, 0)
  const at = pace.limit
  const then = after(pace, at, 7, 0)
  expect(then).toBeGreaterThanOrEqual(at)
  expect(then).toBeLessThanOrEqual(at + 1)
})

test('pages that wait longer than they took bring it down, once a round trip, but not to nothing', () => {
  const pace = new Pace(64)
  after(pace, 1000, 3, 0)
  expect(after(pace, 1, 3, 50)).toBe(48)
  expect(after(pace, 40, 3, 50)).toBe(48)
  expect(after(pace, 10_000, 3, 50)).toBe(8)
})

test('after less it grows by one a round trip', () => {
  const pace = new Pace(64)
  after(pace, 1000, 3, 0)
  const low = after(pace, 10_000, 3, 50)
  expect(after(pace, low + 1, 3, 0)).toBe(low + 1)
})

test('a storage that throttles halves it', () => {
  const pace = new Pace(64)
  after(pace, 1000, 60, 0)
  pace.throttled()
  expect(pace.limit).toBe(32)
})

test('stays within its bounds whatever happens', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 128 }),
      fc.array(fc.tuple(fc.nat(200), fc.nat(200), fc.boolean()), { maxLength: 500 }),
      (most, events) => {
        const pace = new Pace(most)
        for (const [tookMs, waitedMs, isThrottled] of events) {
          if (isThrottled) pace.throttled()
          else pace.page(tookMs, waitedMs)
          expect(pace.limit).toBeGreaterThanOrEqual(1)
          expect(pace.limit).toBeLessThanOrEqual(most)
        }
      },
    ),
  )
})
