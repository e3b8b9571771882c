// Proves that the registry driver does what a read-only storage must against a real registry (Debian's docker-registry), however one logs in, and tells apart what can be wrong.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { createRegistryStorage, type RegistryOptions, tryRegistry } from '#storage/registry/registry.ts'
import { readOnlyConformance } from '../conformance/read-only.suite.ts'
import { storageConformance } from '../conformance/storage.suite.ts'
import {
  missingForRegistry,
  type Registry,
  type RegistryAuth,
  registryPackages,
  registryUser,
  startRegistry,
} from '../emulators/registry.ts'
import { type ExpectedFile, pushFiles, pushImage, pushIndex } from '../support/artifacts.ts'

const missing = await missingForRegistry()
if (missing.length > 0) {
  console.warn(`LEFT OUT: registries; no ${missing.join(', ')}. Install ${registryPackages}.`)
}

function optionsOf({ origin, realmHost }: Registry, auth: RegistryAuth): RegistryOptions {
  const { username, password } = registryUser
  return {
    origin,
    account: auth === 'none' ? null : { kind: 'password', username, password: new Secret(password) },
    allowedRealms: realmHost === null ? [] : [{ registry: new URL(origin).host, realm: realmHost }],
    repositories: [],
  }
}

async function fill(registry: Registry): Promise<ExpectedFile[]> {
  return [
    ...(await pushImage(registry, 'team/app', 'v1', 'one')).files,
    ...(await pushImage(registry, 'team/app', 'v1-2', 'shared', 3)).files,
    ...(await pushImage(registry, 'team-app/x', 'latest', 'two')).files,
    ...(await pushIndex(registry, 'team/app', 'multi', 'three')),
    ...(await pushFiles(registry, 'team', 'app', { 'cat.jpg': 'miau', 'data/dog é.txt': 'wuff', zebra: 'zz' })),
  ]
}

describe.skipIf(missing.length > 0)('docker-registry', () => {
  storageConformance('Registry against docker-registry', async () => {
    const registry = await startRegistry({ auth: 'token' })
    const keys = (await fill(registry)).map(({ key }) => key)
    const storage = createRegistryStorage(optionsOf(registry, 'token'))
    return {
      storage,
      backdoor: { canName: () => true, keys: async () => keys },
      async close() {
        await storage.close()
        await registry.stop()
      },
    }
  })

  for (const auth of ['none', 'htpasswd', 'token'] as const) {
    readOnlyConformance(`docker-registry with ${auth}`, async () => {
      const registry = await startRegistry({ auth })
      const files = await fill(registry)
      const storage = createRegistryStorage(optionsOf(registry, auth))
      return {
        storage,
        files,
        async close() {
          await storage.close()
          await registry.stop()
        },
      }
    })
  }

  describe.each(['htpasswd', 'token'] as const)('what is wrong is told apart, with %s', (auth) => {
    let registry: Registry
    let options: RegistryOptions
    beforeAll(async () => {
      registry = await startRegistry({ auth })
      await fill(registry)
      options = optionsOf(registry, auth)
    }, 60_000)
    afterAll(async () => registry?.stop())

    const wrong = { kind: 'password', username: registryUser.username, password: new Secret('not-it') } as const
    const check = async (change: Partial<RegistryOptions>) => {
      const storage = createRegistryStorage({ ...options, ...change })
      const report = await storage.check({ folder: '', allowDelete: false })
      await storage.close()
      const codes = report.probes.filter(({ optional }) => !optional).map(({ code }) => code)
      return [report.ok, ...new Set(codes)]
    }

    test('the handshake accepts the right password', async () => {
      await tryRegistry(options)
      expect(await check({})).toEqual([true, undefined])
    })

    test('a wrong password, and none', async () => {
      await expect(tryRegistry({ ...options, account: wrong })).rejects.toMatchObject({ kind: 'bad-credentials' })
      expect(await check({ account: wrong })).toEqual([false, 'storage.bad_credentials'])
      const kind = auth === 'token' ? 'forbidden' : 'bad-credentials'
      await expect(tryRegistry({ ...options, account: null })).rejects.toMatchObject({ kind })
    })

    test('a host that does not exist, and https where there is only http', async () => {
      expect(await check({ origin: 'http://registry.invalid:5000' })).toEqual([false, 'storage.unreachable'])
      expect(await check({ origin: registry.origin.replace('http:', 'https:') })).toEqual([false, 'storage.tls_failed'])
    })

    test('a repository that is not there', async () => {
      expect(await check({ repositories: ['team/nothing'] })).toEqual([false, 'storage.unknown_bucket'])
    })

    // What follows needs a token service.
    if (auth !== 'token') return

    test('a token service on another host is the operator’s to allow', async () => {
      const before = registry.tokenRequests.length
      expect(await check({ allowedRealms: [] })).toEqual([false, 'storage.address_denied'])
      expect(registry.tokenRequests.length).toBe(before)
    })

    test('a repository that is denied is no wrong password, and fails a listing that needs it', async () => {
      registry.denied.add('team-app/x')
      const storage = createRegistryStorage(options)
      await expect(storage.list({ prefix: '' })).rejects.toMatchObject({ kind: 'forbidden' })
      await expect(storage.stat('team-app/x/latest/manifest.json')).rejects.toMatchObject({ kind: 'forbidden' })
      const page = await storage.list({ prefix: 'team/' })
      expect(page.count).toBeGreaterThan(10)
      await storage.close()
      registry.denied.clear()
    })
  })
})
