// Proves that session keys are renewed before they end, once for all who ask at the same time, and that an outage is survived as long as the keys are good.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { StorageError } from '../storage-error.ts'
import { lastingKeys, renewedKeys, type SessionKeys } from './credentials.ts'

function scene(lifeMs: number) {
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs }
  const given: SessionKeys[] = []
  let trouble: Error | null = null
  const fetch = async () => {
    if (trouble !== null) throw trouble
    const keys = {
      accessKeyId: `k${given.length}`,
      secretAccessKey: new Secret('s'),
      expiresAtMs: clock.nowMs + lifeMs,
    }
    given.push(keys)
    return keys
  }
  return {
    clock,
    given,
    fail: (error: Error | null) => {
      trouble = error
    },
    source: renewedKeys(fetch, clock),
  }
}

const outage = new StorageError('unreachable', 'away', { provider: 's3', op: 'assumeRole' })
const denial = new StorageError('role-denied', 'no', { provider: 's3', op: 'assumeRole' })

test('keys that are handed out are never expired, whatever the pauses between calls, and as few are fetched as that allows', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1_000, max: 3_600_000 }),
    fc.array(fc.integer({ min: 0, max: 2_000_000 }), { maxLength: 40 }),
    async (lifeMs, pauses) => {
      const { clock, source, given } = scene(lifeMs)
      let passedMs = 0
      for (const pause of pauses) {
        const keys = (await source.current()) as SessionKeys
        expect(keys.expiresAtMs).toBeGreaterThan(clock.nowMs)
        clock.nowMs += pause
        passedMs += pause
      }
      expect(given.length).toBeLessThanOrEqual(1 + passedMs / (lifeMs * 0.75 - 1))
    },
  )
  await fc.assert(property, { numRuns: 300 })
})

test('a hundred calls at once share one fetch', async () => {
  const { clock, source, given } = scene(60_000)
  const first = await Promise.all(Array.from({ length: 100 }, () => source.current()))
  expect([given.length, new Set(first).size]).toEqual([1, 1])
  clock.nowMs += 50_000
  await Promise.all(Array.from({ length: 100 }, () => source.current()))
  expect(given.length).toBe(2)
})

describe('when renewing fails', () => {
  test('an outage leaves the old keys in use to their end, and no longer', async () => {
    const { clock, source, fail } = scene(60_000)
    const keys = await source.current()
    fail(outage)
    for (let second = 45; second < 60; second++) {
      clock.nowMs = 1_000_000 + second * 1000
      expect(await source.current()).toBe(keys)
    }
    clock.nowMs = 1_060_000
    await expect(Promise.resolve(source.current())).rejects.toBe(outage)
    fail(null)
    expect((await source.current()).accessKeyId).toBe('k1')
  })

  test('a denial is told at once: the trust was taken back', async () => {
    const { clock, source, fail } = scene(60_000)
    await source.current()
    clock.nowMs += 50_000
    fail(denial)
    await expect(Promise.resolve(source.current())).rejects.toBe(denial)
  })

  test('keys that are expired on arrival are a matter of clocks', async () => {
    const { source } = scene(-5_000)
    await expect(Promise.resolve(source.current())).rejects.toMatchObject({ kind: 'clock-skew' })
  })
})

test('keys that the storage refuses are given up, unless they are others by then', async () => {
  const { source, given } = scene(60_000)
  const old = await source.current()
  expect(source.refuse(old)).toBe(true)
  const fresh = await source.current()
  expect([fresh === old, given.length]).toEqual([false, 2])
  source.refuse(old)
  expect(await source.current()).toBe(fresh)
  expect(lastingKeys(old).refuse(old)).toBe(false)
})

test('keys that something is denied to are asked for anew, but not every time', async () => {
  const { clock, source, given } = scene(3_600_000)
  const keys = await source.current()
  expect(source.doubt(keys)).toBe(false)
  clock.nowMs += 30_000
  expect(source.doubt(keys)).toBe(true)
  const fresh = await source.current()
  for (let call = 0; call < 100; call++) expect(source.doubt(fresh)).toBe(false)
  expect([await source.current(), given.length]).toEqual([fresh, 2])
})
