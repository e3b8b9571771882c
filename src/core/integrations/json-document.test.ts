// Proves that a credential document that two readers could take for different things is refused, and every other JSON object is read as JSON.parse reads it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDocument } from './json-document.ts'

test('any object that JSON can write is read, unless it is too deep, has NUL or __proto__', () => {
  const value = fc.object({
    maxDepth: 6,
    key: fc.string({ unit: 'binary' }).filter((key) => !key.includes('\0') && key !== '__proto__'),
    values: [
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    ],
  })
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
      const text = JSON.stringify(object, null, indent)
      expect(readDocument(text)).toEqual({ document: JSON.parse(text) })
    }),
    { numRuns: 500 },
  )
})

test('a name twice in one object is found wherever it is, and however it is written', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1 }).filter((key) => !key.includes('\0') && key !== '__proto__'),
      fc.boolean(),
      fc.integer({ min: 0, max: 5 }),
      (key, isEscaped, depth) => {
        const escaped = [...key].map((sign) => {
          const units = Array.from(sign, () => sign.codePointAt(0)!)
          return units[0]! > 0xffff ? sign : `\\u${units[0]!.toString(16).padStart(4, '0')}`
        })
        const second = isEscaped
          ? `"${escaped.join('').replaceAll(/[\u{10000}-\u{10ffff}]/gu, (sign) => JSON.stringify(sign).slice(1, -1))}"`
          : JSON.stringify(key)
        const twice = `{${JSON.stringify(key)} :1,"between\\"":[{},"x:"], ${second}\n:2}`
        const text = `{"a":${'['.repeat(depth)}${twice}${']'.repeat(depth)}}`
        expect(readDocument(text)).toEqual({ problem: expect.stringContaining('twice') })
      },
    ),
    { numRuns: 500 },
  )
})

test('the same name in two objects is no such thing, and a text with a colon is no name', () => {
  expect(readDocument('{"a":{"b":1},"c":{"b":2},"d":["b","b"],"e":"b","f":"\\":\\""}')).toHaveProperty('document')
})

test('what is no object, too deep, or has a NUL or __proto__ is no document, and nothing of it is said', () => {
  for (const text of ['', '[]', 'null', '7', '"marker"', '{"marker"', '\ufeff{}'])
    expect(readDocument(text)).toEqual({ problem: null })
  for (const text of [
    '{"x":"marker\\u0000"}',
    '{"marker\\u0000":1}',
    '{"__proto__":"marker"}',
    `{"marker":${'['.repeat(20)}${']'.repeat(20)}}`,
  ])
    expect(JSON.stringify(readDocument(text))).toMatch(/^\{"problem":"It (?!.*marker)/)
})
