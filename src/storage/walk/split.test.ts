// Proves that a cut lies strictly inside its range, is valid UTF-8 and falls where the keys are moving.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitKey, spread } from './split.ts'

const bytes = (text: string) => Buffer.from(text, 'utf8')

describe('splitKey', () => {
  test('cuts at the digit that is moving, not in the file name', () => {
    const cut = splitKey(bytes('a/scene_000100/f1.jpg'), bytes('a/scene_000120/f9.jpg'), null)
    expect(cut?.toString()).toBe('a/scene_00016')
  })

  test('stays below the end of the range where both share what comes before', () => {
    const cut = splitKey(bytes('cam-00/'), bytes('cam-02/x.jpg'), bytes('cam-09/'))
    expect(cut?.toString()).toBe('cam-05')
  })

  test('finds no cut between neighbours that leave no room', () => {
    expect(splitKey(bytes('zz'), bytes('zz'), bytes('zz'))).toBeNull()
  })

  test('every cut is strictly inside and survives a round trip through UTF-8', () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map(bytes)
    fc.assert(
      fc.property(fc.uniqueArray(key, { minLength: 3, maxLength: 3, selector: (k) => k.toString('hex') }), (keys) => {
        const [first, cursor, to] = keys.sort(Buffer.compare) as [Buffer, Buffer, Buffer]
        for (const end of [to, null]) {
          const cut = splitKey(first, cursor, end)
          if (cut === null) continue
          expect(cut.compare(cursor)).toBeGreaterThan(0)
          if (end !== null) expect(cut.compare(end)).toBeLessThan(0)
          expect(bytes(cut.toString('utf8')).equals(cut)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('spread keeps order and never gives more than asked', () => {
  const keys = Array.from({ length: 1000 }, (_, index) => bytes(String(index).padStart(4, '0')))
  const cuts = spread(keys, 64)
  expect(cuts).toHaveLength(64)
  expect([...cuts].sort(Buffer.compare)).toEqual(cuts)
  expect(spread(keys.slice(0, 5), 64)).toHaveLength(5)
})
