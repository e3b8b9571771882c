// Proves that every kind of integration can be made, listed and changed, that none gives a secret back, and that nothing untried is called a success.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { type FakeSts, startFakeSts } from '../fakes/sts.ts'
import { type Answer, type TestApi, withApi } from '../support/api.ts'
import { plaintextHits } from '../support/canaries.ts'
import { addDriver, openBucket } from '../support/drivers.ts'

let api: TestApi
let base: string
/** Knows nobody, so that no test asks the real one. */
let sts: FakeSts
beforeAll(async () => {
  sts = await startFakeSts({ users: {} })
  api = await withApi({ config: readConfig({ SLUICE_AWS_STS_ENDPOINT: sts.endpoint }) })
  base = `/api/v1/orgs/${api.orgId}`
})
afterAll(async () => {
  await api?.close()
  await sts?.close()
})

const canary = 'CANARY-SECRET-0451'
const role = 'arn:aws:iam::123456789012:role/reader'
const keyFile = JSON.stringify({
  type: 'service_account',
  client_email: 'a@p.iam.gserviceaccount.com',
  private_key: canary,
})
const dockerConfig = Buffer.from(
  JSON.stringify({
    auths: { 'docker.io': { username: 'u', password: canary, auth: Buffer.from(`u:${canary}`).toString('base64') } },
  }),
).toString('base64')

/** Each kind with options as scripts send them. */
const kinds: readonly [string, Record<string, unknown>][] = [
  ['s3', { key: 'k', secret: canary }],
  ['aws-sts', { key: 'k', secret: canary, roleArns: role }],
  ['aws-cross', {}],
  ['gcs', { key: null, secret: null, content: keyFile }],
  ['gcp-cross', {}],
  ['gcp-workload-identity-federation', { secret: canary, content: '{}', clientId: 'c' }],
  ['azureblob', { key: 'account', secret: canary, clientId: 'c', tenantId: 't' }],
  ['azure-account-key', { key: 'account', secret: canary.padEnd(86, 'A').replaceAll(/[^A-Za-z0-9]/g, 'x') }],
  ['azure-sas', { key: 'account', secret: `sv=2022-11-02&sp=rl&sig=${canary}` }],
  [
    'azure-connection-string',
    { connectionString: `AccountName=account;AccountKey=${Buffer.alloc(64, canary).toString('base64')}` },
  ],
  ['azure-workload-identity-federation', { key: 'account', clientId: 'c', tenantId: 't' }],
  ['azure-managed-identity', { key: 'account' }],
  ['key_value', { key: 'name', value: `${canary}\nline two` }],
  [
    'private-registry',
    { name: 'AWS', spec: { accessKeyId: 'a', secretAccessKey: canary, account: '123456789012', region: 'eu-west-1' } },
  ],
  ['private-registry', { name: '_json_key', spec: { password: dockerConfig } }],
]

const create = (type: string, options: unknown, more: Record<string, unknown> = {}): Promise<Answer> =>
  api.call(api.owner, 'POST', `${base}/integrations`, { json: { type, name: `my ${type}`, options, ...more } })
const update = (json: Record<string, unknown>) => api.call(api.owner, 'PATCH', `${base}/integrations`, { json })
const get = (id: string) => api.call(api.owner, 'GET', `${base}/integrations/${id}`)
const check = (id: string) => api.call(api.owner, 'GET', `${base}/integrations/${id}/test`)
const named = (body: { metadata: { name: string; value: string }[] }) =>
  Object.fromEntries(body.metadata.map(({ name, value }) => [name, value]))

describe('every kind', () => {
  test.each(kinds)('%s is made, found, listed and renamed without giving its options back', async (type, options) => {
    const made = await create(type, options)
    expect(made.status, made.text).toBe(200)
    expect(made.body).toMatchObject({ type, name: `my ${type}`, org: api.orgId, creator: 'owner@example.com' })
    expect((await get(made.body.id)).body).toEqual(made.body)
    const all = await api.call(api.owner, 'GET', `${base}/integrations`)
    expect(all.body).toContainEqual(made.body)
    const renamed = await update({ integrationId: made.body.id, name: 'renamed' })
    expect(renamed.body).toMatchObject({ id: made.body.id, name: 'renamed', type, version: 1 })
    for (const answer of [made, all, renamed]) expect(answer.text).not.toContain(canary)
  })

  test('is described with its options, so that a form can be made of it', async () => {
    const mine = (await create('s3', { key: 'k', secret: canary }, { name: 'mine' })).body
    const answer = await api.call(api.owner, 'GET', `${base}/availableIntegrations`)
    const body = answer.body.filter((each: { isKind: boolean }) => each.isKind)
    expect(answer.body.at(-1)).toEqual({ ...body[0], id: mine.id, name: 'mine', isKind: false })
    expect(answer.text).not.toContain(canary)
    expect(body.map((each: { type: string }) => each.type)).toEqual([...new Set(kinds.map(([type]) => type))])
    const of = (type: string) =>
      body
        .find((each: { type: string }) => each.type === type)
        .options.map((option: { name: string; required: boolean }) => `${option.name}${option.required ? '' : '?'}`)
    expect(of('azureblob')).toEqual(['key', 'secret', 'clientId', 'tenantId'])
    expect(of('gcs')).toEqual(['key?', 'secret?', 'content'])
    expect(of('gcp-cross')).toEqual(['email?', 'resourceName?'])
    expect(Object.keys(body[0].options[0]).toSorted()).toEqual(['label', 'name', 'required', 'secret', 'type'])
  })

  test('leaves no secret in the database or the log', async () => {
    expect(await plaintextHits(api, [canary])).toEqual([])
  })
})

describe('the check', () => {
  // A registry is asked itself, so no bucket is wanted: registry.test.ts.
  const others = ['key_value', 'gcp-cross', 'private-registry']
  const untried = kinds.filter(([type]) => !others.includes(type))
  test.each(untried)('of %s without a bucket is no success', async (type, options) => {
    const { id } = (await create(type, options)).body
    const { status, body } = await check(id)
    const codes: Record<string, string> = {
      'aws-sts': 'storage.bad_credentials',
      'aws-cross': 'integration.not_trusted',
    }
    expect([status, body.code]).toEqual([400, codes[type] ?? 'integration.not_supported'])
  })

  test('of a named secret is that it opens', async () => {
    const { id } = (await create('key_value', { key: 'k', value: 'v' })).body
    expect((await check(id)).status).toBe(204)
  })

  test('of an access key is what its bucket says', async () => {
    const bucket = await openBucket()
    try {
      const projectId = await api.addProject()
      const { id } = (await create('s3', { key: 'TESTKEY0001', secret: 'test/Secret+0001=' })).body
      await addDriver(api, { projectId, integrationId: id, bucket })
      expect((await check(id)).status).toBe(204)
      await update({ integrationId: id, credentials: { type: 's3', options: { key: 'TESTKEY0001', secret: 'wrong' } } })
      const { status, body } = await check(id)
      expect([status, body.code]).toEqual([400, 'storage.bad_credentials'])
    } finally {
      await bucket.close()
    }
  })

  test('is for owners and admins of the organization', async () => {
    const { id } = (await create('key_value', { key: 'k', value: 'v' })).body
    const member = await api.addUser('member-check@example.com', 'member')
    expect((await api.call(member, 'GET', `${base}/integrations/${id}/test`)).status).toBe(403)
  })
})

describe('metadata', () => {
  test.each([
    ['as an object', { provider: 'x', ref: 'y' }],
    [
      'as a list',
      [
        { name: 'provider', value: 'x' },
        { name: 'ref', value: 'y' },
      ],
    ],
    ['that is empty', {}],
  ])('of a named secret is taken %s', async (_what, metadata) => {
    const { status, body } = await create('key_value', { key: 'k', value: 'v' }, { metadata })
    expect(status).toBe(200)
    expect(named(body)).toEqual(Object.keys(metadata).length === 0 ? {} : { provider: 'x', ref: 'y' })
  })

  test.each([
    [
      'key_value',
      { key: 'k', value: 'v' },
      { hello: 'world', key: 'key' },
      'Invalid metadata fields for key-value integration',
    ],
    [
      'key_value',
      { key: 'k', value: 'v' },
      { provider: 'x', more: 1 },
      'Invalid metadata fields for key-value integration',
    ],
    ['gcp-cross', {}, { provider: 'x', ref: 'y' }, 'Invalid input specified'],
    ['aws-cross', {}, { status: 'trust-established' }, 'Invalid input specified'],
  ])('of %s with other names is refused', async (type, options, metadata, message) => {
    const { status, body } = await create(type, options, { metadata })
    expect([status, body.code, body.message]).toEqual([400, 'integration.invalid', message])
    const { id } = (await create(type, options)).body
    const changed = await update({ integrationId: id, metadata })
    expect([changed.status, changed.body.message]).toEqual([400, message])
  })

  test('of an aws-cross integration stands beside what the server says, and changes without touching it', async () => {
    const { body } = await create('aws-cross', {}, { metadata: { team: 'vision' } })
    expect(named(body)).toMatchObject({ team: 'vision', status: 'waiting-for-trust' })
    const changed = await update({ integrationId: body.id, metadata: { team: 'audio' } })
    expect(named(changed.body)).toEqual({ ...named(body), team: 'audio' })
  })
})

describe('a cross-account integration', () => {
  const email = /^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$/

  test.each([
    ['aws-cross', { roleArn: role }, { roleArn: 'reader' }],
    ['gcp-cross', { email: 'a@p.iam.gserviceaccount.com', resourceName: 'projects/1' }, { email: 'nobody' }],
  ])('%s tells whom to trust, and waits whatever is entered', async (type, right, wrong) => {
    const { body } = await create(type, type === 'aws-cross' ? {} : null)
    const { status, userArn, email: address, externalId, reason } = named(body)
    expect(status).toBe('waiting-for-trust')
    expect(reason).toBeTruthy()
    if (type === 'aws-cross')
      expect([userArn, externalId]).toEqual([expect.stringMatching(/^arn:aws:iam::\d{12}:/), expect.any(String)])
    else expect(address).toMatch(email)

    const refused = await update({ integrationId: body.id, credentials: { type, options: wrong } })
    expect([refused.status, refused.body.code]).toEqual([400, 'integration.invalid'])
    expect((await get(body.id)).body).toEqual(body)
    const taken = await update({ integrationId: body.id, credentials: { type, options: right } })
    expect(taken.status, taken.text).toBe(200)
    expect(taken.body.version).toBe(2)
    expect(named(taken.body)).toEqual({ ...named(body), reason: expect.stringContaining('operator has to set') })
    expect((await check(body.id)).body.code).toBe('integration.not_trusted')
  })

  test('backs no storage driver while it waits', async () => {
    const projectId = await api.addProject()
    const { id } = (await create('aws-cross', { roleArn: role })).body
    const { status, body } = await api.call(api.owner, 'POST', '/api/v1/drivers', {
      json: {
        integrationId: id,
        integrationType: 'aws-cross',
        name: 'd',
        type: 's3',
        metadata: { system: { projectId } },
        payload: { bucketName: 'photos', region: 'eu-west-1', path: '' },
      },
    })
    expect([status, body.code]).toEqual([400, 'integration.not_trusted'])
  })

  test('has the external id of nobody else', async () => {
    const [one, two] = [await create('aws-cross', {}), await create('aws-cross', {})]
    expect(named(one.body).externalId).not.toBe(named(two.body).externalId)
  })
})

describe('with the operator’s settings', () => {
  test('a cap holds for each organization and kind, also when many ask at once; identities are the operator’s', async () => {
    const principal = 'arn:aws:iam::210987654321:role/sluice'
    const settings = { SLUICE_AWS_CROSS_MAX: '3', SLUICE_GCP_CROSS_MAX: '0', SLUICE_AWS_PRINCIPAL_ARN: principal }
    const limited = await withApi({ config: readConfig(settings) })
    try {
      const send = (type: string, orgId = limited.orgId, actor = limited.owner) =>
        limited.call(actor, 'POST', `/api/v1/orgs/${orgId}/integrations`, { json: { type, name: 'x', options: {} } })
      const answers = await Promise.all(Array.from({ length: 6 }, () => send('aws-cross')))
      expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 200, 200, 400, 400, 400])
      const refused = answers.find((answer) => answer.status === 400)!
      expect(refused.body).toMatchObject({ code: 'integration.limit_reached', details: { type: 'aws-cross', max: 3 } })
      expect(refused.body.message).toContain('SLUICE_AWS_CROSS_MAX')
      expect((await send('gcp-cross')).body.code).toBe('integration.limit_reached')
      const other = await limited.addOrg('Other')
      const theirs = await send('aws-cross', other.orgId, other.owner)
      expect(named(theirs.body)).toMatchObject({ userArn: principal, status: 'waiting-for-trust' })
    } finally {
      await limited.close()
    }
  })
})
