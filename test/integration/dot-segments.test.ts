// Proves that no key and no folder climbs out of a bucket's folder (T15): dot segments are never sent, and what only looks like them is sent as it is.
import { generateKeyPairSync } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { type ClientRequest, createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeDrivers } from '#core/drivers/drivers.ts'
import { drainHints } from '#core/hints/hints.ts'
import { Secret } from '#lib/secret.ts'
import { openEgress } from '#storage/egress.ts'
import { openStorage, type StorageSpec } from '#storage/open.ts'
import type { Storage } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Bucket } from '../../src/demo/bucket.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { climbingKeys, climbs } from '../support/dot-segments.ts'
import { addDriver, addIntegration, openBucket, sendDriver } from '../support/drivers.ts'
import { addDataset, putFile, sendFile } from '../support/uploads.ts'

/** Whether an address is one that no browser, proxy or library makes another of. */
function isStable(target: string): boolean {
  const url = new URL(target, 'http://host.test')
  return `${url.pathname}${url.search}` === target
}

describe('every driver', () => {
  let server: Server
  let origin: string
  let base: string
  const targets: string[] = []

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'sluice-dots-'))
    await mkdir(join(base, 'root', 'data'), { recursive: true })
    await writeFile(join(base, 'secret.jpg'), 'secret')
    server = createServer((request, response) => {
      targets.push(request.url!)
      request.resume()
      response
        .writeHead(403, { 'content-type': 'application/xml', 'x-amz-request-id': '1' })
        .end('<Error><Code>AccessDenied</Code></Error>')
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await rm(base, { recursive: true })
  })

  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const specs: Readonly<Record<string, () => StorageSpec>> = {
    s3: () => ({
      provider: 's3',
      bucket: 'photos',
      endpoint: origin,
      accessKeyId: 'k',
      secretAccessKey: new Secret('s'),
    }),
    gcs: () => ({
      provider: 'gcs',
      bucket: 'photos',
      endpoint: origin,
      login: {
        kind: 'key',
        account: { email: 'a@p.iam.gserviceaccount.com', privateKey: new Secret(privateKey), privateKeyId: undefined },
      },
    }),
    azure: () => ({
      provider: 'azure',
      account: 'account',
      container: 'photos',
      endpoint: origin,
      credentials: { kind: 'account-key', accountKey: new Secret(Buffer.alloc(64).toString('base64')) },
    }),
    registry: () => ({
      provider: 'registry',
      origin,
      account: null,
      allowedRealms: [],
      repositories: ['photos'],
      fallback: null,
    }),
    local: () => ({ provider: 'local', rootPath: join(base, 'root'), allowedRoots: [join(base, 'root')] }),
    memory: () => ({ provider: 'memory', name: 'dots' }),
  }

  const methods: Readonly<Record<string, (storage: Storage, key: string) => Promise<unknown>>> = {
    stat: (storage, key) => storage.stat(key),
    read: async (storage, key) => (await storage.read(key)).body.destroy(),
    write: (storage, key) => storage.write(key, Buffer.from('x'), { sizeBytes: 1 }),
    remove: (storage, key) => storage.remove([key]),
    signRead: async (storage, key) => storage.signRead(key, { ttlSeconds: 60 }),
    signWrite: async (storage, key) => storage.signWrite(key, { ttlSeconds: 60 }),
  }

  const outcome = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof StorageError ? error.kind : String(error)),
    )

  test.each(Object.keys(specs))('%s refuses dot segments in every call, before anything is sent', async (provider) => {
    const storage = await openStorage(specs[provider]!(), openEgress)
    try {
      const wrong: string[][] = []
      targets.length = 0
      const inputs = climbingKeys.filter(climbs)
      expect(inputs.length).toBeGreaterThan(80)
      for (const key of inputs) {
        for (const [name, call] of Object.entries(methods)) {
          const kind = await outcome(call(storage, `data/${key}`))
          if (kind !== 'unaddressable' && kind !== 'unsupported') wrong.push([name, key, kind])
        }
      }
      expect(wrong).toEqual([])
      expect(targets).toEqual([])
      expect(await readdir(base)).toEqual(['root', 'secret.jpg'])
    } finally {
      await storage.close()
    }
  })

  test.each(['s3', 'gcs', 'azure'])(
    '%s sends what only looks like dot segments as it is, where nobody changes it',
    async (provider) => {
      const storage = await openStorage(specs[provider]!(), openEgress)
      const wrong: string[][] = []
      let sent = 0
      try {
        for (const key of climbingKeys.filter((one) => !climbs(one)).map((one) => `data/${one}`)) {
          for (const name of ['stat', 'read', 'remove', 'signRead']) {
            targets.length = 0
            const given = await methods[name]!(storage, key).catch((error: unknown) => error)
            const signed =
              name === 'signRead' && !(given instanceof Error)
                ? [(given as { url: string }).url.slice(origin.length)]
                : []
            for (const target of [...targets, ...signed]) {
              sent++
              const path = decodeURIComponent(target.split('?')[0]!)
              if (!isStable(target) || !path.endsWith(key) || !path.includes('photos')) wrong.push([name, key, target])
            }
          }
        }
        expect(wrong).toEqual([])
        expect(sent).toBeGreaterThan(800)
      } finally {
        await storage.close()
      }
    },
  )
})

describe('every route that takes a key or a folder', () => {
  let api: TestApi
  let bucket: Bucket
  let projectId: string
  let integrationId: string
  let driverId: string
  let datasetId: string
  let itemId: string
  /** What was sent to the bucket, as it was sent. */
  const sent: string[] = []
  const onRequest = (message: unknown) => void sent.push((message as { request: ClientRequest }).request.path)
  const onListing = (message: unknown) => void sent.push((message as { target: string }).target)

  beforeAll(async () => {
    bucket = await openBucket()
    bucket.put('data/a.jpg', Buffer.from('a'), 'image/jpeg')
    bucket.put('other/secret.jpg', Buffer.from('secret'), 'image/jpeg')
    bucket.put('secret.jpg', Buffer.from('secret'), 'image/jpeg')
    api = await withApi()
    projectId = await api.addProject()
    integrationId = await addIntegration(api)
    driverId = await addDriver(api, { projectId, integrationId, bucket, payload: { path: 'data' } })
    datasetId = await addDataset(api, projectId, driverId)
    itemId = (await putFile(api, datasetId, { path: '/first.jpg', bytes: 'x' })).id
    subscribe('http.client.request.start', onRequest)
    subscribe('sluice:storage.request', onListing)
  })
  afterAll(async () => {
    unsubscribe('http.client.request.start', onRequest)
    unsubscribe('sluice:storage.request', onListing)
    await closeDrivers(api.deps)
    await Promise.all([api.close(), bucket.close()])
  })

  const call = (method: string, url: string, json?: unknown) =>
    api.call(api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })

  const routes: Readonly<Record<string, (key: string) => Promise<{ status: number; text: string }>>> = {
    upload: (key) => sendFile(api, datasetId, { path: `/${key}`, bytes: 'x' }),
    import: (key) =>
      call('POST', `/datasets/${datasetId}/imports`, [{ storageId: `photos:data/${key}` }, { storageId: key }]),
    'import to a path': (key) =>
      call('POST', `/datasets/${datasetId}/imports`, [{ filename: `/${key}`, storageId: 'data/a.jpg' }]),
    rename: (key) => call('PATCH', `/items/${itemId}`, { filename: `/${key}` }),
    hint: (key) => call('POST', `/drivers/${driverId}/hints`, { keys: [`data/${key}`, key] }),
    explain: (key) => call('GET', `/datasets/${datasetId}/explain?key=${encodeURIComponent(key)}`),
    'by path': (key) => call('GET', `/datasets/${datasetId}/items/by-path?path=${encodeURIComponent(`/${key}`)}`),
    'driver folder': (key) =>
      sendDriver(api, { projectId, integrationId, bucket, payload: { path: `data/${key}` }, path: '/drivers/test' }),
  }

  test.each(Object.keys(routes))(
    '%s sends nothing that leads out of the folder',
    async (name) => {
      const wrong: unknown[] = []
      expect(climbingKeys.length).toBeGreaterThanOrEqual(400)
      for (const key of climbingKeys) {
        sent.length = 0
        const { status, text } = await routes[name]!(key)
        if (status >= 500 && status !== 503) wrong.push([key, status, text])
        if (text.includes('secret"')) wrong.push([key, text])
        for (const target of sent) {
          const url = new URL(target, 'http://host.test')
          const prefix = url.searchParams.get('prefix')
          const path = decodeURIComponent(target.split('?')[0]!)
          const isInside =
            prefix === null ? path.startsWith('/photos/data/') : path === '/photos/' && prefix.startsWith('data/')
          // In a query nothing is collapsed: there a prefix is the bytes that it has.
          const isClimbing = prefix === null && climbs(path.slice('/photos/'.length))
          if (!isInside || !isStable(target) || isClimbing) wrong.push([key, target])
        }
      }
      expect(wrong).toEqual([])
    },
    120_000,
  )

  test('hints of such keys are read without leading out either, and nothing outside has changed', async () => {
    sent.length = 0
    await drainHints(api.deps, new AbortController().signal)
    const outside = sent.filter((target) => {
      const url = new URL(target, 'http://host.test')
      const prefix = url.searchParams.get('prefix')
      return (
        !isStable(target) || !(prefix ?? decodeURIComponent(url.pathname).slice('/photos/'.length)).startsWith('data/')
      )
    })
    expect(outside).toEqual([])
    expect(bucket.keys().filter((key) => !key.startsWith('data/'))).toEqual(['other/secret.jpg', 'secret.jpg'])
  })
})
