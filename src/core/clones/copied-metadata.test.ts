// Proves what of an item's metadata a copy gets, and how two documents of one item become one.
import { expect, test } from 'vitest'
import { copiedMetadata, joinMetadata } from './copied-metadata.ts'
import { numberedName } from './names.ts'

const document = {
  user: { a: 1 },
  fps: 25,
  other: 'x',
  system: {
    shebang: { dltype: 'link' },
    width: 4,
    tags: { train: true },
    collections: { c0: true },
    refs: [{ id: 't' }],
    thumbnailId: 'i',
    annotationStatus: ['completed'],
  },
}

test('with metadata all goes along but what belongs to tasks, thumbnails and other datasets', () => {
  expect(copiedMetadata(document, { withMetadata: true, keepsCollections: false })).toEqual({
    user: { a: 1 },
    fps: 25,
    other: 'x',
    system: { shebang: { dltype: 'link' }, width: 4, tags: { train: true } },
  })
})

test('collections go along where the target has them', () => {
  const copy = copiedMetadata(document, { withMetadata: true, keepsCollections: true })
  expect(copy).toMatchObject({ system: { collections: { c0: true } } })
})

test('without metadata what says how the bytes are read stays', () => {
  expect(copiedMetadata(document, { withMetadata: false, keepsCollections: true })).toEqual({
    fps: 25,
    system: { shebang: { dltype: 'link' }, width: 4 },
  })
  expect(copiedMetadata({ user: { a: 1 } }, { withMetadata: false, keepsCollections: true })).toBeNull()
  expect(copiedMetadata(null, { withMetadata: true, keepsCollections: true })).toBeNull()
})

test('two documents are joined name by name, the later value wins, nulls are values', () => {
  expect(joinMetadata({ user: { a: 1, b: [1] } }, { user: { b: [2], c: null }, x: 1 })).toEqual({
    user: { a: 1, b: [2], c: null },
    x: 1,
  })
  expect(joinMetadata(null, { a: 1 })).toEqual({ a: 1 })
  expect(joinMetadata({ a: 1 }, null)).toEqual({ a: 1 })
})

test('a number stands before the ending', () => {
  expect(numberedName('a.tar.gz', 2)).toBe('a.tar (2).gz')
  expect(numberedName('README', 3)).toBe('README (3)')
  expect(numberedName('.hidden', 2)).toBe('.hidden (2)')
})
