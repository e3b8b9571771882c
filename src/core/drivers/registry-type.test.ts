// Proves what a driver of a registry opens: which repositories, with whose password, and that no other server gets it.
import { describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { Secret } from '#lib/secret.ts'
import type { RegistryOptions } from '#storage/registry/registry.ts'
import { registryType } from './registry-type.ts'

const auths = {
  'docker.io': { username: 'u', password: 'p', auth: 'dTpw' },
  'europe-west3': { username: '_json_key', password: '{"type":"service_account"}', auth: 'x' },
}
const spec = JSON.stringify({ password: Buffer.from(JSON.stringify({ auths })).toString('base64') })
const credentials = new Map([
  ['name', new Secret('_json_key')],
  ['spec', new Secret(spec)],
])
const integration = { orgId: 'o', id: 'i', type: 'private-registry', trust: null }

function open(payload: Record<string, string>, folder = '', given: typeof credentials | null = credentials) {
  const issues: unknown[] = []
  const config = registryType.check(payload, issues as never)
  expect(issues).toEqual([])
  const context = { settings: readConfig({}), credentials: given, integration, folder, allowDelete: false, known: null }
  return registryType.spec(config, context) as unknown as RegistryOptions
}

describe('repositories', () => {
  test.each([
    [{ server: 'docker.io', repositories: 'alpine, team/app' }, '', ['library/alpine', 'team/app']],
    [{ server: 'docker.io' }, 'team/app/', ['team/app']],
    [{ server: 'docker.io' }, '', []],
    [{ server: 'ghcr.io' }, 'owner/name/', ['owner/name']],
    [{ server: 'registry.example.com' }, 'team/app/', []],
    [{ server: 'registry.example.com', repositories: 'a b,c\nd' }, 'x/', ['a', 'b', 'c', 'd']],
  ])('of %j in the folder “%s” are %j', (payload, folder, wanted) => {
    expect(open(payload, folder, null).repositories).toEqual(wanted)
  })
})

describe('accounts', () => {
  test.each([
    ['docker.io', 'https://registry-1.docker.io', 'u'],
    ['index.docker.io', 'https://registry-1.docker.io', 'u'],
    ['europe-west3-docker.pkg.dev', 'https://europe-west3-docker.pkg.dev', '_json_key'],
  ])('of %s are found by where it answers', (server, origin, username) => {
    expect(open({ server })).toMatchObject({ origin, account: { kind: 'password', username } })
  })

  test.each([
    'docker.io:444',
    'http://europe-west3-docker.pkg.dev',
    'evil.example',
    'docker.io.evil.example',
    'us-west1',
  ])('are given to no other server: %s', (server) => {
    expect(() => open({ server })).toThrowError(expect.objectContaining({ code: 'integration.invalid' }))
  })

  test('without an integration there are none', () => {
    expect(open({ server: 'docker.io' }, '', null).account).toBeNull()
  })
})

test('two drivers reach the same storage when their server answers at the same place', () => {
  const print = (server: string) => registryType.fingerprint({ server }, null)
  expect(print('docker.io')).toBe(print('https://index.docker.io/v1/'))
  expect(print('docker.io')).not.toBe(print('ghcr.io'))
})
