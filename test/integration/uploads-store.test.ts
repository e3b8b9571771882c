// Proves the platform's own storage in an S3 bucket: objects are there and nowhere else, streams lead there, and what nobody refers to any more goes.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { sweepDataset } from '#core/datasets/datasets.ts'
import { closePlatformStore, sweepObjects } from '#core/objects/objects.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addDataset, putFile } from '../support/uploads.ts'

const keys = { accessKeyId: 'store-key', secretKey: 'store-secret-for-tests' }
let bucket: Bucket
let api: TestApi
let dataDir: string
let datasetId: string

beforeAll(async () => {
  bucket = await startBucket({ port: 0, bucket: 'platform', ...keys })
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-store-'))
  const config = readConfig({
    SLUICE_DATA_DIR: dataDir,
    SLUICE_STORE_BUCKET: 'platform',
    SLUICE_STORE_ENDPOINT: bucket.endpoint,
    SLUICE_STORE_FOLDER: 'kept',
    SLUICE_STORE_KEY: keys.accessKeyId,
    SLUICE_STORE_SECRET: keys.secretKey,
  })
  api = await withApi({ config })
  datasetId = await addDataset(api, await api.addProject())
})
afterAll(async () => {
  await closePlatformStore(api.deps)
  await api.close()
  await bucket.close()
  await rm(dataDir, { recursive: true, force: true })
})

test('an upload is one object of the bucket, streamed from there, and nothing stays on the disk', async () => {
  const item = await putFile(api, datasetId, { path: '/a/b.txt', bytes: 'kept in the bucket' })
  const [key, ...others] = bucket.keys()
  expect(others).toEqual([])
  expect(key).toMatch(/^kept\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{32}$/)
  expect(bucket.get(key!)?.toString()).toBe('kept in the bucket')
  const stream = await api.call(api.owner, 'GET', `/api/v1/items/${item.id}/stream`)
  expect(stream.status).toBe(307)
  expect(await (await fetch(String(stream.headers.location))).text()).toBe('kept in the bucket')
  expect(await readdir(join(dataDir, 'incoming'))).toEqual([])
  expect(await readdir(dataDir)).not.toContain('objects')
})

test('an empty file is an object too', async () => {
  const item = await putFile(api, datasetId, { path: '/empty.bin' })
  const stream = await api.call(api.owner, 'GET', `/api/v1/items/${item.id}/stream`)
  expect((await (await fetch(String(stream.headers.location))).arrayBuffer()).byteLength).toBe(0)
})

test('an overwrite and the end of the dataset leave no object behind', async () => {
  await putFile(api, datasetId, { path: '/a/b.txt', bytes: 'newer', mode: 'overwrite' })
  expect(bucket.keys()).toHaveLength(3)
  const now = AbortSignal.timeout(60_000)
  expect(await sweepObjects(api.deps, now, -60_000)).toBe(1)
  expect(bucket.keys()).toHaveLength(2)
  const { rows } = await api.database.pool.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
    datasetId,
  ])
  expect((await api.call(api.owner, 'DELETE', `/api/v1/datasets/${datasetId}`)).status).toBe(200)
  await sweepDataset(api.deps.db, rows[0]!.no, now)
  expect(await sweepObjects(api.deps, now, -60_000)).toBe(2)
  expect(bucket.keys()).toEqual([])
})

test('half a configuration does not start', () => {
  expect(() => readConfig({ SLUICE_STORE_BUCKET: 'platform' })).toThrow('SLUICE_STORE_KEY')
})
