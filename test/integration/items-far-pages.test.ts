// Proves that a page by its number far into a dataset is the one that counting off row by row gives: in both orders, with hidden items in the way at the ends
// and in the middle, of pages of any size, up to the last one and beyond.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queryItems } from '#core/items/items.ts'
import { FAR_MIN } from '../../src/core/items/query/far.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { SEED_MS, type SeededDataset, seedDataset } from '../support/catalog.ts'

/** Many of the first and the last are hidden, and some everywhere. */
const isHidden = (index: number) => index < 40 || index > 23_950 || index % 17 === 3
const keys = Array.from({ length: 24_000 }, (_, index) => {
  const name = `${isHidden(index) ? '.' : ''}f${index}`
  return {
    key: `set-${index % 7}/${name}`,
    createdMs: SEED_MS + Math.floor(index / 10),
    state: index % 50 === 0 ? 1 : 0,
  }
})

let api: TestApi
let mixed: SeededDataset
let plain: SeededDataset
beforeAll(async () => {
  api = await withApi()
  const { pool } = api.database
  await seedDataset(pool, ['before/a', 'before/.b'])
  mixed = await seedDataset(pool, keys)
  plain = await seedDataset(
    pool,
    Array.from({ length: 22_000 }, (_, index) => `flat/${index}`),
  )
  await seedDataset(pool, ['after/a', 'after/.b'])
  await pool.query('vacuum (analyze) item, dir')
})
afterAll(() => api.close())

const filters = [{}, { hidden: false }, { $and: [{ type: 'file' }, { hidden: false }] }, { hidden: true }]

async function pageOf(dataset: SeededDataset, filter: unknown, more: Record<string, unknown>) {
  return await queryItems(api.deps, dataset.datasetNo, { filter, ...more }, 'http://x')
}

/** Ids of everything that a filter finds, from pages that begin at the start. */
async function allOf(dataset: SeededDataset, filter: unknown, sort: unknown): Promise<string[]> {
  const { rows } = await api.database.pool.query<{ name: string; path: string }>(
    `select i.name, d.path from item i join dir d using (dataset_no, dir_no) where i.dataset_no = $1 order by i.item_no`,
    [dataset.datasetNo],
  )
  const wanted = JSON.stringify(filter)
  const shown = rows.filter(({ name }) =>
    wanted.includes('"hidden":true') ? name.startsWith('.') : !wanted.includes('hidden') || !name.startsWith('.'),
  )
  const ids = shown.map(({ path, name }) => dataset.idOf(`${path}${name}`))
  return JSON.stringify(sort).includes('descending') ? ids.reverse() : ids
}

test('every page by number is the one that counting from the start gives', async () => {
  const sorts = [
    undefined,
    { id: 'ascending' },
    { id: 'descending' },
    { createdAt: 'descending' },
    { createdAt: 'ascending', id: 'ascending' },
  ]
  const wanted = new Map<string, string[]>()
  for (const dataset of [mixed, plain])
    for (const filter of filters)
      for (const sort of sorts) {
        const of = JSON.stringify([dataset.datasetNo, filter, sort ?? {}])
        wanted.set(of, await allOf(dataset, { type: 'file', ...filter }, sort ?? {}))
      }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(mixed, plain),
      fc.constantFrom(...filters),
      fc.constantFrom(...sorts),
      fc.integer({ min: 1, max: 700 }),
      fc.double({ min: 0.3, max: 1.05, noNaN: true }),
      async (dataset, filter, sort, pageSize, share) => {
        const ids = wanted.get(JSON.stringify([dataset.datasetNo, filter, sort ?? {}]))!
        const page = Math.floor((ids.length * share) / pageSize)
        const answer = await pageOf(dataset, { $and: [{ type: 'file' }, filter] }, { page, pageSize, sort })
        expect(answer.items.map(({ id }) => id)).toEqual(ids.slice(page * pageSize, (page + 1) * pageSize))
        expect(answer.hasNextPage).toBe((page + 1) * pageSize < ids.length)
        if (page * pageSize < ids.length) expect(answer.totalItemsCount).toBe(ids.length)
      },
    ),
    { numRuns: 150 },
  )
})

test('files and folders together: pages go on from the last file to the first folder', async () => {
  const whole: string[] = []
  for (let page = 0; ; page++) {
    const { items, hasNextPage } = await pageOf(mixed, {}, { page, pageSize: 3_000, sort: { id: 'ascending' } })
    whole.push(...items.map(({ id }) => id))
    if (!hasNextPage) break
  }
  expect(whole).toHaveLength(24_007)
  expect(new Set(whole).size).toBe(whole.length)
  expect(whole).toEqual([...whole].sort())
  const { items } = await pageOf(mixed, {}, { page: 2_400, pageSize: 10, sort: { id: 'ascending' } })
  expect(items.map(({ type }) => type)).toEqual(Array.from({ length: 7 }, () => 'dir'))
})

test('more hidden items than are kept in mind change nothing', async () => {
  const many = await seedDataset(
    api.database.pool,
    Array.from({ length: 34_400 }, (_, index) => (index % 43 < 27 ? `a/.h${index}` : `a/s${index}`)),
  )
  const shown = await allOf(many, { hidden: false }, {})
  expect(shown.length).toBeGreaterThan(FAR_MIN + 2_000)
  for (const page of [101, 110, 127, 128]) {
    const { items } = await pageOf(many, { type: 'file', hidden: false }, { page, pageSize: 100 })
    expect(items.map(({ id }) => id)).toEqual(shown.slice(page * 100, page * 100 + 100))
  }
})
