// Proves that a split gives every subset exactly its share, whatever the numbers, the percentages and the chunks.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawSubsets, sharesOf } from './edit-task.ts'

const percents = fc
  .tuple(fc.nat(100), fc.nat(100))
  .map(([a, b]) => [Math.min(a, b), Math.abs(a - b), 100 - Math.max(a, b)] as const)
  .map(([train, validation, test]) => ({ train, validation, test }))

test('shares are whole, add up, and are off by less than one', () => {
  fc.assert(
    fc.property(fc.nat(100_000), percents, (total, wanted) => {
      const shares = sharesOf(total, wanted)
      expect(Object.values(shares).reduce((a, b) => a + b, 0)).toBe(total)
      for (const [name, percent] of Object.entries(wanted))
        expect(Math.abs(shares[name]! - (total * percent) / 100)).toBeLessThan(1)
    }),
  )
})

test('what is drawn in chunks comes to the shares, and the same again for the same command', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), percents, (total, chunk, wanted) => {
      const itemNos = Array.from({ length: total }, (_, index) => String(1000 + index))
      const shares = sharesOf(total, wanted)
      let left: Record<string, number> = shares
      const drawn: (string | null)[] = []
      for (let from = 0; from < total; from += chunk) {
        const some = itemNos.slice(from, from + chunk)
        const result = drawSubsets('command', some, left)
        expect(drawSubsets('command', some, left)).toEqual(result)
        drawn.push(...result.subsets)
        left = result.left
      }
      for (const [name, share] of Object.entries(shares))
        expect(drawn.filter((each) => each === name)).toHaveLength(share)
    }),
  )
})

test('the draw is by chance: no subset takes the first items', () => {
  const itemNos = Array.from({ length: 1000 }, (_, index) => String(index))
  const { subsets } = drawSubsets('seed', itemNos, sharesOf(1000, { train: 50, test: 50 }))
  const early = subsets.slice(0, 500).filter((name) => name === 'train').length
  expect(early).toBeGreaterThan(200)
  expect(early).toBeLessThan(300)
})
