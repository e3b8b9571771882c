// Proves that what is done to integrations is written down without a secret, for those who run the organization, and that those without trust are counted.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Actor, type Sent, type TestApi, withApi } from '../support/api.ts'
import { addDriver, addIntegration, bucketKey, openBucket, sendDriver } from '../support/drivers.ts'

let api: TestApi
beforeAll(async () => {
  api = await withApi()
})
afterAll(() => api.close())

const call = (method: string, path: string, json?: unknown, actor: Actor = api.owner) =>
  api.call(actor, method, `/api/v1/orgs/${api.orgId}${path}`, (json === undefined ? {} : { json }) as Sent)
const audit = async (query = '') => (await call('GET', `/audit${query}`)).body
const actionsOf = async (id: string): Promise<string[]> =>
  (await audit(`?integrationId=${id}`)).entries.map((entry: { action: string }) => entry.action)

describe('the audit', () => {
  test('has a row for every change, who made it and when, also after the integration is gone, and nothing secret', async () => {
    const admin = await api.addUser('admin@example.com', 'admin')
    const id = await addIntegration(api)
    const secrets = ['ROTATEDKEY77', 'rotated/secret+77=']
    const options = { key: secrets[0], secret: secrets[1] }
    await call(
      'PATCH',
      '/integrations',
      { integrationId: id, name: 'i2', metadata: { team: 'secret-team-value' } },
      admin,
    )
    await call('PATCH', '/integrations', { integrationId: id, name: 'i2' }, admin)
    await call('PATCH', '/integrations', { integrationId: id, credentials: { options } }, admin)
    const refused = await call('PATCH', '/integrations', {
      integrationId: id,
      credentials: { options: { key: 'only' } },
    })
    expect(refused.status).toBe(400)
    await call('DELETE', `/integrations/${id}`, undefined, admin)

    const { entries, next } = await audit(`?integrationId=${id}`)
    expect(next).toBeNull()
    const told = entries.map(({ actor, action, details, integration }: Record<string, unknown>) => [
      actor,
      action,
      details,
      (integration as { name: string }).name,
    ])
    expect(told).toEqual([
      [admin.email, 'deleted', { disconnectedDrivers: 0 }, 'i2'],
      [admin.email, 'rotated', { version: 2 }, 'i2'],
      [admin.email, 'changed', { metadata: ['team'] }, 'i2'],
      [admin.email, 'renamed', { from: 'i1', to: 'i2' }, 'i2'],
      ['owner@example.com', 'created', { version: 1 }, 'i1'],
    ])
    for (const { happenedAt, integration } of entries) {
      expect(Math.abs(Date.parse(happenedAt) - Date.now())).toBeLessThan(60_000)
      expect(integration).toMatchObject({ id, type: 's3' })
    }
    const { rows } = await api.deps.db.query('select * from audit_entry')
    for (const text of [...secrets, bucketKey.key, bucketKey.secret, 'secret-team-value'])
      expect(JSON.stringify(rows)).not.toContain(text)
  })

  test('has every check that opened the credentials, with its outcome', async () => {
    const bucket = await openBucket()
    try {
      const projectId = await api.addProject()
      const integrationId = await addIntegration(api)
      const driverId = await addDriver(api, { projectId, integrationId, bucket })
      await api.call(api.owner, 'GET', `/api/v1/drivers/${driverId}/test`)
      await call('GET', `/integrations/${integrationId}/test`)
      const wrong = await sendDriver(api, { projectId, integrationId, bucket, payload: { bucketName: 'other' } })
      expect(wrong.status).toBeGreaterThanOrEqual(400)
      const { entries } = await audit(`?integrationId=${integrationId}`)
      const checks = entries.filter(({ action }: { action: string }) => action === 'checked')
      expect(checks.map(({ details }: { details: object }) => details)).toEqual([
        { driverType: 's3', isUsable: false, code: wrong.body.code },
        { driverType: 's3', isUsable: true },
        { driverType: 's3', isUsable: true },
        { driverType: 's3', isUsable: true },
      ])
      expect(new Set(checks.map(({ actor }: { actor: string }) => actor))).toEqual(new Set(['owner@example.com']))
    } finally {
      await bucket.close()
    }
  })

  test('comes in pages, each entry once, and refuses what is no cursor', async () => {
    const all = (await audit('?limit=1000')).entries.map((entry: { id: string }) => entry.id)
    const read: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const page = await audit(`?limit=2${after === '' ? '' : `&after=${after}`}`)
      read.push(...page.entries.map((entry: { id: string }) => entry.id))
      after = page.next
    }
    expect(read).toEqual(all)
    expect((await call('GET', '/audit?after=x')).body.code).toBe('request.invalid')
    expect((await call('GET', '/audit?limit=0')).body.code).toBe('request.invalid')
  })

  test('is for owners and admins of this organization alone', async () => {
    const member = await api.addUser('member@example.com', 'member')
    expect((await call('GET', '/audit', undefined, member)).status).toBe(403)
    const other = await api.addOrg('Other')
    expect((await call('GET', '/audit', undefined, other.owner)).status).toBe(404)
    const theirs = await api.call(other.owner, 'GET', `/api/v1/orgs/${other.orgId}/audit`)
    expect(theirs.body).toEqual({ entries: [], next: null })
  })

  test('is written by whoever wins, and by nobody when nothing was done', async () => {
    const id = await addIntegration(api)
    const options = { key: 'AKEYOFMANY01', secret: 'a/secret+of/many=' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call('PATCH', '/integrations', { integrationId: id, credentials: { options } })),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const { entries } = await audit(`?integrationId=${id}`)
    expect(entries.map(({ details }: { details: { version: number } }) => details.version)).toEqual([
      9, 8, 7, 6, 5, 4, 3, 2, 1,
    ])
    const gone = await Promise.all([1, 2, 3].map(() => call('DELETE', `/integrations/${id}`)))
    expect(gone.map(({ status }) => status).sort()).toEqual([200, 404, 404])
    expect((await actionsOf(id)).filter((action) => action === 'deleted')).toHaveLength(1)
  })
})

test('an integration without the trust of its other account is an alert, until it is trusted or deleted', async () => {
  const alerts = async () => (await call('GET', '/integrationAlerts')).body
  expect(await alerts()).toEqual({ count: 0, integrations: [] })
  const made = await call('POST', '/integrations', { type: 'aws-cross', name: 'cross', options: {} })
  const second = await call('POST', '/integrations', { type: 'gcp-cross', name: 'crossed', options: {} })
  expect(await alerts()).toEqual({
    count: 2,
    integrations: [
      {
        id: made.body.id,
        name: 'cross',
        type: 'aws-cross',
        reason: expect.stringContaining('SLUICE_AWS_PRINCIPAL_ARN'),
      },
      { id: second.body.id, name: 'crossed', type: 'gcp-cross', reason: expect.any(String) },
    ],
  })
  await api.deps.db.query(
    `update integration set trust = trust || '{"status": "trust-established", "reason": null}' where id = $1`,
    [made.body.id],
  )
  expect((await alerts()).count).toBe(1)
  await call('DELETE', `/integrations/${second.body.id}`)
  expect((await alerts()).count).toBe(0)
})
