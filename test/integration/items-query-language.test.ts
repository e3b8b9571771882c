// Proves the parts of the query language that reach beyond an item's own columns: joins with annotations, annotations as the resource, sets of queries,
// elements of lists, slots of collections, people, sorts by any field; each against what a plain reading of the contract says.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actOnQuery, continueQueryWork } from '#core/items/items.ts'
import { ACT_CHUNK } from '../../src/core/items/query/act.ts'
import { type Actor, type Answer, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let dataset: SeededDataset
let annotator: Actor
const annotationIds: string[] = []

const ref = (id: string, status?: string) => ({ id, type: 'task', metadata: status === undefined ? {} : { status } })
const keys: Parameters<typeof seedDataset>[1] = [
  {
    key: 'cat.jpg',
    metadata: {
      user: { label: 'cat', score: 5, day: '2026-03-01', 'spe-cial': { ke_ys: '😀' }, boxes: [1, 7] },
      system: {
        refs: [ref('t1', 'completed'), ref('t2')],
        tags: { train: true },
        collections: { c0: true, c1: false },
        annotationStatus: ['completed'],
      },
      fps: 25,
    },
  },
  {
    key: 'dog.png',
    metadata: {
      user: { label: 'dog', score: '7', boxes: [2, 3] },
      system: {
        refs: [ref('t1'), ref('t2', 'completed')],
        tags: { train: null },
        annotationStatus: ['completed', 'approved'],
      },
    },
  },
  { key: 'sub/bird.jpg', metadata: { user: { label: 'bird', score: 9, list: ['a', 'b'] }, system: { refs: [] } } },
  'sub/plain.txt',
  '.h/hidden.txt',
]
const boxes = (label: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    type: 'box',
    label,
    coordinates: [
      { x: index, y: 0, z: 0 },
      { x: 9, y: 9, z: 0 },
    ],
    metadata: { system: { automated: index === 0 }, user: { n: index } },
  }))

beforeAll(async () => {
  api = await withApi()
  const projectId = await api.addProject()
  annotator = await api.addUser('annotator@example.com', 'worker')
  await api.join(projectId, annotator, 'annotator')
  dataset = await seedDataset(api.database.pool, keys, { projectId })
  await annotate(api.owner, 'cat.jpg', [
    ...boxes('cat', 2),
    { type: 'point', label: 'eye', coordinates: { x: 1, y: 2, z: 0 } },
  ])
  await annotate(annotator, 'dog.png', [
    ...boxes('dog', 1),
    { type: 'class', label: 'cat', attributes: { '1': ['big'] } },
  ])
  await annotate(annotator, 'sub/bird.jpg', [{ type: 'point', label: 'beak', coordinates: { x: 1, y: 2, z: 0 } }])
})
afterAll(() => api.close())

async function annotate(actor: Actor, key: string, annotations: readonly unknown[]): Promise<void> {
  const answer = await api.call(actor, 'POST', `/api/v1/items/${dataset.idOf(key)}/annotations`, { json: annotations })
  expect(answer.status, answer.text).toBe(200)
  annotationIds.push(...answer.body.map((each: { id: string }) => each.id))
}

const send = (body: unknown, actor = api.owner): Promise<Answer> =>
  api.call(actor, 'POST', `/api/v1/datasets/${dataset.datasetId}/query`, { json: body })

async function ask(body: unknown) {
  const answer = await send(body)
  expect(answer.status, answer.status === 500 ? api.logs().slice(-3000) : answer.text).toBe(200)
  return answer.body
}

/** Names of the visible files a query finds, sorted. */
async function names(query: Record<string, unknown>): Promise<string[]> {
  const filter = { $and: [{ type: 'file' }, { hidden: false }, query.filter ?? {}] }
  const page = await ask({ ...query, filter })
  expect(page.totalItemsCount).toBe(page.items.length)
  expect((await ask({ ...query, filter, pageSize: 0 })).totalItemsCount).toBe(page.items.length)
  return page.items.map((item: { name: string }) => item.name).sort()
}

/** Labels of the annotations a query finds, in its order. */
async function labels(query: Record<string, unknown>): Promise<string[]> {
  const page = await ask({ resource: 'annotations', ...query })
  expect(page.totalItemsCount).toBe(page.items.length)
  return page.items.map((annotation: { label: string }) => annotation.label)
}

/** For changes of items, which need nothing of annotations. */
const noActs = { deleteAnnotations: async () => 0 }
const on = { resource: 'annotations', local: 'itemId', forigen: 'id' }

describe('joins', () => {
  const cases: [unknown, string[]][] = [
    [{ $and: [{ label: 'cat' }] }, ['cat.jpg', 'dog.png']],
    [{ label: 'cat' }, ['cat.jpg', 'dog.png']],
    [{ $and: [{ label: 'cat' }, { type: 'box' }] }, ['cat.jpg']],
    [{ $and: [{ label: { $in: ['cat', 'eye'] } }, { type: { $ne: 'box' } }] }, ['cat.jpg', 'dog.png']],
    [{ $and: [{ type: { $ne: 'box' } }] }, ['bird.jpg', 'cat.jpg', 'dog.png']],
    [{ $or: [{ label: 'beak' }, { label: 'eye' }] }, ['bird.jpg', 'cat.jpg']],
    [{ label: '*a*' }, ['bird.jpg', 'cat.jpg', 'dog.png']],
    [{ creator: 'annotator@example.com' }, ['bird.jpg', 'dog.png']],
    [{ 'metadata.user.n': { $gt: 0 } }, ['cat.jpg']],
    [{ 'metadata.system.automated': true }, ['cat.jpg', 'dog.png']],
    [{ 'attributes.1': 'big' }, ['dog.png']],
    [{}, ['bird.jpg', 'cat.jpg', 'dog.png']],
    [{ label: 'nothing' }, []],
  ]
  test.each(cases)('%j', async (filter, expected) => {
    expect(await names({ join: { on, filter } })).toEqual(expected)
  })

  test('a join and a filter both hold', async () => {
    expect(await names({ filter: { dir: '/' }, join: { on, filter: { type: 'point' } } })).toEqual(['cat.jpg'])
  })

  test('folders have no annotations', async () => {
    expect((await ask({ filter: { type: 'dir' }, join: { on, filter: {} } })).items).toEqual([])
  })

  test('from annotations to their items', async () => {
    const join = { on: { resource: 'items', local: 'id', forigen: 'itemId' }, filter: { dir: '/sub' } }
    expect(await labels({ join })).toEqual(['beak'])
    expect(await labels({ join: { filter: { 'metadata.user.label': 'dog' } }, filter: { type: 'box' } })).toEqual([
      'dog',
    ])
    expect(await labels({ join: { filter: { filename: '/sub/**' } }, filter: { type: 'box' } })).toEqual([])
  })
})

describe('annotations as the resource', () => {
  const all = ['cat', 'cat', 'eye', 'dog', 'cat', 'beak']
  const cases: [unknown, string[]][] = [
    [{}, all],
    [{ $and: [{ type: { $in: ['box', 'class', 'point', 'subtitle'] } }] }, all],
    [{ type: 'box' }, ['cat', 'cat', 'dog']],
    [{ label: { $ne: 'cat' } }, ['eye', 'dog', 'beak']],
    [{ label: 'c*' }, ['cat', 'cat', 'cat']],
    [{ creator: { $in: ['annotator@example.com'] } }, ['dog', 'cat', 'beak']],
    [{ createdAt: { $gt: '2020-01-01T00:00:00' } }, all],
    [{ updatedAt: { $lt: '2020-01-01T00:00:00.000Z' } }, []],
    [{ 'metadata.user.n': { $gte: '1' } }, ['cat']],
    [{ 'metadata.user.n': { $exists: false } }, ['eye', 'cat', 'beak']],
    [{ 'coordinates.x': 1 }, ['cat', 'eye', 'beak']],
    [{ coordinates: { $match: { x: 9, y: 9 } } }, ['cat', 'cat', 'dog']],
    [{ description: { $exists: true } }, []],
  ]
  test.each(cases)('%j', async (filter, expected) => {
    expect(await labels({ filter })).toEqual(expected)
  })

  test('by item and by id, in the form that GET has', async () => {
    expect(await labels({ filter: { $and: [{ itemId: dataset.idOf('dog.png') }] } })).toEqual(['dog', 'cat'])
    const page = await ask({ resource: 'annotations', filter: { annotationId: { $in: annotationIds.slice(1, 2) } } })
    const got = await api.call(api.owner, 'GET', `/api/v1/annotations/${annotationIds[1]}`)
    expect(page.items).toEqual([got.body])
  })

  test('iterating by id meets each once, counting only counts', async () => {
    for (const direction of ['ascending', 'descending']) {
      const seen: string[] = []
      for (let last: string | null = null; ; ) {
        const bound: unknown[] = last === null ? [] : [{ id: { [direction === 'ascending' ? '$gt' : '$lt']: last } }]
        const page = await ask({
          resource: 'annotations',
          filter: { $and: bound },
          sort: { id: direction },
          page: 0,
          pageSize: 2,
        })
        seen.push(...page.items.map((each: { id: string }) => each.id))
        if (!page.hasNextPage) break
        last = seen.at(-1)!
      }
      expect(seen).toEqual(direction === 'ascending' ? annotationIds : annotationIds.toReversed())
    }
    expect(await ask({ resource: 'annotations', pageSize: 0 })).toMatchObject({ totalItemsCount: 6, items: [] })
  })

  test('sorts, several at once, and by documents', async () => {
    expect(await labels({ sort: { label: 'descending', createdAt: 'ascending' } })).toEqual(all.toSorted().toReversed())
    expect(
      await labels({ filter: { type: 'box' }, sort: { 'metadata.user.n': 'descending', id: 'descending' } }),
    ).toEqual(['cat', 'dog', 'cat'])
    expect(await labels({ sort: { creator: 'ascending', label: 'ascending' } })).toEqual([
      'beak',
      'cat',
      'dog',
      'cat',
      'cat',
      'eye',
    ])
  })

  test('annotations of a removed item are not found', async () => {
    const own = await seedDataset(api.database.pool, ['x', 'y'], { projectId: dataset.projectId })
    const at = `/api/v1/datasets/${own.datasetId}/query`
    for (const key of ['x', 'y'])
      await api.call(api.owner, 'POST', `/api/v1/items/${own.idOf(key)}/annotations`, { json: boxes('b', 1) })
    await api.call(api.owner, 'DELETE', `/api/v1/items/${own.idOf('x')}`)
    const left = await api.call(api.owner, 'POST', at, { json: { resource: 'annotations' } })
    expect(left.body).toMatchObject({ totalItemsCount: 1, items: [{ itemId: own.idOf('y') }] })
  })
})

describe('items', () => {
  const cases: [unknown, string[]][] = [
    [{ 'metadata.system.refs': { $match: { id: 't1', metadata: { status: 'completed' } } } }, ['cat.jpg']],
    [
      { 'metadata.system.refs': { $match: { id: { $in: ['t1'] }, metadata: { status: { $exists: false } } } } },
      ['dog.png'],
    ],
    [{ 'metadata.system.refs': { id: 't2', 'metadata.status': 'compl*' } }, ['dog.png']],
    [{ 'metadata.system.refs': { $match: { $or: [{ id: 't9' }, { type: { $ne: 'task' } }] } } }, []],
    [{ 'metadata.system.refs.id': 't1' }, ['cat.jpg', 'dog.png']],
    [{ 'metadata.system.refs.id': { $ne: 't1' } }, ['bird.jpg', 'plain.txt']],
    [{ 'metadata.system.refs': [] }, ['bird.jpg', 'plain.txt']],
    [{ refs: [] }, ['bird.jpg', 'plain.txt']],
    [{ 'metadata.system.tags.train': true }, ['cat.jpg']],
    [{ 'metadata.system.tags.train': null }, ['bird.jpg', 'dog.png', 'plain.txt']],
    [{ 'metadata.system.tags.train': { $exists: true } }, ['cat.jpg', 'dog.png']],
    [{ annotationStatus: ['completed'] }, ['cat.jpg']],
    [{ annotationStatus: 'completed' }, ['cat.jpg', 'dog.png']],
    [{ 'metadata.system.annotationStatus': { $nin: ['approved'] } }, ['bird.jpg', 'cat.jpg', 'plain.txt']],
    [{ 'metadata.user.score': { $gt: '4' } }, ['bird.jpg', 'cat.jpg', 'dog.png']],
    [{ 'metadata.user.score': { $lt: 6 } }, ['cat.jpg']],
    [{ 'metadata.user.day': { $gte: '2026-02-01' } }, ['cat.jpg']],
    [{ 'metadata.user.spe-cial.ke_ys': '😀' }, ['cat.jpg']],
    [{ 'metadata.user': { label: 'dog', score: { $exists: true } } }, ['dog.png']],
    [{ metadata: { user: { label: { $in: ['dog', 'bird'] } } } }, ['bird.jpg', 'dog.png']],
    [{ 'metadata.user.list': ['a', 'b'] }, ['bird.jpg']],
    [{ 'metadata.user.list': ['b', 'a'] }, []],
    [{ 'metadata.user.boxes': { $match: { $gt: 4 } } }, ['cat.jpg']],
    [{ 'metadata.user.spe-cial': { $eq: { ke_ys: '😀' } } }, ['cat.jpg']],
    [{ 'metadata.fps': 25 }, ['cat.jpg']],
    [{ 'metadata.user.label': { $match: 'b*d' } }, ['bird.jpg']],
    [{ 'metadata.user.label': { $glob: '*o*' } }, ['dog.png']],
    [{ 'metadata.user.label': { $or: ['cat', { $match: 'b*' }] } }, ['bird.jpg', 'cat.jpg']],
    [
      { $or: [{ $and: [{ 'metadata.user.label': 'cat' }, { name: '*.jpg' }] }, { name: 'plain.txt' }] },
      ['cat.jpg', 'plain.txt'],
    ],
    [{ collections0: { $exists: true } }, ['cat.jpg']],
    [{ collections1: { $exists: false } }, ['bird.jpg', 'cat.jpg', 'dog.png', 'plain.txt']],
    [{ 'metadata.system.collections.c0': true }, ['cat.jpg']],
    [{ annotated: true }, ['bird.jpg', 'cat.jpg', 'dog.png']],
    [{ annotated: false }, ['plain.txt']],
    [{ annotationsCount: { $gte: '2' } }, ['cat.jpg', 'dog.png']],
    [{ annotationsCount: 0 }, ['plain.txt']],
    [{ creator: 'owner@*' }, ['bird.jpg', 'cat.jpg', 'dog.png', 'plain.txt']],
    [{ creator: { $ne: 'owner@example.com' } }, []],
    [{ description: null }, ['bird.jpg', 'cat.jpg', 'dog.png', 'plain.txt']],
    [{ description: { $exists: true } }, []],
    [{ srcItem: null }, ['bird.jpg', 'cat.jpg', 'dog.png', 'plain.txt']],
    [{ srcItem: '0'.repeat(24) }, []],
    [{ filename: { $in: ['/sub/**', '/cat.jpg'] } }, ['bird.jpg', 'cat.jpg', 'plain.txt']],
    [{ createdAt: { $gt: '01/06/2019' } }, ['bird.jpg', 'cat.jpg', 'dog.png', 'plain.txt']],
  ]
  test.each(cases)('%j', async (filter, expected) => {
    expect(await names({ filter })).toEqual(expected)
  })

  test('intersection and difference of sets of items', async () => {
    const labelled = { query: { join: { filter: { label: 'cat' } } } }
    expect(await names({ intersect: labelled })).toEqual(['cat.jpg', 'dog.png'])
    expect(await names({ except: labelled })).toEqual(['bird.jpg', 'plain.txt'])
    expect(
      await names({ filter: { name: '*.jpg' }, intersect: labelled, except: { query: { filter: { name: 'cat*' } } } }),
    ).toEqual([])
    expect(await names({ except: { query: { filter: { name: '*.jpg' }, intersect: labelled } } })).toEqual([
      'bird.jpg',
      'dog.png',
      'plain.txt',
    ])
  })

  test('every field of an item can be sorted by, several at once', async () => {
    const sorted = async (sort: Record<string, string>) =>
      (await ask({ filter: { type: 'file', hidden: false }, sort })).items.map((item: { name: string }) => item.name)
    expect(await sorted({ 'metadata.user.label': 'ascending' })).toEqual([
      'plain.txt',
      'bird.jpg',
      'cat.jpg',
      'dog.png',
    ])
    expect(await sorted({ 'metadata.user.label': 'descending' })).toEqual([
      'dog.png',
      'cat.jpg',
      'bird.jpg',
      'plain.txt',
    ])
    expect(await sorted({ dir: 'descending', name: 'descending' })).toEqual([
      'plain.txt',
      'bird.jpg',
      'dog.png',
      'cat.jpg',
    ])
    expect(await sorted({ annotated: 'ascending', annotationsCount: 'descending', id: 'descending' })).toEqual([
      'plain.txt',
      'cat.jpg',
      'dog.png',
      'bird.jpg',
    ])
    for (const field of [
      'creator',
      'updatedBy',
      'mimetype',
      'hidden',
      'type',
      'state',
      'modified',
      'description',
      'filename',
    ])
      expect(await sorted({ [field]: 'descending', id: 'ascending' }), field).toHaveLength(4)
  })
})

describe('changes by query', () => {
  const seed = (...all: string[]) => seedDataset(api.database.pool, all, { projectId: dataset.projectId })
  const at = (own: SeededDataset) => `/api/v1/datasets/${own.datasetId}/query`
  const filesOf = async (own: SeededDataset, filter: unknown = { type: 'file' }) =>
    (await api.call(api.owner, 'POST', at(own), { json: { filter } })).body.items
      .map((item: { name: string }) => item.name)
      .sort()

  test('updates merge into each item that matches and into no other', async () => {
    const own = await seed('a.txt', 'b.txt', 'c.png')
    const update = (metadata: unknown, more: object = {}) =>
      api.call(api.owner, 'POST', at(own), {
        json: { filter: { $and: [{ type: 'file' }, { name: '*.txt' }] }, update: { metadata }, ...more },
      })
    expect((await update({ user: { x: 1, y: { z: 2 } } })).body).toEqual({ success: true, count: 2 })
    expect((await update({ user: { y: { w: 3 } }, system: { k: 1 } })).body).toEqual({ success: true, count: 2 })
    expect(await filesOf(own, { 'metadata.user.y': { z: 2, w: 3 } })).toEqual(['a.txt', 'b.txt'])
    expect(await filesOf(own, { 'metadata.system.k': 1 })).toEqual([])
    await update({ system: { k: 1 } }, { systemSpace: true })
    expect(await filesOf(own, { 'metadata.system.k': 1 })).toEqual(['a.txt', 'b.txt'])
  })

  test('deletions take what matches; a condition on files leaves folders alone', async () => {
    const own = await seed('a.txt', 'd/b.txt', 'd/e/c.txt', 'f/g.txt')
    const remove = (filter: unknown, actor = api.owner) =>
      api.call(actor, 'POST', at(own), { json: { filter, delete: true } })
    expect((await remove({ name: 'a.txt' }, annotator)).status).toBe(403)
    expect((await remove({ 'metadata.user.x': null, name: 'b.txt' })).body).toEqual({ success: true, count: 1 })
    expect(await filesOf(own)).toEqual(['a.txt', 'c.txt', 'g.txt'])
    expect((await remove({ type: 'dir', filename: '/d' })).body).toEqual({ success: true, count: 1 })
    expect(await filesOf(own)).toEqual(['a.txt', 'g.txt'])
    expect((await remove({ type: 'file' })).body).toEqual({ success: true, count: 2 })
    expect(await filesOf(own)).toEqual([])
    expect((await remove({ type: 'file' })).body).toEqual({ success: true, count: 0 })
  })

  test('annotations are deleted by query, by whoever may annotate', async () => {
    const own = await seed('a', 'b')
    for (const key of ['a', 'b'])
      await api.call(api.owner, 'POST', `/api/v1/items/${own.idOf(key)}/annotations`, {
        json: [...boxes('x', 2), ...boxes('y', 1)],
      })
    const filter = { $and: [{ label: 'x' }, { itemId: own.idOf('a') }] }
    const gone = await api.call(annotator, 'POST', at(own), {
      json: { resource: 'annotations', filter, delete: true, page: 0, pageSize: 1000 },
    })
    expect(gone.body).toEqual({ success: true, count: 2 })
    const left = await api.call(api.owner, 'POST', at(own), { json: { resource: 'annotations' } })
    expect(left.body.totalItemsCount).toBe(4)
    expect(await filesOf(own, { annotationsCount: 1 })).toEqual(['a'])
  })

  test('a read-only dataset is not changed', async () => {
    const own = await seed('a')
    await api.database.pool.query('update dataset set is_readonly = true where id = $1', [own.datasetId])
    const answer = await api.call(api.owner, 'POST', at(own), { json: { filter: { type: 'file' }, delete: true } })
    expect(answer.body.code).toBe('dataset.readonly')
    expect(await filesOf(own)).toEqual(['a'])
  })

  test('what is too much for a request is left to a job, which goes on where it ended', async () => {
    const many = Array.from({ length: ACT_CHUNK + 500 }, (_, index) => `f${index}`)
    for (const change of [{ delete: true }, { update: { metadata: { user: { k: 1 } } } }]) {
      const own = await seed(...many)
      const body = { filter: { type: 'file' }, ...change }
      const begun = await actOnQuery(api.deps, api.owner, own.datasetNo, body, noActs, 0)
      expect(begun).toMatchObject({
        success: true,
        count: ACT_CHUNK,
        commandId: expect.stringMatching(/^[0-9a-f]{24}$/),
      })
      const command = async () => (await api.call(api.owner, 'GET', `/api/v1/commands/${begun.commandId}`)).body
      expect((await command()).status).toBe('created')
      await continueQueryWork(api.deps, begun.commandId!, AbortSignal.timeout(60_000), noActs)
      expect(await command()).toMatchObject({ status: 'success', progress: 100, spec: { count: many.length } })
      const left = await api.call(api.owner, 'POST', at(own), {
        json: { filter: { 'metadata.user.k': 1 }, pageSize: 0 },
      })
      expect(left.body.totalItemsCount).toBe('delete' in change ? 0 : many.length)
    }
  })

  test('a job of a query that somebody stopped, or whose dataset is gone, ends', async () => {
    const own = await seed(...Array.from({ length: ACT_CHUNK }, (_, index) => `f${index}`))
    const begin = () =>
      actOnQuery(
        api.deps,
        api.owner,
        own.datasetNo,
        { filter: { type: 'file' }, update: { metadata: { user: { k: 1 } } } },
        noActs,
        0,
      )
    const stopped = await begin()
    const answer = await api.call(api.owner, 'POST', `/api/v1/commands/${stopped.commandId}/abort`)
    expect(answer.body).toMatchObject({ status: 'canceled', spec: { count: ACT_CHUNK } })
    const orphan = await begin()
    await api.database.pool.query('delete from query_work where command_id = $1', [orphan.commandId])
    for (const { commandId } of [stopped, orphan]) {
      await continueQueryWork(api.deps, commandId!, AbortSignal.timeout(60_000), noActs)
      expect((await api.call(api.owner, 'GET', `/api/v1/commands/${commandId}`)).body.status).toBe('canceled')
    }
  })
})
