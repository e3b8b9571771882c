// Proves that a kept password opens with the same password only, and that what is kept tells nothing of it.
import { expect, test } from 'vitest'
import { hashPassword, verifyPassword } from './passwords.ts'

test('the same password opens, another does not, and two hashes of one password differ', async () => {
  const [first, second] = [await hashPassword('correct horse'), await hashPassword('correct horse')]
  expect(first).toMatch(/^scrypt\$15\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
  expect(first).not.toBe(second)
  expect(await verifyPassword('correct horse', first)).toBe(true)
  expect(await verifyPassword('correct horse ', first)).toBe(false)
  expect(await verifyPassword('', first)).toBe(false)
})

test('a letter typed as one or as two code points is the same password', async () => {
  expect(await verifyPassword('cafe\u0301', await hashPassword('caf\u00e9'))).toBe(true)
})

test('nobody’s password is no password, and a damaged one is an error, not a no', async () => {
  expect(await verifyPassword('anything', null)).toBe(false)
  await expect(verifyPassword('anything', 'plain')).rejects.toThrow('unknown form')
})

test('a flood is told to come back instead of waiting in memory', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 110 }, () => verifyPassword('x', 'scrypt$1$1$1$AAAA$AAAA')),
  )
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused).toHaveLength(8)
  expect(refused.every((outcome) => (outcome.reason as { code: string }).code === 'rate.limited')).toBe(true)
})
