// Proves that items are found by their documents at any share: few and many of a dataset, scattered or all at its end, by id and by number, sorted and in
// folders, every page is right and ends where it must; totals are exact up to 10,000 matches and near the truth above, and then say so.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { queryItems } from '#core/items/items.ts'
import { compileFilter } from '../../src/core/items/query/compile.ts'
import { countIndexed } from '../../src/core/items/query/index-count.ts'
import { parseSelection } from '../../src/core/items/query/parse.ts'
import { planItems } from '../../src/core/items/query/plan.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

const ITEMS = 42_000
let api: TestApi
let dataset: SeededDataset
/** What each item has; `late` is said of the last tenth alone. */
const userOf = (index: number) => ({
  all: true,
  most: index % 8 > 0,
  tags: [`t${index % 50}`, 'x'],
  ...(index >= ITEMS * 0.9 && { late: 'yes' }),
  own: index,
})
const keys = Array.from({ length: ITEMS }, (_, index) => ({
  key: `${index % 200 === 7 ? '.h/' : `d${index % 5}/`}f${String((index * 7919) % ITEMS).padStart(6, '0')}.jpg`,
  metadata: { user: userOf(index) },
}))

beforeAll(async () => {
  api = await withApi()
  dataset = await seedDataset(api.database.pool, keys)
  await api.database.pool.query('vacuum (analyze) item')
}, 120_000)
afterAll(() => api.close())

type Body = Record<string, unknown>
const shown = [{ type: 'file' }, { hidden: false }]
const ask = (filter: Body, more: Body = {}) =>
  queryItems(api.deps, dataset.datasetNo, { filter: { $and: [...shown, filter] }, ...more }, 'http://x')
const isShown = (index: number) => !keys[index]!.key.startsWith('.')
const all = keys.map((_, index) => index).filter(isShown)

const cases: readonly [string, Body, (index: number) => boolean][] = [
  ['a value of one item', { 'metadata.user.own': 77 }, (index) => index === 77],
  ['an element of a list', { 'metadata.user.tags': 't3' }, (index) => index % 50 === 3],
  [
    'an element that all have, and one that some have',
    { $and: [{ 'metadata.user.tags': 'x' }, { 'metadata.user.tags': 't4' }] },
    (index) => index % 50 === 4,
  ],
  ['a value at the end of the dataset', { 'metadata.user.late': 'yes' }, (index) => index >= ITEMS * 0.9],
  ['a value that most have', { 'metadata.user.most': true }, (index) => index % 8 > 0],
  [
    'a value that most have, in one folder',
    { 'metadata.user.most': true, dir: '/d1' },
    (index) => index % 8 > 0 && keys[index]!.key.startsWith('d1/'),
  ],
  ['a value that nobody has', { 'metadata.user.own': -1 }, () => false],
]

describe.each(cases)('%s', (_name, filter, fits) => {
  const wanted = all.filter(fits)
  let ids: string[] = []
  beforeAll(() => {
    ids = wanted.map((index) => dataset.idOf(keys[index]!.key))
  })

  test.each(['ascending', 'descending'] as const)('by id, %s: every item once, to the end', async (direction) => {
    const found: string[] = []
    let after: Body[] = []
    for (;;) {
      const page = await ask({ $and: [filter, ...after] }, { sort: { id: direction }, pageSize: 1000 })
      found.push(...page.items.map((item) => item.id))
      expect(page.totalItemsCount).toBeGreaterThanOrEqual(page.items.length)
      if (!page.hasNextPage) break
      after = [{ id: { [direction === 'ascending' ? '$gt' : '$lt']: found.at(-1) } }]
    }
    expect(found).toEqual(direction === 'ascending' ? ids : [...ids].reverse())
  })

  test('by number and by name: the same items, and a total that is exact or says that it is not', async () => {
    const page = Math.max(0, Math.floor((ids.length - 1) / 700))
    for (const number of new Set([0, Math.min(2, page), page])) {
      const answer = await ask(filter, { sort: { id: 'ascending' }, page: number, pageSize: 700 })
      expect(answer.items.map((item) => item.id)).toEqual(ids.slice(number * 700, number * 700 + 700))
      expect(answer.hasNextPage).toBe(number < page)
      if (answer.totalIsEstimate !== true) expect(answer.totalItemsCount).toBe(ids.length)
      else {
        expect(ids.length).toBeGreaterThan(10_000)
        expect(Math.abs(answer.totalItemsCount / ids.length - 1)).toBeLessThan(0.05)
      }
    }
    const names = wanted.map((index) => keys[index]!.key.slice(keys[index]!.key.indexOf('/') + 1)).sort()
    const byName = await ask(filter, { sort: { name: 'ascending' }, pageSize: 50 })
    expect(byName.items.map((item) => item.name)).toEqual(names.slice(0, 50))
    const beyond = await ask(filter, { sort: { id: 'ascending' }, page: page + 1, pageSize: 700 })
    expect([beyond.items, beyond.hasNextPage]).toEqual([[], false])
  })

  test('counted on its own the total is exact', async () => {
    expect(await ask(filter, { pageSize: 0 })).toMatchObject({ totalItemsCount: ids.length })
  })
})

test('totals up to 10,000 are exact on every page, and that of many comes from the index', async () => {
  const few = await ask({ 'metadata.user.late': 'yes' }, { sort: { id: 'ascending' }, pageSize: 10 })
  expect(few).not.toHaveProperty('totalIsEstimate')
  const most = await ask({ 'metadata.user.most': true }, { sort: { id: 'ascending' }, pageSize: 10 })
  expect(most).toMatchObject({ totalIsEstimate: true, totalItemsCount: (ITEMS / 8) * 7 })
})

test('an index never has fewer entries than there are items', async () => {
  const scope = {
    datasetNo: dataset.datasetNo,
    datasetId: dataset.datasetId,
    creator: '',
    createdMs: 0,
    unsearchable: [],
  }
  const filters: Body[] = [
    ...cases.map(([, filter]) => filter),
    { 'metadata.user': { $match: { tags: 't3', late: { $exists: false } } } },
    { 'metadata.user.own': { $in: [1, 2, -5] } },
  ]
  for (const filter of filters) {
    const tests = compileFilter(parseSelection(filter), 'item', scope)
    const rare = tests.flatMap((each) => (each.isGathered === true ? [each.rare!] : []))
    if (rare.length === 0) continue
    const indexed = await countIndexed(api.deps.db, dataset.datasetNo, rare)
    const { totalItemsCount } = await ask(filter, { pageSize: 0 })
    expect(indexed ?? totalItemsCount, JSON.stringify(filter)).toBeGreaterThanOrEqual(totalItemsCount)
  }
})

test('a plan knows that many match without looking at them', async () => {
  const scope = {
    datasetNo: dataset.datasetNo,
    datasetId: dataset.datasetId,
    creator: '',
    createdMs: 0,
    unsearchable: [],
  }
  const plan = await planItems(
    api.deps.db,
    dataset.datasetNo,
    compileFilter(parseSelection({ 'metadata.user.all': true }), 'item', scope),
  )
  expect(plan).toMatchObject({ indexed: ITEMS, itemsMax: Number.POSITIVE_INFINITY })
})
