// Proves the whole way on Google Cloud Storage (the fake that verifies tokens and signatures): check, sync of 100,250 objects against an oracle, streams, and each way to log in.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { unpackEtag } from '#lib/etag.ts'
import { keyZoo, unaddressableKeys } from '../conformance/key-zoo.ts'
import type { FakeAccount } from '../fakes/gcs-identity.ts'
import { plaintextHits } from '../support/canaries.ts'
import { type GcsBench, withGcs } from '../support/gcs.ts'
import { manyKeys } from '../support/many-objects.ts'
import { inByteOrder } from '../support/sync.ts'

let bench: GcsBench
let tokens: string

beforeAll(async () => {
  tokens = await mkdtemp(join(tmpdir(), 'sluice-gcp-'))
  bench = await withGcs({ SLUICE_GCP_SUBJECT_TOKEN_FILE: join(tokens, '{org}.jwt') })
})
afterAll(async () => {
  await bench?.close()
  await rm(tokens, { recursive: true, force: true })
})

/** Everything that a sync leaves of the objects, as one line an item. */
async function rowsOf(datasetId: string): Promise<string[]> {
  const { rows } = await bench.api.deps.db.query<{ path: string; size: number; etag: Buffer }>(
    `select r.path || i.name as path, i.size_bytes as size, i.etag from item i
       join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no
       join dataset d on d.dataset_no = i.dataset_no where d.id = $1 and i.state = 0 order by (r.path || i.name) collate "C"`,
    [datasetId],
  )
  return rows.map(({ path, size, etag }) => `${path}|${size}|${unpackEtag(etag)}`)
}

const keyOf = (account: FakeAccount) => ({ key: '', secret: '', content: account.keyFile })

test('a sync of 100,250 objects gives exactly the oracle’s items, with their generations', async () => {
  const bucket = bench.addBucket()
  const bytes = Buffer.alloc(1000)
  const zoo = keyZoo.filter((key) => !/[\r\n]/.test(key) && Buffer.byteLength(key) < 1000)
  const keys = manyKeys((key) => !/[\r\n]/.test(key))
  // A parent folder that only begins alike, markers and the platform's own files stand between them, and are no items.
  bucket.put('setnot/', Buffer.alloc(0))
  bucket.put('set/.dataloop/thumb.jpg', bytes)
  const truth = keys.map((key, i) => {
    const { generation } = bucket.put(key, bytes.subarray(0, (i % 999) + 1))
    return { key, line: `${key}|${(i % 999) + 1}|${generation}` }
  })
  const account = bench.fake.addAccount()
  const integration = await bench.addIntegration('gcs', keyOf(account))
  const driver = await bench.sendDriver(integration, 'gcs', { bucket: bucket.name })
  expect(driver.status, driver.text).toBe(200)
  expect(driver.body).toMatchObject({ state: 'ready', isSyncable: true, bucket: bucket.name })
  expect(driver.body.probes.map((probe: { name: string; ok: boolean }) => [probe.name, probe.ok])).toEqual(
    ['list', 'write', 'read', 'range', 'sign', 'delete'].map((name) => [name, true]),
  )
  const { datasetId, command } = await bench.syncNew(driver.body.id)
  expect(command.body).toMatchObject({ status: 'success', spec: { counts: { added: 100_250, skipped: 0 } } })
  const lines = new Map(truth.map(({ key, line }) => [key, line]))
  expect(await rowsOf(datasetId)).toEqual(inByteOrder(lines.keys()).map((key) => lines.get(key)))
  expect(bench.fake.identities.tokensGiven).toBeLessThan(6)

  // The next sync is of what changed in between: overwritten with the same bytes, gone, new.
  const again = bucket.put(truth[500]!.key, bytes.subarray(0, 1))
  bucket.remove(truth[501]!.key)
  bucket.put('set/new.jpg', bytes)
  const second = await bench.must('POST', `/datasets/${datasetId}/sync`, {})
  await bench.work()
  expect((await bench.must('GET', `/commands/${second.body.id}`)).body).toMatchObject({
    status: 'success',
    spec: { counts: { added: 1, changed: 1, missing: 1, unchanged: 100_248 } },
  })
  expect(await rowsOf(datasetId)).toContain(`${again.key}|1|${again.generation}`)

  let streamed = 0
  for (const key of zoo.filter((one) => !unaddressableKeys.includes(one))) {
    const filter = { $and: [{ filename: `/zoo/${key}` }] }
    const found = await bench.must('POST', `/datasets/${datasetId}/query`, {
      filter,
      page: 0,
      pageSize: 10,
      resource: 'items',
    })
    // A name with a star in it is a pattern to the query.
    if (found.body.items.length !== 1) continue
    streamed++
    const answer = await bench.call('GET', `/items/${found.body.items[0].id}/stream`)
    expect([key, answer.status]).toEqual([key, 307])
    const bytesOf = await fetch(String(answer.headers.location))
    expect([key, bytesOf.status, (await bytesOf.arrayBuffer()).byteLength]).toEqual([
      key,
      200,
      bucket.get(`zoo/${key}`)!.bytes.length,
    ])
  }
  expect(streamed).toBeGreaterThan(45)
}, 240_000)

describe('what is wrong with a driver has a code of its own', () => {
  test.each<[string, (account: FakeAccount) => object | undefined, string]>([
    ['a key that was revoked', disable, 'storage.bad_credentials'],
    ['a bucket that does not exist', () => ({ bucket: 'no-such-bucket' }), 'storage.unknown_bucket'],
    ['no right to list', (account) => allow(account, ['get', 'create', 'delete']), 'driver.check_failed'],
    ['no right to read', (account) => allow(account, ['list', 'create', 'delete']), 'driver.check_failed'],
    ['no right to write', (account) => allow(account, ['list', 'get', 'delete']), 'driver.check_failed'],
    ['no right to delete', (account) => allow(account, ['list', 'get', 'create']), 'driver.check_failed'],
    ['an endpoint where nothing listens', () => ({ endpoint: 'http://127.0.0.1:1' }), 'storage.unreachable'],
  ])('%s', async (_, prepare, code) => {
    const bucket = bench.addBucket()
    bucket.put('a.txt', Buffer.from('a'))
    const account = bench.fake.addAccount()
    const more = prepare(account)
    const integration = await bench.addIntegration('gcs', keyOf(account))
    const answer = await bench.sendDriver(integration, 'gcs', { bucket: bucket.name, ...more })
    expect([answer.status >= 400, answer.body.code]).toEqual([true, code])
    const lacking = ['list', 'get', 'create', 'delete'].filter(
      (one) => account.permissions !== 'all' && !account.may(`storage.objects.${one}`),
    )
    for (const right of lacking) expect(answer.text).toContain(`storage.objects.${right}`)
    expect(answer.text).not.toMatch(/PRIVATE KEY|ya29|X-Goog/)
    // What a right lacks for leaves at most the one test file.
    expect(bucket.keys().filter((key) => key !== 'a.txt' && key !== '.dataloop/sluice-check')).toEqual([])
  })

  function disable(account: FakeAccount): undefined {
    account.isEnabled = false
  }

  function allow(account: FakeAccount, names: readonly string[]): undefined {
    account.permissions = new Set(names.map((name) => `storage.objects.${name}`))
  }

  test('a private key that cannot be read', async () => {
    const content = JSON.stringify({
      type: 'service_account',
      client_email: 'a@p.iam.gserviceaccount.com',
      private_key: 'x',
    })
    const integration = await bench.addIntegration('gcs', { content })
    const answer = await bench.sendDriver(integration, 'gcs', { bucket: bench.addBucket().name })
    expect([answer.status, answer.body.code]).toEqual([400, 'storage.bad_credentials'])
  })
})

test('a read-only driver needs the rights to list and to read, and no others', async () => {
  const bucket = bench.addBucket()
  bucket.put('a.txt', Buffer.from('hello'))
  const account = bench.fake.addAccount({ permissions: ['storage.objects.list', 'storage.objects.get'] })
  const integration = await bench.addIntegration('gcs', keyOf(account))
  const payload = { bucket: bucket.name, readOnly: true }
  const driver = await bench.sendDriver(integration, 'gcs', payload, { allowExternalDelete: false })
  expect(driver.status, driver.text).toBe(200)
  expect(driver.body).toMatchObject({ state: 'ready', readOnly: true })
  expect((await bench.syncNew(driver.body.id)).command.body).toMatchObject({ spec: { counts: { added: 1 } } })
  expect(bucket.keys()).toEqual(['a.txt'])
})

describe('gcp-cross (IN-09, IN-14)', () => {
  const read = async (id: string) => {
    const { body } = await bench.must('GET', `/orgs/${bench.api.orgId}/integrations/${id}`)
    return Object.fromEntries(body.metadata.map((entry: { name: string; value: unknown }) => [entry.name, entry.value]))
  }
  const enter = (id: string, email: string) =>
    bench.call('PATCH', `/orgs/${bench.api.orgId}/integrations`, {
      integrationId: id,
      credentials: { options: { email, resourceName: 'projects/1' } },
    })

  test('waits for the trust, is trusted after a real call only, and then reaches the bucket without a key', async () => {
    const customer = bench.fake.addAccount()
    const bucket = bench.addBucket()
    bucket.put('a/b.txt', Buffer.from('hello'))
    const id = await bench.addIntegration('gcp-cross', {})
    expect(await read(id)).toMatchObject({ email: bench.principal.email, status: 'waiting-for-trust' })

    await enter(id, customer.email)
    expect(await read(id)).toMatchObject({
      status: 'waiting-for-trust',
      reason: expect.stringContaining('roles/iam.serviceAccountTokenCreator'),
    })
    const early = await bench.sendDriver(id, 'gcp-cross', { bucket: bucket.name })
    expect([early.status >= 400, early.body.code]).toEqual([true, 'integration.not_trusted'])

    // Testing the integration tries it again.
    const test = () => bench.call('GET', `/orgs/${bench.api.orgId}/integrations/${id}/test`)
    expect((await test()).body.code).toMatch(/^(storage.role_denied|integration.not_trusted)$/)
    customer.creators.add(bench.principal.email)
    expect((await test()).status).toBe(204)
    expect(await read(id)).toMatchObject({ status: 'trust-established' })
    const driver = await bench.sendDriver(id, 'gcp-cross', { bucket: bucket.name })
    expect(driver.status, driver.text).toBe(200)
    const { datasetId, command } = await bench.syncNew(driver.body.id)
    expect(command.body).toMatchObject({ status: 'success', spec: { counts: { added: 1 } } })
    const query = { filter: { $and: [{ type: 'file' }] }, page: 0, pageSize: 10, resource: 'items' }
    const { body } = await bench.must('POST', `/datasets/${datasetId}/query`, query)
    const stream = await bench.call('GET', `/items/${body.items[0].id}/stream`)
    expect(await (await fetch(String(stream.headers.location))).text()).toBe('hello')
  })

  test('an account that another organization has proven is not taken', async () => {
    const customer = bench.fake.addAccount()
    customer.creators.add(bench.principal.email)
    const first = await bench.addIntegration('gcp-cross', { email: customer.email, resourceName: 'r' })
    expect(await read(first)).toMatchObject({ status: 'trust-established' })
    const other = await bench.api.addOrg('Thieves')
    const options = { email: customer.email.toUpperCase(), resourceName: 'r' }
    const json = { name: 'x', type: 'gcp-cross', options }
    const made = await bench.call('POST', `/orgs/${other.orgId}/integrations`, json, other.owner)
    expect(made.body.metadata).toContainEqual({ name: 'status', value: 'waiting-for-trust' })
    // Nothing of the kind is in the way of the organization itself.
    const second = await bench.addIntegration('gcp-cross', { email: customer.email, resourceName: 'r' })
    expect(await read(second)).toMatchObject({ status: 'trust-established' })
  })
})

test('a principal of its own for each organization: no other organization gets in, whoever proves first', async () => {
  const other = await withGcs({ SLUICE_GCP_PRINCIPAL_EMAIL: 's-{org}@operator.iam.gserviceaccount.com' })
  try {
    const { api, fake, principal } = other
    const own = fake.addAccount({ email: `s-${api.orgId}@operator.iam.gserviceaccount.com` })
    own.creators.add(principal.email)
    const customer = fake.addAccount()
    customer.creators.add(own.email)
    const bucket = other.addBucket()
    bucket.put('a.txt', Buffer.from('a'))

    const thieves = await api.addOrg('Thieves')
    const thief = fake.addAccount({ email: `s-${thieves.orgId}@operator.iam.gserviceaccount.com` })
    thief.creators.add(principal.email)
    const json = { name: 'x', type: 'gcp-cross', options: { email: customer.email, resourceName: 'r' } }
    const stolen = await other.call('POST', `/orgs/${thieves.orgId}/integrations`, json, thieves.owner)
    expect(stolen.body.metadata).toContainEqual({ name: 'email', value: thief.email })
    expect(stolen.body.metadata).toContainEqual({ name: 'status', value: 'waiting-for-trust' })

    const made = await other.must('POST', `/orgs/${api.orgId}/integrations`, json)
    expect(made.body.metadata).toContainEqual({ name: 'email', value: own.email })
    expect(made.body.metadata).toContainEqual({ name: 'status', value: 'trust-established' })
    const driver = await other.sendDriver(made.body.id, 'gcp-cross', { bucket: bucket.name })
    expect(driver.status, driver.text).toBe(200)
    expect(driver.body.probes.filter((probe: { ok: boolean }) => !probe.ok)).toEqual([])
  } finally {
    await other.close()
  }
})

describe('workload identity federation (PM-15)', () => {
  const audience = '//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/pool/providers/provider'
  const file = (email: string, more: object = {}) =>
    JSON.stringify({
      type: 'external_account',
      audience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: 'https://nobody.invalid/token',
      credential_source: {
        file: '/etc/passwd',
        url: 'http://nobody.invalid/',
        executable: { command: 'touch /tmp/x' },
      },
      service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`,
      ...more,
    })

  test('exchanges the operator’s token for the organization, and reads nothing else that the file names', async () => {
    const customer = bench.fake.addAccount()
    const bucket = bench.addBucket()
    bucket.put('a.txt', Buffer.from('a'))
    const id = await bench.addIntegration('gcp-workload-identity-federation', {
      secret: 's',
      content: file(customer.email),
      clientId: 'c',
    })
    const without = await bench.sendDriver(id, 'gcp-workload-identity-federation', { bucket: bucket.name })
    expect([without.status, without.body.code]).toEqual([400, 'storage.bad_credentials'])

    await writeFile(join(tokens, `${bench.api.orgId}.jwt`), 'token-of-this-organization\n')
    const subject = `org:${bench.api.orgId}`
    bench.fake.identities.federated.set('token-of-this-organization', { audience, subject })
    customer.creators.add(`principal:${subject}`)
    const driver = await bench.sendDriver(id, 'gcp-workload-identity-federation', { bucket: bucket.name })
    expect(driver.status, driver.text).toBe(200)
    expect((await bench.syncNew(driver.body.id)).command.body).toMatchObject({ spec: { counts: { added: 1 } } })
  })

  test.each<[string, object]>([
    ['an audience elsewhere', { audience: '//nobody.invalid/x' }],
    [
      'an account at another address',
      {
        service_account_impersonation_url:
          'https://nobody.invalid/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken',
      },
    ],
    ['a token of another type', { subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request' }],
    ['a file of another kind', { type: 'authorized_user' }],
  ])('refuses %s', async (_, more) => {
    const options = { secret: 's', content: file('a@p.iam.gserviceaccount.com', more), clientId: 'c' }
    const json = { name: 'x', type: 'gcp-workload-identity-federation', options }
    const made = await bench.call('POST', `/orgs/${bench.api.orgId}/integrations`, json)
    if (made.status === 200) {
      const answer = await bench.sendDriver(made.body.id, 'gcp-workload-identity-federation', { bucket: 'photos' })
      expect([answer.status, answer.body.code]).toEqual([400, 'integration.invalid'])
    } else expect(made.body.code).toBe('integration.invalid')
  })

  test('a token for all of Google goes to no other endpoint', async () => {
    const options = { secret: 's', content: file('a@p.iam.gserviceaccount.com'), clientId: 'c' }
    const id = await bench.addIntegration('gcp-workload-identity-federation', options)
    const payload = { bucket: 'photos', endpoint: 'https://storage.invalid' }
    const answer = await bench.sendDriver(id, 'gcp-workload-identity-federation', payload)
    expect([answer.status, answer.body.code]).toEqual([400, 'driver.invalid'])
  })
})

test('no secret of a log-in is in a table or in the log', async () => {
  const other = await withGcs()
  try {
    const account = other.fake.addAccount()
    const bucket = other.addBucket()
    const id = await other.addIntegration('gcs', {
      ...keyOf(account),
      key: account.hmac.id,
      secret: account.hmac.secret,
    })
    const driver = await other.sendDriver(id, 'gcs', { bucket: bucket.name })
    expect(driver.status, driver.text).toBe(200)
    account.permissions = new Set()
    expect((await other.call('GET', `/drivers/${driver.body.id}/test`)).status).toBe(400)
    const { private_key: key } = JSON.parse(account.keyFile) as { private_key: string }
    const secrets = [key.split('\n')[3]!, account.hmac.secret, 'ya29.', 'X-Goog-Signature']
    expect(await plaintextHits(other.api, secrets)).toEqual([])
  } finally {
    await other.close()
  }
})
