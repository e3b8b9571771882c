// Proves the whole way against a real container registry, by password and by token: check, sync, items, their bytes and facts, retags, and no secret anywhere.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  missingForRegistry,
  type Registry,
  registryPackages,
  registryUser,
  startRegistry,
} from '../emulators/registry.ts'
import { type ExpectedFile, pushFiles, pushImage, pushIndex } from '../support/artifacts.ts'
import { dockerOptions, type RegistryApi, withRegistryApi } from '../support/registry-api.ts'

const missing = await missingForRegistry()
if (missing.length > 0) {
  console.warn(`LEFT OUT: syncs from a registry; no ${missing.join(', ')}. Install ${registryPackages}.`)
}

describe.skipIf(missing.length > 0).each(['htpasswd', 'token'] as const)('a registry with %s', (auth) => {
  let registry: Registry
  let connected: RegistryApi
  let driverId: string
  let datasetId: string
  let expected: ExpectedFile[]

  beforeAll(async () => {
    registry = await startRegistry({ auth })
    expected = [
      ...(await pushImage(registry, 'team/app', 'v1', 'one')).files,
      ...(await pushImage(registry, 'team-app', 'V_1.0-rc', 'two')).files,
      ...(await pushIndex(registry, 'team/app', 'multi', 'three')),
      // A repository with the name of another one's tag.
      ...(await pushFiles(registry, 'team', 'app', { 'cat.jpg': 'miau', 'data/100%.txt': 'wuff' })),
    ]
    connected = await withRegistryApi(registry)
    const integrationId = await connected.addIntegration(dockerOptions(registry.origin))
    const driver = await connected.sendDriver(integrationId, { server: registry.origin })
    expect(driver.status, driver.text).toBe(200)
    driverId = driver.body.id
    datasetId = await connected.addDataset(driverId)
  }, 60_000)
  afterAll(async () => {
    await connected?.close()
    await registry?.stop()
  })

  test('the check says what was tried, and that nothing is ever written', async () => {
    const { body } = await connected.call('GET', `/drivers/${driverId}`)
    expect(body).toMatchObject({ state: 'ready', type: 'registry', server: registry.origin })
    const probes = body.probes.map((probe: { name: string; ok: boolean; optional: boolean; code?: string }) => [
      probe.name,
      probe.ok,
      probe.optional,
      probe.code,
    ])
    expect(probes).toEqual([
      ['list', true, false, undefined],
      ['write', false, true, 'driver.read_only'],
      ['read', true, false, undefined],
      ['range', true, true, undefined],
      ['sign', false, true, 'storage.unsupported'],
      ['delete', false, true, 'driver.read_only'],
    ])
  })

  test('every manifest and blob of every tag is an item, and nothing else is', async () => {
    const command = await connected.sync(datasetId)
    expect(command.body).toMatchObject({ status: 'success', spec: { counts: { added: expected.length, skipped: 0 } } })
    const files = await connected.files(datasetId)
    const facts = files.map((item) => [item.filename, item.metadata.system.size, item.metadata.system.storage.etag])
    const wanted = expected.map(({ key, bytes, etag }) => [`/${key}`, bytes.length, etag])
    expect(facts.toSorted()).toEqual(wanted.toSorted())
  })

  test('every item gives its own bytes, whole and in parts, and they are those of its digest', async () => {
    for (const item of await connected.files(datasetId)) {
      const { bytes } = expected.find(({ key }) => `/${key}` === item.filename)!
      const whole = await connected.api.app.inject({
        method: 'GET',
        url: `/api/v1/items/${item.id}/stream`,
        headers: { authorization: `Bearer ${connected.api.owner.token}` },
      })
      expect([item.filename, whole.statusCode]).toEqual([item.filename, 200])
      expect(whole.rawPayload.equals(bytes)).toBe(true)
      const digest = createHash('sha256').update(whole.rawPayload).digest('hex')
      expect(`sha256:${digest}`).toBe(item.metadata.system.storage.etag)
      const part = await connected.api.app.inject({
        method: 'GET',
        url: `/api/v1/items/${item.id}/stream`,
        headers: { authorization: `Bearer ${connected.api.owner.token}`, range: 'bytes=1-2' },
      })
      expect([part.statusCode, part.payload]).toEqual(
        bytes.length > 1 ? [206, bytes.toString().slice(1, 3)] : [416, ''],
      )
    }
  })

  test('a second sync finds nothing new', async () => {
    const { body } = await connected.sync(datasetId)
    expect(body.spec.counts).toMatchObject({ added: 0, changed: 0, unchanged: expected.length })
  })

  test('a tag that is given another name stays the same items, and one that moves to another image changes', async () => {
    const { manifest } = await pushImage(registry, 'moving', 'old', 'moved')
    const before = await pushImage(registry, 'moving', 'latest', 'first')
    await connected.call('PATCH', `/datasets/${datasetId}/syncSettings`, { matchMoved: true })
    await connected.sync(datasetId)
    const old = (await connected.files(datasetId)).filter(({ filename }) => filename.startsWith('/moving/old/'))
    await registry.pushManifest('moving', 'new', manifest.bytes, manifest.mediaType)
    await registry.untag('moving', 'old')
    const after = await pushImage(registry, 'moving', 'latest', 'second')
    expect(after.manifest.digest).not.toBe(before.manifest.digest)
    const { body } = await connected.sync(datasetId)
    expect(body, JSON.stringify(body)).toMatchObject({ status: 'success' })
    const files = await connected.files(datasetId)
    for (const { id, filename } of old) {
      const now = files.find((item) => item.id === id)
      expect(now?.filename).toBe(filename.replace('/old/', '/new/'))
    }
    const latest = files.find(({ filename }) => filename === '/moving/latest/manifest.json')
    expect(latest.metadata.system.storage).toMatchObject({ etag: after.manifest.digest, state: 'available' })
  })

  test('a tag that is gone leaves its items marked missing, and they are the same when it is back', async () => {
    const { manifest } = await pushImage(registry, 'passing', 'v', 'passing')
    await connected.sync(datasetId)
    const ours = async () => {
      const files = (await connected.files(datasetId)).filter(({ filename }) => filename.startsWith('/passing/'))
      return Object.fromEntries(files.map(({ id, metadata }) => [id, metadata.system.storage.state]))
    }
    const before = await ours()
    expect(Object.values(before)).toEqual(Array(4).fill('available'))
    await registry.untag('passing', 'v')
    await connected.sync(datasetId)
    expect(await ours()).toEqual(Object.fromEntries(Object.keys(before).map((id) => [id, 'missing'])))
    await registry.pushManifest('passing', 'v', manifest.bytes, manifest.mediaType)
    await connected.sync(datasetId)
    expect(await ours()).toEqual(before)
  })

  test('a folder takes one repository or tag only, with repositories named or not', async () => {
    const integrationId = await connected.addIntegration(dockerOptions(registry.origin))
    for (const payload of [{ path: 'team/app/v1' }, { path: 'team/app/v1', repositories: 'team/app, team-app' }]) {
      const driver = await connected.sendDriver(integrationId, { server: registry.origin, ...payload })
      expect(driver.status, driver.text).toBe(200)
      const dataset = await connected.addDataset(driver.body.id)
      await connected.sync(dataset)
      const wanted = expected.filter(({ key }) => key.startsWith('team/app/v1/')).map(({ key }) => key.slice(11))
      expect((await connected.files(dataset)).map(({ filename }) => filename).toSorted()).toEqual(wanted.toSorted())
    }
  })

  test('neither password nor token is in the log', () => {
    const logs = connected.api.logs()
    expect(logs).toContain('driver created')
    expect(logs).not.toContain(registryUser.password)
    expect(logs).not.toMatch(/Bearer |Basic |eyJ/)
  })
})
