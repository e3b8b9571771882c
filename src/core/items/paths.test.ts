// Proves that what the API calls a folder leads back to the one folder it came from, whatever the key, and that a prefix's range holds exactly its texts.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { afterPrefix, dirText, parentPath, pathOfDir, splitFilename } from './paths.ts'

const key = fc
  .array(fc.constantFrom('', 'a', 'b c', '.', '..', 'é', '😀', '%', '\\'), { maxLength: 5 })
  .map((parts) => parts.join('/'))
const path = key.map((text) => (text === '' ? '' : `${text}/`))

test('a folder’s text gives its path back', () => {
  fc.assert(fc.property(path, (each) => pathOfDir(dirText(each)) === each))
  expect([dirText(''), dirText('/'), dirText('a/'), dirText('a//')]).toEqual(['/', '//', '/a', '/a/'])
})

test('no two folders have the same text', () => {
  fc.assert(fc.property(path, path, (a, b) => a === b || dirText(a) !== dirText(b)))
})

test('a full path gives its folder and name back', () => {
  fc.assert(
    fc.property(key, (each) => {
      const { path, name } = splitFilename(`/${each}`)
      expect(path + name).toBe(each)
      expect(name).not.toContain('/')
    }),
  )
})

test('the folder above a folder is a shorter path that it starts with', () => {
  fc.assert(
    fc.property(path, (each) => {
      const parent = parentPath(each)
      if (each === '') return void expect(parent).toBeNull()
      expect(each.startsWith(parent!) && parent!.length < each.length).toBe(true)
      expect(each.slice(parent!.length)).toMatch(/^[^/]*\/$/)
    }),
  )
})

test('a text lies between a prefix and its end exactly when it starts with it, in byte order', () => {
  const bytes = (text: string) => Buffer.from(text)
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '/', '\u007f', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
    maxLength: 4,
  })
  fc.assert(
    fc.property(text, text, (prefix, other) => {
      const end = afterPrefix(prefix)
      const isAfterStart = Buffer.compare(bytes(other), bytes(prefix)) >= 0
      const isBeforeEnd = end === null || Buffer.compare(bytes(other), bytes(end)) < 0
      expect(isAfterStart && isBeforeEnd).toBe(other.startsWith(prefix))
    }),
    { numRuns: 2000 },
  )
})
