// Proves what callers of feature sets and vectors meet: shapes, sizes, one vector an entity, filters, the SDK's way of paging, roles, and sweeping.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FEATURE_SWEEP_JOB, sweepFeatureSet } from '#core/features/features.ts'
import { itemId } from '#lib/ids.ts'
import { type Actor, type Sent, type TestApi, withApi } from '../support/api.ts'

const jobs: { name: string; payload: unknown }[] = []
let api: TestApi
let projectId: string
let dataset: { id: string; no: number }
beforeAll(async () => {
  api = await withApi({ queue: { enqueue: async (_db, name, payload) => void jobs.push({ name, payload }) } })
})
afterAll(() => api.close())
beforeEach(async () => {
  projectId = await api.addProject()
  dataset = await newDataset()
})

const call = (method: string, path: string, json?: unknown, actor: Actor | null = api.owner) =>
  api.call(actor, method, `/api/v1/features${path}`, json === undefined ? {} : ({ json } satisfies Sent))

async function newDataset() {
  const name = randomBytes(4).toString('hex')
  const { id } = (await api.call(api.owner, 'POST', '/api/v1/datasets', { json: { name, projects: [projectId] } })).body
  const { rows } = await api.deps.db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [id])
  return { id, no: rows[0]!.no }
}

async function newSet(more = {}) {
  const given = { name: 'clip', size: 2, type: 'clip', entityType: 'item', project: projectId, modelId: null, ...more }
  const { status, body, text } = await call('POST', '/sets', given)
  expect(status, text).toBe(200)
  return body[0]
}

const entity = (n: number, no = dataset.no) => itemId(no, BigInt(n))
const vector = (set: { id: string }, n: number, value: number[] = [n, 0.1], more = {}) => ({
  entityId: entity(n),
  datasetId: dataset.id,
  project: projectId,
  featureSetId: set.id,
  value,
  ...more,
})

async function newVectors(...vectors: unknown[]) {
  const { status, body, text } = await call('POST', '/vectors', vectors)
  expect(status, text).toBe(200)
  return body
}

const query = async (kind: 'sets' | 'vectors', body: unknown, actor = api.owner) => {
  const answer = await call('POST', `/${kind}/query`, body, actor)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

describe('feature sets', () => {
  test('have exactly the keys of the SDK; creating answers what getting answers', async () => {
    const set = await newSet({ org: 'o' })
    expect(Object.keys(set).sort()).toEqual(
      'createdAt creator entityType id modelId name org project size type updatedBy url'.split(' '),
    )
    expect((await call('GET', `/sets/${set.id}`)).body).toEqual(set)
  })

  test('have a name once in a project, and a size', async () => {
    await newSet()
    const again = await call('POST', '/sets', { name: 'clip', size: 3, project: projectId })
    expect({ status: again.status, code: again.body.code }).toEqual({ status: 400, code: 'feature_set.name_taken' })
    for (const size of [0, -1, 1.5, 100_000]) {
      expect((await call('POST', '/sets', { name: `s${size}`, size, project: projectId })).status).toBe(400)
    }
  })

  test('are found by the SDK’s filters in the context of projects', async () => {
    const [one, two] = [await newSet({ name: 'one' }), await newSet({ name: 'two', size: 5 })]
    const context = { projects: [projectId] }
    const find = async (filter: unknown) =>
      (await query('sets', { filter, context, resource: 'feature_sets', page: 0, pageSize: 1000 })).items
    expect(await find({})).toEqual([one, two])
    expect(await find({ $and: [{ name: 'two' }] })).toEqual([two])
    expect(await find({ $and: [{ id: { $in: [one.id] } }] })).toEqual([one])
    expect(await find({ $and: [{ id: { $in: [] } }] })).toEqual([])
    expect(await find({ $or: [{ name: 'o*' }, { size: { $gt: '4' } }] })).toEqual([one, two])
    expect(await find({ name: { $ne: 'one' } })).toEqual([two])
    expect(await find({ modelId: null, creator: 'owner@example.com' })).toEqual([one, two])
    expect(await find({ createdAt: { $gte: one.createdAt, $lt: '2999-01-01' } })).toEqual([one, two])
    expect(await query('sets', { filter: {}, context, pageSize: 0 })).toMatchObject({ totalItemsCount: 2, items: [] })
    expect(
      (await query('sets', { filter: {}, context, pageSize: 1, page: 1, sort: { name: 'descending' } })).items,
    ).toEqual([one])
  })

  test('refuse faults of a query with their place', async () => {
    for (const [body, place] of [
      [{ filter: { nothing: 1 } }, 'filter.nothing'],
      [{ filter: { name: { $regex: 'x' } } }, 'filter.name.$regex'],
      [{ filter: { $and: [{ $or: 1 }] } }, 'filter.$and.0.$or'],
      [{ sort: { name: 'up' } }, 'sort.name'],
      [{ join: {} }, 'join'],
      [{ filter: { 'name; drop table feature_set': 1 } }, 'filter.name'],
    ] as const) {
      const { status, body: problem } = await call('POST', '/sets/query', body)
      expect({ status, code: problem.code }).toEqual({ status: 400, code: 'query.invalid' })
      expect(problem.details[0].path).toContain(place)
    }
  })

  test('are changed in name, type and model; sizes stay; a taken name is refused', async () => {
    const set = await newSet()
    await newSet({ name: 'taken' })
    const { body } = await call('PATCH', `/sets/${set.id}`, { ...set, name: 'renamed', size: 99, modelId: 'm' })
    expect(body).toMatchObject({ name: 'renamed', size: 2, modelId: 'm', type: 'clip' })
    expect((await call('PATCH', `/sets/${set.id}`, { name: 'taken' })).body.code).toBe('feature_set.name_taken')
  })

  test('that are deleted are gone with their vectors at once, and a job removes the rows', async () => {
    const set = await newSet()
    const [made] = await newVectors(vector(set, 1), vector(set, 2))
    jobs.length = 0
    expect((await call('DELETE', `/sets/${set.id}`)).status).toBe(200)
    expect((await call('GET', `/sets/${set.id}`)).status).toBe(404)
    expect((await call('GET', `/vectors/${made.id}`)).status).toBe(404)
    const [job] = jobs
    expect(job?.name).toBe(FEATURE_SWEEP_JOB)
    const { setNo } = job!.payload as { setNo: number }
    const count = async () =>
      (await api.deps.db.query('select 1 from feature_vector where set_no = $1', [setNo])).rowCount
    expect(await count()).toBe(2)
    expect(await sweepFeatureSet(api.deps.db, setNo, AbortSignal.abort())).toBe(false)
    expect(await sweepFeatureSet(api.deps.db, setNo, new AbortController().signal)).toBe(true)
    expect(await count()).toBe(0)
    // The name is free again.
    await newSet()
  })
})

describe('feature vectors', () => {
  test('have exactly the keys of the SDK, and keep every number as it was', async () => {
    const set = await newSet({ size: 5 })
    const value = [0.1, -1e-300, 1.7976931348623157e308, 0, 0.30000000000000004]
    const [made] = await newVectors(vector(set, 1, value, { version: '1.0.0', parentId: 'p', org: 'o' }))
    expect(Object.keys(made).sort()).toEqual(
      'createdAt creator entityId featureSetId id org parentId project url value version'.split(' '),
    )
    expect(made).toMatchObject({
      entityId: entity(1),
      featureSetId: set.id,
      project: projectId,
      version: '1.0.0',
      value,
    })
    expect((await call('GET', `/vectors/${made.id}`)).body).toEqual(made)
    expect(Math.abs(Date.parse(made.createdAt) - Date.now())).toBeLessThan(600_000)
  })

  test('may be sent one by itself, and without their dataset, which the entity’s id tells', async () => {
    const set = await newSet()
    const { datasetId: _, ...one } = vector(set, 1)
    expect((await call('POST', '/vectors', one)).body).toHaveLength(1)
    const found = await query('vectors', { filter: { datasetId: dataset.id } })
    expect(found.totalItemsCount).toBe(1)
  })

  test('of a wrong length are refused, all with the one', async () => {
    const set = await newSet()
    const { status, body } = await call('POST', '/vectors', [vector(set, 1), vector(set, 2, [1, 2, 3])])
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'feature.wrong_size' })
    expect(body.message).toContain('vectors of 2 numbers; this one has 3')
    expect(body.details[0].path).toBe('body.1.value')
    expect((await query('vectors', { filter: { featureSetId: set.id } })).totalItemsCount).toBe(0)
    expect((await call('POST', '/vectors', [vector(set, 1, [1, 'x' as never])])).status).toBe(400)
    expect((await call('POST', '/vectors', [])).status).toBe(400)
  })

  test('are one an entity and version: the same again is no fault, another one is', async () => {
    const set = await newSet()
    const [made] = await newVectors(vector(set, 1))
    expect(await newVectors(vector(set, 1), vector(set, 1))).toEqual([made, made])
    const other = await call('POST', '/vectors', [vector(set, 2), vector(set, 1, [7, 7])])
    expect({ status: other.status, code: other.body.code }).toEqual({ status: 400, code: 'feature.exists' })
    expect((await query('vectors', { filter: { featureSetId: set.id } })).items).toEqual([made])
    await newVectors(vector(set, 1, [7, 7], { version: '2' }))
    expect((await call('DELETE', `/vectors/${made.id}`)).status).toBe(200)
    expect((await call('GET', `/vectors/${made.id}`)).status).toBe(404)
    await newVectors(vector(set, 1, [8, 8]))
  })

  test('are of datasets of the set’s project', async () => {
    const set = await newSet()
    const mine = projectId
    projectId = await api.addProject()
    const elsewhere = await newDataset()
    for (const wrong of [
      { datasetId: elsewhere.id },
      { datasetId: null, entityId: entity(1, elsewhere.no) },
      { datasetId: 'x' },
    ]) {
      const { status, body } = await call('POST', '/vectors', [vector(set, 1, [1, 1], { project: mine, ...wrong })])
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'dataset.not_found' })
    }
    expect((await call('POST', '/vectors', [vector(set, 1)])).body.code).toBe('request.invalid')
  })

  test('are filtered by set, entity, dataset and project, and counted by set', async () => {
    const [one, two] = [await newSet({ name: 'one' }), await newSet({ name: 'two' })]
    const first = dataset
    const made = await newVectors(vector(one, 1), vector(one, 2), vector(two, 1))
    dataset = await newDataset()
    const [far] = await newVectors(vector(two, 1))
    const find = async (filter: unknown, context?: unknown) => (await query('vectors', { filter, context })).items
    expect(await find({ featureSetId: one.id })).toEqual([made[0], made[1]])
    expect(await find({ $and: [{ entityId: entity(1, first.no) }] })).toEqual([made[0], made[2]])
    expect(await find({ $and: [{ datasetId: dataset.id }, { featureSetId: two.id }] })).toEqual([far])
    expect(await find({}, { projects: [projectId] })).toEqual([...made, far])
    expect(await find({ id: { $in: [far.id, 'no id'] } })).toEqual([far])
    expect(await find({ id: 'no id' })).toEqual([])
    const count = async (datasetIds?: string[]) =>
      (await call('POST', '/vectors/project-count-aggregation', { projectId, datasetIds })).body
    expect(await count([first.id])).toEqual([
      { featureSetId: one.id, count: 2 },
      { featureSetId: two.id, count: 1 },
    ])
    expect(await count([dataset.id])).toEqual([{ featureSetId: two.id, count: 1 }])
    expect(await count()).toEqual([
      { featureSetId: one.id, count: 2 },
      { featureSetId: two.id, count: 2 },
    ])
  })

  test('are each read once by the SDK’s paging, up and down, by id and by time', async () => {
    const set = await newSet()
    const made: { id: string; createdAt: string }[] = []
    for (let n = 0; n < 5; n++) made.push(...(await newVectors(...[1, 2, 3].map((k) => vector(set, n * 3 + k)))))
    const ids = made.map(({ id }) => id)
    expect([...ids].sort()).toEqual(ids)
    const step = fc.record({
      field: fc.constantFrom('id', 'createdAt'),
      down: fc.boolean(),
      pageSize: fc.integer({ min: 1, max: 7 }),
    })
    await fc.assert(
      fc.asyncProperty(step, async ({ field, down, pageSize }) => {
        const direction = down ? 'descending' : 'ascending'
        const sort = field === 'id' ? { id: direction } : { createdAt: direction, id: direction }
        const $and: unknown[] = [{ featureSetId: set.id }]
        const seen: string[] = []
        for (;;) {
          const { items, hasNextPage } = await query('vectors', { filter: { $and }, sort, page: 0, pageSize })
          seen.push(...items.map(({ id }: { id: string }) => id))
          if (!hasNextPage) break
          $and.push({ id: { [down ? '$lt' : '$gt']: seen.at(-1) } })
        }
        expect(seen).toEqual(down ? [...ids].reverse() : ids)
      }),
      { numRuns: 20 },
    )
    const page = await query('vectors', { filter: { featureSetId: set.id }, page: 3, pageSize: 4 })
    expect(page).toMatchObject({ totalItemsCount: 15, totalPagesCount: 4, hasNextPage: false })
    expect(page.items).toEqual(made.slice(12))
  })

  test('and sets are seen by annotators, changed by developers, and nothing to strangers', async () => {
    const set = await newSet()
    const [made] = await newVectors(vector(set, 1))
    const annotator = await api.addUser('features-annotator@example.com', 'worker')
    await api.join(projectId, annotator, 'annotator')
    const stranger = (await api.addOrg('Features strange')).owner
    for (const path of [`/sets/${set.id}`, `/vectors/${made.id}`]) {
      expect((await call('GET', path, undefined, annotator)).status).toBe(200)
      expect((await call('GET', path, undefined, stranger)).status).toBe(404)
      expect((await call('DELETE', path, undefined, annotator)).status).toBe(403)
      expect((await call('DELETE', path, undefined, stranger)).status).toBe(404)
      expect((await call('GET', `${path.slice(0, -4)}zzzz`)).status).toBe(404)
    }
    expect((await call('PATCH', `/sets/${set.id}`, {}, annotator)).status).toBe(403)
    expect((await call('POST', '/vectors', [vector(set, 2)], annotator)).status).toBe(403)
    expect((await call('POST', '/vectors', [vector(set, 2)], stranger)).status).toBe(404)
    expect((await query('sets', {}, annotator)).items).toEqual([set])
    expect((await query('vectors', {}, annotator)).items).toEqual([made])
    for (const kind of ['sets', 'vectors'] as const) {
      expect((await query(kind, { context: { projects: [projectId] } }, stranger)).items).toEqual([])
    }
  })
})

test('no made-up filter is anything but an answer or a 400', async () => {
  const names = [
    'id',
    'name',
    'size',
    'createdAt',
    'modelId',
    'entityId',
    'featureSetId',
    'datasetId',
    'version',
    'nothing',
    '$and',
    '$or',
  ]
  const value = fc.oneof(
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.constant(null),
    fc.boolean(),
    fc.constant('0123456789abcdef01234567'),
  )
  const operator = fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$or')
  const operand = fc.oneof(
    value,
    fc.array(value, { maxLength: 3 }),
    fc.dictionary(operator, fc.oneof(value, fc.array(value, { maxLength: 3 })), { maxKeys: 2 }),
  )
  const { filter } = fc.letrec((tie) => ({
    filter: fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof({ depthSize: 'small' }, operand, fc.array(tie('filter'), { maxLength: 3 })),
      { maxKeys: 3 },
    ),
  }))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('sets', 'vectors'), filter, async (kind, made) => {
      const { status, text } = await call('POST', `/${kind}/query`, { filter: made })
      expect([200, 400], text).toContain(status)
    }),
    { numRuns: 300 },
  )
})
