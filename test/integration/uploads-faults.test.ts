// Proves that an upload that cannot be finished leaves nothing: no item, no temporary file, no open connection.
import { readdir } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type TestApi, withApi } from '../support/api.ts'
import { addDatasetRow, addDriver, addIntegration, openBucket } from '../support/drivers.ts'
import { dataPointsOf } from '../support/invariants.ts'
import { addDataset, sendFile, uploadForm } from '../support/uploads.ts'

let api: TestApi
let projectId: string

beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
  await api.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => api?.close())

const arriving = () => readdir(join(api.deps.config.dataDir, 'incoming')).catch(() => [])

test('a client that goes away in the middle leaves nothing behind, and the next one is served', async () => {
  const datasetId = await addDataset(api, projectId)
  const { payload, contentType } = await uploadForm({ path: '/half.bin', bytes: 'x'.repeat(200_000) })
  const { port } = api.app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `POST /api/v1/datasets/${datasetId}/items HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.owner.token}\r\n` +
      `content-type: ${contentType}\r\ntransfer-encoding: chunked\r\n\r\n${(100_000).toString(16)}\r\n`,
  )
  socket.write(payload.subarray(0, 100_000))
  await vi.waitFor(async () => expect(await arriving()).toHaveLength(1))
  socket.destroy()
  await vi.waitFor(async () => expect(await arriving()).toEqual([]))
  const whole = await sendFile(api, datasetId, { path: '/half.bin', bytes: 'whole' })
  expect(whole.headers['x-item-op']).toBe('created')
})

test('a bucket that refuses to be written to gives a clear error and no item (UL-02)', async () => {
  const bucket = await openBucket(['PutObject'])
  try {
    const integrationId = await addIntegration(api)
    const driverId = await addDriver(api, { projectId, integrationId, bucket, more: { validate: false } })
    const datasetId = await addDatasetRow(api, projectId, driverId, 'denied')
    await api.database.pool.query(
      `with d as (select dataset_no from dataset where id = $1), n as (insert into dataset_numbers (dataset_no) select dataset_no from d)
       insert into dir (dataset_no, dir_no, parent_no, path, name) select dataset_no, 1, 0, '', '' from d`,
      [datasetId],
    )
    const answer = await sendFile(api, datasetId, { path: '/a.txt', bytes: 'a' })
    expect([answer.status, answer.body.code]).toEqual([400, 'storage.denied'])
    expect((await api.call(api.owner, 'GET', `/api/v1/datasets/${datasetId}/items`)).body.items).toEqual([])
    expect(await arriving()).toEqual([])
  } finally {
    await bucket.close()
  }
})

test('with no data point left nothing is taken, and an overwrite still is', async () => {
  const datasetId = await addDataset(api, projectId)
  expect((await sendFile(api, datasetId, { path: '/last.txt', bytes: '1' })).status).toBe(200)
  await api.database.pool.query('update data_points set points_max = used')
  const refused = await sendFile(api, datasetId, { path: '/over.txt', bytes: '2' })
  expect([refused.status, refused.body.code]).toEqual([403, 'quota.exceeded'])
  expect((await sendFile(api, datasetId, { path: '/last.txt', bytes: '22', mode: 'overwrite' })).status).toBe(200)
  const { used, rows } = await dataPointsOf(api.database.pool, api.orgId)
  expect(used).toBe(rows)
  expect(await arriving()).toEqual([])
})
