// Proves that credentials can be given, used up and replaced but never read back, and that only the right people of the right organization see them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Actor, type Answer, type TestApi, withApi } from '../support/api.ts'
import { plaintextHits } from '../support/canaries.ts'

let api: TestApi
let base: string
beforeAll(async () => {
  api = await withApi()
  base = `/api/v1/orgs/${api.orgId}`
})
afterAll(() => api.close())

const credentials = { key: 'CANARY-KEY-0001', secret: 'canary/Secret+0002=' }

async function create(json: Record<string, unknown> = {}, actor: Actor = api.owner): Promise<Answer> {
  return api.call(actor, 'POST', `${base}/integrations`, {
    json: { type: 's3', name: 'i1', options: credentials, ...json },
  })
}

async function made(json: Record<string, unknown> = {}): Promise<string> {
  const answer = await create(json)
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

/** A driver that was saved untried, so that no bucket is needed. */
async function addDriver(integrationId: string, projectId: string, name = 'd1'): Promise<string> {
  const answer = await api.call(api.owner, 'POST', '/api/v1/drivers?validate=false', {
    json: {
      integrationId,
      integrationType: 's3',
      name,
      type: 's3',
      metadata: { system: { projectId } },
      payload: { bucketName: 'photos', region: 'eu-west-1', path: '' },
    },
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

describe('an integration', () => {
  test('is answered in the SDK’s shape, without its credentials', async () => {
    const { status, body, text } = await create({ name: 'first', metadata: { note: 'x' } })
    expect(status).toBe(200)
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      name: 'first',
      type: 's3',
      provider: 'aws',
      org: api.orgId,
      creator: 'owner@example.com',
      createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      updatedAt: body.createdAt,
      url: expect.stringContaining(`/orgs/${api.orgId}/integrations/`),
      metadata: [{ name: 'note', value: 'x' }],
      version: 1,
      credentialsUpdatedAt: expect.any(String),
      driversCount: 0,
    })
    const one = await api.call(api.owner, 'GET', `${base}/integrations/${body.id}`)
    const all = await api.call(api.owner, 'GET', `${base}/integrations`)
    expect(one.body).toEqual(body)
    expect(all.body).toContainEqual(body)
    for (const answer of [text, one.text, all.text]) expect(answer).not.toMatch(/canary/i)
  })

  test('names each field that is missing or wrong, and does not repeat what was typed', async () => {
    const { status, body, text } = await create({ options: { key: '', secret: ' canary ', token: 'canary' } })
    expect(status).toBe(400)
    expect(body.code).toBe('integration.invalid')
    expect(body.details.map((each: { path: string }) => each.path)).toEqual([
      'options.key',
      'options.secret',
      'options.token',
    ])
    expect(text).not.toContain('canary')
  })

  test.each([
    ['a name that is missing', { name: undefined }, 'request.invalid'],
    ['a name that is empty', { name: '' }, 'request.invalid'],
    ['options that are a text', { options: 'canary' }, 'request.invalid'],
    ['a file that is none', { type: 'gcs', options: { content: 'canary' } }, 'integration.invalid'],
    ['a kind that nobody knows', { type: 'nonsense' }, 'integration.invalid'],
  ])('is refused with %s', async (_what, json, code) => {
    const answer = await create(json)
    expect(answer.status).toBe(400)
    expect(answer.body.code).toBe(code)
    expect(answer.text).not.toContain('canary')
  })

  test('can be made from the description of its kind alone', async () => {
    const { body } = await api.call(api.owner, 'GET', `${base}/availableIntegrations`)
    const s3 = body.find((each: { type: string }) => each.type === 's3')
    expect(s3).toMatchObject({ supported: true, driverTypes: ['s3', 'powerscaleS3', 'powerscaleNfs', 'faasProxy'] })
    const filled = Object.fromEntries(s3.options.map((option: { name: string }) => [option.name, 'x']))
    expect((await create({ type: s3.type, options: filled })).status).toBe(200)
    expect(body.map((each: { name: string }) => each.name)).toEqual(
      expect.arrayContaining(['aws-sts', 'aws-cross', 'gcs', 'azureblob', 'key_value', 'private-registry']),
    )
  })
})

describe('who may', () => {
  test('owner and admin make, change and delete; a member only looks; a worker not even that', async () => {
    const id = await made()
    const url = `${base}/integrations`
    const rename = { json: { integrationId: id, name: 'renamed' } }
    for (const role of ['admin', 'member', 'worker'] as const) {
      const actor = await api.addUser(`${role}@example.com`, role)
      const mayChange = role === 'admin' ? 200 : 403
      const mayLook = role === 'worker' ? 403 : 200
      expect((await create({}, actor)).status).toBe(mayChange)
      expect((await api.call(actor, 'PATCH', url, rename)).status).toBe(mayChange)
      expect((await api.call(actor, 'GET', url)).status).toBe(mayLook)
      expect((await api.call(actor, 'GET', `${url}/${id}`)).status).toBe(mayLook)
      expect((await api.call(actor, 'GET', `${base}/availableIntegrations`)).status).toBe(mayLook)
      expect((await api.call(actor, 'GET', `/api/v1/drivers/byIntegration/${id}`)).status).toBe(
        role === 'worker' ? 404 : 200,
      )
      if (role !== 'admin') expect((await api.call(actor, 'DELETE', `${url}/${id}`)).status).toBe(403)
    }
  })

  test('another organization finds nothing, neither by its own address nor by ours', async () => {
    const id = await made()
    const other = await api.addOrg('Other')
    const theirs = `/api/v1/orgs/${other.orgId}/integrations`
    expect((await api.call(other.owner, 'GET', theirs)).body).toEqual([])
    const refused = [
      ['GET', `${theirs}/${id}`, undefined, 'integration.not_found'],
      ['DELETE', `${theirs}/${id}?force=true&confirm=true`, undefined, 'integration.not_found'],
      ['PATCH', theirs, { integrationId: id, name: 'x' }, 'integration.not_found'],
      ['GET', `${base}/integrations/${id}`, undefined, 'org.not_found'],
      ['GET', `${base}/integrations`, undefined, 'org.not_found'],
      ['GET', `/api/v1/drivers/byIntegration/${id}`, undefined, 'integration.not_found'],
    ] as const
    for (const [method, url, json, code] of refused) {
      const answer = await api.call(other.owner, method, url, json === undefined ? {} : { json })
      expect([method, url, answer.status, answer.body.code]).toEqual([method, url, 404, code])
      const absent = await api.call(
        other.owner,
        method,
        url.replace(id, 'f'.repeat(24)),
        json === undefined ? {} : { json: { ...json, integrationId: 'f'.repeat(24) } },
      )
      expect({ ...absent.body, requestId: '' }).toEqual({ ...answer.body, requestId: '' })
    }
    expect((await api.call(api.owner, 'GET', `${base}/integrations/${id}`)).status).toBe(200)
  })

  test.each(['x', '%00', '__proto__', 'f'.repeat(23)])('an id that is none (%s) is not found', async (id) => {
    const { status, body } = await api.call(api.owner, 'GET', `${base}/integrations/${id}`)
    expect([400, 404]).toContain(status)
    expect(['integration.not_found', 'request.invalid']).toContain(body.code)
  })
})

describe('a change', () => {
  const update = (json: Record<string, unknown>) =>
    api.call(api.owner, 'PATCH', `${base}/integrations?reloadServices=true`, { json })

  test('of the name leaves the credentials as they are', async () => {
    const id = await made()
    const { body } = await update({ integrationId: id, name: 'better' })
    expect(body).toMatchObject({ id, name: 'better', version: 1 })
  })

  test('of the credentials is a new version, and the old one’s content is gone', async () => {
    const id = await made()
    const before = await api.call(api.owner, 'GET', `${base}/integrations/${id}`)
    const { body, text } = await update({
      integrationId: id,
      credentials: { type: 's3', options: { key: 'CANARY2', secret: 'canary-2' } },
    })
    expect(body).toMatchObject({ id, name: 'i1', version: 2 })
    expect(Date.parse(body.credentialsUpdatedAt)).toBeGreaterThanOrEqual(Date.parse(before.body.credentialsUpdatedAt))
    expect(text).not.toMatch(/canary/i)
    const { rows } = await api.database.pool.query<{ version: number; size: number }>(
      'select version, length(sealed) + length(wrapped_key) as size from secret where integration_id = $1 order by version',
      [id],
    )
    expect(rows[0]).toEqual({ version: 1, size: 0 })
    expect(rows[1]!.size).toBeGreaterThan(0)
  })

  test('to another kind, or with a field missing, is refused and changes nothing', async () => {
    const id = await made()
    const refused = [
      { type: 'gcs', options: credentials },
      { type: 's3', options: { key: 'only' } },
    ]
    for (const given of refused) {
      const { status, body } = await update({ integrationId: id, name: 'never', credentials: given })
      expect([status, body.code]).toEqual([400, 'integration.invalid'])
    }
    expect((await api.call(api.owner, 'GET', `${base}/integrations/${id}`)).body).toMatchObject({
      name: 'i1',
      version: 1,
    })
  })

  test('by many at once gives each its own version', async () => {
    const id = await made()
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        update({ integrationId: id, credentials: { options: { key: 'k', secret: `s${n}` } } }),
      ),
    )
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200])
    expect((await api.call(api.owner, 'GET', `${base}/integrations/${id}`)).body.version).toBe(6)
  })
})

describe('deleting', () => {
  test('one that nothing uses needs no more than the SDK’s bare request', async () => {
    const id = await made()
    expect((await api.call(api.owner, 'DELETE', `${base}/integrations/${id}`)).status).toBe(200)
    expect((await api.call(api.owner, 'GET', `${base}/integrations/${id}`)).body.code).toBe('integration.not_found')
    const { rowCount } = await api.database.pool.query('select 1 from secret where integration_id = $1', [id])
    expect(rowCount).toBe(0)
  })

  test('one in use is refused with its drivers, until it is forced and confirmed; then they are disconnected', async () => {
    const id = await made()
    const projectId = await api.addProject()
    const driverIds = [await addDriver(id, projectId, 'd1'), await addDriver(id, projectId, 'd2')]
    const count = await api.call(api.owner, 'GET', `/api/v1/drivers/byIntegration/${id}`)
    expect(count.body).toMatchObject({ count: 2, drivers: [{ driverName: 'd1', projectId }, { driverName: 'd2' }] })
    const url = `${base}/integrations/${id}`
    expect((await api.call(api.owner, 'GET', url)).body.driversCount).toBe(2)

    for (const [query, code] of [
      ['', 'integration.in_use'],
      ['?confirm=true', 'integration.in_use'],
      ['?force=true', 'integration.confirm_required'],
    ] as const) {
      const { status, body } = await api.call(api.owner, 'DELETE', `${url}${query}`)
      expect([query, status, body.code]).toEqual([query, 400, code])
      expect(body.details.drivers.map((driver: { driverId: string }) => driver.driverId)).toEqual(driverIds)
    }
    expect((await api.call(api.owner, 'DELETE', `${url}?force=maybe`)).body.code).toBe('request.invalid')

    expect((await api.call(api.owner, 'DELETE', `${url}?force=true&confirm=true`)).status).toBe(200)
    for (const driverId of driverIds) {
      const { body } = await api.call(api.owner, 'GET', `/api/v1/drivers/${driverId}`)
      expect(body).toMatchObject({
        state: 'disconnected',
        integrationId: null,
        isSyncable: false,
        bucketName: 'photos',
      })
      const test = await api.call(api.owner, 'GET', `/api/v1/drivers/${driverId}/test`)
      expect([test.status, test.body.code]).toEqual([409, 'dataset.disconnected'])
    }
  })
})

describe('the vault', () => {
  test('does not open a secret that was copied to another integration', async () => {
    const [one, two] = [await made(), await made({ options: { key: 'other', secret: 'other' } })]
    const driverId = await addDriver(two, await api.addProject())
    await api.database.pool.query(
      `update secret t set kek_id = f.kek_id, wrapped_key = f.wrapped_key, sealed = f.sealed
       from secret f where t.integration_id = $1 and f.integration_id = $2`,
      [two, one],
    )
    const { status, body } = await api.call(api.owner, 'GET', `/api/v1/drivers/${driverId}/test`)
    expect([status, body.code]).toEqual([409, 'integration.unreadable'])
  })

  test.each([
    ['cut off', '{"type":"s3","name":"x","options":{"key":"canary","secret":"canary'],
    ['not quoted', '{"type":"s3","name":"x","options":{"key":canary}}'],
    ['with the secret as a name', '{"type":"s3","name":"x","options":["canary"]}'],
    ['with the secret in the wrong place', '{"type":"canary","name":"x","options":{"canary":"x"}}'],
    ['with the secret as a number’s text', '{"type":"s3","name":7,"options":"canary"}'],
  ])('a body that is %s is refused without repeating it', async (_what, payload) => {
    const answer = await api.call(api.owner, 'POST', `${base}/integrations`, {
      payload,
      contentType: 'application/json',
    })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain('canary')
    expect(api.logs()).not.toContain('canary')
  })

  // Last: it looks at everything that the tests above have left behind.
  test('leaves no secret in the database or in the log, as text or in any usual encoding', async () => {
    await create({ options: { key: 'CANARY-LAST', secret: 'canary-last' } })
    const found = await plaintextHits(api, [
      ...Object.values(credentials),
      'CANARY2',
      'canary-2',
      'CANARY-LAST',
      'canary-last',
    ])
    expect(found).toEqual([])
    expect(await plaintextHits(api, ['Acme', 'integration created'])).not.toEqual([])
  })
})
