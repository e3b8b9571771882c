// Proves PM-21 on every kind of storage: each failure that can be caused is told by a code of its own, with what it means and what to do, and nothing is stored.
import { once } from 'node:events'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Bucket, BucketAction } from '../../src/demo/bucket.ts'
import type { FakeBucket } from '../fakes/gcs-bucket.ts'
import type { FakeAccount } from '../fakes/gcs-identity.ts'
import { type FakeRegistry, startFakeRegistry } from '../fakes/registry.ts'
import { type FaultyS3, startFaultyS3 } from '../fakes/s3-faults.ts'
import { bucketKey, openBucket } from '../support/drivers.ts'
import { type GcsBench, withGcs } from '../support/gcs.ts'
import { dockerOptions } from '../support/registry-api.ts'

let bench: GcsBench
let bucket: Bucket
let faulty: FaultyS3
let registry: FakeRegistry
let gcsBucket: FakeBucket
let account: FakeAccount
let root: string
let closedPort: string
const integrations: Record<string, string> = {}
const azureKey = Buffer.alloc(64, 7).toString('base64')

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sluice-doctor-')))
  await mkdir(join(root, 'open', 'folder'), { recursive: true })
  await writeFile(join(root, 'open', 'folder', 'a.txt'), 'a')
  ;[bench, bucket, faulty, registry] = await Promise.all([
    withGcs({ SLUICE_LOCAL_ROOTS: join(root, 'open') }),
    openBucket(),
    startFaultyS3(),
    startFakeRegistry(),
  ])
  bucket.put('a.txt', Buffer.from('a'), 'text/plain')
  gcsBucket = bench.addBucket()
  account = bench.fake.addAccount()
  registry.addManifest('team/app', 'v1', { schemaVersion: 2, layers: [] })
  registry.accepted = new Set([`Basic ${Buffer.from('user:right').toString('base64')}`])
  registry.challenge = 'Basic realm="registry"'
  integrations.s3 = await bench.addIntegration('s3', bucketKey)
  integrations['s3 wrong'] = await bench.addIntegration('s3', { ...bucketKey, secret: 'canary-wrong-secret' })
  integrations.gcs = await bench.addIntegration('gcs', { key: '', secret: '', content: account.keyFile })
  integrations.azureblob = await bench.addIntegration('azure-account-key', { key: 'sluicetest', secret: azureKey })
  const unused = createServer().listen(0, '127.0.0.1')
  await once(unused, 'listening')
  closedPort = `127.0.0.1:${(unused.address() as AddressInfo).port}`
  unused.close()
  const user = (password: string) => ({ username: 'user', password })
  for (const [name, server, password] of [
    ['registry', registry.origin, 'right'],
    ['registry wrong', registry.origin, 'canary-wrong-password'],
    ['registry closed', `http://${closedPort}`, 'right'],
    ['registry tls', registry.host, 'right'],
  ] as const)
    integrations[name] = await bench.addIntegration('private-registry', dockerOptions(server, user(password)))
})
afterEach(() => {
  bench.fake.interfere = null
  registry.instead = null
})
afterAll(async () => {
  await bench?.close()
  await Promise.all([bucket?.close(), faulty?.stop(), registry?.close(), rm(root, { recursive: true, force: true })])
})

const kinds: Record<string, () => Record<string, unknown>> = {
  s3: () => ({ bucketName: 'photos', region: 'us-east-1', endpoint: bucket.endpoint }),
  gcs: () => ({ bucket: gcsBucket.name }),
  azureblob: () => ({ containerName: 'photos', endpoint: faulty.endpoint }),
  registry: () => ({ server: registry.origin, repositories: 'team/app' }),
  local: () => ({ rootPath: join(root, 'open', 'folder') }),
}

/** Examines a driver that is not saved; `payload` is what differs from one that works. */
async function examine(type: string, payload: object = {}, { integration = type, more = {} as object } = {}) {
  const json = {
    type,
    integrationId: integrations[integration] ?? null,
    metadata: { system: { projectId: bench.projectId } },
    payload: { ...kinds[type]!(), ...payload },
    ...more,
  }
  const { body, status, text } = await bench.call('POST', '/drivers/doctor', json)
  expect(status, text).toBe(200)
  expect(text).not.toMatch(/canary|PRIVATE KEY|Signature=/)
  return body
}

const xml = (code: string, more = '') =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message>${more}</Error>`
const azureAnswer = (status: number, code: string, detail = '') => ({
  status,
  headers: { 'x-ms-error-code': code, 'x-ms-request-id': 'id-1', 'content-type': 'application/xml' },
  body: xml(code, detail && `<AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail>`),
})
const s3Answer = (status: number, code: string, more = '') => ({
  status,
  headers: { 'x-amz-request-id': 'id-1', 'content-type': 'application/xml' },
  body: xml(code, more),
})
const plainTls = (endpoint: string) => endpoint.replace('http:', 'https:')

type Cause = () => Promise<{ code: string | null; probes: unknown[]; message: string | null }>
const viaFaulty =
  (type: string, answer: object): Cause =>
  () => {
    faulty.script(answer)
    return examine(type, { endpoint: faulty.endpoint })
  }
const failedGoogle =
  (code: number, reason: string, message = 'm', at = /\/o\?|\/o$/): Cause =>
  () => {
    const body = JSON.stringify({ error: { code, message, errors: [{ reason, message }] } })
    bench.fake.interfere = ({ target }) => (at.test(target) ? { status: code, body } : undefined)
    return examine('gcs')
  }

const cases: readonly [string, string, Cause, string][] = [
  [
    's3',
    'a host that does not answer',
    () => examine('s3', { endpoint: `http://${closedPort}` }),
    'storage.unreachable',
  ],
  [
    's3',
    'a host without an address',
    () => examine('s3', { endpoint: 'http://bucket.invalid' }),
    'storage.unreachable',
  ],
  ['s3', 'TLS where there is none', () => examine('s3', { endpoint: plainTls(bucket.endpoint) }), 'storage.tls_failed'],
  ['s3', 'another region', () => examine('s3', { region: 'eu-west-3' }), 'storage.wrong_region'],
  ['s3', 'a bucket that is not there', () => examine('s3', { bucketName: 'absent' }), 'storage.unknown_bucket'],
  ['s3', 'a wrong secret', () => examine('s3', {}, { integration: 's3 wrong' }), 'storage.bad_credentials'],
  ['s3', 'an expired session', viaFaulty('s3', s3Answer(400, 'ExpiredToken')), 'storage.expired_credentials'],
  ['s3', 'a wrong clock', viaFaulty('s3', s3Answer(403, 'RequestTimeTooSkewed')), 'storage.clock_skew'],
  ['s3', 'a denied right', viaFaulty('s3', s3Answer(403, 'AccessDenied')), 'driver.check_failed'],
  ['s3', 'a web page', viaFaulty('s3', { body: '<html>canary</html>' }), 'storage.not_a_storage'],
  [
    'gcs',
    'a host that does not answer',
    () => examine('gcs', { endpoint: `http://${closedPort}` }),
    'storage.unreachable',
  ],
  [
    'gcs',
    'TLS where there is none',
    () => examine('gcs', { endpoint: plainTls(faulty.endpoint) }),
    'storage.tls_failed',
  ],
  ['gcs', 'a bucket that is not there', () => examine('gcs', { bucket: 'absent-bucket' }), 'storage.unknown_bucket'],
  [
    'gcs',
    'a log-in that is refused',
    () => {
      bench.fake.interfere = ({ target }) =>
        target.startsWith('/token')
          ? { status: 400, body: '{"error":"invalid_grant","error_description":"Invalid signature"}' }
          : undefined
      return examine('gcs')
    },
    'storage.bad_credentials',
  ],
  [
    'gcs',
    'a wrong clock',
    () => {
      const said =
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values'
      bench.fake.interfere = ({ target }) =>
        target.startsWith('/token')
          ? { status: 400, body: JSON.stringify({ error: 'invalid_grant', error_description: said }) }
          : undefined
      return examine('gcs')
    },
    'storage.clock_skew',
  ],
  ['gcs', 'a denied right', failedGoogle(403, 'forbidden'), 'driver.check_failed'],
  [
    'gcs',
    'a denied key',
    failedGoogle(403, 'forbidden', 'Permission denied on Cloud KMS key.', /^\/upload/),
    'storage.kms_denied',
  ],
  [
    'gcs',
    'a web page',
    () => {
      bench.fake.interfere = ({ target }) => (target.includes('/o?') ? { body: '<html>canary</html>' } : undefined)
      return examine('gcs')
    },
    'storage.not_a_storage',
  ],
  [
    'azureblob',
    'a host that does not answer',
    () => examine('azureblob', { endpoint: `http://${closedPort}` }),
    'storage.unreachable',
  ],
  [
    'azureblob',
    'TLS where there is none',
    () => examine('azureblob', { endpoint: plainTls(faulty.endpoint) }),
    'storage.tls_failed',
  ],
  [
    'azureblob',
    'a container that is not there',
    viaFaulty('azureblob', azureAnswer(404, 'ContainerNotFound')),
    'storage.unknown_bucket',
  ],
  [
    'azureblob',
    'a wrong key',
    viaFaulty('azureblob', azureAnswer(403, 'AuthenticationFailed', 'The MAC signature found is not the same')),
    'storage.bad_credentials',
  ],
  [
    'azureblob',
    'a signature that has ended',
    viaFaulty('azureblob', azureAnswer(403, 'AuthenticationFailed', 'Signature not valid in the specified time frame')),
    'storage.expired_credentials',
  ],
  [
    'azureblob',
    'a wrong clock',
    viaFaulty(
      'azureblob',
      azureAnswer(403, 'AuthenticationFailed', 'The Date header in the request is incorrect. date header too old'),
    ),
    'storage.clock_skew',
  ],
  [
    'azureblob',
    'a denied right',
    viaFaulty('azureblob', azureAnswer(403, 'AuthorizationPermissionMismatch')),
    'driver.check_failed',
  ],
  [
    'azureblob',
    'a denied key',
    viaFaulty('azureblob', azureAnswer(403, 'KeyVaultEncryptionKeyNotFound')),
    'storage.kms_denied',
  ],
  ['azureblob', 'a web page', viaFaulty('azureblob', { body: '<html>canary</html>' }), 'storage.not_a_storage'],
  [
    'registry',
    'a host that does not answer',
    () => examine('registry', { server: `http://${closedPort}` }, { integration: 'registry closed' }),
    'storage.unreachable',
  ],
  [
    'registry',
    'TLS where there is none',
    () => examine('registry', { server: plainTls(registry.origin) }, { integration: 'registry tls' }),
    'storage.tls_failed',
  ],
  [
    'registry',
    'a repository that is not there',
    () => examine('registry', { repositories: 'team/absent' }),
    'storage.unknown_bucket',
  ],
  [
    'registry',
    'a wrong password',
    () => examine('registry', {}, { integration: 'registry wrong' }),
    'storage.bad_credentials',
  ],
  [
    'registry',
    'a denied right',
    () => {
      registry.instead = ({ url }, response) => {
        if (!url.includes('/tags/')) return false
        response.writeHead(403, { 'content-type': 'application/json' }).end('{"errors":[{"code":"DENIED"}]}')
        return true
      }
      return examine('registry')
    },
    'driver.check_failed',
  ],
  [
    'registry',
    'a web page',
    () => {
      registry.instead = (_seen, response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>canary</html>')
        return true
      }
      return examine('registry')
    },
    'storage.not_a_storage',
  ],
  [
    'local',
    'a folder that the operator did not open',
    () => examine('local', { rootPath: '/etc' }),
    'storage.root_not_allowed',
  ],
  [
    'local',
    'a folder that is not there',
    () => examine('local', { rootPath: join(root, 'open', 'absent') }),
    'storage.unknown_bucket',
  ],
]

describe('each failure has its own code, meaning and remedy', () => {
  test.each(cases)('%s: %s', async (_type, _name, cause, code) => {
    const found = await cause()
    expect([found.code, found.message]).toEqual([code, expect.stringMatching(/.{20}/)])
    const failed = found.probes as {
      ok: boolean
      optional: boolean
      code?: string
      message?: string
      remedy?: string
    }[]
    for (const probe of failed.filter(({ ok, optional }) => !ok && !optional)) {
      expect(probe.message).toMatch(/.{20}/)
      expect(probe.remedy, JSON.stringify(probe)).toMatch(/.{15}/)
    }
    const { rows } = await bench.api.database.pool.query('select 1 from driver')
    expect(rows).toEqual([])
  })

  test.each(['s3', 'gcs', 'azureblob', 'registry'])('%s: no two causes share a code but where they are one', (type) => {
    const codes = cases.filter(([of]) => of === type).map(([, name, , code]) => `${code} ${name}`)
    const twice = codes.filter((one) => codes.filter((other) => other.split(' ')[0] === one.split(' ')[0]).length > 1)
    // A host without an address and one that does not answer are both out of reach.
    expect(twice.every((one) => one.startsWith('storage.unreachable'))).toBe(true)
  })

  test('works where nothing is wrong', async () => {
    for (const type of ['s3', 'gcs', 'registry', 'local']) {
      const found = await examine(type)
      expect([type, found.ok, found.code]).toEqual([type, true, null])
    }
  })
})

describe('what is told besides', () => {
  test('the region to use is named and offered', async () => {
    const found = await examine('s3', { region: 'eu-west-3' })
    expect(found.region).toBe('us-east-1')
    expect(found.message).toContain('us-east-1')
    expect((await examine('s3', { region: found.region })).ok).toBe(true)
  })

  test('a wrong clock is told in seconds, ahead or behind', async () => {
    for (const aheadSeconds of [1200, -1200]) {
      const date = new Date(Date.now() - aheadSeconds * 1000).toUTCString()
      const answer = s3Answer(403, 'RequestTimeTooSkewed')
      faulty.script({ ...answer, headers: { ...answer.headers, date } })
      const found = await examine('s3', { endpoint: faulty.endpoint })
      expect(Math.abs(found.clockAheadSeconds - aheadSeconds)).toBeLessThan(10)
      expect(found.message).toMatch(aheadSeconds > 0 ? /\d+ seconds ahead/ : /\d+ seconds behind/)
    }
    expect(Math.abs((await examine('s3')).clockAheadSeconds)).toBeLessThan(10)
  })

  test('a denied encryption key is told as such, although AWS gives it the code of any refusal', async () => {
    const said =
      '<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/u is not authorized to perform: kms:GenerateDataKey on this resource</Message></Error>'
    faulty.script(
      { body: emptyListing },
      { body: emptyListing },
      { status: 403, headers: { 'x-amz-request-id': '1', 'content-type': 'application/xml' }, body: said },
    )
    const found = await examine('s3', { endpoint: faulty.endpoint })
    expect(found.code).toBe('storage.kms_denied')
    expect(found.probes.find(({ name }: { name: string }) => name === 'write').remedy).toContain('kms:GenerateDataKey')
  })

  test.each<[BucketAction, string]>([
    ['ListBucket', 'list'],
    ['GetObject', 'read'],
    ['PutObject', 'write'],
  ])('without %s the probe “%s” says which right to give, and where', async (right, name) => {
    const without = await openBucket([right])
    try {
      const found = await examine('s3', { endpoint: without.endpoint })
      expect(found.ok).toBe(false)
      const probe = found.probes.find((one: { name: string }) => one.name === name)
      expect(probe).toMatchObject({ ok: false, optional: false, code: 'storage.denied' })
      expect(probe.remedy).toContain(`s3:${right}`)
      expect(probe.remedy).toContain('policy')
    } finally {
      await without.close()
    }
  })

  test('on Google, where overwriting wants the right to delete, a driver without it passes again and again, and leaves one file', async () => {
    const own = bench.addBucket()
    const limited = bench.fake.addAccount({
      permissions: ['storage.objects.list', 'storage.objects.get', 'storage.objects.create'],
    })
    integrations.limited = await bench.addIntegration('gcs', { key: '', secret: '', content: limited.keyFile })
    for (let n = 0; n < 3; n++) {
      const found = await examine('gcs', { bucket: own.name }, { integration: 'limited' })
      expect([n, found.ok, found.message]).toEqual([n, true, null])
      expect(own.keys()).toEqual(['.dataloop/sluice-check'])
    }
  })
})

const emptyListing = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>photos</Name><Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>10</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated></ListBucketResult>`
