// Proves that clones and merges are rows over the same objects: rules of storages, options, names, data points, stopping, and exact counters.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { continueDatasetTask, DATASET_TASK_JOB, reviveDatasetTasks } from '#core/clones/clones.ts'
import { auditDataPoints, setDataPointsMax } from '#core/quota/quota.ts'
import { newId } from '#lib/ids.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'
import { seedDataset } from '../support/catalog.ts'
import { findFolderFaults } from '../support/invariants.ts'

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
beforeEach(() => {
  queued.length = 0
})

async function work(): Promise<void> {
  while (queued.length > 0) await continueDatasetTask(api.deps, queued.shift()!, new AbortController().signal)
}

/** A dataset of rows; on the platform's own storage each has an object there. */
async function seed(keys: readonly string[], driverId?: string) {
  const seeded = await seedDataset(
    api.deps.db,
    keys.map((key, index) => ({ key, metadata: { user: { n: index }, system: { tags: { old: true }, width: 4 } } })),
    { projectId, creatorId: api.owner.userId, ...(driverId && { driverId }) },
  )
  if (driverId === undefined)
    await api.deps.db.query(`update item set object_key = 'o/' || item_no where dataset_no = $1`, [seeded.datasetNo])
  await api.deps.db.query(
    `insert into data_points (org_id, used) values ($1, $2) on conflict (org_id) do update set used = data_points.used + $2`,
    [api.orgId, keys.length],
  )
  return seeded
}

async function addDriver(folder = 'in/'): Promise<string> {
  const id = newId(Date.now())
  const { rows } = await api.deps.db.query<{ no: number }>(
    `insert into source (org_id, provider, fingerprint) values ($1, 's3', $2) returning source_no as no`,
    [api.orgId, id],
  )
  await api.deps.db.query(
    `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, $1, 's3', $4, '{"bucketName": "b"}', $5)`,
    [id, projectId, rows[0]!.no, folder, api.owner.userId],
  )
  return id
}

async function post(url: string, json: unknown, actor: Actor = api.owner) {
  return api.call(actor, 'POST', `/api/v1${url}`, { json })
}

/** Sends a request for long work, does the work and gives its command at the end. */
async function done(url: string, json: unknown) {
  const started = await post(url, json)
  expect(started.status, started.text).toBe(200)
  expect(['created', 'in-progress', 'success']).toContain(started.body.status)
  await work()
  return (await api.call(api.owner, 'GET', `/api/v1/commands/${started.body.id}`)).body
}

interface Found {
  path: string
  key: string
  driver: string | null
  metadata: Record<string, unknown> | null
  origin: string | null
  annotations: number | null
}

async function itemsOf(datasetId: string): Promise<Found[]> {
  const { rows } = await api.deps.db.query<Found>(
    `select '/' || d.path || i.name as path, i.object_key as key, i.object_driver_id as driver, i.metadata, i.annotations,
            i.origin_dataset_no || ':' || i.origin_item_no as origin
       from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no join dataset s on s.dataset_no = i.dataset_no
      where s.id = $1 order by i.item_no`,
    [datasetId],
  )
  return rows
}

const pathsOf = async (datasetId: string) => (await itemsOf(datasetId)).map(({ path }) => path)

async function datasetNo(id: string): Promise<number> {
  return (await api.deps.db.query('select dataset_no as no from dataset where id = $1', [id])).rows[0]!.no
}

async function annotate(datasetId: string, itemId: string, label: string, parentId?: string): Promise<string> {
  const metadata = { system: { status: 'approved', ...(parentId && { parentId }) } }
  const answer = await post(`/items/${itemId}/annotations`, [{ type: 'class', label, metadata }])
  expect(answer.status, `${datasetId} ${answer.text}`).toBeLessThan(300)
  return answer.body[0].id
}

/** Everything that must hold of a dataset after any work. */
async function expectSound(id: string): Promise<void> {
  const no = await datasetNo(id)
  expect(await findFolderFaults(api.deps.db, no)).toEqual([])
  const { rows } = await api.deps.db.query(
    `select annotations::int, annotated::int,
            (select count(*)::int from annotation a where a.dataset_no = d.dataset_no) as real,
            (select count(distinct item_no)::int from annotation a where a.dataset_no = d.dataset_no) as real_items
       from dataset d where dataset_no = $1`,
    [no],
  )
  expect([rows[0].annotations, rows[0].annotated]).toEqual([rows[0].real, rows[0].real_items])
  expect((await auditDataPoints(api.deps.db)).filter(({ orgId }) => orgId === api.orgId)).toEqual([])
}

let unique = 0
const name = (text: string) => `${text} ${++unique}`

describe('a clone of a dataset', () => {
  test('has new items with the same paths and objects, in the order of the master', async () => {
    const master = await seed(['a.jpg', 'd/b.jpg', 'd/e/c.jpg'])
    const command = await done(`/datasets/${master.datasetId}/clone`, { name: name('clone'), filter: null })
    expect(command).toMatchObject({ status: 'success', progress: 100, spec: { returnedModelId: expect.any(String) } })
    const cloneId = command.spec.returnedModelId
    const [own, theirs] = [await itemsOf(cloneId), await itemsOf(master.datasetId)]
    expect(own.map(({ path, key }) => [path, key])).toEqual(theirs.map(({ path, key }) => [path, key]))
    expect(own[0]).toMatchObject({ driver: null, metadata: { user: { n: 0 }, system: { width: 4 } } })
    expect(own[0]!.origin).toBe(`${master.datasetNo}:${BigInt(`0x${master.idOf('a.jpg').slice(8)}`)}`)
    const shown = await api.call(api.owner, 'GET', `/api/v1/datasets/${cloneId}`)
    expect(shown.body).toMatchObject({ readableType: 'clone', srcDataset: master.datasetId, itemsCount: 3 })
    await expectSound(cloneId)
  })

  test('refers to the files of the bucket by their whole keys, also a clone of it', async () => {
    const driverId = await addDriver('in/')
    const master = await seed(['d/x.jpg', '.dataloop/t.png'], driverId)
    const first = (await done(`/datasets/${master.datasetId}/clone`, { name: name('of a bucket') })).spec
      .returnedModelId
    expect(await itemsOf(first)).toMatchObject([{ path: '/d/x.jpg', key: 'in/d/x.jpg', driver: driverId }])
    const second = (await done(`/datasets/${first}/clone`, { name: name('of a clone') })).spec.returnedModelId
    expect(await itemsOf(second)).toMatchObject([{ key: 'in/d/x.jpg', driver: driverId }])
    const sync = await post(`/datasets/${second}/sync`, undefined)
    expect([sync.status, sync.body.code]).toEqual([400, 'dataset.not_syncable'])
  })

  test('takes a filter, a folder and a target, and leaves out what is not wanted', async () => {
    const master = await seed(['a.jpg', 'd/b.jpg', 'd/c.jpg'])
    const parent = await annotate(master.datasetId, master.idOf('d/b.jpg'), 'cat')
    await annotate(master.datasetId, master.idOf('d/b.jpg'), 'tail', parent)
    const target = await post('/datasets', { name: name('target'), projects: [projectId] })
    const filter = { filter: { $and: [{ type: 'file' }, { dir: '/d' }] }, page: 0, pageSize: 1, resource: 'items' }
    const bare = { withItemsAnnotations: false, withMetadata: false, targetDatasetId: target.body.id }
    const params = { ...bare, targetDirectory: '/into/here' }
    const command = await done(`/datasets/${master.datasetId}/clone`, {
      name: null,
      filter,
      cloneDatasetParams: params,
    })
    expect(command.spec.returnedModelId).toBe(target.body.id)
    expect(await itemsOf(target.body.id)).toMatchObject([
      { path: '/into/here/d/b.jpg', metadata: { system: { width: 4 } }, annotations: null },
      { path: '/into/here/d/c.jpg' },
    ])
    // Again: what is there already stays as it is.
    await done(`/datasets/${master.datasetId}/clone`, { filter, cloneDatasetParams: params })
    expect(await pathsOf(target.body.id)).toHaveLength(2)
    await expectSound(target.body.id)
  })

  test('keeps folders, unless they are to be left out; names that meet then get numbers', async () => {
    const seeded = await seed(['a.jpg', 'f/a.jpg', 'f/g/b.jpg'])
    const cloneDatasetParams = { stripFolders: true, targetDirectory: '/flat' }
    const command = await done(`/datasets/${seeded.datasetId}/clone`, { name: name('flat'), cloneDatasetParams })
    expect(command.status).toBe('success')
    expect((await pathsOf(command.spec.returnedModelId)).sort()).toEqual([
      '/flat/a (2).jpg',
      '/flat/a.jpg',
      '/flat/b.jpg',
    ])
    await expectSound(command.spec.returnedModelId)
  })

  test('brings annotations along, with their parents, and counts them', async () => {
    const master = await seed(['a.jpg', 'b.jpg'])
    const parent = await annotate(master.datasetId, master.idOf('a.jpg'), 'cat')
    await annotate(master.datasetId, master.idOf('a.jpg'), 'tail', parent)
    const cloneId = (
      await done(`/datasets/${master.datasetId}/clone`, {
        name: name('annotated'),
        cloneDatasetParams: { withTaskAnnotationsStatus: false },
      })
    ).spec.returnedModelId
    const { rows } = await api.deps.db.query(
      `select label, metadata->'system' as system, lpad(to_hex(dataset_no), 8, '0') || lpad(to_hex(annotation_no), 16, '0') as id
         from annotation where dataset_no = $1 order by annotation_no`,
      [await datasetNo(cloneId)],
    )
    expect(rows.map(({ label }) => label)).toEqual(['cat', 'tail'])
    expect(rows[1].system).toEqual({ parentId: rows[0].id })
    expect((await api.call(api.owner, 'GET', `/api/v1/datasets/${cloneId}`)).body).toMatchObject({
      annotated: 1,
      annotationsCount: 2,
    })
    await expectSound(cloneId)
  })

  test('fails by its command when the name is taken, and leaves nothing', async () => {
    const master = await seed(['a.jpg'])
    const taken = name('taken')
    await post('/datasets', { name: taken, projects: [projectId] })
    const command = await done(`/datasets/${master.datasetId}/clone`, { name: taken })
    expect(command).toMatchObject({ status: 'failed', errorCode: 'dataset.name_taken' })
    expect(command.error).toContain('Dataset with the same name already exists')
    expect((await api.deps.db.query('select 1 from dataset_task')).rows).toEqual([])
  })

  test('is refused between storages, into mirrors of storages, without a target, and with a wrong filter', async () => {
    const [one, two] = [await addDriver(), await addDriver()]
    const own = await seed(['a.jpg'])
    const [first, second, same] = [await seed(['a.jpg'], one), await seed(['a.jpg'], two), await seed(['a.jpg'], one)]
    const refusal = async (from: string, to: string) => {
      const answer = await post(`/datasets/${from}/clone`, { cloneDatasetParams: { targetDatasetId: to } })
      return [answer.status, answer.body.code]
    }
    expect(await refusal(own.datasetId, first.datasetId)).toEqual([400, 'clone.other_storage'])
    expect(await refusal(first.datasetId, own.datasetId)).toEqual([400, 'clone.other_storage'])
    expect(await refusal(first.datasetId, second.datasetId)).toEqual([400, 'clone.other_storage'])
    const below = await post(`/datasets/${first.datasetId}/clone`, {
      cloneDatasetParams: { targetDatasetId: same.datasetId, targetDirectory: '/d' },
    })
    expect([below.status, below.body.code]).toEqual([409, 'clone.bound_target'])
    expect((await post(`/datasets/${own.datasetId}/clone`, {})).body.code).toBe('clone.no_target')
    expect(
      (await post(`/datasets/${own.datasetId}/clone`, { name: 'x', filter: { filter: { nonsense: 1 } } })).body.code,
    ).toBe('query.invalid')
  })

  test('goes into a mirror of the same storage only where the storage has the files', async () => {
    const driverId = await addDriver('in/')
    const [from, to] = [await seed(['a.jpg', 'd/b.jpg'], driverId), await seed(['a.jpg'], driverId)]
    const params = { targetDatasetId: to.datasetId }
    expect(await done(`/datasets/${from.datasetId}/clone`, { cloneDatasetParams: params })).toMatchObject({
      status: 'success',
      spec: { count: 1 },
    })
    expect(await itemsOf(to.datasetId)).toMatchObject([
      { path: '/a.jpg' },
      { path: '/d/b.jpg', key: null, driver: null },
    ])
    await expectSound(to.datasetId)
    const clone = { targetDatasetId: to.datasetId, remoteFileName: '/elsewhere.jpg' }
    expect(await done(`/items/${from.idOf('a.jpg')}/clone`, clone)).toMatchObject({
      status: 'failed',
      errorCode: 'clone.bound_target',
    })
  })

  test('takes all data points or none', async () => {
    const master = await seed(['a.jpg', 'b.jpg', 'c.jpg'])
    const { rows } = await api.deps.db.query('select used::int from data_points where org_id = $1', [api.orgId])
    const target = await post('/datasets', { name: name('small'), projects: [projectId] })
    await setDataPointsMax(api.deps.db, api.orgId, rows[0].used + 2)
    const fresh = await done(`/datasets/${master.datasetId}/clone`, { name: name('too many') })
    expect(fresh).toMatchObject({ status: 'failed', errorCode: 'quota.exceeded' })
    expect(fresh.error).toContain('3 data points are needed and 2 are free')
    const into = await done(`/datasets/${master.datasetId}/clone`, {
      cloneDatasetParams: { targetDatasetId: target.body.id },
    })
    expect(into).toMatchObject({ status: 'failed', errorCode: 'quota.exceeded' })
    await setDataPointsMax(api.deps.db, api.orgId, null)
    expect(await pathsOf(target.body.id)).toEqual([])
    await expectSound(target.body.id)
  })

  test('that is stopped is taken back, and one whose worker died goes on', async () => {
    const master = await seed(['a.jpg', 'b.jpg'])
    const stopped = name('stopped')
    const started = await post(`/datasets/${master.datasetId}/clone`, { name: stopped })
    const aborted = await api.call(api.owner, 'POST', `/api/v1/commands/${started.body.id}/abort`)
    expect(aborted.body.status).toBe('cleaning-up')
    await work()
    expect((await api.call(api.owner, 'GET', `/api/v1/commands/${started.body.id}`)).body.status).toBe('canceled')
    expect((await api.deps.db.query('select 1 from dataset where name = $1', [stopped])).rows).toEqual([])
    const lost = await post(`/datasets/${master.datasetId}/clone`, { name: name('lost') })
    queued.length = 0
    await api.deps.db.query(`update dataset_task set lease_until = now() - interval '1 second'`)
    await reviveDatasetTasks(api.deps)
    await work()
    expect((await api.call(api.owner, 'GET', `/api/v1/commands/${lost.body.id}`)).body.status).toBe('success')
  })

  test('that two workers have at once is done once', async () => {
    const master = await seed(Array.from({ length: 40 }, (_, index) => `d${index % 5}/${index}.jpg`))
    const started = await post(`/datasets/${master.datasetId}/clone`, { name: name('twice') })
    const signal = new AbortController().signal
    await Promise.all([1, 2, 3].map(() => continueDatasetTask(api.deps, started.body.id, signal)))
    queued.length = 0
    const command = (await api.call(api.owner, 'GET', `/api/v1/commands/${started.body.id}`)).body
    expect(command).toMatchObject({ status: 'success', spec: { count: 40 } })
    expect(await pathsOf(command.spec.returnedModelId)).toEqual(await pathsOf(master.datasetId))
    await expectSound(command.spec.returnedModelId)
  })

  test('ends when its target is deleted meanwhile, and gives back what it took', async () => {
    const master = await seed(['a.jpg'])
    const target = await post('/datasets', { name: name('gone'), projects: [projectId] })
    const params = { targetDatasetId: target.body.id }
    const started = await post(`/datasets/${master.datasetId}/clone`, { cloneDatasetParams: params })
    await api.call(api.owner, 'DELETE', `/api/v1/datasets/${target.body.id}`)
    await work()
    const command = (await api.call(api.owner, 'GET', `/api/v1/commands/${started.body.id}`)).body
    expect(command).toMatchObject({ status: 'failed', errorCode: 'dataset.not_found' })
    await expectSound(master.datasetId)
  })

  test('is not for annotators, nor into projects of others', async () => {
    const master = await seed(['a.jpg'])
    const annotator = await api.addUser(`annotator${unique}@example.com`, 'member')
    await api.join(projectId, annotator, 'annotator')
    expect((await post(`/datasets/${master.datasetId}/clone`, { name: 'no' }, annotator)).status).toBe(403)
    expect((await post('/datasets/merge', { name: 'no', datasetsIds: [master.datasetId] }, annotator)).status).toBe(403)
    const params = { targetDatasetId: newId(Date.now()) }
    expect((await post(`/datasets/${master.datasetId}/clone`, { cloneDatasetParams: params })).status).toBe(404)
  })
})

describe('a clone of an item', () => {
  test('goes to the path that is asked for, once unless many are allowed', async () => {
    const master = await seed(['d/a.jpg'])
    const other = await post('/datasets', { name: name('other'), projects: [projectId] })
    const clone = (remoteFileName: string | null, more = {}) =>
      done(`/items/${master.idOf('d/a.jpg')}/clone`, {
        targetDatasetId: other.body.id,
        remoteFileName,
        metadata: { user: { x: 1 } },
        ...more,
      })
    const first = await clone('/to/b.jpg')
    expect(first).toMatchObject({ status: 'success', spec: { returnedModelId: [expect.any(String)] } })
    expect(await itemsOf(other.body.id)).toMatchObject([{ path: '/to/b.jpg', metadata: { user: { n: 0, x: 1 } } }])
    // The same again, as the SDK sends it when an answer was lost.
    expect((await clone('/to/b.jpg')).spec.returnedModelId).toEqual(first.spec.returnedModelId)
    expect(await clone('/c.jpg')).toMatchObject({ status: 'failed', errorCode: 'clone.exists' })
    expect(await clone('/c.jpg', { allowMany: true })).toMatchObject({ status: 'success' })
    expect(await clone('/c.jpg', { allowMany: true })).toMatchObject({ status: 'failed', errorCode: 'item.exists' })
    expect(await pathsOf(other.body.id)).toEqual(['/to/b.jpg', '/c.jpg'])
    await expectSound(other.body.id)
    expect(await clone('/folder/', { allowMany: true })).toMatchObject({ status: 'success' })
    expect((await pathsOf(other.body.id)).at(-1)).toBe('/folder/a.jpg')
  })
})

describe('a merge', () => {
  const merge = async (ids: string[]) =>
    done('/datasets/merge', { name: name('merge'), datasetsIds: ids, projectIds: projectId })

  test('of clones of one master joins them by item', async () => {
    const master = await seed(['a.jpg', 'b.jpg'])
    const clones: string[] = []
    for (const label of ['one', 'two']) {
      const { spec } = await done(`/datasets/${master.datasetId}/clone`, { name: name(label) })
      clones.push(spec.returnedModelId)
      const { rows } = await api.deps.db.query(
        `select lpad(to_hex(dataset_no), 8, '0') || lpad(to_hex(item_no), 16, '0') as id from item where dataset_no = $1 and name = 'a.jpg'`,
        [await datasetNo(spec.returnedModelId)],
      )
      await annotate(spec.returnedModelId, rows[0].id, label)
      await api.deps.db.query(
        `update item set metadata = jsonb_build_object('user', jsonb_build_object($2::text, true)) where dataset_no = $1`,
        [await datasetNo(spec.returnedModelId), label],
      )
    }
    const command = await merge(clones)
    expect(command).toMatchObject({ status: 'success', spec: { mergeDatasetsConfiguration: expect.any(Object) } })
    const mergedId = command.spec.returnedModelId
    expect(await itemsOf(mergedId)).toMatchObject([
      { path: '/a.jpg', annotations: 2, metadata: { user: { one: true, two: true } } },
      { path: '/b.jpg', annotations: null },
    ])
    expect((await api.call(api.owner, 'GET', `/api/v1/datasets/${mergedId}`)).body.readableType).toBe('merge')
    await expectSound(mergedId)
  })

  test('of others adds them up, and a path that is taken gets a number', async () => {
    const [one, two] = [await seed(['a.jpg', 'x.jpg']), await seed(['a.jpg', 'y.jpg'])]
    const command = await merge([one.datasetId, two.datasetId])
    expect(await pathsOf(command.spec.returnedModelId)).toEqual(['/a.jpg', '/x.jpg', '/a (2).jpg', '/y.jpg'])
    await expectSound(command.spec.returnedModelId)
  })

  test('is refused between storages and between recipes', async () => {
    const [own, bound] = [await seed(['a.jpg']), await seed(['a.jpg'], await addDriver())]
    const answer = await post('/datasets/merge', { name: 'no', datasetsIds: [own.datasetId, bound.datasetId] })
    expect([answer.status, answer.body.code]).toEqual([400, 'clone.other_storage'])
    const ids: string[] = []
    for (const text of ['one', 'two'])
      ids.push(
        (await post('/datasets', { name: name(text), projects: [projectId], createDefaultRecipe: true })).body.id,
      )
    const recipes = await post('/datasets/merge', { name: 'no', datasetsIds: ids })
    expect([recipes.status, recipes.body.code]).toEqual([400, 'merge.other_recipes'])
  })
})
