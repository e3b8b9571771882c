// Proves that folders match by bytes and by whole parts, that keys are never changed, and that what cannot be addressed safely is refused.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressableKey,
  hiddenFolderTest,
  inFolder,
  isFolderMarker,
  normaliseFolder,
  unaddressableReason,
} from './key.ts'

const bytes = (text: string) => Buffer.from(text)

function folderOf(typed: string): string {
  const result = normaliseFolder(typed)
  return result.ok ? result.folder : `refused: ${result.fault}`
}

test.each([
  ['', ''],
  ['/', ''],
  ['data', 'data/'],
  ['data/', 'data/'],
  ['data//', 'data//'],
  ['/data', '/data/'],
  ['//data', '//data/'],
  ['a b+c%2F/é', 'a b+c%2F/é/'],
  [' data ', ' data /'],
  ['.hidden/...', '.hidden/.../'],
  ['..', 'refused: dot-segment'],
  ['a/../b', 'refused: dot-segment'],
  ['a/./', 'refused: dot-segment'],
  ['a\\..\\b', 'refused: dot-segment'],
  ['a\nb', 'refused: control'],
  ['a\0', 'refused: control'],
  ['a\ud800', 'refused: not-utf8'],
  ['x'.repeat(1008), 'refused: too-long'],
])('the folder typed as %j is %j', (typed, folder) => {
  expect(folderOf(typed)).toBe(folder)
  if (!folder.startsWith('refused')) expect(folderOf(folder)).toBe(folder)
})

describe('a key is in a folder', () => {
  test.each([
    ['data', 'data/x', true],
    ['data', 'data//x', true],
    ['data', 'database/x', false],
    ['data', 'data', false],
    ['data', 'data/', false],
    ['data', 'Data/x', false],
    ['data', '/data/x', false],
    ['da_a', 'daXa/x', false],
    ['%', 'x/y', false],
    ['a%2Fb', 'a/b/x', false],
    ['\u00e9', 'e\u0301/x', false],
    ['data', 'data\0/x', false],
    ['', 'anything', true],
    ['/data', '/data/x', true],
  ])('%j, %j: %s', (folder, key, is) => {
    expect(inFolder(bytes(folderOf(folder)), bytes(key))).toBe(is)
  })

  test('exactly when its bytes begin with the folder’s and go on', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'A', '/', '_', '%', 'é', '\u0301', 'e', '.'), maxLength: 6 })
    fc.assert(
      fc.property(text, text, (folder, key) => {
        const result = normaliseFolder(folder)
        fc.pre(result.ok)
        const [f, k] = [bytes(result.ok ? result.folder : ''), bytes(key)]
        const hex = (b: Buffer) => b.toString('hex')
        expect(inFolder(f, k)).toBe(hex(k).startsWith(hex(f)) && k.length > f.length)
      }),
      { numRuns: 50_000 },
    )
  })
})

test('an addressable key is given back unchanged, any other is refused', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', ' ', '\n', 'é', '\ud800', '\0'), maxLength: 8 }),
      (key) => {
        const isBad =
          key === '' || /[\0\ud800]/.test(key) || key.split(/[/\\]/).some((part) => part === '.' || part === '..')
        expect(unaddressableReason(key) !== undefined).toBe(isBad)
        if (isBad) expect(() => addressableKey(key, { provider: 's3', op: 'read' })).toThrow(/No safe address/)
        else expect(addressableKey(key, { provider: 's3', op: 'read' })).toBe(key)
      },
    ),
    { numRuns: 20_000 },
  )
  expect(unaddressableReason('é'.repeat(512))).toBeUndefined()
  expect(unaddressableReason('é'.repeat(513))).toBe('too-long')
})

test.each([
  ['.dataloop/x', true],
  ['a/.dataloop/x', true],
  ['a/b/.dataloop/thumbnails/x', true],
  ['.dataloop/', true],
  ['.dataloop', false],
  ['a/.dataloop', false],
  ['dataloop/x', false],
  ['.dataloop2/x', false],
  ['a.dataloop/x', false],
  ['.Dataloop/x', false],
  ['x/y', false],
  ['', false],
])('the key %j is hidden: %s', (key, is) => {
  const padded = Buffer.concat([bytes('.dataloop/'), bytes(key), bytes('/.dataloop/')])
  const isHidden = hiddenFolderTest()
  expect(isHidden(bytes(key), 0, bytes(key).length)).toBe(is)
  // Only the key itself counts, not what stands around it in the page.
  expect(isHidden(padded, 10, 10 + bytes(key).length)).toBe(is)
  expect(hiddenFolderTest('.other')(bytes(key), 0, bytes(key).length)).toBe(false)
})

test('only an empty object that ends in a slash marks a folder', () => {
  const key = bytes('a/')
  expect(isFolderMarker(key, 2, 0)).toBe(true)
  expect(isFolderMarker(key, 2, 1)).toBe(false)
  expect(isFolderMarker(key, 1, 0)).toBe(false)
  expect(isFolderMarker(key, 0, 0)).toBe(false)
})
