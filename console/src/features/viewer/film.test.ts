// Proves that annotations of films are drawn while they hold, and where they were set last.
import { expect, test } from 'vitest'
import type { Annotation } from '#contract/annotations.ts'
import { coordinatesAt, spanOf } from './film.ts'

const annotation = (system: object) => ({ coordinates: 'first', metadata: { system } }) as unknown as Annotation

test('times count before frames, and frames need to be told how many there are in a second', () => {
  expect(spanOf(annotation({ startTime: 1, endTime: 2, frame: 90, endFrame: 95 }), 30)).toEqual({ start: 1, end: 2 })
  expect(spanOf(annotation({ frame: 30, endFrame: 59 }), 30)).toEqual({ start: 1, end: 2 })
  expect(spanOf(annotation({ frame: 30 }), undefined)).toBeNull()
})

test('it is where it was set last, and nowhere before and after it holds', () => {
  const moving = annotation({ frame: 10, endFrame: 29, snapshots_: [{ frame: 15, data: 'second' }] })
  expect([0.9, 1.2, 1.5, 2.9, 3.2].map((seconds) => coordinatesAt(moving, seconds, 10))).toEqual([
    undefined,
    'first',
    'second',
    'second',
    undefined,
  ])
  expect(coordinatesAt(annotation({}), 7, 10)).toBe('first')
})
