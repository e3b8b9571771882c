// Proves that a storage signs with a role's session keys through many expiries, and with nothing of the machine it runs on.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { renderPage } from '../../../test/fakes/listing-page.ts'
import { signerOf } from '../../../test/fakes/signature.ts'
import { type FakeSts, startFakeSts } from '../../../test/fakes/sts.ts'
import { openEgress } from '../egress.ts'
import type { WalkRange } from '../walk/walk.ts'
import { walk } from '../walk/walk.ts'
import { assumeOnce, type RoleLogin } from './role.ts'
import { createS3Storage, type S3Options } from './s3.ts'

const user = { secret: 'users/secret+1', arn: 'arn:aws:iam::123456789012:user/u' }
const roleArn = 'arn:aws:iam::123456789012:role/r'
const clock = { nowMs: Date.UTC(2026, 0, 1), now: () => clock.nowMs }
const PAGES = 400
const LIFE_MS = 4_000

let sts: FakeSts
/** A bucket of `PAGES` pages that takes the sessions of `sts` while they live; each page takes a second of its clock. */
let bucket: { origin: string; refusals: string[]; unsigned: number; close(): void }

beforeAll(async () => {
  sts = await startFakeSts({ users: { AKIAUSER0001: user }, lifeMs: LIFE_MS, now: clock.now, webToken: 'web-token' })
  const refusals: string[] = []
  const state = { unsigned: 0 }
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const isSigned = request.headers.authorization !== undefined || request.url!.includes('X-Amz-Signature')
    if (!isSigned) state.unsigned++
    const signer = signerOf(request, null, (id) => sts.sessions.find(({ keyId }) => keyId === id))
    const session = 'keyId' in signer ? sts.sessions.find(({ keyId }) => keyId === signer.keyId) : undefined
    const code = session === undefined ? 'AccessDenied' : session.expiresAtMs <= clock.nowMs ? 'ExpiredToken' : null
    clock.nowMs += 1000
    if (code !== null && isSigned) {
      refusals.push(code)
      response.statusCode = code === 'AccessDenied' ? 403 : 400
      response.end(`<Error><Code>${code}</Code></Error>`)
      return
    }
    const query = new URL(request.url!, 'http://x').searchParams
    if (!query.has('list-type')) {
      response.setHeader('content-length', 7)
      response.end('content')
      return
    }
    const page = Number(query.get('continuation-token') ?? query.get('start-after') ?? '0')
    const entries = page >= PAGES ? [] : [{ key: String(page + 1).padStart(6, '0') }]
    response.end(renderPage({ entries, ...(page + 1 < PAGES && { token: String(page + 1) }) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  bucket = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refusals,
    get unsigned() {
      return state.unsigned
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
})
afterAll(async () => {
  await sts?.close()
  bucket?.close()
})
beforeEach(() => {
  sts.requests.length = 0
  sts.roles.clear()
  sts.roles.set(roleArn, { Statement: [{ Effect: 'Allow', Principal: { AWS: user.arn }, Action: 'sts:AssumeRole' }] })
})
afterEach(() => vi.unstubAllEnvs())

const key = { kind: 'key', accessKeyId: 'AKIAUSER0001', secretAccessKey: new Secret(user.secret) } as const
const login = (change: Partial<RoleLogin> = {}): RoleLogin => ({
  roleArns: [roleArn],
  sessionName: 'org',
  identity: key,
  stsEndpoint: sts.endpoint,
  ...change,
})
const open = (change: Partial<S3Options> = {}) =>
  createS3Storage({ bucket: 'bucket', endpoint: bucket.origin, role: login(), clock, ...change })
const surroundings = { region: 'eu-west-1', egress: openEgress, clock }

test('a listing goes on through a hundred expiries, and the bucket never sees an expired session', async () => {
  const storage = open()
  bucket.refusals.length = 0
  const range: WalkRange = {
    no: 0,
    from: Buffer.alloc(0),
    to: null,
    cursor: Buffer.alloc(0),
    isDone: false,
    keys: 0,
  }
  let listed = 0
  await walk({
    storage,
    prefix: '',
    ranges: [range],
    connectionsMax: 1,
    mayListBelow: false,
    signal: new AbortController().signal,
    cost: { requests: 0 },
    onPage: (_range, page) => {
      while (page.entries.next()) listed++
    },
    onRange: () => {},
  })
  await storage.close()
  expect(listed).toBe(PAGES)
  expect(bucket.refusals).toEqual([])
  expect(sts.requests.length).toBeGreaterThanOrEqual(100)
  expect(sts.requests.every(({ refusal }) => refusal === '')).toBe(true)
})

test('calls on single objects sign with the renewed keys too', async () => {
  const storage = open()
  bucket.refusals.length = 0
  for (let call = 0; call < 20; call++) {
    clock.nowMs += LIFE_MS
    const opened = await storage.read('a')
    opened.body.destroy()
  }
  await storage.close()
  expect(bucket.refusals).toEqual([])
  expect(sts.requests.length).toBe(20)
})

test('keys that the storage calls expired too early are given up, and the call is made once more', async () => {
  const storage = open()
  await storage.stat('a')
  const [last] = sts.sessions.slice(-1)
  // The service took the session back: from now on it is expired, whatever was said.
  Object.assign(last!, { expiresAtMs: 0 })
  bucket.refusals.length = 0
  expect((await storage.list({ prefix: '' })).count).toBe(1)
  expect(bucket.refusals).toEqual(['ExpiredToken'])
  await storage.close()
})

test('a signed address lives no longer than its session', async () => {
  const storage = open()
  const signed = await storage.signRead('a', { ttlSeconds: 900 })
  const seconds = Number(new URL(signed.url).searchParams.get('X-Amz-Expires'))
  expect(seconds).toBeGreaterThanOrEqual(1)
  expect(seconds).toBeLessThanOrEqual(LIFE_MS / 1000)
  expect(signed.expiresAtMs).toBeLessThanOrEqual(sts.sessions.at(-1)!.expiresAtMs)
  expect(new URL(signed.url).searchParams.get('X-Amz-Security-Token')).toBe(sts.sessions.at(-1)!.token)
  const written = await storage.signWrite('a', { ttlSeconds: 900 })
  expect(written.expiresAtMs).toBeLessThanOrEqual(sts.sessions.at(-1)!.expiresAtMs)
  await storage.close()
})

describe('roles', () => {
  test('are tried in order; the first that lets in counts', async () => {
    const roleArns = ['arn:aws:iam::123456789012:role/none', roleArn]
    await assumeOnce(login({ roleArns }), surroundings)
    expect(sts.requests.map((request) => [request.roleArn, request.refusal])).toEqual([
      [roleArns[0], 'AccessDenied'],
      [roleArn, ''],
    ])
  })

  test.each([
    ['a role that does not let in', { roleArns: ['arn:aws:iam::123456789012:role/none'] }, 'role-denied'],
    ['a wrong secret', { identity: { ...key, secretAccessKey: new Secret('wrong') } }, 'bad-credentials'],
    ['an unknown key', { identity: { ...key, accessKeyId: 'AKIANOBODY01' } }, 'bad-credentials'],
  ])('%s is told apart, and nothing of the service’s sentence is repeated', async (_what, change, kind) => {
    const failure = await assumeOnce(login(change), surroundings).catch((error: unknown) => error)
    expect(failure).toMatchObject({ kind })
    expect(String((failure as Error).message)).not.toContain('a sentence of the service')
    const storage = open({ role: login(change) })
    const report = await storage.check({ folder: '', allowDelete: false })
    expect(new Set(report.probes.map(({ code }) => code)).size).toBe(1)
    await storage.close()
  })
})

describe('identities of the machine', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-identity-'))
    await writeFile(join(folder, 'token'), 'web-token\n')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('a web identity gets its own role first, and asks for the other with that', async () => {
    const own = 'arn:aws:iam::210987654321:role/sluice'
    sts.roles.set(own, { Statement: [] })
    sts.roles.set(roleArn, { Statement: [{ Effect: 'Allow', Principal: { AWS: own }, Action: 'sts:AssumeRole' }] })
    const identity = { kind: 'web-identity', roleArn: own, tokenFile: join(folder, 'token') } as const
    await assumeOnce(login({ identity }), surroundings)
    expect(sts.requests.map(({ action, roleArn: arn }) => [action, arn])).toEqual([
      ['AssumeRoleWithWebIdentity', own],
      ['AssumeRole', roleArn],
    ])
    const lost = { ...identity, tokenFile: join(folder, 'gone') }
    await expect(assumeOnce(login({ identity: lost }), surroundings)).rejects.toMatchObject({ kind: 'bad-credentials' })
  })

  test('a pod identity comes from its agent, by the token of the pod', async () => {
    const agent = createServer((request, response) => {
      response.statusCode = request.headers.authorization === 'web-token' ? 200 : 401
      const Expiration = new Date(clock.nowMs + 60_000).toISOString()
      response.end(
        JSON.stringify({ AccessKeyId: 'AKIAUSER0001', SecretAccessKey: user.secret, Token: 'pod', Expiration }),
      )
    })
    await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(agent.address() as AddressInfo).port}/v1/credentials`
    const identity = { kind: 'pod-identity', url, tokenFile: join(folder, 'token') } as const
    // The fake knows the user's key without a token: that it complains of the token shows that the agent's keys were used.
    await expect(assumeOnce(login({ identity }), surroundings)).rejects.toMatchObject({ kind: 'bad-credentials' })
    expect(sts.requests.at(-1)?.refusal).toBe('InvalidToken')
    agent.close()
  })
})

describe('nothing of the machine is ever used', () => {
  /** What cloud machines have around: an environment, and services that would hand keys out. */
  async function withAmbient(work: () => Promise<void>): Promise<number> {
    let asked = 0
    const imds = createServer((_request, response) => {
      asked++
      response.end('ambient')
    })
    await new Promise<void>((resolve) => imds.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(imds.address() as AddressInfo).port}`
    const ambient = {
      AWS_ACCESS_KEY_ID: 'AKIAAMBIENT001',
      AWS_SECRET_ACCESS_KEY: 'ambient',
      AWS_SESSION_TOKEN: 'ambient',
      AWS_PROFILE: 'ambient',
      AWS_REGION: 'ap-south-1',
      AWS_ENDPOINT_URL: origin,
      AWS_ENDPOINT_URL_S3: origin,
      AWS_ENDPOINT_URL_STS: origin,
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: origin,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/creds`,
      AWS_WEB_IDENTITY_TOKEN_FILE: '/etc/hostname',
      AWS_ROLE_ARN: roleArn,
    }
    for (const [name, value] of Object.entries(ambient)) vi.stubEnv(name, value)
    try {
      await work()
    } finally {
      imds.closeAllConnections()
      imds.close()
    }
    return asked
  }

  test('not for a role, whose requests carry the keys they were given', async () => {
    const asked = await withAmbient(async () => {
      const storage = open()
      bucket.refusals.length = 0
      await storage.stat('a')
      await storage.close()
      expect(bucket.refusals).toEqual([])
      expect(sts.requests.map(({ refusal }) => refusal)).toEqual([''])
    })
    expect(asked).toBe(0)
  })

  test('not for a public bucket, whose requests are not signed', async () => {
    const asked = await withAmbient(async () => {
      const storage = open({ role: undefined, isAnonymous: true })
      const before = bucket.unsigned
      expect((await storage.list({ prefix: '' })).count).toBe(1)
      const opened = await storage.read('a')
      opened.body.destroy()
      await storage.stat('a')
      expect(bucket.unsigned - before).toBe(3)
      expect(storage.can).toMatchObject({ write: false, sign_read: false, sign_write: false, remove_batch_max: 0 })
      await expect(storage.write('a', Buffer.alloc(1), { sizeBytes: 1 })).rejects.toMatchObject({ kind: 'unsupported' })
      await expect(storage.remove(['a'])).rejects.toMatchObject({ kind: 'unsupported' })
      expect(() => storage.signRead('a', { ttlSeconds: 60 })).toThrowError(
        expect.objectContaining({ kind: 'unsupported' }),
      )
      await storage.close()
    })
    expect(asked).toBe(0)
  })

  test('not where nothing is named: that is refused', () => {
    expect(() => open({ role: undefined })).toThrowError(TypeError)
    expect(() => open({ role: undefined, accessKeyId: 'a' })).toThrowError(TypeError)
  })
})
