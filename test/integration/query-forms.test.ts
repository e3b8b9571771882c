// Proves that queries in the odd forms which scripts send mean what they say or are refused with their place, and that a refused change changes nothing.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let dataset: SeededDataset
const keys = ['a.jpg', 'b.jpg', 'd/c.txt', 'd/e/f.txt'].map((key, index) => ({ key, metadata: { user: { n: index } } }))
beforeAll(async () => {
  api = await withApi()
})
beforeEach(async () => {
  dataset = await seedDataset(api.database.pool, keys, { projectId: await api.addProject() })
})
afterAll(() => api.close())

const send = (json: unknown) => api.call(api.owner, 'POST', `/api/v1/datasets/${dataset.datasetId}/query`, { json })
async function names(json: unknown): Promise<string[]> {
  const answer = await send(json)
  expect(answer.status, answer.text).toBe(200)
  return answer.body.items.map((item: { name: string }) => item.name)
}

test('joins and sets may stand in the filter, where the SDK wraps saved filters and bare dictionaries', async () => {
  const at = `/api/v1/items/${dataset.idOf('b.jpg')}/annotations`
  const annotation = { type: 'class', label: 'cat', coordinates: {} }
  expect((await api.call(api.owner, 'POST', at, { json: [annotation] })).status).toBe(200)
  const files = { $and: [{ type: 'file' }] }
  const on = { resource: 'annotations', local: 'itemId', forigen: 'id' }
  expect(await names({ filter: { ...files, join: { on, filter: { $and: [{ label: 'cat' }] } } } })).toEqual(['b.jpg'])
  expect(await names({ filter: { ...files, join: null } })).toHaveLength(4)
  expect(await names({ filter: { ...files, except: { query: { filter: { dir: '/' } } } } })).toEqual(['c.txt', 'f.txt'])
  expect(await names({ filter: { ...files, intersect: { query: { filter: { name: '*.txt' } } } } })).toHaveLength(2)
  const wrong = await send({ filter: { ...files, join: { filter: { nothing: 1 } } } })
  expect([wrong.status, wrong.body.details.place]).toEqual([400, 'filter.join.filter.nothing'])
  const twice = await send({ filter: { ...files, join: { filter: {} } }, join: { filter: {} } })
  expect([twice.status, twice.body.details.place]).toEqual([400, 'filter.join'])
  const deep = await send({ filter: { $and: [{ join: { filter: {} } }] } })
  expect([deep.status, deep.body.details.place]).toEqual([400, 'filter.$and[0].join.filter'])
})

test('a page of more than a thousand is a page of a thousand', async () => {
  const many = await seedDataset(
    api.database.pool,
    Array.from({ length: 1_200 }, (_, index) => `f${index}`),
    { projectId: await api.addProject('many') },
  )
  const found: string[] = []
  for (let page = 0, hasNext = true; hasNext; page++) {
    const answer = await api.call(api.owner, 'POST', `/api/v1/datasets/${many.datasetId}/query`, {
      json: { filter: { type: 'file' }, page, pageSize: 5_000 },
    })
    expect(answer.body).toMatchObject({ totalItemsCount: 1_200, totalPagesCount: 2 })
    found.push(...answer.body.items.map((item: { id: string }) => item.id))
    hasNext = answer.body.hasNextPage
  }
  expect([found.length, new Set(found).size]).toEqual([1_200, 1_200])
})

test.each<[string, unknown, string | null]>([
  ['other things than metadata', { name: 'x' }, 'update.name'],
  ['metadata that are no object', { metadata: [] }, 'update.metadata'],
  ['a text for what people gave', { metadata: { user: 'x' } }, 'update.metadata.user'],
  ['a list for what programs gave', { metadata: { system: [1] } }, 'update.metadata.system'],
  ['NUL in a text', { metadata: { user: { x: 'a\0' } } }, null],
  ['NUL in a key', { metadata: { user: { 'x\0': 1 } } }, null],
])('an update of %s changes nothing', async (_name, update, place) => {
  const answer = await send({ filter: { type: 'file' }, update, systemSpace: true })
  // What the database cannot store is found out by the database, before anything is changed.
  const code = place === null ? 'request.invalid' : 'query.invalid'
  expect([answer.status, answer.body.code], answer.text).toEqual([400, code])
  if (place !== null) expect(answer.body.details.place).toBe(place)
  const { body } = await send({ filter: { type: 'file' } })
  expect(body.items.map((item: { metadata: { user: unknown } }) => item.metadata.user)).toEqual(
    keys.map(({ metadata }) => metadata.user),
  )
})

test('an update that says nothing does nothing', async () => {
  for (const update of [{}, { metadata: null }, { metadata: {} }, { metadata: { user: {} } }])
    expect((await send({ filter: { type: 'file' }, update })).status).toBe(200)
  expect(await names({ filter: { 'metadata.user.n': { $exists: true } } })).toHaveLength(4)
})

test('a sort by a field that is none is refused, whatever characters it has', async () => {
  for (const field of ['metadata.user.x\0', 'metadata..x', `metadata.${'x.'.repeat(20)}y`, 'nothing', '']) {
    const answer = await send({ sort: { [field]: 'ascending' } })
    expect([answer.status, answer.body.code], JSON.stringify(field)).toEqual([400, 'query.invalid'])
  }
})

test('a list of names that has everything in it is everything', async () => {
  expect(await names({ filter: { type: 'file', filename: { $in: ['/**', '/a.jpg'] } } })).toHaveLength(4)
  expect(await names({ filter: { type: 'file', filename: { $nin: ['/**', '/a.jpg'] } } })).toEqual([])
})
