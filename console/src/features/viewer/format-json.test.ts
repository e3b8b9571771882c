// Proves that a JSON file is shown with nothing changed but its blanks.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatJson } from './format-json.ts'

test('it reads the same, and looks as JSON is usually written', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      expect(formatJson(JSON.stringify(value, null, indent))).toBe(JSON.stringify(value, null, 2))
    }),
  )
})

test('numbers, names and escapes stay as they were written', () => {
  expect(formatJson('{"n":12345678901234567890,"n":1.0,"u":"\\u00e9"}')).toBe(
    '{\n  "n": 12345678901234567890,\n  "n": 1.0,\n  "u": "\\u00e9"\n}',
  )
})

test('what is cut or no JSON is none', () => {
  expect([formatJson('{"a":1'), formatJson('a'), formatJson('')]).toEqual([null, null, null])
})
