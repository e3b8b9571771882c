// Proves that files of an exported tree are named as the SDK looks for them, and that no item's path leads out of the folder they are
// unpacked in, and that each has a name of its own, under which the SDK finds nobody else's.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BareNames, entryName } from './entry-name.ts'

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

function named(filenames: readonly string[]): string[] {
  const bare = new BareNames(filenames.length)
  for (const filename of filenames) bare.add({ filename })
  return filenames.map((filename, at) => bare.nameOf({ id: `id${at}`, filename }))
}

test.each([
  [
    ['/a.jpg', '/b.png'],
    ['a.json', 'b.json'],
  ],
  [
    ['/a.jpg', '/a.png', '/d/a.jpg'],
    ['a.jpg.json', 'a.png.json', 'd/a.json'],
  ],
  [
    ['/plain', '/plain.jpg'],
    ['plain~id0.json', 'plain.jpg.json'],
  ],
  [
    ['/a.jpg', '/a.png', '/a.jpg.json'],
    ['a.jpg~id0.json', 'a.png.json', 'a.jpg.json'],
  ],
  [
    ['/A.jpg', '/a.jpg'],
    ['A.json', 'a.json'],
  ],
])('%j', (filenames, names) => {
  expect(named(filenames)).toEqual(names)
})

test('whatever the items are called, each has a file of its own, and the name without extension is nobody else’s', () => {
  const name = fc.stringMatching(/^[ab]{1,2}(\.(a|json|ab)){0,3}$/)
  const filename = fc.tuple(fc.constantFrom('/', '/a/', '/a.json/'), name).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.uniqueArray(filename, { maxLength: 30 }), (filenames) => {
      const names = named(filenames)
      expect(new Set(names).size).toBe(names.length)
      for (const [at, one] of filenames.entries()) {
        const lookedFor = names.indexOf(entryName(one, false))
        expect([-1, at]).toContain(lookedFor)
      }
    }),
  )
})
