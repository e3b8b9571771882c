// Proves that what a dataset's schema keeps out of searches cannot be asked about in any way, with the place in the answer and nothing changed; that all else
// can; and that it can be asked about again once the path is let in.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actOnQuery, continueQueryWork } from '#core/items/items.ts'
import { ACT_CHUNK } from '../../src/core/items/query/act.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let dataset: SeededDataset
const keys = ['a.jpg', 'b.jpg', 'c.jpg'].map((key, index) => ({
  key,
  metadata: {
    user: { big: { text: `t${index}`, list: [{ id: index }] }, biggest: index },
    system: { annotationStatus: [`s${index}`], refs: [{ id: 'r', hidden: index }] },
  },
}))
beforeAll(async () => {
  api = await withApi()
  dataset = await seedDataset(api.database.pool, keys, { projectId: await api.addProject() })
  await change({ add: ['metadata.user.big', 'metadata.system.annotationStatus', 'metadata.system.refs.hidden'] })
})
afterAll(() => api.close())

const send = (path: string, json: unknown) =>
  api.call(api.owner, 'POST', `/api/v1/datasets/${dataset.datasetId}${path}`, { json })
const query = (json: Record<string, unknown>) => send('/query', json)
async function change(unsearchablePaths: unknown): Promise<void> {
  expect((await send('/schema/items', { unsearchablePaths })).status).toBe(200)
}

describe('refused with the place', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['the path', { filter: { 'metadata.user.big': 'x' } }, 'filter.metadata.user.big'],
    [
      'a path below it',
      { filter: { $and: [{ 'metadata.user.big.text': { $in: ['t1'] } }] } },
      'filter.$and[0].metadata.user.big.text.$in',
    ],
    ['what is not equal', { filter: { 'metadata.user.big.text': { $ne: 't1' } } }, 'filter.metadata.user.big.text.$ne'],
    [
      'whether it is there',
      { filter: { $or: [{ name: 'a*' }, { 'metadata.user.big': { $exists: false } }] } },
      'filter.$or[1].metadata.user.big.$exists',
    ],
    ['the path in parts', { filter: { metadata: { user: { big: { text: 't1' } } } } }, 'filter.metadata.user.big'],
    [
      'an element of a list',
      { filter: { 'metadata.user.big.list': { $match: { id: 1 } } } },
      'filter.metadata.user.big.list.$match',
    ],
    [
      'a part of an element',
      { filter: { 'metadata.system.refs': { $match: { id: 'r', hidden: 1 } } } },
      'filter.metadata.system.refs.$match.hidden',
    ],
    ['the same by its short name', { filter: { refs: { hidden: 1 } } }, 'filter.refs.hidden'],
    [
      'a whole that has it in it',
      { filter: { 'metadata.system.refs': { $eq: [{ id: 'r', hidden: 1 }] } } },
      'filter.metadata.system.refs.$eq',
    ],
    ['a short name', { filter: { annotationStatus: ['s1'] } }, 'filter.annotationStatus'],
    ['a sort', { filter: {}, sort: { 'metadata.user.big.text': 'ascending' } }, 'sort.metadata.user.big.text'],
    [
      'in a set',
      { filter: {}, except: { query: { filter: { 'metadata.user.big.text': 't1' } } } },
      'except.query.filter.metadata.user.big.text',
    ],
    [
      'from annotations',
      { resource: 'annotations', join: { filter: { 'metadata.user.big.text': 't1' } } },
      'join.filter.metadata.user.big.text',
    ],
    [
      'with a deletion',
      { filter: { 'metadata.user.big.text': { $ne: 'nothing' } }, delete: true },
      'filter.metadata.user.big.text.$ne',
    ],
    [
      'with an update',
      { filter: { 'metadata.user.big.text': 't1' }, update: { metadata: { user: { x: 1 } } } },
      'filter.metadata.user.big.text',
    ],
  ])('%s', async (_name, body, place) => {
    const answer = await query(body)
    expect([answer.status, answer.body.code, answer.body.details?.place], answer.text).toEqual([
      400,
      'query.invalid',
      place,
    ])
    expect(answer.body.message).toContain('out of searches')
    const { body: all } = await query({ filter: {} })
    expect(all.items.map((item: { metadata: { user: unknown } }) => item.metadata.user)).toEqual(
      keys.map((key) => key.metadata.user),
    )
  })

  test('as a selection of other work', async () => {
    const answer = await send('/export', { itemsQuery: { filter: { 'metadata.user.big.text': 't1' } } })
    expect([answer.status, answer.body.code], answer.text).toEqual([400, 'query.invalid'])
  })
})

test.each<[string, Record<string, unknown>, number]>([
  ['a path that only begins alike', { filter: { 'metadata.user.biggest': 1 } }, 1],
  ['what stands beside it', { filter: { 'metadata.system.refs.id': 'r' } }, 3],
  ['whether there is anything around it', { filter: { 'metadata.user': { $exists: true } } }, 3],
  ['an empty list', { filter: { refs: [] } }, 0],
  ['metadata of annotations', { resource: 'annotations', filter: { 'metadata.user.big': 'x' } }, 0],
  [
    'a change that writes it',
    { filter: { name: 'a.jpg' }, update: { metadata: { user: { big: { text: 't0' } } } } },
    1,
  ],
])('answered: %s', async (_name, body, count) => {
  const answer = await query(body)
  expect([answer.status, answer.body.totalItemsCount ?? answer.body.count], answer.text).toEqual([200, count])
})

test('work by query that is under way goes on', async () => {
  const count = ACT_CHUNK + 10
  const many = await seedDataset(
    api.database.pool,
    Array.from({ length: count }, (_, index) => ({ key: `f${index}`, metadata: { user: { k: 1 } } })),
    { projectId: await api.addProject('many') },
  )
  const acts = { deleteAnnotations: () => Promise.resolve(0) }
  const body = { filter: { 'metadata.user.k': 1 }, update: { metadata: { user: { done: true } } } }
  const begun = await actOnQuery(api.deps, api.owner, many.datasetNo, body, acts, 0)
  const at = `/api/v1/datasets/${many.datasetId}`
  const json = { unsearchablePaths: { add: ['metadata.user.k'] } }
  expect((await api.call(api.owner, 'POST', `${at}/schema/items`, { json })).status).toBe(200)
  await continueQueryWork(api.deps, begun.commandId!, AbortSignal.timeout(60_000), acts)
  const done = await api.call(api.owner, 'POST', `${at}/query`, { json: { filter: { 'metadata.user.done': true } } })
  expect(done.body.totalItemsCount).toBe(count)
  await expect(actOnQuery(api.deps, api.owner, many.datasetNo, body, acts, 0)).rejects.toMatchObject({
    code: 'query.invalid',
  })
})

test('let in again, it is found again', async () => {
  await change({ remove: ['metadata.user.big'] })
  const answer = await query({ filter: { 'metadata.user.big.text': 't1' } })
  expect([answer.status, answer.body.totalItemsCount]).toEqual([200, 1])
})
