// Proves every way to log in to Azure, against Azurite over https and a stand-in for Entra: tokens, addresses signed by a key of the log-in, shared access
// signatures with few rights; that what is wrong is told apart by code; and that nothing is ever used that nobody gave.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { Secret } from '#lib/secret.ts'
import { type AzureOptions, createAzureStorage } from '#storage/azure/azure.ts'
import type { AzureLogin } from '#storage/azure/credentials.ts'
import type { CheckOptions, CheckReport } from '#storage/port.ts'
import { type Azurite, missingForAzurite, startAzurite } from '../emulators/azurite.ts'
import { type FakeEntra, startEntra } from '../fakes/entra.ts'
import { type ConnectionSpec, connectStorage } from '../support/sync.ts'

const missing = await missingForAzurite()
if (missing !== null) console.warn(`LEFT OUT: log-ins to Azurite; ${missing}.`)

const application = {
  tenantId: '11111111-1111-1111-1111-111111111111',
  clientId: '22222222-2222-2222-2222-222222222222',
  secret: 'canary-client-secret',
  assertion: 'canary.token.of-the-platform',
}
const { tenantId, clientId } = application

describe.skipIf(missing !== null)('log-ins to Azure', () => {
  let azurite: Azurite
  let entra: FakeEntra
  let folder: string
  const container = 'photos'

  beforeAll(async () => {
    azurite = await startAzurite({ hasTokens: true })
    entra = await startEntra(application)
    folder = await mkdtemp(join(tmpdir(), 'sluice-entra-'))
    await (await azurite.createContainer(container)).getBlockBlobClient('folder/a b.txt').upload('bytes', 5)
  })
  afterAll(async () => {
    await azurite?.stop()
    await entra?.close()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(() => entra.answerWith(null))

  const byToken = (login: AzureLogin): AzureOptions => ({
    account: azurite.account,
    container,
    endpoint: azurite.endpoint,
    credentials: { kind: 'token', login },
  })
  const bySecret = (change: Partial<typeof application> = {}): AzureOptions => {
    const { secret, ...rest } = { ...application, ...change }
    return byToken({ by: 'client-secret', clientSecret: new Secret(secret), authority: entra.url, ...rest })
  }

  async function check(options: AzureOptions, how: Partial<CheckOptions> = {}): Promise<CheckReport> {
    const storage = createAzureStorage(options)
    try {
      return await storage.check({ folder: 'folder/', allowDelete: true, ...how })
    } finally {
      await storage.close()
    }
  }

  /** The one code that every probe failed with. */
  async function codeOf(options: AzureOptions): Promise<string | undefined> {
    const { ok, probes } = await check(options)
    expect(ok).toBe(false)
    const codes = new Set(probes.map(({ code }) => code).filter((code) => code !== 'storage.unsupported'))
    expect([...codes]).toHaveLength(1)
    for (const { message } of probes) expect(message).not.toMatch(/canary|marker-of|sig=|<\w+>/)
    return codes.values().next().value
  }

  describe('a client secret', () => {
    test('passes every probe, with an address signed by a key of the log-in', async () => {
      const { ok, probes } = await check(bySecret())
      expect([ok, probes.filter((probe) => !probe.ok)]).toEqual([true, []])
      const storage = createAzureStorage(bySecret())
      const signed = await storage.signRead('folder/a b.txt', { ttlSeconds: 60, contentType: 'text/x' })
      const query = new URL(signed.url).searchParams
      expect(['sr', 'sp', 'spr', 'skoid'].map((name) => query.get(name))).toEqual([
        'b',
        'r',
        'https',
        '00000000-0000-0000-0000-00000000000f',
      ])
      const answer = await fetch(signed.url)
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'text/x', 'bytes'])
      expect((await fetch(signed.url.replace('a%20b', 'other'))).status).toBe(403)
      await storage.close()
    })

    test('logs in once for many calls at the same time, and again only before a token ends', async () => {
      const before = entra.logIns.length
      const storage = createAzureStorage(bySecret())
      await Promise.all(Array.from({ length: 20 }, () => storage.stat('folder/a b.txt')))
      for (const page of await Promise.all([storage.list({ prefix: '' }), storage.list({ prefix: 'x' })]))
        page.release()
      expect(entra.logIns.length - before).toBe(1)
      await storage.close()
      // A token that ends within the time kept in reserve is good for the calls that wait for it, and for no later one.
      entra.lifeSeconds = 120
      const short = createAzureStorage(bySecret())
      for (let i = 0; i < 3; i++) (await short.list({ prefix: '' })).release()
      entra.lifeSeconds = 3600
      expect(entra.logIns.length - before).toBe(4)
      await short.close()
    })

    test.each([
      ['the secret', { secret: 'canary-wrong' }, 'storage.bad_credentials'],
      ['the application', { clientId: tenantId }, 'storage.bad_credentials'],
      ['the directory', { tenantId: clientId }, 'storage.bad_credentials'],
    ])('a wrong one: %s', async (_, change, code) => {
      expect(await codeOf(bySecret(change))).toBe(code)
    })

    test.each([
      [
        'a secret that has ended',
        { status: 401, body: '{"error":"invalid_client","error_codes":[7000222]}' },
        'storage.expired_credentials',
      ],
      ['a page', { status: 200, body: '<html>canary</html>' }, 'storage.invalid_answer'],
      ['a refusal that is none of Entra’s', { status: 403, body: 'canary' }, 'storage.not_a_storage'],
      ['a refusal that is too long', { status: 400, body: 'x'.repeat(100_000) }, 'storage.not_a_storage'],
      ['throttling', { status: 429, body: '{}', headers: { 'retry-after': '1' } }, 'storage.throttled'],
      ['a failure', { status: 503, body: '' }, 'storage.unavailable'],
      ['a redirect', { status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } }, 'storage.not_a_storage'],
    ])('an Entra that answers with %s', async (_, answer, code) => {
      entra.answerWith(answer)
      const storage = createAzureStorage(bySecret())
      await expect(storage.list({ prefix: '' })).rejects.toMatchObject({ name: 'StorageError' })
      const report = await storage.check({ folder: '', allowDelete: false })
      expect(report.probes[0]?.code).toBe(code)
      expect(JSON.stringify(report)).not.toContain('canary')
      await storage.close()
    })

    test('an Entra that nobody reaches', async () => {
      const options = bySecret()
      const login = { ...(options.credentials as { login: AzureLogin }).login, authority: 'http://127.0.0.1:9' }
      expect(await codeOf({ ...options, credentials: { kind: 'token', login: login as AzureLogin } })).toBe(
        'storage.unreachable',
      )
    })
  })

  describe('through the API', () => {
    /** A server whose operator has set what is given. */
    async function open(spec: ConnectionSpec, settings: Record<string, string> = {}) {
      const config = readConfig({
        SLUICE_DATA_DIR: folder,
        SLUICE_AZURE_AUTHORITY: entra.url,
        SLUICE_AZURE_ENDPOINT: azurite.endpoint,
        ...settings,
      })
      return connectStorage(spec, { config })
    }
    const driver = (type = 'azureblob') => ({
      type,
      payload: { containerName: container, endpoint: azurite.endpoint, path: 'folder' },
    })

    test('a driver of each kind of account by a client secret is made, synced and streamed', async () => {
      for (const type of ['azureblob', 'azureDatalakeGen2']) {
        const options = { key: azurite.account, secret: application.secret, clientId, tenantId }
        const synced = await open({ integration: { type: 'azureblob', options }, driver: driver(type) })
        const datasetId = await synced.addDataset({ sync: true })
        await synced.work()
        expect(await synced.items(datasetId)).toEqual(['a b.txt'])
        const { body } = await synced.api.call(synced.api.owner, 'POST', `/api/v1/datasets/${datasetId}/query`, {
          json: { filter: {}, page: 0, pageSize: 10, resource: 'items' },
        })
        const item = body.items.find((one: { type: string }) => one.type === 'file')
        const answer = await synced.api.call(synced.api.owner, 'GET', `/api/v1/items/${item.id}/stream`)
        expect(await (await fetch(String(answer.headers.location))).text()).toBe('bytes')
        expect(synced.api.logs()).not.toMatch(/canary|sig=/)
        await synced.close()
      }
    })

    test('tokens and signatures are sent to no endpoint of a tenant’s choice', async () => {
      const options = { key: azurite.account, secret: application.secret, clientId, tenantId }
      const spec = { integration: { type: 'azureblob', options }, driver: driver() }
      const before = entra.logIns.length
      await expect(open(spec, { SLUICE_AZURE_ENDPOINT: '' })).rejects.toThrow(/driver\.invalid.*account key fits/s)
      const sas = { type: 'azure-sas', options: { key: azurite.account, secret: 'sv=1&sig=canary' } }
      await expect(open({ ...spec, integration: sas }, { SLUICE_AZURE_ENDPOINT: '' })).rejects.toThrow(
        /driver\.invalid/,
      )
      expect(entra.logIns.length).toBe(before)
    })

    test('a federated credential needs no secret, and only its own organization’s token is used', async () => {
      const integration = {
        type: 'azure-workload-identity-federation',
        options: { key: azurite.account, clientId, tenantId },
      }
      const spec = { integration, driver: driver() }
      await expect(open(spec)).rejects.toThrow(/SLUICE_AZURE_FEDERATED_TOKEN_FILE.*integration\.not_supported/s)
      const file = { SLUICE_AZURE_FEDERATED_TOKEN_FILE: join(folder, '{org}.token') }
      await expect(open(spec, file)).rejects.toThrow(/storage\.bad_credentials|check_failed/)
      // Every test organization has another id: the one file stands for all of them.
      const shared = join(folder, 'platform.token')
      await writeFile(shared, `${application.assertion}\n`)
      const login: AzureLogin = { by: 'federated', tokenFile: shared, tenantId, clientId, authority: entra.url }
      expect((await check(byToken(login))).ok).toBe(true)
      expect(entra.logIns.at(-1)).toBe('federated')
      await writeFile(shared, 'another')
      expect(await codeOf(byToken(login))).toBe('storage.bad_credentials')
    })

    test('the machine’s own identity is used by organizations the operator named, and by nobody else', async () => {
      const spec = {
        integration: { type: 'azure-managed-identity', options: { key: azurite.account } },
        driver: driver(),
      }
      const settings = { SLUICE_AZURE_MANAGED_IDENTITY_ENDPOINT: entra.url }
      const before = entra.logIns.length
      await expect(open(spec, settings)).rejects.toThrow(/MANAGED_IDENTITY_ORGS.*integration\.not_supported/s)
      const others = { ...settings, SLUICE_AZURE_MANAGED_IDENTITY_ORGS: 'f'.repeat(24) }
      await expect(open(spec, others)).rejects.toThrow(/integration\.not_supported/)
      // Nothing that is missing makes it be used.
      const empty = { type: 'azureblob', options: { key: azurite.account, secret: '', clientId: '', tenantId: '' } }
      await expect(open({ ...spec, integration: empty }, others)).rejects.toThrow(/integration\.invalid/)
      expect(entra.logIns.length).toBe(before)
      const report = await check(byToken({ by: 'managed-identity', endpoint: entra.url }))
      expect([report.ok, entra.logIns.at(-1)]).toEqual([true, 'managed-identity'])
    })

    test('a connection string opens a driver, and leads nowhere but to its account', async () => {
      const { account, accountKey } = azurite
      const connectionString = `DefaultEndpointsProtocol=https;AccountName=${account};AccountKey=${accountKey};EndpointSuffix=core.windows.net`
      const type = 'azure-connection-string'
      const synced = await open({ integration: { type, options: { connectionString } }, driver: driver() })
      await synced.close()
      const hostile = `${connectionString};BlobEndpoint=${entra.url}`
      const made = open({ integration: { type, options: { connectionString: hostile } }, driver: driver() })
      await expect(made).rejects.toThrow(/integration\.invalid.*blob endpoint/s)
    })
  })

  describe('a shared access signature', () => {
    const sasOf = (permissions: string, endsMs = Date.now() + 600_000) =>
      generateBlobSASQueryParameters(
        {
          containerName: container,
          permissions: ContainerSASPermissions.parse(permissions),
          expiresOn: new Date(endsMs),
          startsOn: new Date(Date.now() - 3600_000),
        },
        new StorageSharedKeyCredential(azurite.account, azurite.accountKey),
      ).toString()
    const bySas = (sas: string): AzureOptions => ({
      account: azurite.account,
      container,
      endpoint: azurite.endpoint,
      credentials: { kind: 'sas', sas: new Secret(sas) },
    })

    test('with all rights passes, and signs nothing: files go through the server', async () => {
      const { ok, probes } = await check(bySas(sasOf('rcwdl')))
      expect([ok, probes.filter((probe) => !probe.ok).map(({ name }) => name)]).toEqual([true, ['sign']])
      const storage = createAzureStorage(bySas(`?${sasOf('rl')}`))
      const opened = await storage.read('folder/a b.txt')
      opened.body.destroy()
      expect(opened.entry.sizeBytes).toBe(5)
      await storage.close()
    })

    test('with few rights fails by right, and says which to grant', async () => {
      const { ok, probes } = await check(bySas(sasOf('rl')))
      expect(ok).toBe(false)
      expect(probes.slice(0, 2).map(({ name, code }) => [name, code])).toEqual([
        ['list', undefined],
        ['write', 'storage.denied'],
      ])
      expect(probes[1]?.message).toContain('Write (w)')
      const noList = await check(bySas(sasOf('rcwd')))
      expect(noList.probes[0]).toMatchObject({ ok: false, code: 'storage.denied' })
      const noDelete = await check(bySas(sasOf('rcwl')), { allowDelete: false })
      expect([noDelete.ok, noDelete.probes.at(-1)]).toEqual([
        true,
        expect.objectContaining({ name: 'delete', optional: true, code: 'storage.denied' }),
      ])
    })

    test('that has ended, or was bent', async () => {
      expect(await codeOf(bySas(sasOf('rcwdl', Date.now() - 60_000)))).toBe('storage.expired_credentials')
      const bent = sasOf('rl').replace('sp=rl', 'sp=rwl')
      expect((await check(bySas(bent))).probes[0]?.ok).toBe(false)
    })
  })

  describe('an account key', () => {
    const byKey = (change: Partial<AzureOptions> = {}, accountKey = azurite.accountKey): AzureOptions => ({
      account: azurite.account,
      container,
      endpoint: azurite.endpoint,
      credentials: { kind: 'account-key', accountKey: new Secret(accountKey) },
      ...change,
    })

    test('wrong key, container, port, host and scheme each have their code', async () => {
      const { port } = new URL(azurite.endpoint)
      const wrongKey = Buffer.alloc(64, 1).toString('base64')
      const codes = {
        key: await codeOf(byKey({}, wrongKey)),
        container: await codeOf(byKey({ container: 'no-such-container' })),
        port: await codeOf(byKey({ endpoint: 'https://127.0.0.1:9' })),
        host: await codeOf(byKey({ endpoint: 'https://storage.invalid' })),
        notHttps: await codeOf(byKey({ endpoint: entra.url.replace('http:', 'https:') })),
        otherName: await codeOf(byKey({ endpoint: `https://127.0.0.2:${port}` })),
        noStorage: await codeOf(byKey({ endpoint: entra.url })),
      }
      expect(codes).toEqual({
        key: 'storage.bad_credentials',
        container: 'storage.unknown_bucket',
        port: 'storage.unreachable',
        host: 'storage.unreachable',
        notHttps: 'storage.tls_failed',
        otherName: expect.stringMatching(/^storage\.(tls_failed|unreachable)$/),
        noStorage: 'storage.not_a_storage',
      })
    })

    test('a missing container is never an absent blob', async () => {
      const storage = createAzureStorage(byKey({ container: 'no-such-container' }))
      await expect(storage.stat('any')).rejects.toMatchObject({ kind: 'unknown-bucket' })
      await expect(storage.read('any')).rejects.toMatchObject({ kind: 'unknown-bucket' })
      await storage.close()
    })
  })
})
