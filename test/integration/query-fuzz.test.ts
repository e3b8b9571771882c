// Proves on a real PostgreSQL that queries at random are answered or refused with their place: never by a failure, never by a statement over its time, never
// with a page that its own total or the database's condition contradicts.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queryAnnotationRows, queryItems } from '#core/items/items.ts'
import { AppError } from '#lib/app-error.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'
import { QueryMaker } from '../support/random-query.ts'

/** As many queries as fit this time, and no more than so many. */
const TIME_MS = 40_000
const QUERIES = 5_000

let api: TestApi
let dataset: SeededDataset
const labels = ['cat', 'dog', 'box', '5', '😀', 'a']
const keys = Array.from({ length: 600 }, (_, index) => ({
  key: `${['', 'a/', 'a/b/', '.h/', 'x/*/'][index % 5]}f${index}.${['jpg', 'png', 'txt'][index % 3]}`,
  state: index % 50 === 1 ? 1 : 0,
  flags: index % 40 === 2 ? 8 : 0,
  ...(index % 3 > 0 && {
    metadata: {
      user: {
        label: labels[index % 6],
        n: index % 2 === 0 ? index : String(index),
        list: [index % 4, labels[index % 5]],
        o: [{ k: 1 }, { k: 'a' }],
      },
      system: {
        refs: [{ id: 'a', type: 'task', metadata: { status: index % 7 === 0 ? null : 'box' } }],
        tags: { train: true },
      },
      fps: index,
    },
  }),
}))

beforeAll(async () => {
  api = await withApi()
  dataset = await seedDataset(api.database.pool, keys, { projectId: await api.addProject() })
  for (let index = 0; index < 60; index++) {
    const annotations = Array.from({ length: index % 4 }, (_, at) => ({
      type: ['box', 'point'][at % 2],
      label: labels[(index + at) % 6],
      coordinates:
        at % 2 === 0
          ? [
              { x: at, y: 1, z: 0 },
              { x: 2, y: 2, z: 0 },
            ]
          : { x: 1, y: 2, z: 0 },
      attributes: { '1': labels.slice(0, at) },
      metadata: { user: { n: at }, system: { automated: at === 0 } },
    }))
    const at = `/api/v1/items/${dataset.idOf(keys[index]!.key)}/annotations`
    const answer = await api.call(api.owner, 'POST', at, { json: annotations })
    expect(answer.status, answer.text).toBe(200)
  }
  await api.database.pool.query('analyze')
})
afterAll(() => api.close())

test('queries at random are answered in time or refused with their place', { timeout: TIME_MS * 3 }, async () => {
  const ids = keys.slice(0, 20).map(({ key }) => dataset.idOf(key))
  const maker = new QueryMaker(7, ids)
  const counts = { answered: 0, refused: 0, found: 0 }
  const end = Date.now() + TIME_MS
  for (let index = 0; index < QUERIES && Date.now() < end; index++) {
    const body = maker.body()
    try {
      const page =
        body.resource === 'annotations'
          ? (await queryAnnotationRows(api.deps, dataset.datasetNo, body, 'a.label')).page
          : await queryItems(api.deps, dataset.datasetNo, body, 'http://x')
      counts.answered++
      counts.found += page.items.length
      expect(page.totalItemsCount, JSON.stringify(body)).toBeGreaterThanOrEqual(page.items.length)
      expect(page.totalIsEstimate, JSON.stringify(body)).toBeUndefined()
    } catch (error) {
      // A statement over its time is query.too_slow, and on so few rows none may be.
      if (!(error instanceof AppError) || error.code !== 'query.invalid')
        throw new Error(`query ${index}: ${JSON.stringify(body)}`, { cause: error })
      expect(error.details, JSON.stringify(body)).toMatchObject({ place: expect.any(String) })
      counts.refused++
    }
  }
  expect(counts.answered).toBeGreaterThan(200)
  expect(counts.found).toBeGreaterThan(200)
})

test('a query and its exception are all items, and have none in common', { timeout: TIME_MS * 3 }, async () => {
  const maker = new QueryMaker(11, [])
  const all = { $and: [{ type: 'file' }] }
  const count = async (query: Record<string, unknown>): Promise<number> =>
    (await queryItems(api.deps, dataset.datasetNo, { ...query, pageSize: 0 }, 'http://x')).totalItemsCount
  let compared = 0
  const end = Date.now() + TIME_MS / 2
  while (compared < 500 && Date.now() < end) {
    const { filter, join, resource } = maker.body()
    if (resource === 'annotations') continue
    const query = { filter, ...(join === undefined ? {} : { join }) }
    try {
      const inside = await count({ filter: all, intersect: { query } })
      const outside = await count({ filter: all, except: { query } })
      const neither = await count({ filter: all, intersect: { query }, except: { query } })
      expect([inside + outside, neither], JSON.stringify(query)).toEqual([keys.length, 0])
      expect(await count({ ...query, filter: { $and: [all, filter] } }), JSON.stringify(query)).toBe(inside)
      compared++
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'query.invalid') throw error
    }
  }
  expect(compared).toBeGreaterThan(50)
})
