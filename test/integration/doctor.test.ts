// Proves what the doctor's routes answer: the policies of a driver by whoever's storage it is, CORS as a browser would find it, the trial for browsers, and what is kept of an examination.

import { createServer, type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { openEgress } from '#storage/egress.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addDriver, addIntegration, bucketKey, openBucket, sendDriver } from '../support/drivers.ts'

const origin = 'https://sluice.example'
let api: TestApi
let bucket: Bucket
let projectId: string
let integrationId: string
const started: { close(): Promise<unknown> }[] = []

beforeAll(async () => {
  const config = readConfig({
    SLUICE_PUBLIC_URL: origin,
    SLUICE_AWS_PRINCIPAL_ARN: 'arn:aws:iam::123456789012:user/sluice',
  })
  ;[api, bucket] = await Promise.all([withApi({ config, egress: openEgress }), openBucket()])
  bucket.put('in/a.txt', Buffer.from('a'), 'text/plain')
  projectId = await api.addProject()
  integrationId = await addIntegration(api)
})
afterAll(async () => {
  await Promise.all([api.close(), bucket.close(), ...started.map((one) => one.close())])
})

const call = (method: string, url: string, json?: unknown) =>
  api.call(api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
const draft = (json: object) => ({ metadata: { system: { projectId } }, ...json })
const named = (body: { documents: { name: string; document: unknown }[] }, name: string) =>
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts what it expects of the JSON.
  body.documents.find((one) => one.name === name)?.document as any

describe('policies', () => {
  test('before anything is made, of each kind of storage', async () => {
    const kinds = [
      ['s3', 's3', { bucketName: 'photos' }, ['user-policy', 'cors', 'lifecycle']],
      ['s3', 'aws-sts', { bucketName: 'photos' }, ['role-policy', 'trust-policy', 'user-policy', 'cors', 'lifecycle']],
      ['s3', 'aws-cross', { bucketName: 'photos' }, ['role-policy', 'trust-policy', 'cors', 'lifecycle']],
      ['gcs', 'gcs', { bucket: 'photos' }, ['custom-role', 'binding', 'cors']],
      [
        'azureblob',
        'azureblob',
        { containerName: 'photos' },
        ['role-definition', 'role-assignment', 'delegator-assignment', 'cors'],
      ],
      ['local', null, { rootPath: '/srv/photos' }, []],
      ['registry', 'private-registry', { server: 'registry.example' }, []],
    ] as const
    for (const [type, integrationType, payload, names] of kinds) {
      const { status, body, text } = await call('POST', '/drivers/policies', draft({ type, integrationType, payload }))
      expect(status, text).toBe(200)
      expect([type, integrationType, body.documents.map((one: { name: string }) => one.name)]).toEqual([
        type,
        integrationType,
        names,
      ])
      if (names.length > 0) expect(JSON.stringify(named(body, 'cors'))).toContain(origin)
      expect(body.terraform === '').toBe(names.length === 0)
    }
  })

  test('of a cross-account integration name its principal and its own external id', async () => {
    const made = await call('POST', `/orgs/${api.orgId}/integrations`, {
      type: 'aws-cross',
      name: 'cross',
      options: {},
    })
    expect(made.status, made.text).toBe(200)
    const json = draft({ type: 's3', integrationId: made.body.id, payload: { bucketName: 'photos' } })
    const { body } = await call('POST', '/drivers/policies', json)
    const [statement] = named(body, 'trust-policy').Statement
    expect(statement.Principal.AWS).toBe('arn:aws:iam::123456789012:user/sluice')
    expect(statement.Condition.StringEquals['sts:ExternalId']).toMatch(/^[0-9a-f-]{36}$/)
    expect(body.terraform).toContain(statement.Condition.StringEquals['sts:ExternalId'])
  })

  test('of a saved driver are those of its bucket, folder and choice to delete', async () => {
    const more = { allowExternalDelete: true }
    const id = await addDriver(api, { projectId, integrationId, bucket, payload: { path: 'in' }, more })
    const { body } = await call('GET', `/drivers/${id}/policies?abortUploads=true`)
    expect(named(body, 'user-policy').Statement).toEqual([
      expect.objectContaining({ Condition: { StringLike: { 's3:prefix': ['in/', 'in/*'] } } }),
      expect.objectContaining({
        Action: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'],
        Resource: ['arn:aws:s3:::photos/in/*'],
      }),
    ])
  })

  test('wrong fields are told one by one, and kinds whose storage is not reached as such', async () => {
    const wrong = await call('POST', '/drivers/policies', draft({ type: 's3', payload: { bucketName: 's3://photos' } }))
    expect([wrong.status, wrong.body.code, wrong.body.details[0].path]).toEqual([
      400,
      'driver.invalid',
      'payload.bucketName',
    ])
    const key = { type: 's3', payload: { bucketName: 'photos' }, kmsKey: 'not an arn' }
    expect((await call('POST', '/drivers/policies', draft(key))).body.code).toBe('request.invalid')
    const kept = { type: 'computeCluster', payload: { computeId: 'c', computeStorageName: 's' } }
    expect((await call('POST', '/drivers/policies', draft(kept))).body.code).toBe('driver.not_supported')
  })

  test('another organization’s integration is as good as none', async () => {
    const { owner, orgId } = await api.addOrg('Elsewhere')
    const made = await api.call(owner, 'POST', `/api/v1/orgs/${orgId}/integrations`, {
      json: { type: 'aws-cross', name: 'cross', options: {} },
    })
    const json = draft({ type: 's3', integrationId: made.body.id, payload: { bucketName: 'photos' } })
    expect((await call('POST', '/drivers/policies', json)).body.code).toBe('integration.not_found')
  })
})

/** A bucket behind a door that answers browsers by these rules. */
async function behind(
  rules: (method: string, headers: IncomingHttpHeaders) => Record<string, string>,
): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'OPTIONS') {
        response.writeHead(200, rules('OPTIONS', request.headers)).end()
        return
      }
      const headers = Object.entries(request.headers).filter(
        ([name]) => !['connection', 'transfer-encoding', 'expect'].includes(name),
      )
      const asked = plainRequest(
        `${bucket.endpoint}${request.url}`,
        { method: request.method, headers: Object.fromEntries(headers) as Record<string, string>, setHost: false },
        (answer) => {
          for (const name of Object.keys(answer.headers))
            if (name.startsWith('access-control-')) delete answer.headers[name]
          response.writeHead(answer.statusCode!, { ...answer.headers, ...rules('GET', request.headers) })
          answer.pipe(response)
        },
      )
      asked.end(Buffer.concat(chunks))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  started.push({
    close: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(done)
      }),
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const examine = async (payload: Record<string, unknown>) =>
  (await sendDriver(api, { projectId, integrationId, bucket, payload, path: '/drivers/doctor' })).body

describe('CORS', () => {
  const good = {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, HEAD',
    'access-control-allow-headers': 'Range, If-Match, If-None-Match',
    'access-control-expose-headers': 'ETag, Content-Range, Accept-Ranges',
  }

  test('is found where it is as it should be', async () => {
    const { ok, cors } = await examine({ endpoint: await behind(() => good) })
    expect([ok, cors]).toEqual([true, { ok: true, missing: [], origin, rule: expect.anything() }])
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['no rule at all', {}, /OPTIONS/],
    ['another origin', { ...good, 'access-control-allow-origin': 'https://other.example' }, /OPTIONS/],
    ['no ranges', { ...good, 'access-control-allow-headers': 'if-match, if-none-match' }, /range/],
    ['another method', { ...good, 'access-control-allow-methods': 'PUT' }, /GET/],
    ['nothing exposed', { ...good, 'access-control-expose-headers': '' }, /content-range/],
  ])('with %s it says what is missing, and gives the rule to copy', async (_name, headers, said) => {
    const { ok, cors } = await examine({ endpoint: await behind(() => headers) })
    // Pages without CORS still show files; the driver is usable.
    expect([ok, cors.ok]).toEqual([true, false])
    expect(cors.missing.join(' ')).toMatch(said)
    expect(cors.rule.CORSRules[0]).toMatchObject({ AllowedOrigins: [origin], AllowedMethods: ['GET', 'HEAD'] })
  })

  test('asks from the console’s own origin, as browsers do', async () => {
    const seen: IncomingHttpHeaders[] = []
    const endpoint = await behind((_method, headers) => {
      seen.push(headers)
      return good
    })
    await examine({ endpoint })
    const preflight = seen.find((headers) => headers['access-control-request-method'] !== undefined)!
    expect(preflight).toMatchObject({ origin, 'access-control-request-method': 'GET' })
    expect(preflight.authorization).toBeUndefined()
  })
})

describe('a saved driver', () => {
  test('is examined, and what came of it is kept', async () => {
    const own = await openBucket()
    const id = await addDriver(api, { projectId, integrationId, bucket: own, payload: { path: '' } })
    const fine = await call('POST', `/drivers/${id}/doctor`)
    expect(fine.body).toMatchObject({
      ok: true,
      code: null,
      abilities: { readsParts: true, writes: true, signsAddresses: true },
    })
    await own.close()
    const gone = await call('POST', `/drivers/${id}/doctor`)
    expect([gone.status, gone.body.ok, gone.body.code, gone.body.abilities]).toMatchObject([
      200,
      false,
      'storage.unreachable',
      {},
    ])
    expect((await call('GET', `/drivers/${id}`)).body.state).toBe('failed')
  })

  test('conditional removal is tried, and remembered with the driver', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket })
    const { abilities } = (await call('POST', `/drivers/${id}/doctor`)).body
    const { rows } = await api.database.pool.query('select capabilities from driver where id = $1', [id])
    expect(rows[0].capabilities.capabilities.remove_if_match).toBe(abilities.removesIfUnchanged)
  })

  test('gives a browser what it is to fetch, and what it must get', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket, payload: { path: 'in' } })
    const { status, body, text } = await call('POST', `/drivers/${id}/browserTest`)
    expect(status, text).toBe(200)
    const answer = await fetch(body.url, { headers: body.headers })
    expect([answer.status, await answer.text()]).toEqual([body.expect.status, body.expect.text])
    expect([body.expect.status, body.expect.text]).toEqual([206, 'tried'])
    for (const name of body.expect.headers) expect(answer.headers.get(name), name).not.toBeNull()
    expect(body.rule.CORSRules).toHaveLength(1)
    expect(bucket.keys().filter((key) => key.includes('.dataloop'))).toContain('in/.dataloop/sluice-check')
    expect(api.logs()).not.toContain(new URL(body.url).searchParams.get('X-Amz-Signature'))
    expect((await call('GET', `/drivers/${id}/test`)).status).toBe(204)
    expect(bucket.keys()).not.toContain('in/.dataloop/sluice-check')
  })

  test('that is read-only writes nothing for it', async () => {
    const own = await openBucket(['PutObject', 'DeleteObject'])
    started.push(own)
    own.put('a.txt', Buffer.from('a'), 'text/plain')
    const id = await addDriver(api, { projectId, integrationId, bucket: own, payload: { readOnly: true } })
    expect((await call('POST', `/drivers/${id}/browserTest`)).body.code).toBe('driver.read_only')
    const { body } = await call('POST', `/drivers/${id}/doctor`)
    expect(body).toMatchObject({ ok: true, abilities: { writes: false, readsParts: true } })
    expect(body.probes.find((one: { name: string }) => one.name === 'write')).toMatchObject({
      ok: false,
      optional: true,
      code: 'driver.read_only',
    })
    expect(own.keys()).toEqual(['a.txt'])
  })
})

test('an examination shows no call to the bucket’s owner but those that the policy allows', async () => {
  const seen: string[] = []
  const own = await startBucket({
    port: 0,
    bucket: 'photos',
    accessKeyId: bucketKey.key,
    secretKey: bucketKey.secret,
    onRequest: (method, url) =>
      seen.push(`${method} ${new URL(url, 'http://x').pathname}${/[?&]list-type=/.test(url) ? ' list' : ''}`),
  })
  started.push(own)
  const { body } = await sendDriver(api, {
    projectId,
    integrationId,
    bucket: own,
    payload: { path: 'in' },
    path: '/drivers/doctor',
  })
  expect(body.ok).toBe(true)
  const file = '/photos/in/.dataloop/sluice-check'
  const allowed = [
    /^GET \/photos\/? list$/,
    ...['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].map((method) => new RegExp(`^${method} ${file}$`)),
    /^(GET|HEAD) \/photos\/in$/,
  ]
  expect(seen.filter((one) => !allowed.some((pattern) => pattern.test(one)))).toEqual([])
})
