// Proves the life of a cross-account integration (IN-14): trusted only after a real AssumeRole succeeded and every wrong external id was refused (T18).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { type FakeSts, startFakeSts } from '../fakes/sts.ts'
import { type Answer, type TestApi, withApi } from '../support/api.ts'
import { plaintextHits } from '../support/canaries.ts'
import { trustCases } from './trust-policies.ts'

const account = '210987654321'
const principal = `arn:aws:iam::${account}:user/sluice`
const key = 'AKIASERVERSOWN00001'
const secret = 'servers/own+secret/canary-7741'
const role = 'arn:aws:iam::123456789012:role/reader'
const otherId = '11111111-2222-4333-8444-555555555555'

let sts: FakeSts
let api: TestApi
let base: string

beforeAll(async () => {
  sts = await startFakeSts({ users: { [key]: { secret, arn: principal } } })
  const settings = {
    SLUICE_AWS_PRINCIPAL_ARN: principal,
    SLUICE_AWS_PRINCIPAL_KEY: key,
    SLUICE_AWS_PRINCIPAL_SECRET: secret,
    SLUICE_AWS_STS_ENDPOINT: sts.endpoint,
  }
  api = await withApi({ config: readConfig(settings) })
  base = `/api/v1/orgs/${api.orgId}`
})
afterAll(async () => {
  await api?.close()
  await sts?.close()
})
beforeEach(() => {
  sts.roles.clear()
  sts.requests.length = 0
  sts.trouble = null
})

const create = async (options: object = {}) =>
  (await api.call(api.owner, 'POST', `${base}/integrations`, { json: { type: 'aws-cross', name: 'x', options } })).body
const enter = (id: string, roleArn: string): Promise<Answer> =>
  api.call(api.owner, 'PATCH', `${base}/integrations`, {
    json: { integrationId: id, credentials: { type: 'aws-cross', options: { roleArn } } },
  })
const check = (id: string) => api.call(api.owner, 'GET', `${base}/integrations/${id}/test`)
const trustOf = (body: { metadata: { name: string; value: string }[] }) =>
  Object.fromEntries(body.metadata.map(({ name, value }) => [name, value])) as {
    status: string
    reason?: string
    externalId: string
    userArn: string
  }
const get = async (id: string) => trustOf((await api.call(api.owner, 'GET', `${base}/integrations/${id}`)).body)
const trusting = (externalId: string) => ({
  Statement: [
    {
      Effect: 'Allow' as const,
      Principal: { AWS: principal },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': externalId } },
    },
  ],
})
async function driverOn(integrationId: string): Promise<Answer> {
  const projectId = await api.addProject()
  return api.call(api.owner, 'POST', '/api/v1/drivers', {
    json: {
      integrationId,
      integrationType: 'aws-cross',
      name: 'd',
      type: 's3',
      metadata: { system: { projectId } },
      payload: { bucketName: 'photos', region: 'eu-west-1', path: 'in', endpoint: sts.endpoint },
    },
  })
}

describe('T18: a role is taken only if a wrong and a missing external id are refused', () => {
  test('thirty trust policies and more', () => expect(trustCases.length).toBeGreaterThanOrEqual(30))

  test.each(trustCases.map((each) => [each.isTaken ? 'takes' : 'refuses', each.name, each] as const))(
    '%s a role %s',
    async (_verb, _name, { isTaken, policy }) => {
      const made = await create()
      const { externalId } = trustOf(made)
      sts.roles.set(role, policy({ principal, account, externalId, otherId }))
      const entered = await enter(made.id, role)
      expect(entered.status, entered.text).toBe(200)
      const { status, reason } = trustOf(entered.body)
      expect([status, reason === undefined]).toEqual([isTaken ? 'trust-established' : 'waiting-for-trust', isTaken])
      const again = await check(made.id)
      expect(again.status).toBe(isTaken ? 204 : 400)
      if (isTaken) return
      // The sentence names what to write, and a driver is not made.
      expect(reason).toContain(externalId)
      expect(again.body).toMatchObject({ message: reason })
      expect(['storage.role_denied', 'integration.trust_too_open']).toContain(again.body.code)
      expect((await driverOn(made.id)).body.code).toBe('integration.not_trusted')
    },
  )
})

describe('the life of an integration', () => {
  test('waits from its creation; a wrong ARN leaves it waiting with a reason; the right one ends that', async () => {
    const made = await create()
    expect(trustOf(made)).toMatchObject({ status: 'waiting-for-trust', userArn: principal })
    const { externalId } = trustOf(made)
    const wrong = await enter(made.id, 'arn:aws:iam::123456789012:role/no-such')
    expect(trustOf(wrong.body)).toMatchObject({ status: 'waiting-for-trust', externalId })
    expect(trustOf(wrong.body).reason).toContain('check its ARN')
    expect((await driverOn(made.id)).body.code).toBe('integration.not_trusted')
    sts.roles.set(role, trusting(externalId))
    expect(trustOf((await enter(made.id, role)).body)).toEqual({
      userArn: principal,
      externalId,
      status: 'trust-established',
    })
  })

  test('is tried with no rights, under the organization’s name, with the fewest questions', async () => {
    const made = await create()
    const { externalId } = trustOf(made)
    sts.roles.set(role, trusting(externalId))
    await enter(made.id, role)
    expect(sts.requests.map((request) => [request.refusal, request.sessionName])).toEqual([
      ['', api.orgId],
      ['AccessDenied', api.orgId],
      ['AccessDenied', api.orgId],
      ['AccessDenied', api.orgId],
    ])
    const ids = sts.requests.map((request) => request.externalId)
    expect(ids.slice(0, 2)).toEqual([externalId, undefined])
    expect(ids[2]).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(ids[2]).not.toBe(externalId)
    for (const { policy, durationSeconds } of sts.requests) {
      expect([JSON.parse(policy!).Statement[0].Effect, durationSeconds]).toEqual(['Deny', '900'])
    }
  })

  test('trust that is taken back makes it wait again once it is tried, and mended it is taken again', async () => {
    const made = await create()
    const { externalId } = trustOf(made)
    sts.roles.set(role, trusting(externalId))
    await enter(made.id, role)
    sts.roles.clear()
    expect((await check(made.id)).body.code).toBe('storage.role_denied')
    expect((await get(made.id)).status).toBe('waiting-for-trust')
    sts.roles.set(role, trusting(externalId))
    expect((await check(made.id)).status).toBe(204)
    expect((await get(made.id)).status).toBe('trust-established')
  })

  test('a service that fails proves nothing, for or against', async () => {
    const made = await create()
    const { externalId } = trustOf(made)
    sts.roles.set(role, trusting(externalId))
    sts.trouble = { status: 503, code: 'ServiceUnavailable' }
    const { status, reason } = trustOf((await enter(made.id, role)).body)
    expect([status, reason]).toEqual(['waiting-for-trust', expect.stringContaining('could not be tried')])
    sts.trouble = null
    await check(made.id)
    sts.trouble = { status: 400, code: 'Throttling' }
    expect((await check(made.id)).body.code).toBe('storage.throttled')
    expect((await get(made.id)).status).toBe('trust-established')
  })

  test('a role of another organization is out of reach, whoever knows its ARN', async () => {
    const theirs = await api.addOrg('Victim')
    const send = (json: object) => api.call(theirs.owner, 'POST', `/api/v1/orgs/${theirs.orgId}/integrations`, { json })
    const victim = (await send({ type: 'aws-cross', name: 'v', options: {} })).body
    sts.roles.set(role, trusting(trustOf(victim).externalId))
    const attacker = await create({ roleArn: role })
    expect(trustOf(attacker).status).toBe('waiting-for-trust')
    expect((await driverOn(attacker.id)).body.code).toBe('integration.not_trusted')
    const stolen = await api.call(api.owner, 'PATCH', `${base}/integrations`, {
      json: {
        integrationId: attacker.id,
        metadata: { externalId: trustOf(victim).externalId },
        credentials: { type: 'aws-cross', options: { roleArn: role, externalId: trustOf(victim).externalId } },
      },
    })
    expect([stolen.status, stolen.body.code]).toEqual([400, 'integration.invalid'])
  })

  test('leaves neither the server’s own keys nor those of sessions anywhere', async () => {
    const canaries = [secret, ...sts.sessions.flatMap((session) => [session.secret, session.token!])]
    expect(await plaintextHits(api, canaries)).toEqual([])
  })
})
