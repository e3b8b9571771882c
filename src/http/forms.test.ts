// Proves that forms and queries arrive exactly as they were sent, or are refused; never repaired.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseForm, parseQuery } from './forms.ts'

test('whatever a browser or client encodes comes back the same', () => {
  const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed())
  const property = fc.property(fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name }), (pairs) => {
    const fields = Object.fromEntries(pairs)
    expect(parseForm(new URLSearchParams(pairs).toString())).toEqual(fields)
    expect(
      parseForm(pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')),
    ).toEqual(fields)
  })
  fc.assert(property)
})

test('names without a value, names that come twice and empty pieces', () => {
  expect(parseQuery('/x?default&a=1&&a=2&b==c')).toEqual({ default: '', a: ['1', '2'], b: '=c' })
  expect(parseQuery('/x')).toEqual({})
})

test('a name can be that of an object’s own parts without harm', () => {
  const fields = parseForm('__proto__=x&constructor=y&toString=z')
  expect(Object.keys(fields)).toEqual(['__proto__', 'constructor', 'toString'])
  expect(Object.getPrototypeOf(fields)).toBe(Object.prototype)
})

test.each(['a=%', 'a=%zz', 'a=%ff', '%c3=1', 'a=%ed%a0%80'])('%s is refused', (text) => {
  expect(() => parseForm(text)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
})
