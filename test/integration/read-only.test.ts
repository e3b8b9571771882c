// Proves read-only storage drivers: nothing is ever written to their bucket, what is refused is told, and everything else works.
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { connectApi, type SyncedApi } from '../support/sync.ts'
import { sendFile } from '../support/uploads.ts'

const keys = { accessKeyId: 'READER', secretKey: 'reader-secret' }
/** Methods of all requests that the bucket got, in order. */
const methods: string[] = []
let bucket: Bucket
let synced: SyncedApi
let projectId: string

beforeAll(async () => {
  const onRequest = (method: string) => void methods.push(method)
  bucket = await startBucket({ port: 0, ...keys, denied: ['PutObject', 'DeleteObject'], onRequest })
  const picture = sharp({ create: { width: 600, height: 300, channels: 3, background: 'teal' } })
  bucket.put('a/1.png', await picture.png().toBuffer(), 'image/png')
  bucket.put('a/2.txt', Buffer.from('text'), 'text/plain')
  synced = await connectApi({ ...bucket, accessKey: keys.accessKeyId, secretKey: keys.secretKey }, { readOnly: true })
  projectId = synced.projectId
})
afterAll(async () => {
  await synced?.close()
  await bucket?.close()
})

const call = (method: string, url: string, json?: unknown) =>
  synced.api.call(synced.api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
const driverIs = async () => (await call('GET', `/drivers/${synced.driverId}`)).body
const describeDriver = async (payload: object, more: object = {}) => ({
  integrationId: (await driverIs()).integrationId,
  name: 'd',
  type: 's3',
  metadata: { system: { projectId } },
  payload: { bucketName: bucket.bucket, endpoint: bucket.endpoint, path: '', ...payload },
  ...more,
})

describe('the check', () => {
  test('tells what is not to be written as a limitation, and has sent nothing but reads', async () => {
    const driver = await driverIs()
    expect(driver).toMatchObject({ state: 'ready', readOnly: true, allowExternalModification: false })
    expect(driver.probes).toEqual([
      { name: 'list', ok: true, optional: false },
      {
        name: 'write',
        ok: false,
        optional: true,
        code: 'driver.read_only',
        message: expect.stringContaining('read-only'),
      },
      { name: 'read', ok: true, optional: false },
      { name: 'range', ok: true, optional: true },
      { name: 'sign', ok: true, optional: true },
      {
        name: 'delete',
        ok: false,
        optional: true,
        code: 'driver.read_only',
        message: expect.stringContaining('read-only'),
      },
    ])
    expect((await call('GET', `/drivers/${synced.driverId}/test`)).status).toBe(204)
    expect(new Set(methods)).toEqual(new Set(['GET']))
  })

  test('of the same bucket fails where read-only was not chosen, naming the right that is missing', async () => {
    const { status, body } = await call('POST', '/drivers', await describeDriver({}))
    expect([status, body.code]).toEqual([400, 'driver.check_failed'])
    expect(body.message).toContain('s3:PutObject')
    const changed = await call('PATCH', `/drivers/${synced.driverId}`, { payload: { readOnly: false } })
    expect(changed.body.code).toBe('driver.check_failed')
    expect((await driverIs()).readOnly).toBe(true)
  })

  test('needs the right to read, also where there is nothing to read yet', async () => {
    const answer = await call('POST', '/drivers/test', await describeDriver({ readOnly: true, path: 'empty/' }))
    expect(answer.status, answer.text).toBe(204)
    const blind = await startBucket({ port: 0, ...keys, denied: ['GetObject'] })
    try {
      const payload = { readOnly: true, bucketName: blind.bucket, endpoint: blind.endpoint }
      const { body } = await call('POST', '/drivers/test', await describeDriver(payload))
      expect([body.code, body.message]).toEqual(['driver.check_failed', expect.stringContaining('s3:GetObject')])
    } finally {
      await blind.close()
    }
  })
})

test('syncs, streams and shows thumbnails; the bucket stays as it was', async () => {
  methods.length = 0
  const before = bucket.keys()
  const datasetId = await synced.addDataset({ sync: true })
  await synced.work()
  expect(await synced.items(datasetId)).toEqual(['a/1.png', 'a/2.txt'])
  expect((await synced.sync(datasetId)).body.status).toBe('success')
  const query = { filter: {}, page: 0, pageSize: 10, resource: 'items' }
  const { body } = await call('POST', `/datasets/${datasetId}/query`, query)
  const picture = body.items.find((item: { filename: string }) => item.filename === '/a/1.png')
  expect((await call('GET', `/items/${picture.id}/stream`)).status).toBe(307)
  const thumbnail = await call('GET', `/items/${picture.id}/thumbnail`)
  expect([thumbnail.status, thumbnail.headers['content-type']]).toEqual([200, expect.stringContaining('image/')])
  // Kept by the platform: an item of its own, found again at the next look.
  expect((await call('GET', `/items/${picture.id}`)).body.metadata.system.thumbnailId).toBeTruthy()
  const refused = await sendFile(synced.api, datasetId, { path: '/b/new.txt', bytes: 'new' })
  expect([refused.status, refused.body.code]).toEqual([409, 'driver.read_only'])
  expect(await synced.items(datasetId)).toEqual(['a/1.png', 'a/2.txt'])
  expect(bucket.keys()).toEqual(before)
  expect([...new Set(methods)].filter((method) => method !== 'GET' && method !== 'HEAD')).toEqual([])
})

describe('without an integration', () => {
  test('only a read-only driver is made: a forgotten integration is not taken for a public bucket', async () => {
    const bare = { integrationId: null, integrationType: null }
    const { status, body } = await call('POST', '/drivers', await describeDriver({}, bare))
    expect([status, body.code, body.details[0].path]).toEqual([400, 'driver.invalid', 'integrationId'])
    const closed = await call('POST', '/drivers', await describeDriver({ readOnly: true }, bare))
    expect([closed.status, closed.body.code]).toEqual([400, 'driver.check_failed'])
  })
})
