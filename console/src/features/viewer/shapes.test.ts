// Proves that annotations are drawn where their coordinates say, for every form the SDK sends, and that no form whatever breaks the drawing.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { annotationTypes } from '#contract/annotations.ts'
import { cornerOf, shapeOf } from './shapes.ts'

const at = (x: number, y: number) => ({ x, y, z: 0 })

test('a box is its four corners, turned about its middle', () => {
  expect(shapeOf('box', [at(1, 2), at(5, 4)])).toEqual({
    kind: 'area',
    rings: [
      [
        { x: 1, y: 2 },
        { x: 5, y: 2 },
        { x: 5, y: 4 },
        { x: 1, y: 4 },
      ],
    ],
  })
  const turned = shapeOf('box', [at(0, 0), at(4, 2), 90])
  const ring = turned?.kind === 'area' ? turned.rings[0]! : []
  expect(ring.map(({ x, y }) => [Math.round(x), Math.round(y)])).toEqual([
    [3, -1],
    [3, 3],
    [1, 3],
    [1, -1],
  ])
})

test('polygons have rings, lines have strokes, both also as a single list', () => {
  const points = [at(0, 0), at(9, 0), at(9, 9)]
  expect(shapeOf('segment', [points])).toEqual({ kind: 'area', rings: [points] })
  expect(shapeOf('polyline', [points, points])).toEqual({ kind: 'line', strokes: [points, points] })
  expect(shapeOf('polyline', points)).toEqual({ kind: 'line', strokes: [points] })
})

test('points, ellipses, cubes and masks', () => {
  expect(shapeOf('point', at(3, 4))).toEqual({ kind: 'point', at: at(3, 4) })
  expect(shapeOf('ellipse', { center: at(3, 4), rx: 5, ry: 6, angle: null })).toEqual({
    kind: 'ellipse',
    at: at(3, 4),
    rx: 5,
    ry: 6,
    angle: 0,
  })
  expect(shapeOf('cube', { front_tl: at(0, 0), front_tr: at(1, 0), angle: 0 })).toEqual({
    kind: 'line',
    strokes: [[at(0, 0), at(1, 0), at(0, 0)]],
  })
  const src = 'data:image/png;base64,AAAA'
  expect([shapeOf('binary', src), shapeOf('binary', { data: src })]).toEqual([
    { kind: 'mask', src },
    { kind: 'mask', src },
  ])
})

test('a mask that is somewhere else is not fetched', () => {
  expect(shapeOf('binary', 'https://elsewhere.example/mask.png')).toBeNull()
})

test('nothing that may stand in coordinates breaks the drawing', () => {
  fc.assert(
    fc.property(fc.constantFrom(...annotationTypes), fc.jsonValue(), (type, coordinates) => {
      const shape = shapeOf(type, coordinates)
      if (shape !== null) cornerOf(shape)
    }),
  )
})
