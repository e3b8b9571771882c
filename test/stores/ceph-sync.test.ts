// Proves the whole way against a real S3 (Ceph): check, sync, list, stream; every odd key is an item that streams its own bytes.
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { keyZoo, unaddressableKeys } from '../conformance/key-zoo.ts'
import { type Ceph, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { expectSyncOfMany, manyKeys, putMany } from '../support/many-objects.ts'
import { connectApi, inByteOrder, type SyncedApi } from '../support/sync.ts'

const missing = await missingForCeph()
if (missing.length > 0) {
  console.warn(`LEFT OUT: syncs from Ceph; no ${missing.join(', ')}. Install ${cephPackages}.`)
}

describe.skipIf(missing.length > 0)('a Ceph bucket', () => {
  const bucket = 'sync-bucket'
  let ceph: Ceph
  let synced: SyncedApi
  let datasetId: string
  const files = keyZoo.map((key) => `folder/${key}`)

  beforeAll(async () => {
    ceph = await startCeph()
    await ceph.createBucket(bucket)
    const storage = createS3Storage({
      bucket,
      endpoint: ceph.endpoint,
      region: ceph.region,
      accessKeyId: ceph.accessKey,
      secretAccessKey: new Secret(ceph.secretKey),
    })
    const put = (key: string, text: string) => {
      const bytes = Buffer.from(text)
      return storage.write(key, Readable.from([bytes]), { sizeBytes: bytes.length })
    }
    for (const key of files) await put(key, `bytes of ${key}`)
    // Beside and around the folder: what must not become an item.
    for (const key of ['folder-not/x.txt', 'folder', 'other/y.txt']) await put(key, key)
    await put('folder/', '')
    await put('folder/empty/', '')
    await put('folder/.dataloop/thumbnails/1.jpg', 'ours')
    await storage.close()
    synced = await connectApi({ ...ceph, bucket }, { folder: 'folder' })
    datasetId = await synced.addDataset({ sync: true })
    await synced.work()
  })
  afterAll(async () => {
    await synced?.close()
    await ceph?.stop()
  })

  test('the driver has passed every probe, and the check left nothing that is an item', async () => {
    const driver = await synced.api.call(synced.api.owner, 'GET', `/api/v1/drivers/${synced.driverId}`)
    expect(driver.body.state).toBe('ready')
    expect(driver.body.probes.map((probe: { name: string; ok: boolean }) => [probe.name, probe.ok])).toEqual(
      ['list', 'write', 'read', 'range', 'sign', 'delete'].map((name) => [name, true]),
    )
  })

  test('every key of the folder is an item, and nothing else is', async () => {
    expect(await synced.items(datasetId)).toEqual(inByteOrder(keyZoo))
    const syncs = await synced.api.call(synced.api.owner, 'GET', `/api/v1/datasets/${datasetId}/syncs`)
    expect(syncs.body.items[0]).toMatchObject({
      state: 'success',
      counts: { added: keyZoo.length, skipped: 0, markers: 2, hidden: 1 },
    })
  })

  test('every item that may be addressed streams its own bytes from the bucket', async () => {
    const query = { filter: {}, page: 0, pageSize: 1000, resource: 'items' }
    const { body } = await synced.api.call(synced.api.owner, 'POST', `/api/v1/datasets/${datasetId}/query`, {
      json: query,
    })
    const found = body.items.filter((item: { type: string }) => item.type === 'file')
    expect(found).toHaveLength(keyZoo.length)
    for (const item of found) {
      const key = item.filename.slice(1)
      const answer = await synced.api.call(synced.api.owner, 'GET', `/api/v1/items/${item.id}/stream`)
      if (unaddressableKeys.includes(key)) {
        expect([key, answer.status]).toEqual([key, 409])
        continue
      }
      expect([key, answer.status]).toEqual([key, 307])
      const address = String(answer.headers.location)
      expect(address.startsWith(ceph.endpoint)).toBe(true)
      const bytes = await fetch(address)
      expect([key, await bytes.text()]).toEqual([key, `bytes of folder/${key}`])
    }
  })

  test('a second sync finds nothing new', async () => {
    expect((await synced.sync(datasetId)).body).toMatchObject({
      status: 'success',
      spec: { counts: { added: 0, changed: 0, unchanged: keyZoo.length } },
    })
  })

  test('of 100,250 objects becomes exactly its items', { timeout: 900_000 }, async () => {
    await ceph.createBucket('many')
    const { endpoint, region, accessKey, secretKey } = ceph
    const storage = createS3Storage({
      bucket: 'many',
      endpoint,
      region,
      accessKeyId: accessKey,
      secretAccessKey: new Secret(secretKey),
    })
    const keys = manyKeys(() => true)
    await putMany(keys, (key) => storage.signWrite(`in/${key}`, { ttlSeconds: 3600 }))
    await storage.close()
    const many = await connectApi({ ...ceph, bucket: 'many' }, { folder: 'in' })
    try {
      await expectSyncOfMany('Ceph', many, keys)
    } finally {
      await many.close()
    }
  })
})
