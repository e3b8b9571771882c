// Proves that work on one place is done one after the other, that other places do not wait, and that a failure holds nobody up.
import { setImmediate as breath } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inTurn } from './turns.ts'

it('one place has one at a time, in order; a failure is its caller’s own', async () => {
  const running = new Map<string, number>()
  const done: string[] = []
  const work = (place: string, n: number) =>
    inTurn(place, async () => {
      const now = (running.get(place) ?? 0) + 1
      running.set(place, now)
      expect(now).toBe(1)
      await breath()
      await breath()
      running.set(place, now - 1)
      done.push(`${place}${n}`)
      if (n === 1) throw new Error(`${place}${n}`)
      return n
    })
  const all = await Promise.allSettled([0, 1, 2, 3].flatMap((n) => [work('a', n), work('b', n)]))
  const outcomes = all.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message))
  expect(outcomes).toEqual([0, 0, 'a1', 'b1', 2, 2, 3, 3])
  expect(done).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3', 'b3'])
})
