// Proves how metadata and descriptions are kept: merged name by name, without what the columns tell, and with every character that can come back.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { descriptionText, mergeDocument } from './document.ts'

test('names are merged and null takes one away, also the last', () => {
  expect(mergeDocument({ user: { a: 1, b: { c: 2 } } }, { user: { a: null, b: { d: 3 } } }, false)).toEqual({
    user: { b: { c: 2, d: 3 } },
  })
  expect(mergeDocument({ user: { a: 1 } }, { user: null }, false)).toBeNull()
})

test('the system part is left alone without its switch, and what the columns tell is never kept', () => {
  expect(mergeDocument({ system: { tags: { a: true } } }, { system: { tags: null } }, false)).toEqual({
    system: { tags: { a: true } },
  })
  expect(mergeDocument(null, { system: { size: 1, mimetype: 'x', storage: {}, width: 4 } }, true)).toEqual({
    system: { width: 4 },
  })
  expect(mergeDocument(null, { system: { size: 1 } }, true)).toBeNull()
  expect(mergeDocument(null, { system: 'text' }, true)).toBeNull()
})

test('a patch of what is there changes nothing', () => {
  const value = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.array(fc.integer())), { minKeys: 1 })
  fc.assert(
    fc.property(value, (user) => {
      const once = mergeDocument(null, { user }, false)
      expect(mergeDocument(once, { user }, false)).toEqual(once)
    }),
  )
})

test('a document of more than a million characters is refused', () => {
  expect(() => mergeDocument(null, { user: { a: 'x'.repeat(1024 * 1024) } }, false)).toThrow('a million')
})

test('characters outside the Basic Multilingual Plane are written as their number, all others as they are', () => {
  expect(descriptionText('a😀b')).toBe('a\\u1f600b')
  expect([descriptionText(''), descriptionText(null)]).toEqual([null, null])
  const plain = fc.string({
    unit: fc.integer({ min: 1, max: 0xd7ff }).map((code) => String.fromCodePoint(code)),
    minLength: 1,
  })
  fc.assert(
    fc.property(plain, (text) => {
      expect(descriptionText(text)).toBe(text)
    }),
  )
})
