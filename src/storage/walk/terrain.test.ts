// Proves that marks come back in order and within their bounds, and that guesses are valid keys inside the stretch they are made for.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Terrain } from './terrain.ts'

const bytes = (text: string) => Buffer.from(text)
const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }).map(bytes),
  fc.string({ unit: fc.constantFrom('0', '5', '9', 'a', '/', '😀', '～'), maxLength: 4 }).map(bytes),
)

describe('Terrain', () => {
  test('counts, places and borders agree with a plain list', () => {
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 40 }),
        key,
        fc.option(key, { nil: null }),
        fc.nat(12),
        (marks, low, high, count) => {
          const terrain = new Terrain()
          terrain.add(marks.slice(0, 10))
          terrain.add(marks.slice(10))
          const unique = [...new Map(marks.map((mark) => [mark.toString('hex'), mark])).values()].sort(Buffer.compare)
          const inside = unique.filter((mark) => mark.compare(low) > 0 && (high === null || mark.compare(high) < 0))
          expect(terrain.count(low, high)).toBe(inside.length)
          for (let index = 0; index <= inside.length; index++)
            expect(terrain.mark(low, high, index)).toEqual(inside[index] ?? null)
          if (inside.length === 0) return
          const borders = terrain.borders(inside[0]!, high, count)
          expect(borders).toHaveLength(Math.min(count, inside.length))
          for (const [index, border] of borders.entries()) {
            expect(inside).toContainEqual(border)
            if (index > 0) expect(border.compare(borders[index - 1]!)).toBeGreaterThan(0)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('guesses that numbers go on, finer than a digit, and not in constant parts', () => {
    const terrain = new Terrain()
    for (const name of ['img_0000999.jpg', 'img_0300000.jpg']) terrain.see(bytes(name))
    const marks = terrain.guess(bytes('img_0312345.jpg'), bytes('img_1')).map(String)
    expect(marks).toContain('img_04')
    expect(marks).toContain('img_095')
    expect(marks.filter((mark) => mark > 'img_0312345.jpg').length).toBeGreaterThan(50)
    const constant = new Terrain()
    for (const name of ['readme', 'readme']) constant.see(bytes(name))
    expect(constant.guess(bytes('readme'), null)).toEqual([])
  })

  test('guesses nothing in what all keys have in common from the outset', () => {
    const terrain = new Terrain('data2024/'.length)
    for (const name of ['data2024/a1', 'data2024/a2']) terrain.see(bytes(name))
    const marks = terrain.guess(bytes('data2024/a1'), null).map(String)
    expect(marks).toContain('data2024/a3')
    expect(marks.filter((mark) => !mark.startsWith('data2024/'))).toEqual([])
  })

  test('every guess ends before the end and survives a round trip through UTF-8', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 30 }), key, fc.option(key, { nil: null }), (seen, cursor, end) => {
        const terrain = new Terrain()
        for (const one of seen) terrain.see(one)
        for (const mark of terrain.guess(cursor, end)) {
          if (end !== null) expect(mark.compare(end)).toBeLessThan(0)
          expect(bytes(mark.toString('utf8')).equals(mark)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})
