// Proves that the Google Cloud Storage driver takes no faulty answer for a good one, names each fault by its own kind, renews its log-in, and neither follows nor repeats what a storage says.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createGcsStorage, type GcsOptions } from '#storage/gcs/gcs.ts'
import { parseServiceAccount, type ServiceAccount } from '#storage/gcs/service-account.ts'
import type { CheckReport, Storage } from '#storage/port.ts'
import { StorageError, type StorageErrorKind } from '#storage/storage-error.ts'
import { type FakeGcs, startFakeGcs } from '../fakes/gcs.ts'
import type { FakeBucket } from '../fakes/gcs-bucket.ts'
import type { FakeAccount } from '../fakes/gcs-identity.ts'
import { renderGcsPage } from '../fakes/gcs-page.ts'
import type { ScriptedAnswer } from '../fakes/s3-faults.ts'

let fake: FakeGcs
let account: FakeAccount
let bucket: FakeBucket
const made: Storage[] = []

beforeAll(async () => {
  fake = await startFakeGcs()
  account = fake.addAccount()
  bucket = fake.addBucket('bucket')
})
afterEach(() => {
  fake.interfere = null
  fake.identities.tokenSeconds = 3600
})
afterAll(async () => {
  await Promise.all(made.map((storage) => storage.close()))
  await fake.stop()
})

function open(change: Partial<GcsOptions> = {}): Storage {
  const login = { kind: 'key', account: parseServiceAccount(account.keyFile) as ServiceAccount } as const
  const storage = createGcsStorage({ bucket: 'bucket', standIn: fake.endpoint, login, ...change })
  made.push(storage)
  return storage
}

async function failureOf(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    () => expect.unreachable('it passed for an answer'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(StorageError)
  return error as StorageError
}

const googleError = (code: number, reason: string, message = 'INTERNAL DETAIL') => ({
  status: code,
  body: JSON.stringify({ error: { code, message, errors: [{ message, domain: 'global', reason }] } }),
})
const page = renderGcsPage({ entries: [{ key: 'a' }, { key: 'b' }] })
const html = '<html><body>Please log in</body></html>'
const secrets = /INTERNAL|log in|ya29|PRIVATE KEY|upload_id=|Signature=/

const faults: [string, ScriptedAnswer, StorageErrorKind, object?][] = [
  ['a web page with status 200', { body: html, headers: { 'content-type': 'text/html' } }, 'not-a-storage'],
  ['nothing with status 200', { body: '' }, 'not-a-storage'],
  ['other JSON with status 200', { body: '{}' }, 'not-a-storage'],
  ['a page cut short with a length that fits', { body: page.slice(0, 200) }, 'invalid'],
  ['a connection closed in the middle of the body', { body: page, resetAfterBytes: 100 }, 'unreachable'],
  ['a connection closed before the answer', { isReset: true }, 'unreachable'],
  ['a web page with status 404', { status: 404, body: html }, 'not-a-storage'],
  ['a web page with status 403', { status: 403, body: html }, 'not-a-storage'],
  ['a redirect to a log-in page', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'not-a-storage'],
  ['an unknown bucket', googleError(404, 'notFound'), 'unknown-bucket'],
  ['a denied right', googleError(403, 'forbidden'), 'forbidden', { providerCode: 'forbidden' }],
  ['a scope that does not do', googleError(403, 'insufficientPermissions'), 'forbidden'],
  ['a log-in that lacks', googleError(401, 'required'), 'bad-credentials'],
  ['a denied encryption key', googleError(403, 'forbidden', 'Permission denied on Cloud KMS key.'), 'kms-forbidden'],
  ['a disabled encryption key', googleError(400, 'cloudKmsDisabledKey'), 'kms-forbidden'],
  [
    'throttling',
    { ...googleError(429, 'rateLimitExceeded'), headers: { 'retry-after': '3' } },
    'throttled',
    { retryAfterMs: 3000 },
  ],
  ['a limit of the user', googleError(403, 'userRateLimitExceeded'), 'throttled'],
  ['a failing storage', googleError(500, 'internalError'), 'unavailable'],
  ['a failing gateway', { status: 502, body: html }, 'unavailable'],
  ['a storage out of service', googleError(503, 'backendError'), 'unavailable'],
  ['part of a page', { status: 206, body: page }, 'not-a-storage'],
  ['no content', { status: 204 }, 'not-a-storage'],
]

describe.each(faults)('%s', (_, answer, kind, facts) => {
  const script = () => {
    fake.interfere = ({ target }) =>
      target.startsWith('/storage/') || target.startsWith('/upload/') ? answer : undefined
  }

  test('a listing fails with its own kind, once, and repeats nothing of the answer', async () => {
    script()
    const before = fake.seen.length
    const error = await failureOf(open().list({ prefix: '' }))
    expect(error.kind).toBe(kind)
    expect(error.facts).toMatchObject({ provider: 'gcs', op: 'list', ...facts })
    expect(`${error.message} ${JSON.stringify(error.facts)}`).not.toMatch(secrets)
    expect(fake.seen.slice(before).map(({ method }) => method)).toEqual(['POST', 'GET'])
  })

  test('a check stops at it or names the right', async () => {
    script()
    const report: CheckReport = await open().check({ folder: 'f/', allowDelete: true })
    expect(report.ok).toBe(false)
    expect(report.probes[0]).toMatchObject({ name: 'list', ok: false })
    for (const { message } of report.probes) expect(message ?? '').not.toMatch(secrets)
  })

  test('no call on an object takes it for success or absence', async () => {
    script()
    const storage = open()
    for (const call of [
      () => storage.stat('k'),
      () => storage.read('k', { ifMatch: '1' }).then(async ({ body }) => buffer(body)),
      () => storage.write('k', Buffer.from('x'), { sizeBytes: 1 }),
      () => storage.write('k', Readable.from([Buffer.from('x')]), { sizeBytes: 1 }),
    ]) {
      const error = await failureOf(call().catch((thrown) => Promise.reject(thrown)))
      expect(error.kind).not.toBe('not-found')
      expect(`${error.message} ${JSON.stringify(error.facts)}`).not.toMatch(secrets)
    }
    const outcomes = await storage.remove(['k']).catch((error: unknown) => [{ ok: false, error }])
    // A deletion is answered without a document.
    const { status = 200, body = '', isReset } = answer
    const isSuccess = status < 300 && isReset !== true && ['', '{}'].includes(String(body))
    expect(outcomes[0]?.ok).toBe(isSuccess)
  })
})

describe('a log-in', () => {
  test('is made once for many calls at once, and again before its end', async () => {
    const storage = open()
    const before = fake.identities.tokensGiven
    await Promise.all(Array.from({ length: 50 }, () => storage.stat('absent')))
    expect(fake.identities.tokensGiven - before).toBe(1)
    fake.identities.tokenSeconds = 0.2
    const short = open()
    for (const until = Date.now() + 1000; Date.now() < until; ) await short.stat('absent')
    expect(fake.identities.tokensGiven - before).toBeGreaterThan(4)
  })

  test('that was revoked is made again, once', async () => {
    const storage = open()
    await storage.write('revoked', Buffer.from('x'), { sizeBytes: 1 })
    fake.identities.revokeTokens()
    const page = await storage.list({ prefix: 'revoked' })
    expect(page.count).toBe(1)
    page.release()
    fake.identities.revokeTokens()
    expect((await storage.stat('revoked'))?.sizeBytes).toBe(1)
    account.isEnabled = false
    fake.identities.revokeTokens()
    try {
      expect((await failureOf(storage.stat('revoked'))).kind).toBe('bad-credentials')
    } finally {
      account.isEnabled = true
    }
    expect((await storage.stat('revoked'))?.sizeBytes).toBe(1)
  })

  test('that cannot be renewed serves until its end', async () => {
    fake.identities.tokenSeconds = 2
    const storage = open()
    await storage.stat('absent')
    fake.interfere = ({ target }) => (target === '/token' ? { status: 503 } : undefined)
    const started = Date.now()
    let fine = 0
    while (Date.now() - started < 1700) {
      expect(await storage.stat('absent')).toBeNull()
      fine = Date.now() - started
    }
    expect(fine).toBeGreaterThan(1500)
    await expect
      .poll(
        () =>
          storage.stat('absent').then(
            () => 'fine',
            (error) => error.kind,
          ),
        { timeout: 5000 },
      )
      .toBe('unavailable')
  })

  test.each<[string, ScriptedAnswer, StorageErrorKind]>([
    [
      'a clock that is wrong',
      { status: 400, body: '{"error":"invalid_grant","error_description":"Check your iat and exp values."}' },
      'clock-skew',
    ],
    [
      'an account that is gone',
      { status: 400, body: '{"error":"invalid_grant","error_description":"account not found"}' },
      'bad-credentials',
    ],
    ['a web page', { body: html }, 'not-a-storage'],
    ['a token that is none', { body: '{"access_token":"","expires_in":3600}' }, 'not-a-storage'],
    ['too many', { status: 429 }, 'throttled'],
    ['a lost connection', { isReset: true }, 'unreachable'],
  ])('tells apart: %s', async (_, answer, kind) => {
    fake.interfere = ({ target }) => (target === '/token' ? answer : undefined)
    const error = await failureOf(open().list({ prefix: '' }))
    expect([error.kind, error.facts.op]).toEqual([kind, 'list'])
    expect(error.message).not.toMatch(secrets)
  })

  test('one caller that gives up does not take the others’ with it', async () => {
    let letGo = () => {}
    const after = new Promise<void>((resolve) => (letGo = resolve))
    let isFirst = true
    fake.interfere = ({ target }) => {
      if (target !== '/token' || !isFirst) return undefined
      isFirst = false
      return { after, status: 503 }
    }
    const storage = open()
    const abort = new AbortController()
    const aborted = failureOf(storage.stat('k', { signal: abort.signal }))
    const other = failureOf(storage.stat('k'))
    await expect.poll(() => isFirst).toBe(false)
    abort.abort()
    expect((await aborted).kind).toBe('aborted')
    letGo()
    expect((await other).kind).toBe('unavailable')
    expect(await storage.stat('k')).toBeNull()
  })
})

describe('an upload in pieces', () => {
  const chunk = Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 31) % 251))
  const body = (chunks: number) => Readable.from(Array.from({ length: chunks }, () => chunk))

  test('goes on where a connection was lost, and is whole', async () => {
    fake.uploadsToBreak = 3
    const chunks = 320
    const entry = await open().write('long', body(chunks), { sizeBytes: chunks * chunk.length, contentType: 'a/b' })
    expect(fake.uploadsToBreak).toBe(0)
    expect(entry).toMatchObject({ sizeBytes: chunks * chunk.length, contentType: 'a/b' })
    expect(bucket.get('long')!.bytes.equals(Buffer.concat(Array.from({ length: chunks }, () => chunk)))).toBe(true)
  })

  test('that never gets on fails, and leaves nothing', async () => {
    fake.uploadsToBreak = 100
    const error = await failureOf(open().write('stuck', body(16), { sizeBytes: 16 * chunk.length }))
    expect(error.kind).toBe('unreachable')
    expect(error.message).not.toMatch(secrets)
    expect(bucket.get('stuck')).toBeUndefined()
    expect(fake.seen.at(-1)?.method).toBe('DELETE')
    fake.uploadsToBreak = 0
  })

  test.each([
    ['longer', 3],
    ['shorter', 1],
  ])('a body that is %s than was said is refused', async (_, chunks) => {
    const error = await failureOf(open().write('odd', body(chunks), { sizeBytes: 2 * chunk.length }))
    expect(error.kind).toBe('invalid')
    expect(bucket.get('odd')).toBeUndefined()
  })

  test('a session that leads elsewhere is not followed', async () => {
    fake.interfere = ({ method, target }) =>
      method === 'POST' && target.startsWith('/upload/') ? { headers: { location: 'http://127.0.0.1:1/x' } } : undefined
    expect((await failureOf(open().write('k', body(1), { sizeBytes: chunk.length }))).kind).toBe('not-a-storage')
  })

  test('a storage class is asked for, whatever the size', async () => {
    const storage = open({ storageClass: 'NEARLINE' })
    await storage.write('cold', Buffer.from('x'), { sizeBytes: 1, contentType: 'text/plain' })
    expect(bucket.get('cold')).toMatchObject({ storageClass: 'NEARLINE', contentType: 'text/plain' })
    await storage.write('empty', Buffer.alloc(0), { sizeBytes: 0 })
    expect(bucket.get('empty')?.bytes.length).toBe(0)
  })
})

test('pages without an entry are gone over', async () => {
  let pages = 0
  fake.interfere = ({ target }) => {
    if (!target.startsWith('/storage/')) return undefined
    pages++
    return { body: pages < 4 ? renderGcsPage({ entries: [], token: `t${pages}` }) : page }
  }
  const found = await open().list({ prefix: '' })
  expect([found.count, pages, fake.seen.at(-1)?.target]).toEqual([2, 4, expect.stringContaining('pageToken=t3')])
  found.release()
  fake.interfere = ({ target }) =>
    target.startsWith('/storage/') ? { body: renderGcsPage({ entries: [], token: `t${++pages}` }) } : undefined
  expect((await failureOf(open().list({ prefix: '' }))).kind).toBe('invalid')
})

test('a listing that ends at its largest page is not believed where the storage is not Google’s', async () => {
  const full = Array.from({ length: 1000 }, (_, i) => ({ key: `k${i + 1000}` }))
  let hasMore = true
  fake.interfere = ({ target }) => {
    if (!target.startsWith('/storage/')) return undefined
    if (!target.includes('startOffset=k1999')) return { body: renderGcsPage({ entries: full }) }
    return { body: renderGcsPage({ entries: [{ key: 'k1999' }, ...(hasMore ? [{ key: 'k2' }] : [])] }) }
  }
  expect((await failureOf(open({ endpoint: fake.endpoint, standIn: undefined }).list({ prefix: '' }))).kind).toBe(
    'invalid',
  )
  hasMore = false
  const last = await open({ endpoint: fake.endpoint, standIn: undefined }).list({ prefix: '' })
  expect([last.count, last.isTruncated]).toEqual([1000, false])
  last.release()
})

test('an object that is not there needs a bucket that is', async () => {
  const storage = open({ bucket: 'no-such-bucket' })
  expect((await failureOf(storage.stat('any'))).kind).toBe('unknown-bucket')
  expect((await failureOf(storage.read('any'))).kind).toBe('unknown-bucket')
  expect((await failureOf(storage.write('any', Buffer.from('x'), { sizeBytes: 1 }))).kind).toBe('unknown-bucket')
  expect((await failureOf(storage.remove(['any']))).kind).toBe('unknown-bucket')
  const denied = fake.addAccount({ permissions: ['storage.objects.get'] })
  const login = { kind: 'key', account: parseServiceAccount(denied.keyFile) as ServiceAccount } as const
  // Who may not list cannot tell an object that is gone from one that is hidden.
  expect((await failureOf(open({ login }).stat('any'))).kind).toBe('forbidden')
})

test('a kept connection that was closed meanwhile is no failure', async () => {
  const used = new WeakSet<object>()
  let dropped = 0
  const server = createHttpServer((request, response) => {
    request.resume()
    if (used.has(request.socket)) {
      dropped++
      request.socket.destroy()
      return
    }
    used.add(request.socket)
    const document = { bucket: 'bucket', name: 'k', size: '1', generation: '7', updated: '2026-01-01T00:00:00.000Z' }
    response.end(JSON.stringify(document))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const storage = open({
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    standIn: undefined,
  })
  for (let i = 0; i < 4; i++) expect((await storage.stat('k'))?.etag).toBe('7')
  expect(dropped).toBeGreaterThan(0)
  server.closeAllConnections()
  server.close()
})

test('bytes that cannot be had are told apart by the object’s document, as Google tells of bytes in plain text', async () => {
  bucket.put('ten', Buffer.from('0123456789'))
  const storage = open()
  expect((await failureOf(storage.read('ten', { range: { start: 10 } }))).kind).toBe('invalid')
  expect((await failureOf(storage.read('ten', { ifMatch: '1' }))).kind).toBe('precondition-failed')
  expect((await failureOf(storage.read('none'))).kind).toBe('not-found')
  // Denied for the bytes alone, with words that nobody should believe.
  fake.interfere = ({ target }) => (target.includes('alt=media') ? { status: 403, body: 'INTERNAL DETAIL' } : undefined)
  const error = await failureOf(storage.read('ten'))
  expect([error.kind, error.facts.providerCode]).toEqual(['not-a-storage', 'http-403'])
  expect(error.message).not.toMatch(secrets)
})

test('an endpoint of another’s gets nothing that is good anywhere else', async () => {
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      asked.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const before = fake.seen.length
  const storage = open({ endpoint, standIn: undefined })
  await failureOf(storage.list({ prefix: '' }))
  await failureOf(storage.stat('k'))
  server.close()
  expect(asked.length).toBe(2)
  for (const text of asked) {
    const token = /authorization: Bearer (\S+)/i.exec(text)![1]!
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    expect(claims).toMatchObject({ aud: `${endpoint}/`, iss: account.email, sub: account.email })
    expect(claims).not.toHaveProperty('scope')
  }
  expect(fake.seen.length).toBe(before)
})

test('a check asks for nothing but what the rights cover (PM-07), and only inside the folder', async () => {
  bucket.put('f/a', Buffer.from('x'))
  const before = fake.seen.length
  expect((await open().check({ folder: 'f/', allowDelete: true })).ok).toBe(true)
  const asked = fake.seen.slice(before).map(({ method, target }) => `${method} ${target.replace(/\?.*/, '')}`)
  expect(new Set(asked)).toEqual(
    new Set([
      'POST /token',
      'GET /storage/v1/b/bucket/o',
      'POST /upload/storage/v1/b/bucket/o',
      'GET /storage/v1/b/bucket/o/f%2F.dataloop%2Fsluice-check',
      'GET /bucket/f/.dataloop/sluice-check',
      'DELETE /storage/v1/b/bucket/o/f%2F.dataloop%2Fsluice-check',
    ]),
  )
})

test('a log-in without a key names the right to sign when it lacks (PM-18)', async () => {
  const customer = fake.addAccount()
  customer.creators.add(account.email)
  const principal = parseServiceAccount(account.keyFile) as ServiceAccount
  fake.interfere = ({ target }) => (target.endsWith(':signBlob') ? googleError(403, 'forbidden') : undefined)
  const storage = open({ login: { kind: 'impersonation', principal, email: customer.email } })
  const { ok, probes } = await storage.check({ folder: 'f/', allowDelete: true })
  expect(ok).toBe(true)
  expect(probes.find(({ name }) => name === 'sign')).toMatchObject({
    ok: false,
    optional: true,
    message: expect.stringContaining('iam.serviceAccounts.signBlob'),
  })
})

test('what this machine says of Google counts for nothing', async () => {
  const kept = process.env.GOOGLE_APPLICATION_CREDENTIALS
  process.env.GOOGLE_APPLICATION_CREDENTIALS = '/nonexistent/ambient.json'
  try {
    const broken = JSON.stringify({ type: 'service_account', client_email: 'a@b.c', private_key: 'none' })
    const login = { kind: 'key', account: parseServiceAccount(broken) as ServiceAccount } as const
    const before = fake.seen.length
    expect((await failureOf(open({ login }).list({ prefix: '' }))).kind).toBe('bad-credentials')
    expect(fake.seen.length).toBe(before)
  } finally {
    if (kept === undefined) delete process.env.GOOGLE_APPLICATION_CREDENTIALS
    else process.env.GOOGLE_APPLICATION_CREDENTIALS = kept
  }
})
