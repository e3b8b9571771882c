// Proves against a real S3 (Ceph) that a file too large for one piece arrives whole, with little of it in memory, that nothing of it is to be seen before, and that
// neither a body that breaks off nor a process that dies leaves parts behind.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sweepStartedUploads, writeObject } from '#core/objects/objects.ts'
import { Secret } from '#lib/secret.ts'
import { withRetry } from '#storage/layers.ts'
import type { Storage } from '#storage/port.ts'
import { createS3Storage, type S3Options } from '#storage/s3/s3.ts'
import { readConfig } from '../../src/config/config.ts'
import { type Ceph, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addDataset, sendFile } from '../support/uploads.ts'

const MIB = 1024 * 1024
const parts = { aboveBytes: 5 * MIB, partBytes: 5 * MIB }
const missing = await missingForCeph()
if (missing.length > 0)
  console.warn(`LEFT OUT: large uploads against Ceph; no ${missing.join(', ')}. Install ${cephPackages}.`)

describe.skipIf(missing.length > 0)('Ceph', () => {
  let ceph: Ceph
  let options: S3Options
  let storage: Storage
  let client: S3Client
  let api: TestApi
  let dataDir: string | undefined

  beforeAll(async () => {
    ceph = await startCeph()
    await ceph.createBucket('large')
    const { endpoint, region, accessKey, secretKey } = ceph
    options = {
      bucket: 'large',
      endpoint,
      region,
      accessKeyId: accessKey,
      secretAccessKey: new Secret(secretKey),
      parts,
    }
    storage = withRetry(createS3Storage(options))
    client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    })
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-large-'))
    const config = readConfig({
      SLUICE_DATA_DIR: dataDir,
      SLUICE_STORE_BUCKET: 'large',
      SLUICE_STORE_ENDPOINT: endpoint,
      SLUICE_STORE_REGION: region,
      SLUICE_STORE_FOLDER: 'platform',
      SLUICE_STORE_KEY: accessKey,
      SLUICE_STORE_SECRET: secretKey,
    })
    api = await withApi({ openStorage: async () => createS3Storage(options), config })
  })
  afterAll(async () => {
    await api?.close()
    await storage?.close()
    client?.destroy()
    await ceph?.stop()
    if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true })
  })

  const unfinished = async () =>
    ((await client.send(new ListMultipartUploadsCommand({ Bucket: 'large' }))).Uploads ?? []).map(({ Key }) => Key)
  const noted = async () =>
    (await api.database.pool.query<{ key: string }>('select object_key as key from started_upload')).rows.map(
      ({ key }) => key,
    )

  async function hashOf(body: Readable): Promise<string> {
    const hash = createHash('sha256')
    for await (const chunk of body as AsyncIterable<Buffer>) hash.update(chunk)
    return hash.digest('hex')
  }

  test.each([
    ['a byte more than a part', 5 * MIB + 1],
    ['whole parts', 15 * MIB],
    ['parts and a rest', 17 * MIB + 12_345],
  ])('%s arrives as it was sent', async (name, sizeBytes) => {
    const bytes = randomBytes(sizeBytes)
    // In pieces that are no part: how a file comes says nothing about how it goes.
    const pieces = Array.from({ length: Math.ceil(sizeBytes / 99_999) }, (_, at) =>
      bytes.subarray(at * 99_999, (at + 1) * 99_999),
    )
    const started: string[] = []
    const entry = await storage.write(name, Readable.from(pieces), {
      sizeBytes,
      contentType: 'video/mp4',
      onPartsStarted: async (uploadId) => {
        started.push(uploadId)
        expect(await storage.stat(name)).toBeNull()
      },
    })
    expect(started).toHaveLength(1)
    expect(entry).toMatchObject({ sizeBytes, contentType: 'video/mp4' })
    expect(entry.etag).toMatch(/^[0-9a-f]{32}-\d+$/)
    const { body } = await storage.read(name)
    expect(await hashOf(body)).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(await unfinished()).toEqual([])
  })

  test.each([
    ['breaks off', 12 * MIB, true],
    ['is too short', 12 * MIB, false],
    ['is too long', 18 * MIB, false],
  ])('a body that %s leaves nothing', async (_, comes, breaks) => {
    async function* body() {
      for (let at = 0; at < comes; at += MIB) yield randomBytes(MIB)
      if (breaks) throw new Error('gone')
    }
    const writing = storage.write('never', Readable.from(body()), { sizeBytes: 15 * MIB })
    await expect(writing).rejects.toMatchObject({ kind: 'invalid' })
    expect(await storage.stat('never')).toBeNull()
    expect(await unfinished()).toEqual([])
  })

  test('one that is stopped leaves nothing', async () => {
    const stop = new AbortController()
    async function* body() {
      for (let at = 0; at < 15; at++) {
        if (at === 11) stop.abort()
        yield randomBytes(MIB)
      }
    }
    const writing = storage.write('stopped', Readable.from(body()), { sizeBytes: 15 * MIB, signal: stop.signal })
    await expect(writing).rejects.toMatchObject({ kind: 'aborted' })
    expect(await storage.stat('stopped')).toBeNull()
    expect(await unfinished()).toEqual([])
  })

  test('what a process that died has left is given up later, and only that', async () => {
    // Dies between the first part and the last: nothing it would do at its end happens.
    let die!: () => void
    const dead = new Promise<never>((_, reject) => {
      die = () => reject(new Error('killed'))
    })
    async function* body() {
      yield randomBytes(6 * MIB)
      die()
      await new Promise(() => {})
    }
    const place = { storage, driverId: null }
    const writing = writeObject(api.deps, place, 'left', Readable.from(body()), { sizeBytes: 15 * MIB })
    await expect(Promise.race([writing, dead])).rejects.toThrow('killed')
    // What was read is still on its way to the storage.
    await expect.poll(unfinished).toEqual(['left'])
    await expect.poll(noted).toEqual(['left'])
    expect(await sweepStartedUploads(api.deps, AbortSignal.timeout(30_000))).toBe(0)
    expect(await unfinished()).toEqual(['left'])
    expect(await sweepStartedUploads(api.deps, AbortSignal.timeout(30_000), -60_000)).toBe(1)
    expect(await unfinished()).toEqual([])
    expect(await noted()).toEqual([])
    expect(await sweepStartedUploads(api.deps, AbortSignal.timeout(30_000), -60_000)).toBe(0)
  })

  test('an upload to the platform’s own store goes the same way', async () => {
    const datasetId = await addDataset(api, await api.addProject())
    const bytes = randomBytes(11 * MIB)
    const sent = await sendFile(api, datasetId, { path: '/large.bin', bytes })
    expect([sent.status, sent.headers['x-item-op'], sent.body.metadata.system.size]).toEqual([
      200,
      'created',
      bytes.length,
    ])
    const { rows } = await api.database.pool.query<{ key: string }>(
      `select object_key as key from item where name = 'large.bin'`,
    )
    const { body, entry } = await storage.read(`platform/${rows[0]!.key}`)
    expect(entry.etag).toMatch(/-3$/)
    expect(await hashOf(body)).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(await noted()).toEqual([])
  })
})
