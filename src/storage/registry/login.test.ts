// Proves where a registry's password goes and where it does not, that tokens are asked for no more than needed, and how each refusal is told.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { type FakeRegistry, type Seen, startFakeRegistry } from '#test/fakes/registry.ts'
import { account, basic, eachOnFakeRegistry, failureOf, keysOf, kindOf } from '#test/support/fake-registry.ts'
import { type RegistryOptions, tryRegistry } from './registry.ts'

let fake: FakeRegistry
const { addImage, open } = eachOnFakeRegistry((started) => {
  fake = started
})

const ping = (more: Partial<RegistryOptions> = {}) => tryRegistry({ origin: fake.origin, account, ...more })

describe('logging in', () => {
  test('by password: only when asked, and without asking twice from then on', async () => {
    fake.accepted = new Set([basic])
    addImage('a', 'v')
    const storage = open()
    await keysOf(storage)
    expect(fake.seen.map(({ authorization }) => authorization)).toEqual([undefined, basic, basic, basic])
  })

  test('a wrong password and a missing one are told', async () => {
    fake.accepted = new Set(['Basic other'])
    expect(await kindOf(ping())).toBe('bad-credentials')
    expect(await kindOf(ping({ account: null }))).toBe('bad-credentials')
  })

  test('a host where nothing listens, and one that is no registry, are told', async () => {
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>CANARY</h1>'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    expect(await kindOf(ping({ origin }))).toBe('not-a-storage')
    expect(await kindOf(ping({ origin: origin.replace('http:', 'https:') }))).toBe('tls')
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
    expect(await kindOf(ping({ origin }))).toBe('unreachable')
  })

  test('a host that says nothing is unreachable, and nobody has stopped anything', async () => {
    fake.instead = () => true
    expect(await kindOf(tryRegistry({ origin: fake.origin, account }, 100))).toBe('unreachable')
  })

  describe('by token', () => {
    let asked: Seen[]
    let answer: object
    beforeEach(() => {
      asked = []
      answer = { token: 'T1', expires_in: 300 }
      fake.accepted = new Set(['Bearer T1', 'Bearer T2'])
      fake.challenge = `Bearer realm="${fake.origin}/token",service="s",scope="repository:a:pull,push,delete repository:b:pull"`
      fake.instead = (request, response) => {
        if (!request.url.startsWith('/token')) return false
        asked.push(request)
        response.end(JSON.stringify(answer))
        return true
      }
    })

    test('asks for what is needed and no more, once for each repository, and sends the password nowhere else', async () => {
      addImage('a', 'v')
      addImage('b', 'v')
      const storage = open()
      expect(await keysOf(storage)).toHaveLength(6)
      await keysOf(storage)
      const scopes = asked.map(({ url }) => new URL(url, fake.origin).searchParams.get('scope'))
      expect(scopes.toSorted()).toEqual(['registry:catalog:*', 'repository:a:pull', 'repository:b:pull'])
      for (const { url, authorization } of fake.seen) {
        expect(authorization ?? '').toMatch(url.startsWith('/token') ? basic : /^(Bearer T1)?$/)
      }
    })

    test('requests at once wait for one token together', async () => {
      const { key } = addImage('a', 'v')
      const storage = open()
      await Promise.all(Array.from({ length: 12 }, () => storage.stat(key)))
      expect(asked).toHaveLength(1)
      fake.accepted = new Set(['Bearer T2'])
      answer = { token: 'T2' }
      await Promise.all(Array.from({ length: 12 }, () => storage.stat(key)))
      expect(asked).toHaveLength(2)
    })

    test('gets another token when one has ended', async () => {
      addImage('a', 'v')
      answer = { access_token: 'T1', expires_in: 300 }
      const storage = open({ repositories: ['a'] })
      vi.useFakeTimers({ toFake: ['Date'] })
      try {
        await keysOf(storage)
        vi.setSystemTime(Date.now() + 269_000)
        await keysOf(storage)
        expect(asked).toHaveLength(1)
        vi.setSystemTime(Date.now() + 2_000)
        await keysOf(storage)
        expect(asked).toHaveLength(2)
      } finally {
        vi.useRealTimers()
      }
    })

    test.each([
      ['another host', () => 'http://token.example/token'],
      ['another port', (host: string) => `http://${host.replace(/\d+$/, '1')}/token`],
      ['a name that only begins alike', (host: string) => `http://${host}.example/token`],
      ['a user in it', (host: string) => `http://x@${host}/token`],
      ['no address', () => 'token'],
      ['a file', () => 'file:///etc/passwd'],
    ])('sends no password to a realm that is %s', async (_, realmOf) => {
      fake.challenge = `Bearer realm="${realmOf(fake.host)}",service="s"`
      const failure = await failureOf(ping())
      expect(failure.kind).toBe('address-denied')
      expect(fake.seen.every(({ authorization }) => authorization === undefined)).toBe(true)
    })

    test('sends it to another host that the operator allows this registry', async () => {
      const service = await startFakeRegistry()
      service.instead = (_, response) => {
        response.end(JSON.stringify({ token: 'T2' }))
        return true
      }
      fake.challenge = `Bearer realm="${service.origin}/t?x=1",service="s"`
      const allowedRealms = [{ registry: fake.host, realm: service.host }]
      expect(await kindOf(ping({ allowedRealms: [{ registry: 'other.example', realm: service.host }] }))).toBe(
        'address-denied',
      )
      await ping({ allowedRealms })
      expect(service.seen).toEqual([expect.objectContaining({ url: '/t?x=1&service=s', authorization: basic })])
      await service.close()
    })

    test('follows no redirect of the token service', async () => {
      fake.instead = (request, response) => {
        if (!request.url.startsWith('/token')) return false
        response.writeHead(307, { location: 'http://evil.example/' }).end()
        return true
      }
      expect(await kindOf(ping())).toBe('not-a-storage')
    })

    test.each([
      [401, 'bad-credentials'],
      [403, 'bad-credentials'],
      [429, 'throttled'],
      [500, 'unavailable'],
    ])('a token service that answers %i', async (status, kind) => {
      fake.instead = (request, response) => {
        if (!request.url.startsWith('/token')) return false
        response.writeHead(status, { 'retry-after': '7' }).end('CANARY')
        return true
      }
      const failure = await failureOf(ping())
      expect(failure.kind).toBe(kind)
      if (kind === 'throttled') expect(failure.facts.retryAfterMs).toBe(7000)
    })

    test.each([
      ['no JSON', 'CANARY'],
      ['no token', '{"CANARY": 1}'],
      ['a token that is two headers', JSON.stringify({ token: 'x\r\nevil: 1' })],
      ['an endless token', JSON.stringify({ token: 'x'.repeat(20_000) })],
      ['an endless answer', JSON.stringify({ token: 'x', more: 'x'.repeat(100_000) })],
    ])('takes no token from an answer with %s', async (_, text) => {
      fake.instead = (request, response) => {
        if (!request.url.startsWith('/token')) return false
        response.end(text)
        return true
      }
      expect(await kindOf(ping())).toBe('invalid')
    })

    test('a repository that is denied although the log-in was good is no wrong password', async () => {
      addImage('a', 'v')
      answer = { token: 'nothing' }
      expect(await kindOf(keysOf(open({ repositories: ['a'] })))).toBe('forbidden')
    })

    test('Azure’s refresh token is exchanged by a form', async () => {
      const refresh = {
        kind: 'password',
        username: '00000000-0000-0000-0000-000000000000',
        password: new Secret('CANARY-refresh'),
      } as const
      await ping({ account: refresh })
      expect(asked).toEqual([
        expect.objectContaining({
          method: 'POST',
          authorization: undefined,
          body: 'service=s&grant_type=refresh_token&refresh_token=CANARY-refresh',
        }),
      ])
    })
  })
})
