// Proves that an object keeps its address for minutes and no longer, that no address is given out when it is about to end, and that memory is bounded.
import { expect, test } from 'vitest'
import { SignedAddresses } from './signed-addresses.ts'

const START = 1_000 * 300_000

function signer(lifeMs = 3_600_000) {
  let count = 0
  return {
    get count() {
      return count
    },
    sign: (nowMs: number) => async () => ({ url: `u${++count}`, headers: {}, expiresAtMs: nowMs + lifeMs }),
  }
}

test('one address for five minutes, then another', async () => {
  const addresses = new SignedAddresses()
  const { sign } = signer()
  expect(await addresses.get('a', START, sign(START))).toEqual({ url: 'u1', maxAgeSeconds: 240 })
  expect((await addresses.get('a', START + 299_999, sign(START))).url).toBe('u1')
  expect((await addresses.get('b', START, sign(START))).url).toBe('u2')
  expect((await addresses.get('a', START + 300_000, sign(START))).url).toBe('u3')
})

test('an address that ends soon is neither remembered by browsers for longer nor given again', async () => {
  const addresses = new SignedAddresses()
  const { sign } = signer(60_000)
  expect((await addresses.get('a', START, sign(START))).maxAgeSeconds).toBe(30)
  expect((await addresses.get('a', START + 20_000, sign(START))).maxAgeSeconds).toBe(10)
  expect((await addresses.get('a', START + 40_000, sign(START + 40_000))).url).toBe('u2')
  expect((await addresses.get('c', START, signer(1_000).sign(START))).maxAgeSeconds).toBe(0)
})

test('the one used longest ago goes first', async () => {
  const addresses = new SignedAddresses()
  const made = signer()
  for (let index = 0; index < 10_000; index++) await addresses.get(`k${index}`, START, made.sign(START))
  await addresses.get('k0', START, made.sign(START))
  await addresses.get('new', START, made.sign(START))
  expect(made.count).toBe(10_001)
  await addresses.get('k0', START, made.sign(START))
  expect(made.count).toBe(10_001)
  await addresses.get('k1', START, made.sign(START))
  expect(made.count).toBe(10_002)
})
