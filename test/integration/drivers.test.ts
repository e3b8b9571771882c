// Proves that a storage driver is described, tried, found, changed and deleted as the product says, over a real S3 conversation.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bucket } from '../../src/demo/bucket.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addDatasetRow, addDriver, addIntegration, bucketKey, openBucket, sendDriver } from '../support/drivers.ts'

let api: TestApi
let bucket: Bucket
let projectId: string
let integrationId: string
beforeAll(async () => {
  ;[api, bucket] = await Promise.all([withApi(), openBucket()])
  bucket.put('folder-1/a.jpg', Buffer.from('a'), 'image/jpeg')
  projectId = await api.addProject()
  integrationId = await addIntegration(api)
})
afterAll(() => Promise.all([api.close(), bucket.close()]))

const get = (url: string) => api.call(api.owner, 'GET', `/api/v1${url}`)
const patch = (id: string, json: unknown, query = '') =>
  api.call(api.owner, 'PATCH', `/api/v1/drivers/${id}${query}`, { json })
const remove = (id: string) => api.call(api.owner, 'DELETE', `/api/v1/drivers/${id}`)
const listed = async (project = projectId) => (await get(`/drivers?projectId=${project}`)).body
const placesOf = (body: { details: { path: string }[] }) => body.details.map((issue) => issue.path)

describe('a driver', () => {
  test('is answered with its payload flattened, as the SDK reads it', async () => {
    const { status, body } = await sendDriver(api, { projectId, integrationId, bucket, payload: { path: 'folder-1' } })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      name: 'd1',
      type: 's3',
      creator: 'owner@example.com',
      integrationId,
      integrationType: 's3',
      metadata: { system: { projectId, orgId: api.orgId } },
      bucketName: 'photos',
      region: 'us-east-1',
      path: 'folder-1',
      folder: 'folder-1/',
      endpoint: bucket.endpoint,
      allowExternalDelete: false,
      isSyncable: true,
      state: 'ready',
      stateReason: null,
      warnings: [],
      datasetsCount: 0,
    })
    expect(body.probes.every((probe: { ok: boolean }) => probe.ok)).toBe(true)
    expect(body).not.toHaveProperty('payload')
    expect((await get(`/drivers/${body.id}`)).body).toEqual(body)
    expect(await listed()).toEqual([body])
  })

  test('leaves nothing of its test behind in the bucket', () => {
    expect(bucket.keys()).toEqual(['folder-1/a.jpg'])
  })

  test('may delete only when that was said', async () => {
    const { body } = await sendDriver(api, { projectId, integrationId, bucket, more: { allowExternalDelete: true } })
    expect(body.allowExternalDelete).toBe(true)
  })

  test.each([
    ['A', 'A/'],
    ['/A/', 'A/'],
    ['a', 'a/'],
    ['', ''],
    [null, ''],
  ])('with the path %j has the folder %j', async (path, folder) => {
    const { body } = await sendDriver(api, { projectId, integrationId, bucket, payload: { path } })
    expect(body.folder).toBe(folder)
  })

  test('of a name that is there already is made, with a warning; looked up by name it is ambiguous', async () => {
    const project = await api.addProject()
    const parts = { projectId: project, integrationId, bucket, more: { name: 'twin' } }
    const first = await sendDriver(api, parts)
    expect((await get(`/drivers/byName/twin?projectId=${project}`)).body.id).toBe(first.body.id)
    const second = await sendDriver(api, parts)
    expect(second.body.warnings.join()).toContain('same name')
    const { status, body } = await get(`/drivers/byName/twin?projectId=${project}`)
    expect([status, body.code]).toEqual([400, 'driver.ambiguous'])
    expect(body.details.driverIds).toEqual([first.body.id, second.body.id])
    expect((await get(`/drivers/byName/nobody?projectId=${project}`)).body.code).toBe('driver.not_found')
  })
})

describe('a wrong description is refused with the place of each fault', () => {
  test.each([
    ['an empty name', {}, { name: '' }, 'request.invalid', ['body.name']],
    ['no bucket', { bucketName: '' }, {}, 'driver.invalid', ['payload.bucketName']],
    ['an address as bucket', { bucketName: 's3://photos/x' }, {}, 'driver.invalid', ['payload.bucketName']],
    ['a bucket’s name against the rules', { bucketName: 'x' }, {}, 'driver.invalid', ['payload.bucketName']],
    ['an address as path', { path: 's3://photos/x' }, {}, 'driver.invalid', ['payload.path']],
    ['a path with dots', { path: 'a/../b' }, {}, 'driver.invalid', ['payload.path']],
    ['a bad endpoint', { endpoint: 'minio:9000' }, {}, 'driver.invalid', ['payload.endpoint']],
    ['a bad region', { region: 'eu west' }, {}, 'driver.invalid', ['payload.region']],
    [
      'several faults',
      { bucketName: '', path: '..', region: '!' },
      {},
      'driver.invalid',
      ['payload.bucketName', 'payload.region', 'payload.path'],
    ],
    ['a path that is a number', { path: 7 }, {}, 'request.invalid', ['body.payload.path']],
    ['another type of integration', {}, { integrationType: 'gcs' }, 'driver.invalid', ['integrationType']],
    ['no integration', {}, { integrationId: null, integrationType: null }, 'driver.invalid', ['integrationId']],
    ['an integration of another provider', { bucket: 'bucket' }, { type: 'gcs' }, 'driver.invalid', ['integrationId']],
    ['a type that nobody knows', {}, { type: 'nonsense' }, 'driver.invalid', ['type']],
  ])('%s', async (_what, payload, more, code, places) => {
    const before = (await listed()).length
    const { status, body } = await sendDriver(api, { projectId, integrationId, bucket, payload, more })
    expect([status, body.code]).toEqual([400, code])
    expect(placesOf(body)).toEqual(places)
    expect(await listed()).toHaveLength(before)
  })

  test('an integration of a kind that does not fit', async () => {
    const id = 'a'.repeat(24)
    await api.database.pool.query(
      `insert into integration (id, org_id, name, type, creator_id) values ($1, $2, 'g', 'gcs', $3)`,
      [id, api.orgId, api.owner.userId],
    )
    const { body } = await sendDriver(api, { projectId, integrationId: id, bucket, more: { integrationType: null } })
    expect([body.code, placesOf(body)]).toEqual(['driver.invalid', ['integrationId']])
  })

  test.each(['{', '[]', '{"metadata":null}', '{"metadata":{"system":{"projectId":7}}}', ''])(
    'a body that is %j',
    async (payload) => {
      const { status, body } = await api.call(api.owner, 'POST', '/api/v1/drivers', {
        payload,
        contentType: 'application/json',
      })
      expect([400, 404]).toContain(status)
      expect(body).toMatchObject({ message: expect.any(String), code: expect.any(String) })
    },
  )
})

describe('organizations and projects are apart', () => {
  test('an integration of another organization looks like none', async () => {
    const other = await api.addOrg('Elsewhere')
    const theirs = (
      await api.call(other.owner, 'POST', `/api/v1/orgs/${other.orgId}/integrations`, {
        json: { type: 's3', name: 'theirs', options: bucketKey },
      })
    ).body.id
    for (const id of [theirs, 'f'.repeat(24)]) {
      const { status, body } = await sendDriver(api, { projectId, integrationId: id, bucket })
      expect([status, body.code]).toEqual([404, 'integration.not_found'])
    }
    const driverId = await addDriver(api, { projectId, integrationId, bucket })
    expect((await patch(driverId, { integrationId: theirs })).body.code).toBe('integration.not_found')
  })

  test('owner and engineer of the project may; annotation manager and annotator may not; a stranger finds nothing', async () => {
    const driverId = await addDriver(api, { projectId, integrationId, bucket })
    // The engineer last, because that one really deletes it.
    for (const role of [null, 'annotator', 'annotationManager', 'engineer'] as const) {
      const actor = await api.addUser(`${role ?? 'stranger'}-d@example.com`, 'member')
      if (role !== null) await api.join(projectId, actor, role)
      const status = role === 'engineer' ? 200 : role === null ? 404 : 403
      expect((await sendDriver(api, { projectId, integrationId, bucket, actor })).status).toBe(status)
      expect((await api.call(actor, 'GET', `/api/v1/drivers?projectId=${projectId}`)).status).toBe(status)
      expect((await api.call(actor, 'GET', `/api/v1/drivers/${driverId}`)).status).toBe(status)
      expect((await api.call(actor, 'PATCH', `/api/v1/drivers/${driverId}`, { json: { name: 'd1' } })).status).toBe(
        status,
      )
      expect((await api.call(actor, 'GET', `/api/v1/drivers/${driverId}/test`)).status).toBe(
        status === 200 ? 204 : status,
      )
      expect((await api.call(actor, 'DELETE', `/api/v1/drivers/${driverId}`)).status).toBe(status)
    }
    expect((await get(`/drivers/${driverId}`)).status).toBe(404)
  })

  test('lists are of one project, and of one integration when that is asked', async () => {
    const [p, q] = [await api.addProject(), await api.addProject()]
    const second = await addIntegration(api)
    const mine = await addDriver(api, { projectId: p, integrationId, bucket })
    const theirs = await addDriver(api, { projectId: p, integrationId: second, bucket, payload: { path: 'folder-1' } })
    await addDriver(api, { projectId: q, integrationId: second, bucket })
    const ids = async (query: string) =>
      (await get(`/drivers?${query}`)).body.map((driver: { id: string }) => driver.id)
    expect(await ids(`projectId=${p}`)).toEqual([mine, theirs])
    expect(await ids(`projectId=${p}&integrationId=${second}`)).toEqual([theirs])
    expect((await get('/drivers')).body.code).toBe('request.invalid')
  })

  test('drivers of one bucket share its source within an organization, and only there', async () => {
    const { rows } = await api.database.pool.query<{ fingerprint: string; drivers: number }>(
      `select s.fingerprint, count(*) as drivers from source s join driver d on d.source_no = s.source_no group by 1`,
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]!.fingerprint).toBe(`s3|${new URL(bucket.endpoint).host}|photos`)
    expect(rows[0]!.drivers).toBeGreaterThan(5)
  })
})

describe('a change', () => {
  test('of the name alone asks nothing of the storage', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket })
    const before = (await get(`/drivers/${id}`)).body
    const { body } = await patch(id, { name: 'better' })
    expect(body).toMatchObject({ name: 'better', state: 'ready', checkedAt: before.checkedAt, bucketName: 'photos' })
  })

  test('of bucket or folder is tried first, and refused once datasets use the driver', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket })
    expect((await patch(id, { payload: { path: 'folder-1' } })).body.folder).toBe('folder-1/')
    expect((await patch(id, { payload: { bucketName: 'absent' } })).body.code).toBe('storage.unknown_bucket')
    await addDatasetRow(api, projectId, id, 'Cats')
    for (const payload of [{ path: 'other' }, { path: null }, { bucketName: 'absent' }]) {
      const { status, body } = await patch(id, { payload })
      expect([status, body.code, body.details.datasets]).toEqual([400, 'driver.in_use', ['Cats']])
    }
    // The same folder in other words is no change, and what is not the place may change.
    const { body } = await patch(id, { payload: { path: '/folder-1/', browserEndpoint: 'http://127.0.0.1:1' } })
    expect(body).toMatchObject({ folder: 'folder-1/', browserEndpoint: 'http://127.0.0.1:1', datasetsCount: 1 })
  })

  test('by two at once: one is told that the other was quicker, or both count', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket })
    const answers = await Promise.all([
      patch(id, { payload: { path: 'x' } }),
      patch(id, { payload: { storageClass: 'STANDARD_IA' } }),
    ])
    const failed = answers.filter((answer) => answer.status !== 200)
    expect(failed.every((answer) => answer.body.code === 'driver.changed')).toBe(true)
    const { body } = await get(`/drivers/${id}`)
    if (failed.length === 0) expect(body).toMatchObject({ path: 'x', storageClass: 'STANDARD_IA' })
  })
})

describe('deleting', () => {
  test('is refused while a dataset uses the driver, and names it', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket })
    const datasetId = await addDatasetRow(api, projectId, id, 'Dogs')
    const { status, body } = await remove(id)
    expect([status, body.code, body.details.datasets]).toEqual([400, 'driver.in_use', ['Dogs']])
    await api.database.pool.query('delete from dataset where id = $1', [datasetId])
    expect((await remove(id)).status).toBe(200)
    expect((await get(`/drivers/${id}`)).body.code).toBe('driver.not_found')
    expect((await remove(id)).status).toBe(404)
    expect(bucket.keys()).toEqual(['folder-1/a.jpg'])
  })
})
