// Proves that a merge patch does what RFC 7396 says, with the examples of its appendix, and changes none of its arguments.
import { expect, test } from 'vitest'
import { mergePatch } from './merge-patch.ts'

test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('%j patched with %j', (target, patch, merged) => {
  const before = JSON.stringify([target, patch])
  expect(mergePatch(target, patch)).toEqual(merged)
  expect(JSON.stringify([target, patch])).toBe(before)
})

test('a key that would be a prototype elsewhere is a name like any other', () => {
  const merged = mergePatch({}, JSON.parse('{"__proto__": {"x": 1}}')) as object
  expect(Object.keys(merged)).toEqual(['__proto__'])
  expect(({} as { x?: number }).x).toBeUndefined()
})
