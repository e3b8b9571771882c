// Proves private registries through the API, rule by rule (RG-01 to RG-10): what is wanted of credentials, what a trial says, what pulls with them, and what a driver reaches.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dockerConfig, openCredentials } from '#core/integrations/integrations.ts'
import { type FakeRegistry, startFakeRegistry } from '../fakes/registry.ts'
import type { Answer } from '../support/api.ts'
import { plaintextHits } from '../support/canaries.ts'
import { dockerOptions, type RegistryApi, withRegistryApi } from '../support/registry-api.ts'

const canary = 'CANARY-REGISTRY-PASSWORD'
const keyFile = {
  type: 'service_account',
  project_id: 'p',
  private_key_id: '1',
  private_key: canary,
  client_email: 'a@p.iam.gserviceaccount.com',
  client_id: '1',
  auth_uri: 'https://a',
  token_uri: 'https://t',
  auth_provider_x509_cert_url: 'https://c',
  client_x509_cert_url: 'https://x',
}
const base64 = (text: string) => Buffer.from(text).toString('base64')
const basicOf = (user: string, password: string) => `Basic ${base64(`${user}:${password}`)}`

let connected: RegistryApi
let fake: FakeRegistry
beforeAll(async () => {
  connected = await withRegistryApi()
})
afterAll(() => connected.close())
beforeEach(async () => {
  fake = await startFakeRegistry()
})
afterEach(() => fake.close())

const integrations = () => `/orgs/${connected.api.orgId}/integrations`
const create = (options: object): Promise<Answer> =>
  connected.call('POST', integrations(), { name: 'r', type: 'private-registry', options })
const trial = (id: string) => connected.call('GET', `${integrations()}/${id}/test`)
const account = (username: string, password: string, more: object = {}) => ({ username, password, ...more })

async function refusal(options: object): Promise<string> {
  const { status, body, text } = await create(options)
  expect([status, body.code]).toEqual([400, 'integration.invalid'])
  expect(text).not.toContain(canary)
  return body.message
}

/** Puts one image into the registry; answers the keys of its files. */
function fill(repository = 'team/app', tag = 'v1'): string[] {
  const annotations = { 'org.opencontainers.image.title': 'cat.jpg' }
  const layer = { mediaType: 'image/jpeg', ...fake.addBlob(repository, 'miau'), annotations }
  fake.addManifest(repository, tag, { schemaVersion: 2, artifactType: 'application/vnd.x', layers: [layer] })
  return [`/${repository}/${tag}/cat.jpg`, `/${repository}/${tag}/manifest.json`]
}

describe('what is wanted of credentials', () => {
  test('RG-01: a server', async () => {
    expect(await refusal(dockerOptions('', account('_json_key', JSON.stringify(keyFile))))).toContain(
      'Server is required',
    )
    for (const server of ['not a host', 'https://x@evil.example', 'host/with/path', 'ftp://host', 'host.']) {
      expect(await refusal(dockerOptions(server, account('u', canary)))).toContain('Give a registry’s host')
    }
  })

  test('RG-02: Google’s password is the service account’s file, in base64 or as it is', async () => {
    const password = (text: string) => dockerOptions('europe-west3-docker.pkg.dev', account('_json_key', text))
    for (const good of [base64(JSON.stringify(keyFile)), JSON.stringify(keyFile)]) {
      expect((await create(password(good))).status).toBe(200)
    }
    expect(await refusal(password(''))).toContain('Password is required')
    expect(await refusal(password(canary))).toContain('JSON file')
    expect(await refusal(password(base64(`not JSON ${canary}`)))).toContain('JSON file')
    expect(await refusal(password(base64(JSON.stringify({ ...keyFile, type: 'authorized_user' }))))).toContain('“type”')
    for (const field of Object.keys(keyFile).filter((name) => name !== 'type')) {
      const { [field as 'project_id']: _taken, ...rest } = keyFile
      expect(await refusal(password(base64(JSON.stringify(rest))))).toContain(`It lacks: ${field}.`)
    }
  })

  test('RG-04: Google’s server is the host of a location, or the location itself', async () => {
    for (const server of ['us-central1', 'europe-west3-docker.pkg.dev', 'eu.gcr.io']) {
      expect((await create(dockerOptions(server, account('_json_key', JSON.stringify(keyFile))))).status).toBe(200)
    }
  })

  test('RG-05: Amazon’s are an access key, an account of 12 digits and a region', async () => {
    const spec = { accessKeyId: 'AKIA0', secretAccessKey: canary, account: '123456789012', region: 'eu-west-1' }
    expect((await create({ name: 'AWS', spec })).status).toBe(200)
    for (const [field, wrong] of [
      ['accessKeyId', ''],
      ['secretAccessKey', ''],
      ['account', '12345678901'],
      ['region', ''],
    ] as const) {
      const { body } = await create({ name: 'AWS', spec: { ...spec, [field]: wrong } })
      expect(body.details.map(({ path }: { path: string }) => path)).toEqual([`options.spec.${field}`])
    }
  })

  test('RG-06: Azure’s are user, password and server', async () => {
    expect((await create(dockerOptions('x.azurecr.io', account('u', canary)))).status).toBe(200)
    expect(await refusal(dockerOptions('x.azurecr.io', account('', canary)))).toContain('User is required')
    expect(await refusal(dockerOptions('x.azurecr.io', account('u', '')))).toContain('Password is required')
    expect(await refusal(dockerOptions('', account('u', canary)))).toContain('Server is required')
    expect(await refusal(dockerOptions('x.azurecr.io', account('u:x', canary)))).toContain('no colon')
  })

  test('none is ever given back, or to be read in the database or the log', async () => {
    const made = await create(dockerOptions('x.azurecr.io', account('u', canary)))
    expect(made.text).not.toContain(canary)
    expect((await connected.call('GET', `${integrations()}/${made.body.id}`)).text).not.toContain(canary)
    expect(await plaintextHits(connected.api, [canary])).toEqual([])
  })
})

describe('what pulls with them', () => {
  async function configOf(options: object): Promise<{ auths: Record<string, Record<string, string>> }> {
    const id = await connected.addIntegration(options)
    const { body } = await connected.call('GET', `${integrations()}/${id}`)
    const { api } = connected
    const credentials = await openCredentials(api.deps, { orgId: api.orgId, id, version: body.version })
    const config = await dockerConfig(api.deps, credentials)
    expect(JSON.stringify({ config })).not.toContain(config.reveal())
    return JSON.parse(Buffer.from(config.reveal(), 'base64').toString())
  }

  test('RG-03: the docker configuration’s “auth” logs in at the registry', async () => {
    const { auths } = await configOf(dockerOptions(fake.origin, account('u', 'p')))
    fake.accepted = new Set([basicOf('u', 'p')])
    const headers = { authorization: `Basic ${auths[fake.origin]!.auth}` }
    expect((await fetch(`${fake.origin}/v2/`, { headers })).status).toBe(200)
    expect((await fetch(`${fake.origin}/v2/`)).status).toBe(401)
  })

  test('RG-03: Google’s user is _json_key, and its password the file itself, however it was entered', async () => {
    const text = JSON.stringify(keyFile)
    for (const [user, given, sent] of [
      ['_json_key', text, text],
      ['_json_key', base64(text), text],
      ['_json_key_base64', base64(text), base64(text)],
      ['_json_key_base64', text, base64(text)],
    ] as const) {
      const { auths } = await configOf(dockerOptions('eu.gcr.io', account(user, given)))
      expect(auths).toEqual({ 'eu.gcr.io': { username: user, password: sent, auth: base64(`${user}:${sent}`) } })
    }
  })

  test('RG-04: a location is called by its host, as images are', async () => {
    const { auths } = await configOf(dockerOptions('europe-west3', account('_json_key', JSON.stringify(keyFile))))
    expect(Object.keys(auths)).toEqual(['europe-west3-docker.pkg.dev'])
  })

  test('RG-07: Docker Hub’s has the e-mail address', async () => {
    const { auths } = await configOf(dockerOptions('docker.io', account('u', 'p', { email: 'a@b.c' }) as never))
    expect(auths).toEqual({ 'docker.io': { username: 'u', password: 'p', auth: base64('u:p'), email: 'a@b.c' } })
  })

  test('RG-08: no compute is there to be given them, which is said, and to owners and admins only', async () => {
    const { api } = connected
    const id = await connected.addIntegration(dockerOptions(fake.origin))
    const url = `/compute/registry/orgs/${api.orgId}/integrations/`
    for (const method of ['POST', 'DELETE']) {
      const { status, body, text } = await connected.call(method, `${url}${id}`)
      expect([status, body.code]).toEqual([424, 'compute.not_set_up'])
      expect(text).not.toContain('auths')
      expect((await connected.call(method, `${url}${'0'.repeat(24)}`)).body.code).toBe('integration.not_found')
    }
    const member = await api.addUser('registry-member@example.com', 'member')
    expect((await api.call(member, 'POST', `/api/v1${url}${id}`)).status).toBe(403)
  })
})

describe('RG-10: a trial of the integration', () => {
  const code = async (options: object) => {
    const { status, body, text } = await trial(await connected.addIntegration(options))
    expect(text).not.toContain('CANARY')
    return status === 204 ? 'accepted' : body.code
  }

  test('is the registry’s handshake', async () => {
    fake.accepted = new Set([basicOf('u', 'p')])
    expect(await code(dockerOptions(fake.origin, account('u', 'p')))).toBe('accepted')
    expect(fake.seen.map(({ url }) => url)).toEqual(['/v2/', '/v2/'])
  })

  test('says what is wrong', async () => {
    fake.accepted = new Set([basicOf('u', 'p')])
    expect(await code(dockerOptions(fake.origin, account('u', canary)))).toBe('storage.bad_credentials')
    expect(await code(dockerOptions('http://registry.invalid:5000', account('u', canary)))).toBe('storage.unreachable')
    fake.challenge = 'Bearer realm="https://evil.example/token"'
    expect(await code(dockerOptions(fake.origin, account('u', 'p')))).toBe('storage.address_denied')
    fake.instead = (_, response) => {
      response.setHeader('content-type', 'text/html').end('<h1>CANARY</h1>')
      return true
    }
    expect(await code(dockerOptions(fake.origin, account('u', 'p')))).toBe('storage.not_a_storage')
  })
})

describe('D14: a storage driver', () => {
  test('is offered for the kind, and reaches the server that its integration was made for only', async () => {
    const kinds = await connected.call('GET', `/orgs/${connected.api.orgId}/availableIntegrations`)
    const kind = kinds.body.find(
      (one: { type: string; isKind: boolean }) => one.isKind && one.type === 'private-registry',
    )
    expect(kind).toMatchObject({ supported: true, driverTypes: ['registry'] })
    fill()
    const other = await startFakeRegistry()
    const integrationId = await connected.addIntegration(dockerOptions(other.origin, account('u', canary)))
    const { status, body } = await connected.sendDriver(integrationId, { server: fake.origin })
    expect([status, body.code]).toEqual([400, 'integration.invalid'])
    expect([fake.seen, other.seen]).toEqual([[], []])
    await other.close()
  })

  test('syncs, streams and refuses everything that would write', async () => {
    const keys = fill()
    const integrationId = await connected.addIntegration(dockerOptions(fake.origin))
    const driver = await connected.sendDriver(integrationId, { server: fake.origin })
    expect(driver.status, driver.text).toBe(200)
    expect(driver.body).toMatchObject({ type: 'registry', state: 'ready', server: fake.origin })
    const datasetId = await connected.addDataset(driver.body.id)
    expect((await connected.sync(datasetId)).body.status).toBe('success')
    const files = await connected.files(datasetId)
    expect(files.map(({ filename }) => filename).toSorted()).toEqual(keys)
    const cat = files.find(({ name }) => name === 'cat.jpg')
    expect(cat.metadata.system.mimetype).toBe('image/jpeg')
    const { owner } = connected.api
    const facts = await Promise.all(
      files.map(async ({ id }) => (await connected.call('GET', `/items/${id}`)).body.metadata.system),
    )
    const blob = { digest: cat.metadata.system.storage.etag, mediaType: 'image/jpeg', size: 4 }
    const manifest = facts.find(({ originalname }) => originalname === 'manifest.json')
    expect(facts.find(({ originalname }) => originalname === 'cat.jpg').artifact).toEqual(blob)
    expect(manifest.artifact).toEqual({
      digest: manifest.storage.etag,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 4,
      layers: [{ ...blob, title: 'cat.jpg' }],
    })
    const stream = await connected.api.call(owner, 'GET', `/api/v1/items/${cat.id}/stream`)
    expect([stream.status, stream.text]).toEqual([200, 'miau'])
    expect(fake.seen.filter(({ method }) => method !== 'GET')).toEqual([])
  })

  test('for public images needs no integration', async () => {
    fill()
    const driver = await connected.sendDriver(null, { server: fake.origin })
    expect(driver.status, driver.text).toBe(200)
    expect(driver.body).toMatchObject({ state: 'ready' })
  })

  test('where the registry lists no repositories they are named', async () => {
    fill()
    fake.hasCatalog = false
    const bare = await connected.sendDriver(null, { server: fake.origin })
    expect([bare.status, bare.body.message]).toEqual([400, expect.stringContaining('name them in the driver')])
    for (const payload of [{ repositories: 'team/app' }, { repositories: 'a, team/app', path: 'team/app' }]) {
      const driver = await connected.sendDriver(null, { server: fake.origin, ...payload })
      expect(driver.status, driver.text).toBe(200)
      const datasetId = await connected.addDataset(driver.body.id)
      await connected.sync(datasetId)
      expect(await connected.files(datasetId)).toHaveLength(2)
    }
  })

  test.each([
    [{}, 'payload.server'],
    [{ server: 'http://x/with/path' }, 'payload.server'],
    [{ server: 'x.example', repositories: 'UPPER' }, 'payload.repositories'],
    [{ server: 'x.example', repositories: 'x.example/app:v1' }, 'payload.repositories'],
  ])('described as %j is refused with the field', async (payload, path) => {
    const { status, body } = await connected.sendDriver(null, payload)
    expect([status, body.code, body.details.map((one: { path: string }) => one.path)]).toEqual([
      400,
      'driver.invalid',
      [path],
    ])
  })

  test('whose password was changed in the registry says so, and goes on with a new one', async () => {
    fill()
    fake.accepted = new Set([basicOf('u', 'old')])
    const integrationId = await connected.addIntegration(dockerOptions(fake.origin, account('u', 'old')))
    const driver = await connected.sendDriver(integrationId, { server: fake.origin })
    fake.accepted = new Set([basicOf('u', 'new')])
    expect((await connected.call('GET', `/drivers/${driver.body.id}/test`)).body.code).toBe('storage.bad_credentials')
    const change = { type: 'private-registry', options: dockerOptions(fake.origin, account('u', 'new')) }
    expect((await connected.call('PATCH', integrations(), { integrationId, credentials: change })).status).toBe(200)
    expect((await connected.call('GET', `/drivers/${driver.body.id}/test`)).status).toBe(204)
  })
})
