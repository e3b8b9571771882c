// Proves that a folder with more in it than a request can delete is deleted by a command: in slices, exactly, and without what comes later.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { continueItemTask, deleteItem } from '#core/items/items.ts'
import { auditDataPoints, repairDataPoints } from '#core/quota/quota.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'
import { findFolderFaults } from '../support/invariants.ts'

let api: TestApi
let projectId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
})
afterAll(() => api.close())

const call = (method: string, path: string, json?: unknown) =>
  api.call(api.owner, method, `/api/v1${path}`, json === undefined ? {} : { json })
const { signal } = new AbortController()

/** Three full chunks in folders of very different sizes, and two items beside them. */
async function seedMany(): Promise<SeededDataset> {
  const inside = [
    ...Array.from({ length: 11_000 }, (_, n) => `big/${n}.jpg`),
    ...Array.from({ length: 1_500 }, (_, n) => `big/below/${n}/x.jpg`),
    ...Array.from({ length: 2_500 }, (_, n) => `big/%_*/${n}.jpg`),
  ]
  const seeded = await seedDataset(api.deps.db, [...inside, 'big.jpg', 'bigger/a.jpg'], { projectId })
  await repairDataPoints(api.deps.db)
  return seeded
}

async function folderId({ datasetId }: SeededDataset, filename: string): Promise<string | undefined> {
  const filter = { $and: [{ type: 'dir' }, { filename }] }
  return (await call('POST', `/datasets/${datasetId}/query`, { resource: 'items', filter })).body.items[0]?.id
}
const countOf = async ({ datasetId }: SeededDataset): Promise<number> =>
  (await call('GET', `/datasets/${datasetId}`)).body.itemsCount

/** Whether the counters of every folder, and the data points, are what a count of the items says. */
async function expectExact({ datasetNo }: SeededDataset): Promise<void> {
  expect(await findFolderFaults(api.deps.db, datasetNo)).toEqual([])
  expect(await auditDataPoints(api.deps.db)).toEqual([])
}

test('what is left after the time of a request is deleted by a command, slice by slice; what came later stays', async () => {
  const seeded = await seedMany()
  const command = await deleteItem(api.deps, api.owner, (await folderId(seeded, '/big'))!, 0)
  expect(command).toMatchObject({
    type: 'folderDelete',
    status: 'created',
    spec: { datasetId: seeded.datasetId, count: 15_000 },
  })
  expect(await countOf(seeded)).toBe(10_002)
  await expectExact(seeded)

  const later = await api.app.inject({
    method: 'POST',
    url: `/api/v1/datasets/${seeded.datasetId}/items`,
    headers: { authorization: `Bearer ${api.owner.token}`, 'content-type': 'multipart/form-data; boundary=b' },
    payload:
      '--b\r\ncontent-disposition: form-data; name="type"\r\n\r\nfile\r\n--b\r\ncontent-disposition: form-data; name="path"\r\n\r\n/big/below/later.jpg\r\n' +
      '--b\r\ncontent-disposition: form-data; name="file"; filename="later.jpg"\r\ncontent-type: image/jpeg\r\n\r\nlate\r\n--b--\r\n',
  })
  expect(later.statusCode, later.body).toBe(200)

  await Promise.all([1, 2].map(() => continueItemTask(api.deps, command!.id, signal)))
  const ended = (await call('GET', `/commands/${command!.id}`)).body
  expect(ended).toMatchObject({ status: 'success', progress: 100, spec: { count: 15_000 } })
  const { body } = await call('POST', `/datasets/${seeded.datasetId}/query`, {
    resource: 'items',
    filter: { type: 'file' },
  })
  expect(body.items.map((item: { filename: string }) => item.filename).sort()).toEqual([
    '/big.jpg',
    '/big/below/later.jpg',
    '/bigger/a.jpg',
  ])
  await expectExact(seeded)
})

test('a request deletes a folder that it has the time for, and says nothing of a command', async () => {
  const seeded = await seedDataset(api.deps.db, ['f/a.jpg', 'f/g/b.jpg', 'c.jpg'], { projectId })
  await repairDataPoints(api.deps.db)
  await call('POST', `/items/${seeded.idOf('f/a.jpg')}/annotations`, [{ type: 'class', label: 'x' }])
  const id = (await folderId(seeded, '/f'))!
  expect((await call('DELETE', `/items/${id}`)).body).toEqual({ id })
  expect((await call('DELETE', `/items/${id}`)).status).toBe(404)
  expect(await folderId(seeded, '/f/g')).toBeUndefined()
  expect((await call('GET', `/datasets/${seeded.datasetId}`)).body).toMatchObject({
    itemsCount: 1,
    annotationsCount: 0,
  })
  await expectExact(seeded)
})

test('aborted it stops where it is, and what is gone is gone; on a dataset that may not be changed it fails with the reason', async () => {
  const seeded = await seedMany()
  const id = (await folderId(seeded, '/big'))!
  const aborted = (await deleteItem(api.deps, api.owner, id, 0))!
  await call('POST', `/commands/${aborted.id}/abort`)
  await continueItemTask(api.deps, aborted.id, signal)
  expect((await call('GET', `/commands/${aborted.id}`)).body).toMatchObject({
    status: 'canceled',
    spec: { count: 5_000 },
  })
  expect(await countOf(seeded)).toBe(10_002)

  const refused = (await deleteItem(api.deps, api.owner, id, 0))!
  await call('PATCH', `/datasets/${seeded.datasetId}`, { readonly: true })
  await continueItemTask(api.deps, refused.id, signal)
  const failed = (await call('GET', `/commands/${refused.id}`)).body
  expect(failed).toMatchObject({
    status: 'failed',
    spec: { count: 5_000 },
    error: expect.stringContaining('read-only'),
  })
  expect(await countOf(seeded)).toBe(5_002)
  await expectExact(seeded)
})

test('folders that a query finds go with all that is in them, the ones inside others too', async () => {
  const seeded = await seedMany()
  const filter = { $and: [{ type: 'dir' }, { filename: '/big/**' }] }
  const answer = await call('POST', `/datasets/${seeded.datasetId}/query`, { resource: 'items', filter, delete: true })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body.commandId).toBeUndefined()
  expect(await countOf(seeded)).toBe(11_002)
  await expectExact(seeded)
})
