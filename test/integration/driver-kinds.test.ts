// Proves that storage drivers of every kind are described, kept and answered in the SDK's shape; that those whose storage comes later never pass for
// working ones; and that drivers are grouped, moved and tried together.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { continueValidation, reviveValidations } from '#core/drivers/drivers.ts'
import type { Bucket } from '../../src/demo/bucket.ts'
import { type Actor, type Answer, type TestApi, withApi } from '../support/api.ts'
import { addDatasetRow, addDriver, addIntegration, bucketKey, openBucket } from '../support/drivers.ts'

let api: TestApi
let bucket: Bucket
let projectId: string
const integrations: Record<string, string> = {}
const queued: string[] = []

const role = 'arn:aws:iam::123456789012:role/reader'
const keyFile = JSON.stringify({
  type: 'service_account',
  client_email: 'a@p.iam.gserviceaccount.com',
  private_key: 'k',
})
const options: Record<string, Record<string, unknown>> = {
  s3: bucketKey,
  'aws-sts': { ...bucketKey, roleArns: role },
  gcs: { content: keyFile },
  azureblob: { key: 'account', secret: 's', clientId: 'c', tenantId: 't' },
  key_value: { key: 'k', value: 'v' },
}

beforeAll(async () => {
  const queue = {
    enqueue: async (_tx: unknown, job: string, payload: unknown) => {
      if (job === 'drivers.validate') queued.push((payload as { commandId: string }).commandId)
    },
  }
  ;[api, bucket] = await Promise.all([withApi({ queue }), openBucket()])
  projectId = await api.addProject()
  for (const [type, given] of Object.entries(options)) integrations[type] = await integration(type, given)
})
afterAll(() => Promise.all([api.close(), bucket.close()]))

async function integration(type: string, given: unknown): Promise<string> {
  const json = { type, name: type, options: given }
  const { status, text, body } = await api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/integrations`, { json })
  expect(status, text).toBe(200)
  return body.id
}

/** Sends a driver as the SDK does: `by` is the kind of integration, `system` and null as they are. */
function send(type: string, by: string | null, payload: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const json = {
    ...(by === null ? {} : { integrationId: integrations[by] ?? by, integrationType: by === 'system' ? null : by }),
    name: `d ${type}`,
    metadata: { system: { projectId } },
    type,
    payload,
    allowExternalDelete: true,
    creator: 'somebody@else.com',
    ...more,
  }
  return api.call(api.owner, 'POST', '/api/v1/drivers', { json })
}
const call = (method: string, url: string, json?: unknown, actor: Actor = api.owner): Promise<Answer> =>
  api.call(actor, method, `/api/v1${url}`, json === undefined ? {} : { json })

const cloud = { storageClass: '', region: null, path: 'a/b' }
const elastic = { elasticIndex: 'index', elasticIndexPath: '/ifs/data' }
const compute = { computeId: '684c0a5d3cb7280017576fba', computeStorageName: 'store', public: false }

/** Kinds whose storage comes later: type, integration, payload and what of it stands in the answer. */
const kept: readonly [string, string | null, Record<string, unknown>, Record<string, unknown>][] = [
  ['faasProxy', 'gcs', { ...cloud, bucket: 'photos' }, { bucket: 'photos', path: 'a/b' }],
  [
    'powerscaleS3',
    's3',
    { ...elastic, endpoint: 'http://location:8765', path: 'p', bucketName: 'Photos', region: 'us-west-1' },
    { ...elastic, endpoint: 'http://location:8765', path: 'p', bucketName: 'Photos', region: 'us-west-1' },
  ],
  ['powerscaleNfs', 'system', elastic, { ...elastic, integrationId: 'system', integrationType: null }],
  ['powerscaleNfs', 's3', elastic, { ...elastic, integrationType: 's3' }],
  ['computeCluster', null, compute, { ...compute, payload: compute, integrationId: null }],
]

describe('a kind whose storage comes later', () => {
  test.each(kept)('%s by %s is kept and answered flattened', async (type, by, payload, flattened) => {
    const name = `${type} by ${by}`
    const made = await send(type, by, payload, { name })
    expect(made.status, made.text).toBe(200)
    expect(made.body).toMatchObject({
      type,
      name,
      creator: 'owner@example.com',
      allowExternalDelete: true,
      metadata: { system: { projectId, orgId: api.orgId } },
      isSyncable: false,
      state: 'unsupported',
      stateReason: expect.stringContaining('not supported yet'),
      probes: [],
      ...flattened,
    })
    expect((await call('GET', `/drivers/${made.body.id}`)).body).toEqual(made.body)
    expect((await call('GET', `/drivers?projectId=${projectId}`)).body).toContainEqual(made.body)
    const found = await call('GET', `/drivers/byName/${encodeURIComponent(name)}?projectId=${projectId}`)
    expect(found.body).toEqual(made.body)
  })

  test('never passes a check, before or after it is saved, and stays what it was', async () => {
    const { id } = (await send('faasProxy', 'gcs', { bucket: 'photos' })).body
    const after = await call('GET', `/drivers/${id}/test`)
    expect([after.status, after.body.code]).toEqual([400, 'driver.not_supported'])
    const before = await call('POST', '/drivers/test', {
      integrationId: integrations.gcs,
      integrationType: 'gcs',
      type: 'faasProxy',
      metadata: { system: { projectId } },
      payload: { bucket: 'photos' },
    })
    expect([before.status, before.body.code]).toEqual([400, 'driver.not_supported'])
    expect((await call('GET', `/drivers/${id}`)).body.state).toBe('unsupported')
  })

  test('has datasets, which are not synced; then it is not deleted, and its place stays', async () => {
    const { id } = (await send('faasProxy', 'gcs', { bucket: 'photos' })).body
    const made = await call('POST', '/datasets', { name: 'on gcs', projects: [projectId], driver: id })
    expect(made.status, made.text).toBe(200)
    expect(made.body.driver).toBe(id)
    const sync = await call('POST', `/datasets/${made.body.id}/sync`, {})
    expect([sync.status, sync.body.code]).toEqual([400, 'driver.not_supported'])
    const gone = await call('DELETE', `/drivers/${id}`)
    expect([gone.status, gone.body.code, gone.body.message]).toEqual([
      400,
      'driver.in_use',
      expect.stringContaining('(1)'),
    ])
    const moved = await call('PATCH', `/drivers/${id}`, { payload: { bucket: 'others' } })
    expect([moved.status, moved.body.code]).toEqual([400, 'driver.in_use'])
    const renamed = await call('PATCH', `/drivers/${id}`, { name: 'new', payload: { storageClass: 'NEARLINE' } })
    expect(renamed.body).toMatchObject({ name: 'new', storageClass: 'NEARLINE', state: 'unsupported' })
  })

  test('may not delete anything unless that was said', async () => {
    const { body } = await send('faasProxy', 'gcs', { bucket: 'photos' }, { allowExternalDelete: undefined })
    expect(body.allowExternalDelete).toBe(false)
  })

  test('takes no working driver’s place', async () => {
    const id = await addDriver(api, { projectId, integrationId: integrations.s3!, bucket })
    const { endpoint } = (await call('GET', `/drivers/${id}`)).body
    const misfit = await call('PATCH', `/drivers/${id}`, { integrationId: integrations['aws-sts'] })
    expect([misfit.status, misfit.body.code]).toEqual([400, 'driver.invalid'])
    expect((await call('GET', `/drivers/${id}`)).body).toMatchObject({ state: 'ready', endpoint })
  })
})

describe('a wrong description is refused with its place', () => {
  test.each<[string, string, string | null, Record<string, unknown>, Record<string, unknown>, string]>([
    ['no bucket', 'gcs', 'gcs', cloud, {}, 'payload.bucket'],
    ['an address', 'gcs', 'gcs', { bucket: 'gs://photos' }, {}, 'payload.bucket'],
    ['capitals', 'gcs', 'gcs', { bucket: 'Photos' }, {}, 'payload.bucket'],
    ['Google’s own name', 'gcs', 'gcs', { bucket: 'google' }, {}, 'payload.bucket'],
    ['another field', 'azureblob', 'azureblob', { bucketName: 'photos' }, {}, 'payload.containerName'],
    ['two hyphens', 'azureblob', 'azureblob', { containerName: 'a--b' }, {}, 'payload.containerName'],
    ['a path with dots', 'azureblob', 'azureblob', { containerName: 'abc', path: '..' }, {}, 'payload.path'],
    ['a bad region', 'gcs', 'gcs', { bucket: 'photos', region: 'eu west' }, {}, 'payload.region'],
    ['no index', 'powerscaleNfs', 'system', { elasticIndexPath: 'p' }, {}, 'payload.elasticIndex'],
    ['no endpoint', 'powerscaleS3', 's3', { ...elastic, bucketName: 'abc' }, {}, 'payload.endpoint'],
    ['no compute', 'computeCluster', null, { computeStorageName: 's' }, {}, 'payload.computeId'],
    ['an integration too many', 'computeCluster', 's3', compute, {}, 'integrationId'],
    ['no integration', 'gcs', 'system', { bucket: 'photos' }, {}, 'integrationId'],
    ['AWS for Google', 'gcs', 's3', { bucket: 'photos' }, {}, 'integrationId'],
    ['Google for AWS', 's3', 'gcs', { bucketName: 'photos' }, {}, 'integrationId'],
    ['AWS for Azure', 'azureDatalakeGen2', 's3', { containerName: 'photos' }, {}, 'integrationId'],
    ['a secret that is none', 'faasProxy', 'key_value', { bucket: 'photos' }, {}, 'integrationId'],
    ['a role for MinIO', 's3', 'aws-sts', { bucketName: 'photos', endpoint: 'http://minio:9000' }, {}, 'integrationId'],
    [
      'another type than it has',
      'gcs',
      'gcs',
      { bucket: 'photos' },
      { integrationType: 'gcp-cross' },
      'integrationType',
    ],
    [
      'another organization',
      'gcs',
      'gcs',
      { bucket: 'photos' },
      { metadata: { system: { projectId: '$project', orgId: 'f'.repeat(24) } } },
      'metadata.system.orgId',
    ],
  ])('%s (%s)', async (_what, type, by, payload, more, path) => {
    const filled = JSON.parse(JSON.stringify(more).replace('$project', projectId))
    const { status, body } = await send(type, by, payload, filled)
    expect([status, body.code]).toEqual([400, 'driver.invalid'])
    expect(body.details.map((issue: { path: string }) => issue.path)).toEqual([path])
  })

  test('the driver’s own type in place of the integration’s is what the SDK sends when its caller says nothing', async () => {
    const place = { ...elastic, endpoint: 'http://location:8765', bucketName: 'photos' }
    const { status, body } = await send('powerscaleS3', 's3', place, { integrationType: 'powerscaleS3' })
    expect([status, body.integrationType]).toEqual([200, 's3'])
  })
})

describe('drivers together', () => {
  test('are grouped by provider, for one project only', async () => {
    const mine = projectId
    projectId = await api.addProject()
    try {
      for (const [type, by, payload] of kept) expect((await send(type, by, payload)).status).toBe(200)
      const { body } = await call('GET', `/drivers/byProvider?projectId=${projectId}`)
      const types = Object.entries(body).map(([provider, drivers]) => [
        provider,
        (drivers as { type: string }[]).map((driver) => driver.type),
      ])
      expect(Object.fromEntries(types)).toEqual({
        faas: ['faasProxy'],
        powerscale: ['powerscaleS3', 'powerscaleNfs', 'powerscaleNfs'],
        compute: ['computeCluster'],
      })
    } finally {
      projectId = mine
    }
  })

  const migrate = (json: object, actor?: Actor) => call('POST', '/drivers/migrate-integration', json, actor)

  test('move to another integration of the provider, all or none, each tried first', async () => {
    const [from, to, wrong] = [
      await addIntegration(api),
      await addIntegration(api),
      await addIntegration(api, { key: bucketKey.key, secret: 'wrong' }),
    ]
    const ids = [
      await addDriver(api, { projectId, integrationId: from, bucket }),
      await addDriver(api, { projectId: await api.addProject(), integrationId: from, bucket }),
    ]
    await addDatasetRow(api, projectId, ids[0]!, 'migrated')
    const holders = async () =>
      Promise.all(ids.map(async (id) => (await call('GET', `/drivers/${id}`)).body.integrationId))

    const refused = [
      [{ integrationId: from, newIntegrationId: wrong }, 400, 'storage.bad_credentials'],
      [{ integrationId: from, newIntegrationId: integrations.gcs }, 400, 'integration.invalid'],
      [{ integrationId: from, newIntegrationId: from }, 400, 'integration.invalid'],
      [{ integrationId: from, newIntegrationId: 'f'.repeat(24) }, 404, 'integration.not_found'],
      [{ integrationId: 'x', newIntegrationId: to }, 404, 'integration.not_found'],
      [{ integrationId: from, newIntegrationId: to, driverIds: ['f'.repeat(24)] }, 404, 'driver.not_found'],
    ] as const
    for (const [json, status, code] of refused) {
      const answer = await migrate(json)
      expect([answer.status, answer.body.code]).toEqual([status, code])
    }
    const member = await api.addUser('member-migrate@example.com', 'member')
    expect((await migrate({ integrationId: from, newIntegrationId: to }, member)).status).toBe(403)
    const other = await api.addOrg('Elsewhere')
    const stranger = await migrate({ integrationId: from, newIntegrationId: to }, other.owner)
    expect([stranger.status, stranger.body.code]).toEqual([404, 'integration.not_found'])
    expect(await holders()).toEqual([from, from])

    const one = await migrate({ integrationId: from, newIntegrationId: to, driverIds: [ids[1]] })
    expect(one.body).toEqual({ count: 1, driverIds: [ids[1]] })
    expect((await migrate({ integrationId: from, newIntegrationId: to })).body.count).toBe(1)
    expect(await holders()).toEqual([to, to])
    expect((await call('GET', `/drivers/${ids[0]}/test`)).status).toBe(204)
    expect((await migrate({ integrationId: from, newIntegrationId: to })).body.count).toBe(0)
  })

  test('are tried one after the other by a command that tells of each', async () => {
    const id = await addIntegration(api)
    const names = ['v1', 'v2', 'v3', 'v4', 'v5']
    for (const name of names) await addDriver(api, { projectId, integrationId: id, bucket, more: { name } })
    integrations.tried = id
    expect((await send('powerscaleNfs', 'tried', elastic, { name: 'later', integrationType: 's3' })).status).toBe(200)

    const started = await call('POST', '/drivers/validateDrivers', { integrationId: id })
    expect(started.body).toMatchObject({ type: 'validateDrivers', status: 'created', progress: 0 })
    const commandId = started.body.id
    await continueValidation(api.deps, commandId)
    const half = (await call('GET', `/commands/${commandId}`)).body
    expect(half.status).toBe('in-progress')
    expect(half.progress).toBeGreaterThan(0)
    await continueValidation(api.deps, commandId)
    const { body } = await call('GET', `/commands/${commandId}`)
    expect(body).toMatchObject({ status: 'success', progress: 100, error: null, spec: { passed: 5, failed: 1 } })
    expect(
      body.spec.drivers.map((one: { driverName: string; status: string }) => [one.driverName, one.status]),
    ).toEqual([...names.map((name) => [name, 'passed']), ['later', 'failed']])
    expect(body.spec.drivers.at(-1).code).toBe('driver.not_supported')
    expect(queued.filter((each) => each === commandId)).toHaveLength(2)
    await continueValidation(api.deps, commandId)
    expect((await call('GET', `/commands/${commandId}`)).body).toEqual(body)

    const second = (await call('POST', '/drivers/validateDrivers', { integrationId: id })).body.id
    const aborted = await call('POST', `/commands/${second}/abort`)
    expect(aborted.body).toMatchObject({ id: second, status: 'canceled' })
    await continueValidation(api.deps, second)
    expect((await call('GET', `/commands/${second}`)).body).toEqual(aborted.body)

    const stranger = await api.addUser('member-validate@example.com', 'member')
    expect((await call('GET', `/commands/${commandId}`, undefined, stranger)).status).toBe(404)
    expect((await call('POST', '/drivers/validateDrivers', { integrationId: id }, stranger)).status).toBe(403)
  })

  test('whose trial was abandoned are taken up again, and a trial of none ends', async () => {
    const id = await addIntegration(api)
    const { body } = await call('POST', '/drivers/validateDrivers', { integrationId: id })
    queued.length = 0
    await reviveValidations(api.deps)
    expect(queued).not.toContain(body.id)
    await api.database.pool.query(`update command set updated_at = now() - interval '1 hour' where id = $1`, [body.id])
    await reviveValidations(api.deps)
    expect(queued).toContain(body.id)
    await continueValidation(api.deps, body.id)
    expect((await call('GET', `/commands/${body.id}`)).body).toMatchObject({ status: 'success', spec: { drivers: [] } })
  })
})
