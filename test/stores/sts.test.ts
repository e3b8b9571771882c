// Proves the way by a role against a real Security Token Service (Ceph's): check, sync, stream, a session no wider than the driver, and trust taken back.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { type Ceph, type CephUser, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { connectStorage, inByteOrder, type SyncedApi } from '../support/sync.ts'

const missing = await missingForCeph()
if (missing.length > 0) {
  console.warn(`LEFT OUT: roles of Ceph; no ${missing.join(', ')}. Install ${cephPackages}.`)
}

describe.skipIf(missing.length > 0)('a bucket that a role opens', () => {
  const bucket = 'roles'
  const keys = Array.from({ length: 2_050 }, (_, i) => `a${i % 7}/${String(i).padStart(5, '0')}.jpg`)
  let ceph: Ceph
  let deputy: CephUser
  let roleArn: string
  let synced: SyncedApi
  let datasetId: string

  const rights = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: ['s3:*'], Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`] },
    ],
  }
  const integration = () => ({
    type: 'aws-sts',
    options: { key: deputy.accessKey, secret: deputy.secretKey, roleArns: roleArn },
  })
  const driver = (path: string) => ({
    type: 's3',
    payload: { bucketName: bucket, endpoint: ceph.endpoint, region: ceph.region, path },
  })
  const config = () => readConfig({ SLUICE_AWS_STS_ENDPOINT: ceph.endpoint })

  beforeAll(async () => {
    ceph = await startCeph({ hasSts: true })
    await ceph.createBucket(bucket)
    deputy = await ceph.createUser('deputy')
    roleArn = await ceph.createRole('reader', 'deputy', rights)
    const storage = createS3Storage({
      bucket,
      endpoint: ceph.endpoint,
      region: ceph.region,
      accessKeyId: ceph.accessKey,
      secretAccessKey: new Secret(ceph.secretKey),
    })
    const put = (key: string) => storage.write(key, Buffer.from(key), { sizeBytes: Buffer.byteLength(key) })
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => put(`in/${key}`)))
    await put('out/secret.txt')
    await storage.close()
    synced = await connectStorage({ integration: integration(), driver: driver('in') }, { config: config() })
    datasetId = await synced.addDataset({ sync: true })
    await synced.work()
  })
  afterAll(async () => {
    await synced?.close()
    await ceph?.stop()
  })

  const get = (url: string) => synced.api.call(synced.api.owner, 'GET', `/api/v1${url}`)

  test('is checked, synced and streamed by session keys; the user itself has no rights there', async () => {
    expect((await get(`/drivers/${synced.driverId}`)).body).toMatchObject({
      state: 'ready',
      integrationType: 'aws-sts',
    })
    expect(await synced.items(datasetId)).toEqual(inByteOrder(keys))
    const query = { filter: {}, page: 0, pageSize: 5, resource: 'items' }
    const { body } = await synced.api.call(synced.api.owner, 'POST', `/api/v1/datasets/${datasetId}/query`, {
      json: query,
    })
    const item = body.items.find((one: { type: string }) => one.type === 'file')
    const address = String((await get(`/items/${item.id}/stream`)).headers.location)
    expect(new URL(address).searchParams.get('X-Amz-Security-Token')).toBeTruthy()
    expect(await (await fetch(address)).text()).toBe(`in${item.filename}`)
    const alone = createS3Storage({
      bucket,
      endpoint: ceph.endpoint,
      region: ceph.region,
      accessKeyId: deputy.accessKey,
      secretAccessKey: new Secret(deputy.secretKey),
    })
    await expect(alone.list({ prefix: '' })).rejects.toMatchObject({ kind: 'forbidden' })
    await alone.close()
  })

  test('has a session that reaches the driver’s folder only, although the role may more', async () => {
    const opened = synced.api.deps
    const { openDriver } = await import('#core/drivers/drivers.ts')
    const { storage } = await openDriver(opened, synced.driverId)
    expect((await storage.list({ prefix: 'in/', entriesMax: 1 })).count).toBe(1)
    await expect(storage.list({ prefix: '' })).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(storage.stat('out/secret.txt')).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(storage.write('out/new.txt', Buffer.alloc(1), { sizeBytes: 1 })).rejects.toMatchObject({
      kind: 'forbidden',
    })
  })

  test('a role that is taken away is told as such, not as a missing right; given back it works again', async () => {
    await ceph.deleteRole('reader')
    const denied = await synced.api.call(synced.api.owner, 'POST', '/api/v1/drivers/test', {
      json: {
        integrationId: (await get(`/drivers/${synced.driverId}`)).body.integrationId,
        metadata: { system: { projectId: synced.projectId } },
        ...driver('in'),
      },
    })
    expect([denied.status, denied.body.code]).toEqual([400, 'storage.role_denied'])
    await ceph.createRole('reader', 'deputy', rights)
    expect((await get(`/drivers/${synced.driverId}/test`)).status).toBe(204)
    // Whoever has the old role's session goes on with it for a while; a change of the driver opens anew at once.
    await synced.api.call(synced.api.owner, 'PATCH', `/api/v1/drivers/${synced.driverId}`, {
      json: { payload: { storageClass: null } },
    })
    const again = (await synced.sync(datasetId)).body
    expect(again, JSON.stringify(again)).toMatchObject({
      status: 'success',
      spec: { counts: { added: 0, changed: 0, unchanged: keys.length } },
    })
  })

  test('is tried without a bucket by the integration’s own check', async () => {
    const { api } = synced
    const made = await api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/integrations`, {
      json: { name: 'unused', ...integration() },
    })
    const check = (id: string) => get(`/orgs/${api.orgId}/integrations/${id}/test`)
    const tried = await check(made.body.id)
    expect(tried.status, tried.text).toBe(204)
    const wrong = await api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/integrations`, {
      json: { name: 'wrong', type: 'aws-sts', options: { ...integration().options, roleArns: `${roleArn}-not` } },
    })
    expect((await check(wrong.body.id)).body.code).toBe('storage.role_denied')
    expect(api.logs()).not.toContain(deputy.secretKey)
  })
})
