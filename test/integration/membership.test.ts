// Proves organizations, projects and their members: shapes the SDK reads, who may change whom, and that nobody sees what is not theirs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Org } from '#contract/orgs.ts'
import { Project } from '#contract/projects.ts'
import { type Actor, type Sent, type TestApi, withApi } from '../support/api.ts'

let api: TestApi
let members: string
let admin: Actor
let member: Actor
let worker: Actor
beforeAll(async () => {
  api = await withApi()
  members = `/api/v1/orgs/${api.orgId}/members`
  admin = await api.addUser('admin@example.com', 'admin')
  member = await api.addUser('member@example.com', 'member')
  worker = await api.addUser('worker@example.com', 'worker')
})
afterAll(() => api.close())

/** Sends and gives the status and, on failure, the code. */
async function outcome(actor: Actor, method: string, url: string, json?: unknown): Promise<string> {
  const { status, body } = await api.call(actor, method, url, json === undefined ? {} : { json })
  return status < 400 ? String(status) : `${status} ${body.code}`
}

describe('organizations', () => {
  test('an organization has the fields the SDK reads, its members too', async () => {
    const list = await api.call(api.owner, 'GET', '/api/v1/orgs')
    expect(list.body).toHaveLength(1)
    expect(Org.parse(list.body[0])).toEqual(list.body[0])
    expect(list.body[0]).toMatchObject({
      id: api.orgId,
      name: 'Acme',
      owner: 'owner@example.com',
      account: { id: api.orgId },
    })
    expect((await api.call(api.owner, 'GET', `/api/v1/orgs/${api.orgId}`)).body).toEqual(list.body[0])
    const listed = await api.call(member, 'GET', members)
    expect(listed.body.map((each: { email: string; role: string }) => [each.email, each.role])).toEqual([
      ['owner@example.com', 'owner'],
      ['admin@example.com', 'admin'],
      ['member@example.com', 'member'],
      ['worker@example.com', 'worker'],
    ])
  })

  test('a worker sees no list of members, not even inside the organization', async () => {
    expect(await outcome(worker, 'GET', members)).toBe('403 access.forbidden')
    expect((await api.call(worker, 'GET', '/api/v1/orgs')).body[0].members).toEqual([])
  })

  test('somebody else’s organization is not listed and not found', async () => {
    const other = await api.addOrg('Other')
    expect((await api.call(other.owner, 'GET', '/api/v1/orgs')).body.map((org: { id: string }) => org.id)).toEqual([
      other.orgId,
    ])
    expect(await outcome(other.owner, 'GET', `/api/v1/orgs/${api.orgId}`)).toBe('404 org.not_found')
    expect(await outcome(api.owner, 'POST', '/api/v1/users/me', { org: other.orgId })).toBe('404 org.not_found')
  })

  test('an unknown address becomes an invited user, once, whatever its capitals', async () => {
    const emails = ['New.Person@example.com', 'new.person@EXAMPLE.com']
    const added = await api.call(admin, 'POST', members, { json: { emails, role: 'member' } })
    expect(added.body).toEqual([expect.objectContaining({ email: 'New.Person@example.com', role: 'member' })])
    expect(await outcome(admin, 'DELETE', `${members}/NEW.person@example.com`)).toBe('200')
    expect(await outcome(admin, 'DELETE', `${members}/new.person@example.com`)).toBe('404 member.not_found')
  })

  test('the creator can be neither removed nor lowered, by anybody', async () => {
    const second = await api.addUser('second-owner@example.com', 'owner')
    for (const actor of [api.owner, second, admin]) {
      expect(await outcome(actor, 'DELETE', `${members}/owner@example.com`)).toBe('409 org.creator_stays')
      expect(await outcome(actor, 'DELETE', `${members}/${api.owner.userId}`)).toBe('409 org.creator_stays')
      expect(await outcome(actor, 'PATCH', members, { email: 'owner@example.com', role: 'member' })).toBe(
        '409 org.creator_stays',
      )
      expect(await outcome(actor, 'POST', members, { emails: ['owner@example.com'], role: 'worker' })).toBe(
        '409 org.creator_stays',
      )
    }
    expect(await outcome(api.owner, 'DELETE', `${members}/second-owner@example.com`)).toBe('200')
  })

  test('an admin neither makes nor lowers an owner; a member changes nobody', async () => {
    const second = await api.addUser('another-owner@example.com', 'owner')
    expect(await outcome(admin, 'POST', members, { emails: ['x@example.com'], role: 'owner' })).toBe(
      '403 access.forbidden',
    )
    expect(await outcome(admin, 'PATCH', members, { email: 'admin@example.com', role: 'owner' })).toBe(
      '403 access.forbidden',
    )
    expect(await outcome(admin, 'PATCH', members, { email: second.email, role: 'member' })).toBe('403 access.forbidden')
    expect(await outcome(admin, 'DELETE', `${members}/${second.userId}`)).toBe('403 access.forbidden')
    expect(await outcome(admin, 'PATCH', members, { email: worker.email, role: 'worker' })).toBe('200')
    expect(await outcome(member, 'POST', members, { emails: ['x@example.com'] })).toBe('403 access.forbidden')
    // The refused addition has left no user behind.
    const { rows } = await api.deps.db.query(`select 1 from user_account where email = 'x@example.com'`)
    expect(rows).toEqual([])
    expect(await outcome(api.owner, 'DELETE', `${members}/${second.userId}`)).toBe('200')
  })

  test('who leaves the organization leaves its projects, unless one would have no owner', async () => {
    const leaver = await api.addUser('leaver@example.com', 'member')
    const own = (await api.call(leaver, 'POST', '/api/v1/projects', { form: { name: 'leaver owns' } })).body.id
    const shared = await api.addProject()
    await api.join(shared, leaver, 'engineer')
    const refused = await api.call(admin, 'DELETE', `${members}/leaver@example.com`)
    expect(refused.body).toMatchObject({
      code: 'project.last_owner',
      details: { projects: [{ id: own, name: 'leaver owns' }] },
    })
    expect(await outcome(leaver, 'POST', `/api/v1/projects/${own}/members/owner@example.com`, { role: 'owner' })).toBe(
      '200',
    )
    expect(await outcome(admin, 'DELETE', `${members}/leaver@example.com`)).toBe('200')
    expect((await api.call(leaver, 'GET', '/api/v1/projects')).body).toEqual([])
    expect(await outcome(leaver, 'GET', `/api/v1/projects/${shared}`)).toBe('404 project.not_found')
  })
})

describe('projects', () => {
  const create = (actor: Actor, name: string, sent: Sent = { form: { name } }) =>
    api.call(actor, 'POST', '/api/v1/projects', sent)

  test('a project has exactly the keys the SDK compares, the same from create, get, list and by name', async () => {
    const made = (await create(api.owner, 'birds & co')).body
    expect(Object.keys(made).sort()).toEqual(Object.keys(Project.shape).sort())
    expect(Project.parse(made)).toEqual(made)
    expect(made).toMatchObject({
      name: 'birds & co',
      role: 'owner',
      creator: 'owner@example.com',
      org: { id: api.orgId },
    })
    expect(made.url).toMatch(/^http:\/\/.+\/api\/v1\/projects\/[0-9a-f]{24}$/)
    expect((await api.call(api.owner, 'GET', `/api/v1/projects/${made.id}`)).body).toEqual(made)
    expect((await api.call(api.owner, 'GET', '/api/v1/projects/birds%20%26%20co/name')).body).toEqual([made])
    expect((await api.call(api.owner, 'GET', '/api/v1/projects')).body).toContainEqual(made)
    expect((await api.call(api.owner, 'GET', `/api/v1/orgs/${api.orgId}/projects`)).body).toContainEqual(made)
  })

  test('an unknown name is a 404, not an empty list', async () => {
    expect(await outcome(api.owner, 'GET', '/api/v1/projects/never-made/name')).toBe('404 project.not_found')
  })

  test('all of the allowed characters are accepted and every other is refused with the words the SDK’s suite wants', async () => {
    const allowed = 'AZaz09 !@#$%^&*()_+-[]|.,'
    expect((await create(api.owner, allowed)).body.name).toBe(allowed)
    expect((await api.call(api.owner, 'GET', `/api/v1/projects/${encodeURIComponent(allowed)}/name`)).status).toBe(200)
    for (const name of ['', ' ', 'a/b', 'a"b', 'é', 'a\nb', 'a\u0000b', 'x'.repeat(256), allowed]) {
      const { status, body } = await create(api.owner, name)
      expect([status, body.code], name).toEqual([400, 'project.invalid'])
      expect(body.message).toContain('Failed to create project')
    }
  })

  test('two requests for the same name at once make one project', async () => {
    const both = await Promise.all([create(api.owner, 'twice'), create(api.owner, 'twice')])
    expect(both.map((answer) => answer.status).sort()).toEqual([200, 400])
  })

  test('a member makes projects, a worker does not, and a stranger has nowhere to', async () => {
    expect((await create(member, 'of a member')).body.role).toBe('owner')
    expect((await create(worker, 'of a worker')).body.code).toBe('access.forbidden')
    expect((await create(await api.addUser('alone@example.com'), 'of nobody')).body.code).toBe('org.not_found')
  })

  test('with two organizations, projects go to the chosen one, or to the one the request names', async () => {
    const other = await api.addOrg('Second')
    await api.call(other.owner, 'POST', `/api/v1/orgs/${other.orgId}/members`, {
      json: { emails: [member.email], role: 'member' },
    })
    expect((await create(member, 'before choosing')).body.org.id).toBe(api.orgId)
    expect((await api.call(member, 'POST', '/api/v1/users/me', { json: { org: other.orgId } })).body.org.id).toBe(
      other.orgId,
    )
    expect((await create(member, 'after choosing')).body.org.id).toBe(other.orgId)
    expect((await create(member, '', { json: { name: 'named', org: api.orgId } })).body.org.id).toBe(api.orgId)
    expect((await create(worker, '', { json: { name: 'named', org: other.orgId } })).body.code).toBe('org.not_found')
    await api.call(member, 'POST', '/api/v1/users/me', { json: { org: api.orgId } })
  })

  test('the organization’s owner is a stranger in a project they are not in', async () => {
    const { body } = await create(member, 'closed to the owner')
    expect(await outcome(api.owner, 'GET', `/api/v1/projects/${body.id}`)).toBe('404 project.not_found')
    expect((await api.call(api.owner, 'GET', `/api/v1/orgs/${api.orgId}/projects`)).text).not.toContain(body.id)
  })

  test('the whole project sent back renames it and changes nothing else', async () => {
    const { body } = await create(api.owner, 'old name')
    const sent = { ...body, name: 'new name', role: 'annotator', creator: 'x@y.z', org: { id: 'x' }, archived: true }
    expect(await outcome(api.owner, 'PATCH', `/api/v1/projects/${body.id}?system=true`, sent)).toBe('200')
    const after = (await api.call(api.owner, 'GET', `/api/v1/projects/${body.id}`)).body
    expect(after).toEqual({ ...body, name: 'new name', updatedAt: after.updatedAt })
    await create(api.owner, 'taken')
    expect(await outcome(api.owner, 'PATCH', `/api/v1/projects/${body.id}`, { name: 'taken' })).toBe(
      '400 project.invalid',
    )
  })

  test('a deleted project is gone, with its datasets', async () => {
    const id = await api.addProject()
    const insert = 'insert into dataset (id, project_id, name, creator_id, updater_id) values ($1, $2, $3, $4, $4)'
    await api.deps.db.query(insert, ['0'.repeat(24), id, 's', api.owner.userId])
    expect(await outcome(api.owner, 'GET', `/api/v1/datasets/${'0'.repeat(24)}`)).toBe('200')
    expect(await outcome(api.owner, 'DELETE', `/api/v1/projects/${id}`)).toBe('200')
    expect(await outcome(api.owner, 'GET', `/api/v1/projects/${id}`)).toBe('404 project.not_found')
    expect(await outcome(api.owner, 'GET', `/api/v1/datasets/${'0'.repeat(24)}`)).toBe('404 dataset.not_found')
  })
})

describe('members of a project', () => {
  test('a person is added, given another role and removed, by e-mail address, with JSON each time', async () => {
    const id = await api.addProject()
    const url = `/api/v1/projects/${id}/members`
    for (const [method, json, role] of [
      ['POST', { role: 'annotator' }, 'annotator'],
      ['PATCH', { role: 'engineer' }, 'engineer'],
      ['DELETE', undefined, 'engineer'],
    ] as const) {
      const { status, body } = await api.call(
        api.owner,
        method,
        `${url}/member%40example.com`,
        json === undefined ? {} : { json },
      )
      expect([status, body.email, body.role]).toEqual([200, 'member@example.com', role])
    }
    expect(await outcome(member, 'GET', `/api/v1/projects/${id}`)).toBe('404 project.not_found')
  })

  test('a role takes effect with the next request', async () => {
    const id = await api.addProject()
    await api.join(id, member, 'owner')
    expect(await outcome(member, 'PATCH', `/api/v1/projects/${id}`, { name: `renamed ${id}` })).toBe('200')
    await api.join(id, member, 'engineer')
    expect(await outcome(member, 'PATCH', `/api/v1/projects/${id}`, { name: `again ${id}` })).toBe(
      '403 access.forbidden',
    )
  })

  test('the last owner can be neither removed nor lowered, even by two at once', async () => {
    const id = await api.addProject()
    const url = `/api/v1/projects/${id}/members`
    expect(await outcome(api.owner, 'DELETE', `${url}/owner@example.com`)).toBe('409 project.last_owner')
    expect(await outcome(api.owner, 'PATCH', `${url}/owner@example.com`, { role: 'engineer' })).toBe(
      '409 project.last_owner',
    )
    expect(await outcome(api.owner, 'POST', `${url}/owner@example.com`, { role: 'engineer' })).toBe(
      '409 project.last_owner',
    )
    await api.join(id, member, 'owner')
    const both = await Promise.all([
      outcome(api.owner, 'PATCH', `${url}/owner@example.com`, { role: 'engineer' }),
      outcome(member, 'PATCH', `${url}/member@example.com`, { role: 'engineer' }),
    ])
    expect(both.filter((each) => each === '200')).toHaveLength(1)
  })

  test('only who runs the organization brings in people from outside of it', async () => {
    const id = (await api.call(member, 'POST', '/api/v1/projects', { form: { name: 'inviting' } })).body.id
    const outsider = await api.addUser('outsider@example.com')
    const url = (email: string) => `/api/v1/projects/${id}/members/${email}`
    expect(await outcome(member, 'POST', url(outsider.email), { role: 'annotator' })).toBe('403 access.forbidden')
    expect(await outcome(member, 'POST', url('unknown@example.com'), { role: 'annotator' })).toBe('404 user.not_found')
    expect(await outcome(member, 'POST', url(api.owner.email), { role: 'owner' })).toBe('200')
    expect(await outcome(api.owner, 'POST', url('unknown@example.com'), { role: 'annotator' })).toBe('200')
    expect((await api.call(api.owner, 'GET', members)).text).toContain('unknown@example.com')
    expect(await outcome(api.owner, 'POST', url('no-address'), { role: 'annotator' })).toBe('404 user.not_found')
  })
})
