// Proves that the S3 driver takes no faulty answer for a good one, names each fault by its own kind, and neither follows nor repeats what a storage says.
import { createServer as createTcpServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import type { CheckReport, Storage } from '#storage/port.ts'
import { createS3Storage, type S3Options } from '#storage/s3/s3.ts'
import { StorageError, type StorageErrorKind } from '#storage/storage-error.ts'
import { renderPage } from '../fakes/listing-page.ts'
import { type FaultyS3, type ScriptedAnswer, startFaultyS3 } from '../fakes/s3-faults.ts'

let faulty: FaultyS3
const made: Storage[] = []

beforeAll(async () => {
  faulty = await startFaultyS3()
})
afterAll(async () => {
  await Promise.all(made.map((storage) => storage.close()))
  await faulty.stop()
})

function open(change: Partial<S3Options> = {}): Storage {
  const secretAccessKey = new Secret('very-secret')
  const storage = createS3Storage({
    bucket: 'bucket',
    region: 'eu-west-1',
    endpoint: faulty.endpoint,
    accessKeyId: 'AKID',
    secretAccessKey,
    ...change,
  })
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

const xmlError = (code: string, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>INTERNAL DETAIL</Message>${more}</Error>`
const page = renderPage({ entries: [{ key: 'a' }, { key: 'b' }] })
const html = '<html><body>Please log in</body></html>'

const faults: [string, ScriptedAnswer, StorageErrorKind, object?][] = [
  ['a web page with status 200', { body: html, headers: { 'content-type': 'text/html' } }, 'not-a-storage'],
  ['nothing with status 200', { body: '' }, 'not-a-storage'],
  ['JSON with status 200', { body: '{}' }, 'not-a-storage'],
  ['a page cut short with a length that fits', { body: page.slice(0, 400) }, 'invalid'],
  ['a connection closed in the middle of the body', { body: page, resetAfterBytes: 300 }, 'unreachable'],
  ['a connection closed before the answer', { isReset: true }, 'unreachable'],
  ['a web page with status 404', { status: 404, body: html }, 'not-a-storage'],
  ['a web page with status 403', { status: 403, body: html }, 'not-a-storage'],
  ['a redirect to a log-in page', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'not-a-storage'],
  ['a redirect to https', { status: 301, headers: { location: 'https://127.0.0.1/' } }, 'not-a-storage'],
  [
    'a redirect to another region',
    { status: 301, body: xmlError('PermanentRedirect'), headers: { 'x-amz-bucket-region': 'us-west-2' } },
    'wrong-region',
    { region: 'us-west-2' },
  ],
  [
    'a signature for another region',
    { status: 400, body: xmlError('AuthorizationHeaderMalformed', '<Region>us-west-2</Region>') },
    'wrong-region',
    { region: 'us-west-2' },
  ],
  ['a malformed signature', { status: 400, body: xmlError('AuthorizationHeaderMalformed') }, 'bad-credentials'],
  ['an unknown bucket', { status: 404, body: xmlError('NoSuchBucket') }, 'unknown-bucket'],
  ['an unknown key id', { status: 403, body: xmlError('InvalidAccessKeyId') }, 'bad-credentials'],
  ['a wrong secret', { status: 403, body: xmlError('SignatureDoesNotMatch') }, 'bad-credentials'],
  ['an expired token', { status: 400, body: xmlError('ExpiredToken') }, 'expired-credentials'],
  ['a wrong clock', { status: 403, body: xmlError('RequestTimeTooSkewed') }, 'clock-skew'],
  ['a denied action', { status: 403, body: xmlError('AccessDenied') }, 'forbidden', { providerCode: 'AccessDenied' }],
  ['a denied encryption key', { status: 403, body: xmlError('KMS.AccessDeniedException') }, 'kms-forbidden'],
  [
    'throttling',
    { status: 503, body: xmlError('SlowDown'), headers: { 'retry-after': '3' } },
    'throttled',
    { retryAfterMs: 3000 },
  ],
  ['throttling by another status', { status: 429 }, 'throttled'],
  ['a failing storage', { status: 500, body: xmlError('InternalError') }, 'unavailable'],
  ['a failing gateway', { status: 502, body: html }, 'unavailable'],
  ['a storage out of service', { status: 503, body: xmlError('ServiceUnavailable') }, 'unavailable'],
  ['part of a page', { status: 206, body: page }, 'not-a-storage'],
  ['no content', { status: 204 }, 'not-a-storage'],
]

describe.each(faults)('%s', (_, answer, kind, facts) => {
  test('a listing fails with its own kind, and repeats nothing of the answer', async () => {
    faulty.script(answer)
    const before = faulty.seen.length
    const error = await failureOf(open().list({ prefix: '' }))
    expect(error.kind).toBe(kind)
    expect(error.facts).toMatchObject({ provider: 's3', op: 'list', ...facts })
    expect(`${error.message} ${JSON.stringify(error.facts)}`).not.toMatch(/INTERNAL|very-secret|log in|Signature=/)
    // No redirect was followed and nothing tried again: that is for others to decide.
    expect(faulty.seen.length - before).toBe(1)
  })

  test('a check stops at it or names the right', async () => {
    faulty.script(answer)
    const report: CheckReport = await open().check({ folder: 'f/', allowDelete: true })
    expect(report.ok).toBe(false)
    expect(report.probes[0]).toMatchObject({ name: 'list', ok: false })
    for (const { message } of report.probes) expect(message ?? '').not.toMatch(/INTERNAL|very-secret|log in|Signature=/)
  })
})

test('calls on objects tell the same faults apart', async () => {
  const storage = open()
  const kinds = async (answer: ScriptedAnswer) => {
    faulty.script(answer)
    return [
      (await failureOf(storage.stat('k'))).kind,
      (await failureOf(storage.read('k'))).kind,
      (await failureOf(storage.write('k', Buffer.from('x'), { sizeBytes: 1 }))).kind,
    ]
  }
  expect(await kinds({ status: 404, body: xmlError('NoSuchBucket') })).toEqual(Array(3).fill('unknown-bucket'))
  expect(await kinds({ isReset: true })).toEqual(Array(3).fill('unreachable'))
  expect((await kinds({ status: 403, body: xmlError('SignatureDoesNotMatch') })).slice(1)).toEqual(
    Array(2).fill('bad-credentials'),
  )
  expect(await kinds({ status: 503, body: xmlError('SlowDown') })).toEqual(expect.arrayContaining(['throttled']))
  // A web page with status 404 proves no absence.
  expect((await kinds({ status: 404, body: html }))[0]).not.toBe('not-found')
})

test('a HEAD that says 404 counts only when a GET says which key is missing', async () => {
  faulty.script({ status: 404 }, { status: 404, body: xmlError('NoSuchKey') })
  expect(await open().stat('k')).toBeNull()
})

test('addresses that nothing answers at', async () => {
  const silent = createTcpServer((socket) => socket.on('data', () => socket.end('SSH-2.0-OpenSSH\r\n')))
  silent.listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const { port } = silent.address() as { port: number }
  expect((await failureOf(open({ endpoint: `http://127.0.0.1:${port}` }).list({ prefix: '' }))).kind).toBe(
    'not-a-storage',
  )
  await new Promise((resolve) => silent.close(resolve))
  expect((await failureOf(open({ endpoint: `http://127.0.0.1:${port}` }).list({ prefix: '' }))).kind).toBe(
    'unreachable',
  )
  expect((await failureOf(open({ endpoint: 'http://nowhere.invalid' }).list({ prefix: '' }))).kind).toBe('unreachable')
  const https = faulty.endpoint.replace('http:', 'https:')
  expect((await failureOf(open({ endpoint: https }).list({ prefix: '' }))).kind).toBe('tls')
})

test('aborting a listing that hangs ends it at once', async () => {
  let letGo = () => {}
  faulty.script({ after: new Promise<void>((resolve) => (letGo = resolve)) })
  const abort = new AbortController()
  const before = faulty.seen.length
  const listing = failureOf(open().list({ prefix: '', signal: abort.signal }))
  await expect.poll(() => faulty.seen.length).toBe(before + 1)
  abort.abort()
  expect((await listing).kind).toBe('aborted')
  letGo()
})

test('a check asks for nothing but what the rights cover (PM-07), and only inside the folder', async () => {
  faulty.script({ status: 403, body: xmlError('AccessDenied') })
  const before = faulty.seen.length
  await open().check({ folder: 'f/', allowDelete: true })
  const asked = faulty.seen.slice(before).map(({ method, url }) => `${method} ${url.replace(/X-Amz-.*/, '')}`)
  expect(asked).toEqual([
    'GET /bucket/?encoding-type=url&list-type=2&max-keys=10&prefix=f%2F',
    'PUT /bucket/f/.dataloop/sluice-check?x-id=PutObject',
  ])
})

test('a right to write without one to read: the read is named, not the write', async () => {
  const denied = { status: 403, body: xmlError('AccessDenied') }
  const listed = { body: renderPage({ prefix: 'f/', entries: [{ key: 'f/a' }] }) }
  // The listing, the listing below the folder, the PUT, and then nothing that reads.
  faulty.script(listed, denied, { headers: { etag: '"e"', 'x-amz-request-id': 'r' } }, denied)
  const { ok, probes } = await open().check({ folder: 'f/', allowDelete: false })
  expect(ok).toBe(false)
  expect(probes.filter((probe) => probe.ok).map(({ name }) => name)).toEqual(['list', 'write'])
  expect(probes[2]).toMatchObject({ name: 'read', code: 'storage.denied' })
  expect(probes[2]?.message).toContain('s3:GetObject')
})

test('credentials come from the options alone', async () => {
  const asked = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const
  const kept = asked.map((name) => [name, process.env[name]] as const)
  for (const name of asked) process.env[name] = 'FROM-THE-ENVIRONMENT'
  try {
    faulty.script({ status: 403, body: xmlError('AccessDenied') })
    const storage = open({ accessKeyId: '', secretAccessKey: new Secret('') })
    await failureOf(storage.list({ prefix: '' }))
    await failureOf(storage.stat('k'))
    await failureOf(storage.read('k'))
    for (const { headers } of faulty.seen) expect(JSON.stringify(headers)).not.toContain('FROM-THE-ENVIRONMENT')
  } finally {
    for (const [name, value] of kept) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})
