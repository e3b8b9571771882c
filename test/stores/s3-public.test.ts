// Proves that a bucket which is open to everybody is read without any credentials (Ceph): checked, synced, streamed through the server, and never written.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { type Ceph, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { withApi } from '../support/api.ts'
import { connectStorage, type SyncedApi } from '../support/sync.ts'

const missing = await missingForCeph()
if (missing.length > 0) {
  console.warn(`LEFT OUT: public buckets of Ceph; no ${missing.join(', ')}. Install ${cephPackages}.`)
}

describe.skipIf(missing.length > 0)('a public bucket', () => {
  let ceph: Ceph
  let synced: SyncedApi
  const open = (name: string) => ({
    bucketName: name,
    endpoint: ceph.endpoint,
    region: ceph.region,
    path: '',
    readOnly: true,
  })

  beforeAll(async () => {
    ceph = await startCeph()
    for (const bucket of ['public', 'private']) {
      await ceph.createBucket(bucket)
      const storage = createS3Storage({
        bucket,
        endpoint: ceph.endpoint,
        region: ceph.region,
        accessKeyId: ceph.accessKey,
        secretAccessKey: new Secret(ceph.secretKey),
      })
      for (const key of ['a b.txt', 'é/+.txt'])
        await storage.write(key, Buffer.from(key), { sizeBytes: Buffer.byteLength(key) })
      await storage.close()
    }
    // Writing is open as well, to see that it is not made use of.
    await ceph.allowAll('public', ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'])
    synced = await connectStorage({ integration: null, driver: { type: 's3', payload: open('public') } })
  })
  afterAll(async () => {
    await synced?.close()
    await ceph?.stop()
  })

  test('is an index like any other, streamed through the server', async () => {
    const { api } = synced
    const datasetId = await synced.addDataset({ sync: true })
    await synced.work()
    expect(await synced.items(datasetId)).toEqual(['a b.txt', 'é/+.txt'])
    const json = { filter: {}, page: 0, pageSize: 10, resource: 'items' }
    const { body } = await api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/query`, { json })
    for (const item of body.items.filter((one: { type: string }) => one.type === 'file')) {
      const answer = await api.call(api.owner, 'GET', `/api/v1/items/${item.id}/stream`)
      expect([answer.status, `/${answer.text}`]).toEqual([200, item.filename])
    }
    expect((await ceph.keys('public')).sort()).toEqual(['a b.txt', 'é/+.txt'])
  })

  test('that is not public is refused, whatever the server’s own environment holds', async () => {
    const api = await withApi()
    try {
      const { status, body } = await api.call(api.owner, 'POST', '/api/v1/drivers', {
        json: {
          integrationId: null,
          name: 'd',
          type: 's3',
          metadata: { system: { projectId: await api.addProject() } },
          payload: open('private'),
        },
      })
      expect([status, body.code]).toEqual([400, 'driver.check_failed'])
      expect(body.message).toContain('s3:ListBucket')
    } finally {
      await api.close()
    }
  })
})
