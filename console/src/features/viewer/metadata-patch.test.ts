// Proves that what somebody writes as metadata is what the merge of the API makes of it, and that what it cannot keep is said before.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergePatch } from '#lib/merge-patch.ts'
import { isSame, mergePatchOf, readMetadata } from './metadata-patch.ts'

const value = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.string(), fc.integer(), fc.boolean(), fc.array(tie('value')), tie('object')),
  object: fc.dictionary(fc.string({ maxLength: 2 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
})).object as fc.Arbitrary<Record<string, unknown>>

test('merging the patch into what was there gives what was written', () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      const patch = mergePatchOf(before, after)
      expect(patch === undefined).toBe(isSame(before, after))
      expect(mergePatch(before, patch ?? {})).toEqual(after)
    }),
  )
})

test('names that were not touched are not sent, so that somebody else may change them', () => {
  expect(mergePatchOf({ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 4 } })).toEqual({ b: { c: 4, d: null } })
})

test('what is no metadata is told with its place', () => {
  expect(readMetadata('{"a": ')).toMatchObject({ fault: 'syntax' })
  expect(readMetadata('[1]')).toEqual({ fault: 'notObject' })
  expect(readMetadata('{"a": {"b": null}}')).toEqual({ fault: 'null', path: 'a.b' })
  expect(readMetadata('{"a": [null]}')).toEqual({ value: { a: [null] } })
  expect(readMetadata('{"n": 12345678901234567890}')).toEqual({ fault: 'number', path: 'n' })
  expect(readMetadata('')).toEqual({ value: {} })
})
