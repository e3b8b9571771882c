// Proves how datasets are made, found, changed, locked and refused to writers, and that collections, subsets and schema are kept with them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { continueDatasetTask, DATASET_TASK_JOB } from '#core/clones/clones.ts'
import { requireWritable } from '#core/datasets/datasets.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { seedDataset } from '../support/catalog.ts'

let api: TestApi
let projectId: string
const queued: string[] = []

beforeAll(async () => {
  const enqueue = async (_tx: unknown, job: string, payload: unknown) => {
    if (job === DATASET_TASK_JOB) queued.push((payload as { commandId: string }).commandId)
  }
  api = await withApi({ queue: { enqueue } })
  projectId = await api.addProject()
})
afterAll(() => api.close())

async function call(method: string, url: string, json?: unknown) {
  return api.call(api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
}

let unique = 0
async function make(more: Readonly<Record<string, unknown>> = {}) {
  const answer = await call('POST', '/datasets', { name: `set ${++unique}`, projects: [projectId], ...more })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

/** Sends a request for long work, does the work and gives its command at the end. */
async function done(method: string, url: string, json?: unknown) {
  const started = await call(method, url, json)
  expect(started.status, started.text).toBe(200)
  while (queued.length > 0) await continueDatasetTask(api.deps, queued.shift()!, new AbortController().signal)
  return (await call('GET', `/commands/${started.body.id}`)).body
}

async function numberOf(id: string): Promise<number> {
  return (await api.deps.db.query('select dataset_no as no from dataset where id = $1', [id])).rows[0]!.no
}

const lock = (id: string, seconds: number) =>
  api.deps.db.query(`update dataset set locked_until = now() + make_interval(secs => $2) where id = $1`, [id, seconds])

describe('a dataset', () => {
  test('answers the same when it is made and when it is read, with a recipe of its own on request', async () => {
    const made = await make({ createDefaultRecipe: true, expirationOptions: { itemMaxDays: 3 }, indexDriver: 'v2' })
    expect((await call('GET', `/datasets/${made.id}`)).body).toEqual(made)
    expect(made).toMatchObject({
      expirationOptions: { itemMaxDays: 3 },
      indexDriver: 'v2',
      readonly: false,
      driver: null,
    })
    const [recipe] = made.metadata.system.recipes
    expect((await call('GET', `/recipes/${recipe}`)).status).toBe(200)
    expect((await make()).metadata).toEqual({ system: {} })
  })

  test('takes the whole of itself back, and of that only what may be changed', async () => {
    const made = await make()
    const other = await make()
    const metadata = { user: { a: 1 }, system: { x: 1 }, export_v3: { v: 2 } }
    const sent = { ...made, metadata, itemsCount: 99, id: 'other', creator: 'somebody', driver: 'x' }
    const first = await call('PATCH', `/datasets/${made.id}`, sent)
    expect(first.body).toMatchObject({ id: made.id, itemsCount: 0, creator: made.creator, driver: null })
    expect(first.body.metadata).toEqual({ user: { a: 1 }, system: {}, export_v3: { v: 2 } })
    const second = await call('PATCH', `/datasets/${made.id}?system=true`, { metadata: { system: { x: 1 } } })
    expect(second.body.metadata).toMatchObject({ user: { a: 1 }, system: { x: 1 } })
    const taken = await call('PATCH', `/datasets/${made.id}`, { name: other.name })
    expect([taken.status, taken.body.code]).toEqual([400, 'dataset.name_taken'])
  })

  test('that is read-only or locked refuses writers, each with its own reason', async () => {
    const made = await make({ readonly: true })
    const no = await numberOf(made.id)
    await expect(requireWritable(api.deps.db, no)).rejects.toMatchObject({ code: 'dataset.readonly' })
    expect((await call('PATCH', `/datasets/${made.id}`, { readonly: false })).body.readonly).toBe(false)
    expect(await requireWritable(api.deps.db, no)).toMatchObject({ datasetId: made.id, projectId, orgId: api.orgId })
    await lock(made.id, 60)
    await expect(requireWritable(api.deps.db, no)).rejects.toMatchObject({ code: 'dataset.locked' })
    expect((await call('GET', `/datasets/${made.id}`)).body.readonly).toBe(true)
    await lock(made.id, -1)
    expect((await requireWritable(api.deps.db, no)).datasetNo).toBe(no)
    await expect(requireWritable(api.deps.db, 999_999)).rejects.toMatchObject({ code: 'dataset.not_found' })
  })

  test('is unlocked once; a script that saw the lock does not make it read-only', async () => {
    const made = await make()
    await lock(made.id, 60)
    const seen = (await call('GET', `/datasets/${made.id}`)).body
    expect((await call('PATCH', `/datasets/${made.id}/unlock`)).body.readonly).toBe(false)
    const again = await call('PATCH', `/datasets/${made.id}/unlock`)
    expect([again.status, again.body.message]).toEqual([400, 'dataset is not locked'])
    expect((await call('PATCH', `/datasets/${made.id}`, seen)).body.readonly).toBe(false)
    expect((await call('PATCH', `/datasets/${made.id}`, { readonly: true })).body.readonly).toBe(true)
  })

  test('counts items without the platform’s own folder', async () => {
    const { datasetId } = await seedDataset(api.deps.db, ['a.jpg', 'd/.b.jpg', '.dataloop/t/1.png'], {
      projectId,
      creatorId: api.owner.userId,
    })
    expect((await call('GET', `/datasets/${datasetId}`)).body.itemsCount).toBe(2)
  })
})

describe('a query over datasets', () => {
  const found = async (filter: unknown, more: Readonly<Record<string, unknown>> = {}) => {
    const answer = await call('POST', '/datasets/query', { filter, context: { projects: [projectId] }, ...more })
    expect(answer.status, answer.text).toBe(200)
    return answer.body.items.map(({ name }: { name: string }) => name)
  }

  test('knows every operator on what datasets show', async () => {
    const [red, blue] = [await make({ name: 'q red' }), await make({ name: 'q blue', readonly: true })]
    await call('PATCH', `/datasets/${red.id}`, { metadata: { user: { team: 'red', n: 3, tags: ['a', 'b'] } } })
    const among = (condition: unknown) => found({ $and: [{ name: 'q *' }, condition] })
    expect(await among({ readonly: true })).toEqual(['q blue'])
    expect(await among({ readonly: { $ne: true } })).toEqual(['q red'])
    expect(await among({ driver: { $in: [null] } })).toEqual(['q red', 'q blue'])
    expect(await among({ creator: api.owner.email })).toHaveLength(2)
    expect(await among({ 'metadata.user.team': 'r*' })).toEqual(['q red'])
    expect(await among({ 'metadata.user.tags': 'b' })).toEqual(['q red'])
    expect(await among({ 'metadata.user.n': { $gt: '2' } })).toEqual(['q red'])
    expect(await among({ 'metadata.user.n': { $gte: 10 } })).toEqual([])
    expect(await among({ 'metadata.user.team': { $exists: false } })).toEqual(['q blue'])
    expect(await among({ name: { $or: [{ $eq: 'q red' }, 'q blue'] } })).toHaveLength(2)
    expect(await among({ $or: [{ name: { $match: '*red' } }, { id: blue.id }] })).toHaveLength(2)
    expect(await among({ createdAt: { $gt: '2020-01-01' } })).toHaveLength(2)
    expect(await among({ createdAt: { $lt: red.createdAt } })).toEqual([])
    expect(await found({ name: 'q *' }, { sort: { name: 'ascending' } })).toEqual(['q blue', 'q red'])
    expect(await found({ name: 'q *' }, { sort: { name: 'descending' }, pageSize: 1, page: 1 })).toEqual(['q blue'])
  })

  test('counts alone, takes projects for datasets in the context, and refuses what it does not know', async () => {
    const body = { filter: {}, context: { datasets: [projectId] }, pageSize: 0 }
    const { rows } = await api.deps.db.query(
      'select count(*)::int as n from dataset where project_id = $1 and not is_system',
      [projectId],
    )
    expect((await call('POST', '/datasets/query', body)).body).toMatchObject({
      totalItemsCount: rows[0].n,
      items: [],
      hasNextPage: false,
    })
    for (const filter of [{ nonsense: 1 }, { name: { $nonsense: 1 } }, { $and: {} }])
      expect((await call('POST', '/datasets/query', { filter })).body.code).toBe('query.invalid')
  })

  test('shows the hidden dataset of a project only to who asks for it', async () => {
    expect(await found({ name: 'Binaries' })).toEqual([])
    expect(await found({ name: 'Binaries' }, { systemSpace: true })).toEqual(['Binaries'])
  })
})

describe('what is kept with a dataset', () => {
  const seed = (count: number) =>
    seedDataset(
      api.deps.db,
      Array.from({ length: count }, (_, index) => `${index}.jpg`),
      { projectId, creatorId: api.owner.userId },
    )
  const namesWith = async (datasetNo: number, path: string[]) =>
    (
      await api.deps.db.query<{ name: string }>(
        `select name from item where dataset_no = $1 and metadata #> $2::text[] = 'true' order by item_no`,
        [datasetNo, path],
      )
    ).rows.map(({ name }) => name)

  test('collections: made, filled, renamed, emptied and deleted', async () => {
    const { datasetNo, datasetId } = await seed(4)
    const url = `/datasets/${datasetId}/items/collections`
    expect((await call('POST', url, { name: 'red' })).body).toEqual({
      'metadata.system.collections.c0': { name: 'red' },
    })
    expect((await call('POST', url, { name: 'red' })).body.code).toBe('collection.name_taken')
    const some = { filter: { $and: [{ type: 'file' }, { name: { $in: ['0.jpg', '2.jpg'] } }] } }
    const added = await done('POST', `${url}/bulk-add`, { query: some, collections: ['red', 'new'] })
    expect(added).toMatchObject({ status: 'success', spec: { count: 2 } })
    expect(await namesWith(datasetNo, ['system', 'collections', 'c0'])).toEqual(['0.jpg', '2.jpg'])
    expect((await call('GET', url)).body).toMatchObject({ 'metadata.system.collections.c1': { name: 'new' } })
    await done('POST', `${url}/bulk-remove`, { query: { filter: { name: '0.jpg' } }, collections: ['red'] })
    expect(await namesWith(datasetNo, ['system', 'collections', 'c0'])).toEqual(['2.jpg'])
    expect((await call('POST', `${url}/bulk-remove`, { query: some, collections: ['none'] })).body.code).toBe(
      'collection.not_found',
    )
    expect((await call('PATCH', `${url}/red`, { name: 'blue' })).body).toEqual({
      'metadata.system.collections.c0': { name: 'blue' },
    })
    expect(await done('DELETE', `${url}/blue`)).toMatchObject({ status: 'success' })
    expect(await namesWith(datasetNo, ['system', 'collections', 'c0'])).toEqual([])
    expect(Object.keys((await call('GET', url)).body)).toEqual(['metadata.system.collections.c1'])
    for (let no = 0; no < 9; no++) expect((await call('POST', url, { name: `more ${no}` })).status).toBe(200)
    expect((await call('POST', url, { name: 'eleventh' })).body.code).toBe('collection.too_many')
  })

  test('subsets: exact shares, each item in one, and changed in bulk', async () => {
    const { datasetNo, datasetId } = await seed(23)
    const subsets = { train: 60, validation: 25, test: 15 }
    const command = await done('POST', `/datasets/${datasetId}/split`, { itemsQuery: {}, MLSplitList: subsets })
    expect(command).toMatchObject({ status: 'success', spec: { count: 23 } })
    const counts = await Promise.all(Object.keys(subsets).map((name) => namesWith(datasetNo, ['system', 'tags', name])))
    expect(counts.map(({ length }) => length)).toEqual([14, 6, 3])
    expect(new Set(counts.flat()).size).toBe(23)
    const tags = { train: null, validation: null, test: true }
    const update = { update: { metadata: { system: { tags } } }, systemSpace: true }
    await done('POST', `/datasets/${datasetId}/items/bulk-update-metadata`, {
      query: { filter: {} },
      updateQuery: update,
    })
    expect(await namesWith(datasetNo, ['system', 'tags', 'test'])).toHaveLength(23)
    expect(await namesWith(datasetNo, ['system', 'tags', 'train'])).toEqual([])
    const wrong = await call('POST', `/datasets/${datasetId}/split`, { itemsQuery: {}, MLSplitList: { train: 50 } })
    expect(wrong.status).toBe(400)
  })

  test('the schema: paths go in and out, and its command has ended', async () => {
    const { id } = await make()
    const change = (unsearchablePaths: unknown) => done('POST', `/datasets/${id}/schema/items`, { unsearchablePaths })
    expect(await change({ add: ['metadata.a', 'metadata.b', 'metadata.a'] })).toMatchObject({ status: 'success' })
    expect((await call('GET', `/datasets/${id}/schema`)).body).toEqual({
      items: { unsearchablePaths: ['metadata.a', 'metadata.b'] },
    })
    await change({ remove: ['metadata.a'] })
    expect((await call('GET', `/datasets/${id}/schema`)).body).toEqual({ items: { unsearchablePaths: ['metadata.b'] } })
    expect((await call('POST', `/datasets/${id}/schema/items`, { unsearchablePaths: { add: ['name'] } })).status).toBe(
      400,
    )
  })
})
