// Proves that a sounding gives only keys there are, never an end with keys behind it, and asks little, whatever the keys.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Found, sound } from './sound.ts'

const bytes = (text: string) => Buffer.from(text)

/** Sounds among some sorted keys; also how many questions that took. */
async function among(
  keys: readonly Buffer[],
  cursor: Buffer,
  to: Buffer | null = null,
  placeMin = 0,
): Promise<Found & { asked: number }> {
  let asked = 0
  const found = await sound({
    cursor,
    to,
    placeMin,
    plausibleAt: () => [],
    nextAfter: async (after) => {
      asked++
      expect(after.compare(cursor)).toBeGreaterThan(0)
      if (to !== null) expect(after.compare(to)).toBeLessThan(0)
      expect(bytes(after.toString('utf8')).equals(after)).toBe(true)
      return keys.find((key) => key.compare(after) > 0) ?? null
    },
  })
  return { ...found, asked }
}

const numbers = (count: number) =>
  Array.from({ length: count }, (_, n) => bytes(`img_${String(n).padStart(8, '0')}.jpg`))

describe('sound', () => {
  test('finds the digit at which numbers go on, and where they end', async () => {
    const { keys, end, asked } = await among(numbers(45_000), bytes('img_00000999.jpg'))
    expect(keys.map(String)).toEqual([1, 2, 3, 4].map((digit) => `img_000${digit}0000.jpg`))
    expect(end?.toString()).toBe('img_0005')
    expect(asked).toBeLessThan(30)
  })

  test('stays within the stretch', async () => {
    const { keys } = await among(numbers(45_000), bytes('img_00000999.jpg'), bytes('img_00025000.jpg'))
    expect(keys.map(String)).toEqual(['img_00010000.jpg', 'img_00020000.jpg'])
  })

  test('letters behind digits, and one branch only', async () => {
    const hex = [...'0123456789abcdef'].map((digit) => bytes(`x${digit}`))
    expect((await among(hex, bytes('x0'))).keys.map(String)).toContain('xf')
    const two = await among([bytes('a/9'), bytes('archive/1')], bytes('a/5'))
    expect(two.keys.map(String)).toEqual(['archive/1'])
  })

  test('nothing behind the cursor gives nothing', async () => {
    expect(await among([bytes('a'), bytes('b')], bytes('b'))).toMatchObject({ keys: [], end: null })
    expect((await among([], bytes(''))).keys).toEqual([])
  })

  test('a key that is exactly one asked behind of is not overlooked', async () => {
    const keys = ['\ud7ff0', '\ud7ff😀0', '\ue000'].map(bytes)
    const { end } = await among(keys, keys[0]!, keys[2]!)
    expect(end === null || end.compare(keys[2]!) >= 0).toBe(true)
  })

  test('any keys: what is found is there, and behind the end is nothing', async () => {
    const unit = fc.constantFrom(
      '0',
      '1',
      '9',
      'a',
      'f',
      'z',
      '/',
      ' ',
      'é',
      '中',
      '\ud7ff',
      '\ue000',
      '😀',
      '\u{10ffff}',
    )
    const key = fc.oneof(
      fc.string({ unit, minLength: 1, maxLength: 8 }),
      fc.string({ unit, maxLength: 3 }).map((text) => `a/very/long/shared/prefix/${text}`),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
    )
    const property = fc.asyncProperty(
      fc.uniqueArray(key, { minLength: 2, maxLength: 60 }),
      fc.nat(),
      fc.option(fc.nat(), { nil: null }),
      async (texts, at, end) => {
        const keys = texts.map(bytes).sort(Buffer.compare)
        const low = at % keys.length
        const to = end === null || low === keys.length - 1 ? null : keys[low + 1 + (end % (keys.length - low - 1))]!
        const found = await among(keys, keys[low]!, to)
        const inside = keys.slice(low + 1).filter((one) => to === null || one.compare(to) <= 0)
        for (const one of found.keys) expect(inside.some((known) => known.equals(one))).toBe(true)
        if (found.end !== null) expect(inside.filter((one) => one.compare(found.end!) > 0)).toEqual([])
        expect(found.asked).toBeLessThanOrEqual(54)
      },
    )
    await fc.assert(property, { numRuns: 2000 })
  })
})
