// Proves that files of an exported tree are named as the SDK looks for them, and that no item's path leads out of the folder they are unpacked in.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryName } from './finish.ts'

test.each([
  ['/a.jpg', 'a.json', 'a.jpg.json'],
  ['/d/b.tar.gz', 'd/b.tar.json', 'd/b.tar.gz.json'],
  ['/plain', 'plain.json', 'plain.json'],
  ['/.hidden', '.hidden.json', '.hidden.json'],
  ['/..x', '..x.json', '..x.json'],
  ['/a.', 'a.json', 'a..json'],
  ['/d.e/f', 'd.e/f.json', 'd.e/f.json'],
  ['/../../etc/x.y', '%2E%2E/%2E%2E/etc/x.json', '%2E%2E/%2E%2E/etc/x.y.json'],
])('%s', (filename, without, withExtension) => {
  expect(entryName(filename, false)).toBe(without)
  expect(entryName(filename, true)).toBe(withExtension)
})

test('no name leads out of the folder, whatever the path', () => {
  const part = fc.constantFrom('..', '.', '', 'a', 'a.b', '...', '\\')
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.boolean(), (parts, keepsExtension) => {
      const name = entryName(`/${parts.join('/')}`, keepsExtension)
      expect(name.startsWith('/')).toBe(false)
      expect(name.split('/').some((one) => one === '..' || one === '.' || one === '')).toBe(false)
      expect(name.endsWith('.json')).toBe(true)
    }),
  )
})
