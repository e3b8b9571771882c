// Proves which keys a storage id may mean: every form that programs send leads to the key, and none out of the driver's folder.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keysOf } from './imports.ts'

test.each([
  ['bucket:folder/a.jpg', 'bucket', '', 'folder/a.jpg'],
  ['folder/a.jpg', 'bucket', '', 'folder/a.jpg'],
  ['folder:sub/a.jpg', 'bucket', 'folder/', 'folder/sub/a.jpg'],
  ['a.jpg', 'bucket', 'folder/', 'folder/a.jpg'],
  ['bucket:a.jpg', 'bucket', 'folder/', 'folder/a.jpg'],
])('%s of %s below “%s” may be %s', (storageId, bucket, prefix, key) => {
  expect(keysOf(storageId, bucket, prefix)).toContain(key)
})

test('the bucket’s name before the colon wins over a key with a colon in it', () => {
  expect(keysOf('bucket:a', 'bucket', '')).toEqual(['a', 'bucket:a', 'bucket/a'])
})

test('whatever is asked, no key lies outside the driver’s folder', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.constantFrom('', 'folder/', 'a/b/'), (storageId, prefix) => {
      const keys = keysOf(storageId, 'bucket', prefix)
      expect(keys.length).toBeGreaterThan(0)
      for (const key of keys) {
        expect(key.startsWith(prefix)).toBe(true)
        expect(key.length).toBeGreaterThan(prefix.length)
      }
    }),
  )
})
