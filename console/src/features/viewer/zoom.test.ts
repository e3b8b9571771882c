// Proves that zooming keeps what is under the cursor there, that what fits is whole, and that no picture is ever lost from its stage.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitted, held, zoomed } from './zoom.ts'

const size = fc.record({ width: fc.integer({ min: 1, max: 30_000 }), height: fc.integer({ min: 1, max: 30_000 }) })
const stage = fc.record({ width: fc.integer({ min: 60, max: 3000 }), height: fc.integer({ min: 60, max: 2000 }) })

test('the place under the cursor stays there', () => {
  fc.assert(
    fc.property(size, stage, fc.double({ min: 0.1, max: 10, noNaN: true }), (picture, room, factor) => {
      const before = fitted(picture, room)
      const [atX, atY] = [room.width / 3, room.height / 4]
      const after = zoomed(before, factor, atX, atY, before.scale)
      expect((atX - after.x) / after.scale).toBeCloseTo((atX - before.x) / before.scale, 4)
      expect((atY - after.y) / after.scale).toBeCloseTo((atY - before.y) / before.scale, 4)
    }),
  )
})

test('what is fitted is whole in the stage and never enlarged', () => {
  fc.assert(
    fc.property(size, stage, (picture, room) => {
      const { scale, x, y } = fitted(picture, room)
      expect(scale).toBeLessThanOrEqual(1)
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
      expect(x + picture.width * scale).toBeLessThanOrEqual(room.width + 1e-6)
      expect(y + picture.height * scale).toBeLessThanOrEqual(room.height + 1e-6)
    }),
  )
})

test('wherever it is dragged, a part of it stays to be seen', () => {
  fc.assert(
    fc.property(size, stage, fc.integer(), fc.integer(), (picture, room, x, y) => {
      const view = held({ scale: 1, x, y }, picture, room)
      expect(view.x).toBeLessThan(room.width)
      expect(view.y).toBeLessThan(room.height)
      expect(view.x + picture.width).toBeGreaterThan(0)
      expect(view.y + picture.height).toBeGreaterThan(0)
    }),
  )
})
