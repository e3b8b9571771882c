// Proves that the fingerprint of a folder changes with every fact that the storage tells of one of its items, and does not depend on their order.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fingerprintText, hashObserved, type Observed, RowHash } from './fingerprint.ts'

function hashOf(row: Observed, datasetNo = 7): string {
  const hash = new RowHash(datasetNo)
  hashObserved(hash, row)
  return fingerprintText(hash.high, hash.low)
}

const base: Observed = {
  name: Buffer.from('img_0001.jpg'),
  etag: Buffer.from('0123456789abcdef'),
  sizeBytes: 1000,
  modifiedMs: 1_700_000_000_000,
  isArchived: false,
}

describe('the hash of an item', () => {
  const changed: [string, Partial<Observed>][] = [
    ['a letter of the name', { name: Buffer.from('img_0002.jpg') }],
    ['a letter more in the name', { name: Buffer.from('img_0001.jpg2') }],
    ['a NUL more in the name', { name: Buffer.from('img_0001.jpg\0') }],
    ['the first byte of the etag', { etag: Buffer.from('x123456789abcdef') }],
    ['the last byte of the etag', { etag: Buffer.from('0123456789abcdex') }],
    ['a byte less of the etag', { etag: Buffer.from('0123456789abcde') }],
    ['no etag', { etag: Buffer.alloc(0) }],
    ['a byte of the size', { sizeBytes: 1001 }],
    ['the upper half of the size', { sizeBytes: 1000 + 2 ** 32 }],
    ['a millisecond', { modifiedMs: 1_700_000_000_001 }],
    ['the upper half of the time', { modifiedMs: 1_700_000_000_000 + 2 ** 32 / 1000 }],
    ['no time', { modifiedMs: null }],
    ['that it is archived', { isArchived: true }],
    [
      'a letter that went from the name to the etag',
      { name: Buffer.from('img_0001.jp'), etag: Buffer.from('g0123456789abcdef') },
    ],
  ]

  test.each(changed)('changes with a change of one fact alone: %s', (_, change) => {
    const row = { ...base, ...change }
    // Times are whole milliseconds.
    if (row.modifiedMs !== null) row.modifiedMs = Math.round(row.modifiedMs)
    expect(hashOf(row)).not.toBe(hashOf(base))
  })

  test('differs between datasets', () => {
    expect(hashOf(base, 8)).not.toBe(hashOf(base, 7))
    // Both halves, or items that collide in one half collide in it everywhere.
    const [one, other] = [7, 8].map((datasetNo) => {
      const hash = new RowHash(datasetNo)
      hashObserved(hash, base)
      return hash
    })
    expect(one!.high).not.toBe(other!.high)
    expect(one!.low).not.toBe(other!.low)
  })

  test('is another one for any two different items', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
    const row = fc.record({
      name: bytes(9),
      etag: bytes(5),
      sizeBytes: fc.nat({ max: 5 }),
      modifiedMs: fc.option(fc.nat({ max: 5 })),
      isArchived: fc.boolean(),
    })
    fc.assert(
      fc.property(row, row, (a, b) => {
        const isSame = JSON.stringify(a) === JSON.stringify(b)
        expect(hashOf(a) === hashOf(b)).toBe(isSame)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('a fingerprint as PostgreSQL’s bigint keeps both halves, also of negative numbers', () => {
  expect(fingerprintText(0, -1)).toBe('4294967295')
  expect(fingerprintText(-1, -1)).toBe('-1')
  expect(fingerprintText(-(2 ** 31), 0)).toBe(String(-(2n ** 63n)))
})
