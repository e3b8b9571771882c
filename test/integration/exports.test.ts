// Proves that an export holds exactly the items that were asked for, with their annotations, in each of its forms; that it goes on after a worker died, holds
// the dataset while it reads, fails when the dataset is deleted, leaves nothing behind when it is stopped, and is listed.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { continueExport, sweepExports } from '#core/exports/exports.ts'
import { sweepObjects } from '#core/objects/objects.ts'
import type { Queue } from '#queue/queue.ts'
import { type Actor, type Sent, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

const queued: string[] = []
const queue: Queue = {
  enqueue: async (_tx, job, payload) => {
    if (job === 'export.slice') queued.push((payload as { commandId: string }).commandId)
  },
}
let api: TestApi
let projectId: string
let dataset: SeededDataset
const keys = [
  'a.jpg',
  'dir/b.jpg',
  'dir/c.d.png',
  'dir/.e',
  'dir/ü 😀',
  ...Array.from({ length: 40 }, (_, at) => `n/${at}.txt`),
]
beforeAll(async () => {
  api = await withApi({ queue })
  projectId = await api.addProject()
  dataset = await seedDataset(api.database.pool, keys, { projectId })
  for (const label of ['cat', 'dog'])
    await call('POST', `/items/${dataset.idOf('a.jpg')}/annotations`, { json: [{ type: 'class', label }] })
})
afterAll(() => api.close())

const call = (method: string, path: string, sent?: Sent, actor: Actor | null = api.owner) =>
  api.call(actor, method, `/api/v1${path}`, sent)

/** Starts an export; answers its command. */
async function start(json: Record<string, unknown>, of = dataset, path = 'export') {
  const answer = await call('POST', `/datasets/${of.datasetId}/${path}`, { json })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body.status).toBe('created')
  return answer.body as { id: string; spec: Record<string, unknown> }
}

async function work(): Promise<void> {
  for (let id = queued.shift(); id !== undefined; id = queued.shift())
    await continueExport(api.deps, id, AbortSignal.timeout(30_000))
}

async function commandOf(id: string) {
  return (await call('GET', `/commands/${id}`)).body
}

/** Does an export and answers the item that holds it, and its bytes. */
async function exported(json: Record<string, unknown>) {
  const { id } = await start(json)
  await work()
  const command = await commandOf(id)
  expect(command).toMatchObject({ status: 'success', progress: 100, error: null })
  const { body: item } = await call('GET', `/items/${command.spec.outputItemId}`)
  const response = await api.app.inject({
    method: 'GET',
    url: `/api/v1/items/${item.id}/stream`,
    headers: { authorization: `Bearer ${api.owner.token}` },
  })
  expect(response.rawPayload.length).toBe(item.metadata.system.size)
  return { item, bytes: response.rawPayload }
}

const listed = async (json: Record<string, unknown>) =>
  JSON.parse((await exported({ exportType: 'json', ...json })).bytes.toString()) as {
    id: string
    filename: string
    annotations: unknown
  }[]

const visible = keys.filter((key) => !key.includes('/.')).map((key) => `/${key}`)

describe('a list', () => {
  test('holds every visible file once, as it is shown elsewhere, and is a hidden item', async () => {
    const { item, bytes } = await exported({ exportType: 'json', itemsQuery: {}, annotations: { include: false } })
    expect(item).toMatchObject({ hidden: true, type: 'file' })
    expect(item.filename).toMatch(/\.json$/)
    const list = JSON.parse(bytes.toString())
    expect(list.map((one: { filename: string }) => one.filename)).toEqual(visible)
    expect(list[0]).toEqual((await call('GET', `/items/${dataset.idOf('a.jpg')}`)).body)
    const shown = await call('POST', '/datasets/query', { json: { context: { projects: [projectId] } } })
    expect(shown.body.items.map((one: { id: string }) => one.id)).toEqual([dataset.datasetId])
  })

  test('of a query is limited by its filter, not by its pages, and takes every form', async () => {
    const $and = [{ dir: '/n' }]
    for (const itemsQuery of [
      { filter: { $and }, join: {} },
      { filter: { $and }, page: 3, pageSize: 2, resource: 'items', sort: { name: 'descending' } },
      { $and },
    ])
      expect(await listed({ itemsQuery })).toHaveLength(40)
    const cats = {
      on: { resource: 'annotations', local: 'itemId', forigen: 'id' },
      filter: { $and: [{ label: 'cat' }] },
    }
    expect((await listed({ itemsQuery: { filter: {}, join: cats } })).map((one) => one.filename)).toEqual(['/a.jpg'])
    expect(await listed({ itemsQuery: { filter: { $and: [{ name: 'nothing' }] } } })).toEqual([])
  })

  test('has the annotations that were asked for', async () => {
    const all = await call('GET', `/items/${dataset.idOf('a.jpg')}/annotations`)
    const list = await listed({ annotations: { include: true, convertSemantic: false } })
    expect(list[0]!.annotations).toEqual(all.body)
    expect(list.slice(1).every((one) => Array.isArray(one.annotations) && one.annotations.length === 0)).toBe(true)
    const dogs = await listed({
      annotations: { include: true },
      annotationsQuery: { filter: { $and: [{ label: 'dog' }] }, page: 0, pageSize: 1000, resource: 'annotations' },
    })
    expect(dogs[0]!.annotations).toEqual([all.body[1]])
  })
})

test('a tree of version V1 has a file for each of the items that differ in their extension only', async () => {
  const twins = await seedDataset(api.database.pool, ['t/a.jpg', 't/a.png', 't/b.jpg'], { projectId })
  const { id } = await start({ exportType: 'zip', exportVersion: 'V1' }, twins)
  await work()
  const { spec } = await commandOf(id)
  const { text } = await call('GET', `/items/${spec.outputItemId}/stream`)
  for (const name of ['t/a.jpg.json', 't/a.png.json', 't/b.json']) expect(text).toContain(name)
  expect(text).not.toContain('t/a.json')
})

test.each([
  ['V1', ['a.json', 'dir/b.json', 'dir/c.d.json', 'dir/ü 😀.json']],
  ['V2', ['a.jpg.json', 'dir/b.jpg.json', 'dir/c.d.png.json', 'dir/ü 😀.json']],
])('a tree of version %s names its files as the SDK looks for them', async (exportVersion, names) => {
  const { item, bytes } = await exported({ annotations: { include: true }, exportVersion })
  expect(item.filename).toMatch(/\.zip$/)
  for (const name of names) expect(bytes.includes(Buffer.from(name))).toBe(true)
  expect(bytes.readUInt16LE(bytes.length - 12)).toBe(visible.length)
})

describe('parts', () => {
  test.each([1, 3, 100])('in %i: all rows once, each file as the manifest says', async (partitionCount) => {
    const { id } = await start({ mode: 'full', format: 'ndjson', force: false, partitionCount }, dataset, 'export/v3')
    await work()
    const { spec } = await commandOf(id)
    expect(spec.exportResult).toMatchObject({ totalRecords: visible.length, mode: 'full', fromVersion: null })
    const path = String(spec.exportResult.manifestUrl).split('/api/v1')[1]!
    const { body: manifest } = await call('GET', path)
    expect(manifest).toMatchObject({ exportId: id, datasetId: dataset.datasetId, format: 'ndjson' })
    expect(manifest.files).toHaveLength(Math.min(partitionCount, visible.length))
    const names: string[] = []
    for (const file of manifest.files) {
      const { text } = await call('GET', file.path.split('/api/v1')[1])
      expect(createHash('md5').update(text).digest('base64')).toBe(file.checksum)
      expect(Buffer.byteLength(text)).toBe(file.size)
      for (const line of text.trimEnd().split('\n')) names.push(JSON.parse(line).filename)
    }
    expect(names).toEqual(visible)
    const stranger = (await api.addOrg(`Elsewhere ${partitionCount}`)).owner
    expect((await call('GET', path, {}, stranger)).status).toBe(404)
  })

  test('of nothing have no manifest; versions grow', async () => {
    const filters = { itemsQuery: { filter: { $and: [{ name: 'nothing' }] } } }
    const [first, second] = [
      await start({ filters }, dataset, 'export/v3'),
      await start({ filters }, dataset, 'export/v3'),
    ]
    await work()
    const [one, two] = [await commandOf(first.id), await commandOf(second.id)]
    expect(one.spec.exportResult).toMatchObject({ manifestUrl: null, totalRecords: 0 })
    expect(two.spec.exportResult.toVersion).toBeGreaterThan(one.spec.exportResult.toVersion)
  })
})

test('two workers at once, and one that comes too late, write the same export once', async () => {
  const { id } = await start({ exportType: 'json' })
  queued.length = 0
  const signal = AbortSignal.timeout(30_000)
  await Promise.all([continueExport(api.deps, id, signal), continueExport(api.deps, id, signal)])
  await continueExport(api.deps, id, signal)
  const { status, spec } = await commandOf(id)
  expect(status).toBe('success')
  const { text } = await call('GET', `/items/${spec.outputItemId}/stream`)
  expect(JSON.parse(text)).toHaveLength(visible.length)
})

test('a queries that is malformed is refused at once', async () => {
  const answer = await call('POST', `/datasets/${dataset.datasetId}/export`, {
    json: { itemsQuery: { filter: { $and: [{ nonsense: 1 }] } } },
  })
  expect([answer.status, answer.body.code]).toEqual([400, 'query.invalid'])
})

test('a lock keeps writers out until the rows are read, shows as read-only, and ends with the export', async () => {
  const other = await seedDataset(api.database.pool, ['x'], { projectId })
  const isReadonly = async () => (await call('GET', `/datasets/${other.datasetId}`)).body.readonly
  const annotate = () =>
    call('POST', `/items/${other.idOf('x')}/annotations`, { json: [{ type: 'class', label: 'l' }] })
  const first = await start({ exportType: 'json', datasetLock: true, lockTimeoutSec: 600 }, other)
  const second = await start({ exportType: 'json', datasetLock: true, lockTimeoutSec: 300 }, other)
  expect(await isReadonly()).toBe(true)
  expect((await annotate()).body.code).toBe('dataset.locked')
  await continueExport(api.deps, first.id, AbortSignal.timeout(30_000))
  expect((await commandOf(first.id)).status).toBe('success')
  expect(await isReadonly()).toBe(true)
  await work()
  expect((await commandOf(second.id)).status).toBe('success')
  expect(await isReadonly()).toBe(false)
  expect((await annotate()).status).toBe(200)
})

test('a lock that a person ends stays ended', async () => {
  const other = await seedDataset(api.database.pool, ['x'], { projectId })
  await start({ exportType: 'json', datasetLock: true }, other)
  expect((await call('PATCH', `/datasets/${other.datasetId}/unlock`)).status).toBe(200)
  await work()
  expect((await call('PATCH', `/datasets/${other.datasetId}/unlock`)).status).toBe(400)
})

test('fails when its dataset is deleted, is stopped by abort, and neither leaves files', async () => {
  const other = await seedDataset(api.database.pool, ['x', 'y'], { projectId })
  const doomed = await start({}, other, 'export/v3')
  const stopped = await start({ exportType: 'zip' })
  expect((await call('POST', `/commands/${stopped.id}/abort`)).body.status).toBe('canceled')
  expect((await call('DELETE', `/datasets/${other.datasetId}`)).status).toBeLessThan(300)
  await work()
  expect(await commandOf(doomed.id)).toMatchObject({ status: 'failed', errorCode: 'dataset.not_found' })
  expect((await commandOf(stopped.id)).status).toBe('canceled')
  const { rows } = await api.database.pool.query('select 1 from export_part where command_id = any($1)', [
    [doomed.id, stopped.id],
  ])
  expect(rows).toEqual([])
})

test('files stay as long as the export is kept, and go with it', async () => {
  const { id } = await start({}, dataset, 'export/v3')
  await work()
  const file = `/datasets/${dataset.datasetId}/exports/${id}/files/0`
  await sweepObjects(api.deps, AbortSignal.timeout(30_000), -60_000)
  expect((await call('GET', file)).status).toBe(200)
  await api.database.pool.query(`update export_task set created_at = now() - interval '8 days' where command_id = $1`, [
    id,
  ])
  await sweepExports(api.deps)
  expect((await call('GET', file)).status).toBe(404)
  expect((await commandOf(id)).status).toBe('success')
})

test('exports are listed for those who are in the project', async () => {
  const mine = await call('POST', '/datasets/exports', {
    json: { datasetId: dataset.datasetId, projects: [projectId], sortBy: 'createdAt', sortOrder: 'descending' },
  })
  expect(mine.body.records.length).toBeGreaterThan(5)
  const times = mine.body.records.map((record: { createdAt: string }) => record.createdAt)
  expect([...times].sort().reverse()).toEqual(times)
  const stranger = (await api.addOrg('Nowhere')).owner
  expect((await call('POST', '/datasets/exports', { json: { datasetId: dataset.datasetId } }, stranger)).body).toEqual({
    records: [],
  })
})
