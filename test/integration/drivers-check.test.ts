// Proves that a driver's rights are really tried, that each failure is told apart with what to do, and that openDriver follows every change.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { closeDrivers, openDriver, requireUsableDriver } from '#core/drivers/drivers.ts'
import type { Bucket, BucketAction } from '../../src/demo/bucket.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { plaintextHits } from '../support/canaries.ts'
import { addDriver, addIntegration, bucketKey, openBucket, sendDriver } from '../support/drivers.ts'

let api: TestApi
let bucket: Bucket
let projectId: string
let integrationId: string
let root: string
const started: { close(): Promise<unknown> }[] = []

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sluice-root-')))
  const config = readConfig({ SLUICE_DATA_DIR: root, SLUICE_LOCAL_ROOTS: join(root, 'open') })
  ;[api, bucket] = await Promise.all([withApi({ config }), openBucket()])
  bucket.put('folder-1/a.jpg', Buffer.from('a'), 'image/jpeg')
  projectId = await api.addProject()
  integrationId = await addIntegration(api)
})
afterAll(async () => {
  await closeDrivers(api.deps)
  await Promise.all([api.close(), bucket.close(), ...started.map((one) => one.close())])
  await rm(root, { recursive: true })
})

const get = (url: string) => api.call(api.owner, 'GET', `/api/v1${url}`)
const testDriver = (id: string) => get(`/drivers/${id}/test`)
const driversCount = async () => (await get(`/drivers?projectId=${projectId}`)).body.length

async function bucketWithout(...denied: BucketAction[]): Promise<Bucket> {
  const one = await openBucket(denied)
  started.push(one)
  return one
}

async function serverAnswering(status: number, body: string): Promise<string> {
  const server: Server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  started.push({ close: () => new Promise((done) => server.close(done)) })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function closedPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return `http://127.0.0.1:${port}`
}

const rotate = async (id: string, options: Record<string, string>) => {
  const json = { integrationId: id, credentials: { type: 's3', options } }
  expect((await api.call(api.owner, 'PATCH', `/api/v1/orgs/${api.orgId}/integrations`, { json })).status).toBe(200)
}

describe('each failure has its own code, and nothing is saved', () => {
  const refused = async (parts: Partial<Parameters<typeof sendDriver>[1]>, status: number, code: string) => {
    const before = await driversCount()
    for (const path of ['/drivers', '/drivers/test']) {
      const answer = await sendDriver(api, { projectId, integrationId, bucket, ...parts, path })
      expect([path, answer.status, answer.body.code], answer.text).toEqual([path, status, code])
      expect(answer.body.message.length).toBeGreaterThan(20)
      expect(answer.text).not.toContain(bucketKey.secret)
    }
    expect(await driversCount()).toBe(before)
  }

  test('a wrong secret', async () => {
    const wrong = await addIntegration(api, { ...bucketKey, secret: 'canary-wrong' })
    await refused({ integrationId: wrong }, 400, 'storage.bad_credentials')
  })
  test('a wrong key', async () => {
    const wrong = await addIntegration(api, { ...bucketKey, key: 'CANARYWRONG' })
    await refused({ integrationId: wrong }, 400, 'storage.bad_credentials')
  })
  test('a bucket that is not there', () =>
    refused({ payload: { bucketName: 'absent' } }, 400, 'storage.unknown_bucket'))
  test('a port where nobody listens', async () =>
    refused({ payload: { endpoint: await closedPort() } }, 424, 'storage.unreachable'))
  test('a host that has no address', () =>
    refused({ payload: { endpoint: 'http://bucket.invalid:9000' } }, 424, 'storage.unreachable'))
  test('plain HTTP where HTTPS was asked', () =>
    refused({ payload: { endpoint: bucket.endpoint.replace('http:', 'https:') } }, 424, 'storage.tls_failed'))
  test('a web server that is no storage', async () =>
    refused(
      { payload: { endpoint: await serverAnswering(200, '<html>hello canary</html>') } },
      424,
      'storage.not_a_storage',
    ))
  test('a folder that is a file', () => refused({ payload: { path: 'folder-1/a.jpg' } }, 400, 'storage.folder_is_file'))
})

describe('rights are really tried', () => {
  test.each([
    ['ListBucket', 'list'],
    ['GetObject', 'read'],
    ['PutObject', 'write'],
  ] as const)('without %s it is refused, and the probe “%s” says what to grant', async (right, name) => {
    const { status, body } = await sendDriver(api, { projectId, integrationId, bucket: await bucketWithout(right) })
    expect([status, body.code]).toEqual([400, 'driver.check_failed'])
    expect(body.message).toContain(`s3:${right}`)
    const probe = body.details.probes.find((each: { name: string }) => each.name === name)
    expect(probe).toMatchObject({ ok: false, optional: false, code: 'storage.denied' })
  })

  test('without DeleteObject it is saved when it must not delete anyway, and refused when it must', async () => {
    const without = await bucketWithout('DeleteObject')
    const kept = await sendDriver(api, { projectId, integrationId, bucket: without })
    expect(kept.status).toBe(200)
    const probe = kept.body.probes.find((each: { name: string }) => each.name === 'delete')
    expect(probe).toMatchObject({ ok: false, optional: true })
    const more = { allowExternalDelete: true }
    const refused = await sendDriver(api, { projectId, integrationId, bucket: without, more })
    expect([refused.status, refused.body.code]).toEqual([400, 'driver.check_failed'])
    const url = `/api/v1/drivers/${kept.body.id}`
    expect((await api.call(api.owner, 'PATCH', url, { json: more })).body.code).toBe('driver.check_failed')
    expect((await get(`/drivers/${kept.body.id}`)).body.allowExternalDelete).toBe(false)
    // One file, however often it is tried.
    for (let n = 0; n < 3; n++) expect((await testDriver(kept.body.id)).status).toBe(204)
    expect(without.keys()).toEqual(['.dataloop/sluice-check'])
  })

  test('an empty folder is a warning', async () => {
    const { body } = await sendDriver(api, { projectId, integrationId, bucket, payload: { path: 'nothing/here' } })
    expect(body.state).toBe('ready')
    expect(body.warnings).toContainEqual(expect.stringContaining('empty'))
  })

  test('a test before saving stores nothing and answers nothing', async () => {
    const before = await driversCount()
    const { status, text } = await sendDriver(api, { projectId, integrationId, bucket, path: '/drivers/test' })
    expect([status, text]).toEqual([204, ''])
    expect(await driversCount()).toBe(before)
  })

  test('the right to delete can be taken away while the storage is gone', async () => {
    const gone = await openBucket()
    const id = await addDriver(api, { projectId, integrationId, bucket: gone, more: { allowExternalDelete: true } })
    await gone.close()
    const { status, body } = await api.call(api.owner, 'PATCH', `/api/v1/drivers/${id}`, {
      json: { allowExternalDelete: false },
    })
    expect([status, body.allowExternalDelete]).toEqual([200, false])
  })
})

describe('saved without a test', () => {
  test.each([
    ['by the query', '/drivers?validate=false', {}],
    ['by the body', '/drivers', { validate: false }],
  ])('%s it cannot be used until a test passes', async (_how, path, more) => {
    const { status, body } = await sendDriver(api, { projectId, integrationId, bucket, path, more })
    expect([status, body.state, body.checkedAt]).toEqual([200, 'failed', null])
    await expect(requireUsableDriver(api.deps.db, projectId, body.id)).rejects.toMatchObject({
      code: 'driver.check_failed',
    })
    expect((await testDriver(body.id)).status).toBe(204)
    expect((await requireUsableDriver(api.deps.db, projectId, body.id)).state).toBe('ready')
    expect((await get(`/drivers/${body.id}`)).body.checkedAt).not.toBeNull()
  })

  test('and of another project it is not found', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket })
    await expect(requireUsableDriver(api.deps.db, await api.addProject(), id)).rejects.toMatchObject({
      code: 'driver.not_found',
    })
  })
})

describe('openDriver', () => {
  const keysOf = async (driverId: string) => {
    const { storage, prefix } = await openDriver(api.deps, driverId)
    const page = await storage.list({ prefix })
    const keys: string[] = []
    while (page.entries.next())
      keys.push(page.entries.keyBytes.toString('utf8', page.entries.keyStart, page.entries.keyEnd))
    page.release()
    return keys
  }

  test('reaches the driver’s folder, and keeps the storage open', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket, payload: { path: 'folder-1' } })
    expect(await keysOf(id)).toEqual(['folder-1/a.jpg'])
    const [one, two] = await Promise.all([openDriver(api.deps, id), openDriver(api.deps, id)])
    expect(one.storage).toBe(two.storage)
    expect([one.prefix, one.isProxied]).toEqual(['folder-1/', false])
    await expect(one.storage.close()).rejects.toThrow()
  })

  test('follows a rotation of the credentials at once, both ways', async () => {
    const own = await addIntegration(api)
    const id = await addDriver(api, { projectId, integrationId: own, bucket })
    expect(await keysOf(id)).toEqual(['folder-1/a.jpg'])
    await rotate(own, { ...bucketKey, secret: 'canary-rotated' })
    await expect(keysOf(id)).rejects.toMatchObject({ kind: 'bad-credentials' })
    const failed = await testDriver(id)
    expect([failed.status, failed.body.code]).toEqual([400, 'storage.bad_credentials'])
    expect((await get(`/drivers/${id}`)).body).toMatchObject({ state: 'failed', stateReason: expect.any(String) })
    await rotate(own, bucketKey)
    expect(await keysOf(id)).toEqual(['folder-1/a.jpg'])
    expect((await testDriver(id)).status).toBe(204)
    expect((await get(`/drivers/${id}`)).body).toMatchObject({ state: 'ready', stateReason: null })
  })

  test('survives a rotation in the very same moment', async () => {
    const own = await addIntegration(api)
    const id = await addDriver(api, { projectId, integrationId: own, bucket })
    const work = Array.from({ length: 20 }, (_, n) => (n % 4 === 0 ? rotate(own, bucketKey) : keysOf(id)))
    await Promise.all(work)
  })

  test('says that a disconnected driver is, and works again with a new integration', async () => {
    const own = await addIntegration(api)
    const id = await addDriver(api, { projectId, integrationId: own, bucket })
    await keysOf(id)
    const url = `/api/v1/orgs/${api.orgId}/integrations/${own}?force=true&confirm=true`
    expect((await api.call(api.owner, 'DELETE', url)).status).toBe(200)
    await expect(keysOf(id)).rejects.toMatchObject({ code: 'dataset.disconnected' })
    await expect(requireUsableDriver(api.deps.db, projectId, id)).rejects.toMatchObject({
      code: 'dataset.disconnected',
    })
    const { body } = await api.call(api.owner, 'PATCH', `/api/v1/drivers/${id}`, { json: { integrationId } })
    expect(body).toMatchObject({ state: 'ready', integrationId })
    expect(await keysOf(id)).toEqual(['folder-1/a.jpg'])
  })

  test('does not find a driver that is not there', async () => {
    await expect(openDriver(api.deps, 'f'.repeat(24))).rejects.toMatchObject({ code: 'driver.not_found' })
  })
})

describe('a folder on the server', () => {
  const local = (rootPath: unknown, more: Record<string, unknown> = {}) =>
    sendDriver(api, {
      projectId,
      payload: { rootPath },
      more: { type: 'local', integrationId: 'system', integrationType: null, ...more },
    })

  test('is connected when the operator opened it, and read through the server', async () => {
    const folder = join(root, 'open', 'pictures')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'a.png'), 'a')
    const { status, body, text } = await local(folder)
    expect(status, text).toBe(200)
    expect(body).toMatchObject({ type: 'local', rootPath: folder, integrationId: null, state: 'ready' })
    const { storage, isProxied } = await openDriver(api.deps, body.id)
    expect((await storage.stat('a.png'))?.sizeBytes).toBe(1)
    expect(isProxied).toBe(true)
  })

  test('is refused outside the opened folders, however it is written', async () => {
    await mkdir(join(root, 'closed'), { recursive: true })
    for (const path of [
      root,
      join(root, 'closed'),
      join(root, 'open', '..', 'closed'),
      join(root, 'openly'),
      '/',
      '/etc',
    ]) {
      const { status, body } = await local(path)
      expect([path, status, body.code]).toEqual([path, 400, 'storage.root_not_allowed'])
    }
  })

  test.each([undefined, '', 'pictures', './pictures', 'a\0b'])('is refused as %j', async (rootPath) => {
    const { status, body } = await local(rootPath)
    expect([status, body.code]).toEqual([400, 'driver.invalid'])
  })

  test('takes no integration', async () => {
    const { body } = await local(root, { integrationId })
    expect(body.code).toBe('driver.invalid')
  })
})

// Last: it looks at everything that the tests above have left behind.
test('no secret is left in the database or in the log', async () => {
  const secrets = [bucketKey.key, bucketKey.secret, 'canary-wrong', 'CANARYWRONG', 'canary-rotated']
  expect(await plaintextHits(api, secrets)).toEqual([])
})
