// Proves that a view's address holds all of the view and nothing else, and which query it stands for.
import { expect, test } from 'vitest'
import { isFiltered, parseSearch, toQuery } from './view-search.ts'

test('what makes no sense in an address is left out', () => {
  const search = parseSearch({
    dir: 'no slash',
    view: 'cube',
    tile: '200',
    sizeMin: -1,
    state: 'gone',
    from: 'today',
    x: 1,
  })
  expect(search).toEqual({ tile: 200 })
})

test('a folder alone is no filter, and nothing in its name is a wildcard', () => {
  const search = parseSearch({ dir: '/a*/b' })
  expect(isFiltered(search)).toBe(false)
  expect(toQuery(search).filter.$and).toContainEqual({ dir: { $in: ['/a*/b'] } })
  expect(toQuery({ ...search, deep: true }).filter.$and).toContainEqual({ filename: { $in: ['/a*/b/**'] } })
})

test('every filter is a condition of the query', () => {
  const { filter, sort } = toQuery({
    deep: true,
    name: 'cat',
    type: 'image/',
    state: 'missing',
    changed: true,
    annotated: false,
    sizeMin: 10,
    sizeMax: 20,
    from: '2026-01-01',
    to: '2026-01-31',
    meta: 'tags',
    metaValue: '"red"',
    sort: 'size',
    descending: true,
  })
  expect(filter.$and).toEqual([
    { type: 'file' },
    { hidden: false },
    { name: '*cat*' },
    { mimetype: 'image/*' },
    { state: 'missing' },
    { changedInStorage: true },
    { annotated: false },
    { size: { $gte: 10, $lte: 20 } },
    { modified: { $gte: '2026-01-01T00:00:00.000Z', $lte: '2026-01-31T23:59:59.999Z' } },
    { 'metadata.user.tags': 'red' },
  ])
  expect(sort).toEqual({ size: 'descending' })
})

test('metadata without a value asks whether there is any; a number is a number', () => {
  const of = (metaValue?: string) =>
    (toQuery({ meta: 'n', ...(metaValue !== undefined && { metaValue }) }).filter.$and as unknown[]).at(-1)
  expect([of(), of('7'), of('seven')]).toEqual([
    { 'metadata.user.n': { $exists: true } },
    { 'metadata.user.n': 7 },
    { 'metadata.user.n': 'seven' },
  ])
})
