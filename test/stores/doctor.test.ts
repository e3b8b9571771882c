// Proves that the policies the product writes are enough and no more: a user of a real S3 (Ceph) who has nothing else passes check, sync, stream, upload, thumbnail and delete, and is refused the opposite of each statement.
import { Readable } from 'node:stream'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDriver } from '#core/drivers/drivers.ts'
import { Secret } from '#lib/secret.ts'
import type { Storage } from '#storage/port.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { type Ceph, type CephUser, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { connectStorage, type SyncedApi } from '../support/sync.ts'
import { putFile } from '../support/uploads.ts'

const missing = await missingForCeph()
if (missing.length > 0) {
  console.warn(`LEFT OUT: generated policies on Ceph; no ${missing.join(', ')}. Install ${cephPackages}.`)
}

describe.skipIf(missing.length > 0)('generated policies', () => {
  const bucket = 'policies'
  let ceph: Ceph
  let api: TestApi
  let projectId: string
  let owner: Storage
  const opened: { close(): Promise<unknown> }[] = []

  beforeAll(async () => {
    ;[ceph, api] = await Promise.all([startCeph(), withApi()])
    projectId = await api.addProject()
    for (const name of [bucket, 'others']) await ceph.createBucket(name)
    owner = storageOf({ name: 'sluice', accessKey: ceph.accessKey, secretKey: ceph.secretKey }, bucket)
    const foreign = storageOf({ name: 'sluice', accessKey: ceph.accessKey, secretKey: ceph.secretKey }, 'others')
    await put(foreign, 'in/secret.txt')
    for (const key of ['in/a.txt', 'in/deep/b.txt', 'in', 'input/secret.txt', 'out/secret.txt', 'root.txt'])
      await put(owner, key)
    const picture = await sharp({ create: { width: 300, height: 200, channels: 3, background: 'teal' } })
      .png()
      .toBuffer()
    await owner.write('in/picture.png', picture, { sizeBytes: picture.length, contentType: 'image/png' })
  })
  afterAll(async () => {
    for (const one of opened) await one.close()
    await api?.close()
    await ceph?.stop()
  })

  const put = (storage: Storage, key: string) =>
    storage.write(key, Buffer.from(key), { sizeBytes: Buffer.byteLength(key) })

  function storageOf(user: CephUser, name: string): Storage {
    const { endpoint, region } = ceph
    const secretAccessKey = new Secret(user.secretKey)
    const storage = createS3Storage({ bucket: name, endpoint, region, accessKeyId: user.accessKey, secretAccessKey })
    opened.push(storage)
    return storage
  }

  /** What the API writes for a driver that is not there yet, given to a new user who has nothing else. */
  async function userWith(
    name: string,
    folder: string,
    more: { allowExternalDelete?: boolean; readOnly?: boolean } = {},
  ) {
    const { allowExternalDelete = false, readOnly } = more
    const { status, body, text } = await api.call(api.owner, 'POST', '/api/v1/drivers/policies', {
      json: {
        type: 's3',
        metadata: { system: { projectId } },
        payload: { bucketName: bucket, endpoint: ceph.endpoint, path: folder, readOnly },
        allowExternalDelete,
      },
    })
    expect(status, text).toBe(200)
    const policy = body.documents.find((one: { name: string }) => one.name === 'user-policy').document
    const user = await ceph.createUser(name)
    await ceph.setUserPolicy(name, policy)
    return user
  }

  const connect = async (user: CephUser, path: string, readOnly?: boolean): Promise<SyncedApi> => {
    const payload = { bucketName: bucket, endpoint: ceph.endpoint, region: ceph.region, path, readOnly }
    const options = { key: user.accessKey, secret: user.secretKey }
    const synced = await connectStorage({ integration: { type: 's3', options }, driver: { type: 's3', payload } })
    opened.push(synced)
    return synced
  }

  const denied = { kind: 'forbidden' }

  async function expectOutside(storage: Storage, folder: string): Promise<void> {
    for (const prefix of ['', 'out/', folder.slice(0, -1), 'input/'])
      await expect(storage.list({ prefix }), `list ${prefix}`).rejects.toMatchObject(denied)
    for (const key of ['out/secret.txt', 'input/secret.txt', 'root.txt']) {
      await expect(storage.stat(key), `stat ${key}`).rejects.toMatchObject(denied)
      await expect(storage.read(key), `read ${key}`).rejects.toMatchObject(denied)
      await expect(put(storage, key), `write ${key}`).rejects.toMatchObject(denied)
      const [outcome] = await storage.remove([key])
      expect(outcome, `remove ${key}`).toMatchObject({ ok: false, error: denied })
      const signed = await storage.signRead(key, { ttlSeconds: 60 })
      expect((await fetch(signed.url)).status, `fetch ${key}`).toBe(403)
    }
  }

  test('of a folder, without delete: everything works but deleting, and nothing outside the folder does', async () => {
    const user = await userWith('keeper', 'in')
    const synced = await connect(user, 'in')
    const { call, owner: actor } = synced.api
    const get = (url: string) => call(actor, 'GET', `/api/v1${url}`)
    const driver = (await get(`/drivers/${synced.driverId}`)).body
    expect(driver.probes.map((probe: { name: string; ok: boolean }) => [probe.name, probe.ok])).toEqual([
      ['list', true],
      ['write', true],
      ['read', true],
      ['range', true],
      ['sign', true],
      ['delete', false],
    ])
    const datasetId = await synced.addDataset({ sync: true })
    await synced.work()
    expect(await synced.items(datasetId)).toEqual(['a.txt', 'deep/b.txt', 'picture.png'])

    const { body } = await call(actor, 'POST', `/api/v1/datasets/${datasetId}/query`, {
      json: { filter: {}, page: 0, pageSize: 10, resource: 'items' },
    })
    const itemOf = (name: string) => body.items.find((one: { filename: string }) => one.filename === name)
    const address = String((await get(`/items/${itemOf('/deep/b.txt').id}/stream`)).headers.location)
    expect(await (await fetch(address)).text()).toBe('in/deep/b.txt')
    const thumbnail = await get(`/items/${itemOf('/picture.png').id}/thumbnail`)
    expect(thumbnail.status, thumbnail.text).toBe(307)
    expect((await fetch(String(thumbnail.headers.location))).status).toBe(200)
    expect((await ceph.keys(bucket)).filter((key) => key.startsWith('in/.dataloop/thumbnails/'))).toHaveLength(1)
    await putFile(synced.api, datasetId, { path: '/new/c.txt', bytes: 'new' })
    expect(await ceph.keys(bucket)).toContain('in/new/c.txt')
    expect((await synced.sync(datasetId)).body.status).toBe('success')

    const { storage } = await openDriver(synced.api.deps, synced.driverId)
    const [outcome] = await storage.remove(['in/a.txt'])
    expect(outcome).toMatchObject({ ok: false, error: denied })
    await expectOutside(storage, 'in/')
    await expect(storageOf(user, 'others').list({ prefix: 'in/' })).rejects.toMatchObject(denied)
    await expect(storageOf(user, 'others').read('in/secret.txt')).rejects.toMatchObject(denied)
  })

  test('tried again and again without delete, the check leaves one file', async () => {
    const user = await userWith('again', 'again')
    const synced = await connect(user, 'again')
    for (let n = 0; n < 4; n++)
      expect((await synced.api.call(synced.api.owner, 'GET', `/api/v1/drivers/${synced.driverId}/test`)).status).toBe(
        204,
      )
    expect((await ceph.keys(bucket)).filter((key) => key.startsWith('again/'))).toEqual([
      'again/.dataloop/sluice-check',
    ])
  })

  test('of a folder: large files are written in parts, and one that breaks off is told as that, not as a right that lacks', async () => {
    const { accessKey, secretKey } = await userWith('parts', 'parts')
    const { endpoint, region } = ceph
    const storage = createS3Storage({
      bucket,
      endpoint,
      region,
      accessKeyId: accessKey,
      secretAccessKey: new Secret(secretKey),
      parts: { aboveBytes: 6 * 1024 * 1024, partBytes: 5 * 1024 * 1024 },
    })
    opened.push(storage)
    const sizeBytes = 11 * 1024 * 1024
    const pieces = (count: number) => Readable.from(Array.from({ length: count }, () => Buffer.alloc(1024 * 1024)))
    expect((await storage.write('parts/whole.bin', pieces(11), { sizeBytes })).sizeBytes).toBe(sizeBytes)
    const broken = storage.write('parts/broken.bin', pieces(7), { sizeBytes })
    await expect(broken).rejects.toMatchObject({ kind: 'invalid' })
    expect(await ceph.keys(bucket)).not.toContain('parts/broken.bin')
  })

  test('of a folder, with delete: the driver may be made to delete, and deletes there only', async () => {
    const user = await userWith('cleaner', 'in', { allowExternalDelete: true })
    const synced = await connect(user, 'in')
    const { call, owner: actor } = synced.api
    const allowed = await call(actor, 'PATCH', `/api/v1/drivers/${synced.driverId}`, {
      json: { allowExternalDelete: true },
    })
    expect(allowed.status, allowed.text).toBe(200)
    expect(allowed.body.probes.every((probe: { ok: boolean }) => probe.ok)).toBe(true)
    const { storage } = await openDriver(synced.api.deps, synced.driverId)
    await put(owner, 'in/gone.txt')
    expect(await storage.remove(['in/gone.txt'])).toEqual([{ key: 'in/gone.txt', ok: true }])
    expect(await ceph.keys(bucket)).not.toContain('in/gone.txt')
    await expectOutside(storage, 'in/')
  })

  test('of a whole bucket: nothing of another bucket', async () => {
    const user = await userWith('whole', '')
    const synced = await connect(user, '')
    const datasetId = await synced.addDataset({ sync: true })
    await synced.work()
    expect(await synced.items(datasetId)).toContain('root.txt')
    for (const act of [
      (s: Storage) => s.list({ prefix: '' }),
      (s: Storage) => s.read('in/secret.txt'),
      (s: Storage) => put(s, 'x'),
    ])
      await expect(act(storageOf(user, 'others'))).rejects.toMatchObject(denied)
  })

  test('for reading only: no writing anywhere, and reading in the folder', async () => {
    const user = await userWith('reader', 'in', { readOnly: true })
    const synced = await connect(user, 'in', true)
    const datasetId = await synced.addDataset({ sync: true })
    await synced.work()
    expect(await synced.items(datasetId)).toContain('a.txt')
    const storage = storageOf(user, bucket)
    await expect(put(storage, 'in/x.txt')).rejects.toMatchObject(denied)
    expect((await storage.remove(['in/a.txt']))[0]).toMatchObject({ ok: false, error: denied })
    await expectOutside(storage, 'in/')
  })

  test('of a folder whose name has wildcards: no other folder that they would match', async () => {
    for (const key of ['w*d?/a.txt', 'wild1/secret.txt', 'w*dx/secret.txt']) await put(owner, key)
    const user = await userWith('wild', 'w*d?')
    const storage = storageOf(user, bucket)
    // This Ceph takes AWS's spelling of a wildcard for letters, so that it denies what AWS would allow; never the other way round.
    await expect(storage.list({ prefix: 'w*d?/' })).rejects.toMatchObject(denied)
    for (const prefix of ['wild1/', 'w*dx/', 'w'])
      await expect(storage.list({ prefix }), prefix).rejects.toMatchObject(denied)
    for (const key of ['wild1/secret.txt', 'w*dx/secret.txt'])
      await expect(storage.read(key), key).rejects.toMatchObject(denied)
  })
})
