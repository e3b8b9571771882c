// Proves settings: what is kept comes back as it was, who may read and write them where, and which of them count in a place.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Setting, settingRoutes } from '#contract/settings.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'

let api: TestApi
let projectId: string
let datasetId: string
let people: Record<'admin' | 'member' | 'worker' | 'engineer' | 'annotator' | 'stranger', Actor>
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject('with settings')
  people = {
    admin: await api.addUser('admin@example.com', 'admin'),
    member: await api.addUser('member@example.com', 'member'),
    worker: await api.addUser('worker@example.com', 'worker'),
    engineer: await api.addUser('engineer@example.com', 'worker'),
    annotator: await api.addUser('annotator@example.com', 'worker'),
    stranger: (await api.addOrg('Elsewhere')).owner,
  }
  await api.join(projectId, people.engineer, 'engineer')
  await api.join(projectId, people.annotator, 'annotator')
  const made = await api.call(api.owner, 'POST', '/api/v1/datasets', { json: { name: 'd', projects: [projectId] } })
  datasetId = made.body.id
})
afterAll(() => api.close())

/** A setting as the SDK sends it. */
function sent(name: string, scope: { type: string; id: string | null }, change: Record<string, unknown> = {}) {
  return {
    name,
    valueType: 'string',
    scope: { role: '*', preventOverride: false, visible: true, ...scope },
    settingType: 'user_settings',
    id: null,
    metadata: null,
    value: 'x',
    defaultValue: null,
    description: null,
    inputs: null,
    icon: null,
    sectionName: 'SDK',
    hint: null,
    subSectionName: null,
    ...change,
  }
}
const create = (actor: Actor, json: unknown) => api.call(actor, 'POST', '/api/v1/settings', { json })
const ofProject = (name: string, change: Record<string, unknown> = {}) =>
  sent(name, { type: 'project', id: projectId }, change)
const outcome = ({ status, body }: { status: number; body: { code?: string } }) =>
  status < 300 ? String(status) : `${status} ${body.code}`
async function query(actor: Actor, filter: unknown, more: Record<string, unknown> = {}) {
  return await api.call(actor, 'POST', '/api/v1/settings/query', {
    json: { filter, page: 0, pageSize: 1000, resource: 'setting', sort: { ascending: 'ascending' }, ...more },
  })
}

describe('what is kept', () => {
  test('comes back with exactly the keys of the SDK, the same from create, get and query', async () => {
    const json = ofProject('whole', {
      valueType: 'multi-select',
      value: ['a', 2],
      defaultValue: ['b'],
      metadata: { slots: [{ displayScopes: [{ filter: '{"a": 1}' }] }] },
      inputs: [{ label: 'A', value: 'a' }],
      description: 'déjà 😀',
      icon: 'i',
      hint: 'h',
      subSectionName: 's',
    })
    const made = await create(api.owner, json)
    expect(made.body).toEqual({ ...json, id: expect.stringMatching(/^[0-9a-f]{24}$/) })
    const keys = Object.keys((settingRoutes.getSetting.response as { shape: object }).shape)
    expect(Object.keys(made.body).sort()).toEqual(keys.sort())
    expect((await api.call(api.owner, 'GET', `/api/v1/settings/${made.body.id}`)).body).toEqual(made.body)
    expect((await query(api.owner, { $and: [{ name: 'whole' }] })).body.items).toEqual([made.body])
  })

  test('making it again replaces it and keeps its id; another role or scope is another setting', async () => {
    const first = (await create(api.owner, ofProject('again'))).body
    const second = (await create(api.owner, ofProject('again', { value: 'y' }))).body
    expect(second).toEqual({ ...first, value: 'y' })
    const forRole = await create(
      api.owner,
      ofProject('again', { scope: { type: 'project', id: projectId, role: 'engineer' } }),
    )
    const ofDataset = await create(api.owner, sent('again', { type: 'dataset', id: datasetId }))
    expect(new Set([first.id, forRole.body.id, ofDataset.body.id]).size).toBe(3)
  })

  test('many at once make one', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => create(api.owner, ofProject('at once'))))
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1)
  })

  test('a value of another type is refused in the vendor’s words, also by an update', async () => {
    const words = 'Invalid input specified, Incorrect value type passed - Passed boolean Expected string'
    const refused = await create(api.owner, ofProject('typed', { valueType: 'boolean', value: 'boaz' }))
    expect([refused.status, refused.body.code, refused.body.message]).toEqual([400, 'setting.invalid', words])
    expect((await create(api.owner, ofProject('typed', { value: true }))).body.message).toBe(words)
    const { body } = await create(api.owner, ofProject('typed'))
    expect((await api.call(api.owner, 'PATCH', `/api/v1/settings/${body.id}`, { json: { value: true } })).status).toBe(
      400,
    )
    expect((await api.call(api.owner, 'GET', `/api/v1/settings/${body.id}`)).body).toEqual(body)
  })

  test('an update changes what is sent and nothing else; the scope stays; deleting ends it', async () => {
    const { body } = await create(api.owner, ofProject('changed', { description: 'kept', hint: 'goes' }))
    const url = `/api/v1/settings/${body.id}`
    const { id: _id, name: _name, ...whole } = body as Setting
    const json = { ...whole, value: 'new', hint: null, scope: { ...whole.scope, preventOverride: true } }
    const changed = (await api.call(api.owner, 'PATCH', url, { json })).body
    expect(changed).toEqual({ ...body, value: 'new', hint: null, scope: { ...body.scope, preventOverride: true } })
    const moved = await api.call(api.owner, 'PATCH', url, { json: { scope: { type: 'org', id: api.orgId } } })
    expect(outcome(moved)).toBe('400 setting.invalid')
    expect((await api.call(api.owner, 'DELETE', url)).status).toBe(200)
    expect(outcome(await api.call(api.owner, 'GET', url))).toBe('404 setting.not_found')
    expect(outcome(await api.call(api.owner, 'DELETE', url))).toBe('404 setting.not_found')
  })

  test('goes with its project', async () => {
    const gone = await api.addProject()
    const { body } = await create(api.owner, sent('goes', { type: 'project', id: gone }))
    await api.call(api.owner, 'DELETE', `/api/v1/projects/${gone}`)
    expect((await api.deps.db.query('select 1 from setting where id = $1', [body.id])).rows).toEqual([])
  })
})

describe('who may', () => {
  test.each([
    ['DATALOOP', ['owner'], ['owner', 'admin', 'member', 'worker', 'engineer', 'annotator', 'stranger']],
    ['org', ['owner', 'admin'], ['owner', 'admin', 'member', 'worker', 'engineer', 'annotator']],
    ['project', ['owner', 'engineer'], ['owner', 'engineer', 'annotator']],
    ['dataset', ['owner', 'engineer'], ['owner', 'engineer', 'annotator']],
  ] as const)('%s: %j write, %j read, others find nothing', async (type, writers, readers) => {
    const id = { DATALOOP: null, org: api.orgId, project: projectId, dataset: datasetId }[type]
    const everybody = { owner: api.owner, ...people }
    const { body } = await create(api.owner, sent(`of ${type}`, { type, id }))
    const url = `/api/v1/settings/${body.id}`
    for (const [who, actor] of Object.entries(everybody)) {
      const may = (list: readonly string[]) => list.includes(who)
      const read = await api.call(actor, 'GET', url)
      expect(outcome(read), who).toBe(may(readers) ? '200' : '404 setting.not_found')
      const listed = (await query(actor, { name: `of ${type}` })).body.items
      expect(listed, who).toEqual(may(readers) ? [body] : [])
      const changed = await api.call(actor, 'PATCH', url, { json: { value: 'x' } })
      const refused = may(readers) ? '403 access.forbidden' : '404 setting.not_found'
      expect(outcome(changed), who).toBe(may(writers) ? '200' : refused)
      const made = await create(actor, sent(`of ${type}`, { type, id }))
      if (may(writers)) expect(made.status, who).toBe(200)
      else expect([403, 404], who).toContain(made.status)
    }
  })

  test('a user’s settings are theirs alone, by id or by address', async () => {
    const mine = await create(people.member, sent('mine', { type: 'user', id: 'MEMBER@example.com' }))
    const same = await create(people.member, sent('mine', { type: 'user', id: people.member.userId }, { value: 'y' }))
    expect(same.body).toMatchObject({ id: mine.body.id, value: 'y' })
    expect(outcome(await create(api.owner, sent('mine', { type: 'user', id: people.member.email })))).toBe(
      '403 access.forbidden',
    )
    expect(outcome(await api.call(api.owner, 'GET', `/api/v1/settings/${mine.body.id}`))).toBe('404 setting.not_found')
    expect((await query(api.owner, { name: 'mine' })).body.items).toEqual([])
  })

  test('a scope that is not there is not found', async () => {
    for (const type of ['org', 'project', 'dataset']) {
      for (const id of [null, 'nonsense', '0'.repeat(24)]) {
        expect(outcome(await create(api.owner, sent('nowhere', { type, id })))).toBe(`404 ${type}.not_found`)
      }
    }
    expect(outcome(await create(api.owner, sent('nowhere', { type: 'planet', id: 'x' })))).toBe('400 request.invalid')
  })
})

describe('queries', () => {
  test('by dotted field, operator and glob; by page; unknown fields and operators are refused', async () => {
    for (const no of [1, 2, 3]) await create(api.owner, ofProject(`paged ${no}`, { valueType: 'number', value: no }))
    const names = async (filter: unknown, more = {}) =>
      (await query(api.owner, filter, more)).body.items.map(({ name }: Setting) => name)
    expect(await names({ $and: [{ name: 'paged *' }, { 'scope.id': projectId }] })).toEqual([
      'paged 1',
      'paged 2',
      'paged 3',
    ])
    expect(await names({ $and: [{ name: 'paged *' }, { value: { $gt: '1' } }] })).toEqual(['paged 2', 'paged 3'])
    expect(await names({ $or: [{ name: 'paged 1' }, { name: { $in: ['paged 3'] } }] })).toEqual(['paged 1', 'paged 3'])
    expect(await names({ name: 'paged *' }, { sort: { name: 'descending' }, pageSize: 2, page: 1 })).toEqual([
      'paged 1',
    ])
    expect((await query(api.owner, { name: 'paged *' }, { pageSize: 0 })).body).toEqual({
      totalItemsCount: 3,
      totalPagesCount: 0,
      hasNextPage: false,
      items: [],
    })
    for (const filter of [{ password: 'x' }, { name: { $where: 'x' } }, { $and: 'x' }, { 'scope.owner': 'x' }]) {
      expect(outcome(await query(api.owner, filter))).toBe('400 query.invalid')
    }
  })
})

describe('what counts', () => {
  const resolve = async (actor: Actor, place: Record<string, unknown>) =>
    await api.call(actor, 'POST', '/api/v1/settings/resolve', { json: { userId: actor.email, ...place } })
  const valueFor = async (actor: Actor, name: string, place: Record<string, unknown>) =>
    (await resolve(actor, place)).body.find((each: Setting) => each.name === name)?.value

  test('is the narrowest; a project stands for its organization, a dataset for its project', async () => {
    const me = people.engineer
    const put = (type: string, id: string | null, actor = api.owner) =>
      create(actor, sent('level', { type, id }, { value: type }))
    await put('DATALOOP', null)
    expect(await valueFor(me, 'level', {})).toBe('DATALOOP')
    await put('org', api.orgId)
    expect(await valueFor(me, 'level', { projectId })).toBe('org')
    expect(await valueFor(people.stranger, 'level', {})).toBe('DATALOOP')
    await put('project', projectId)
    expect(await valueFor(me, 'level', { datasetId })).toBe('project')
    await put('dataset', datasetId)
    expect(await valueFor(me, 'level', { datasetId, projectId, orgId: api.orgId })).toBe('dataset')
    expect(await valueFor(me, 'level', { projectId })).toBe('project')
    await put('task', 'some-task', me)
    expect(await valueFor(me, 'level', { datasetId, taskId: 'some-task' })).toBe('task')
    expect(await valueFor(api.owner, 'level', { datasetId, taskId: 'some-task' })).toBe('dataset')
    await put('user', me.email, me)
    expect(await valueFor(me, 'level', { datasetId, taskId: 'some-task' })).toBe('user')
    expect(await valueFor(api.owner, 'level', { datasetId })).toBe('dataset')
  })

  test('is the wider one where that prevents overriding, and a role’s before everybody’s', async () => {
    const locked = { type: 'org', id: api.orgId, preventOverride: true }
    await create(api.owner, sent('locked', { type: 'org', id: api.orgId }, { value: 'org', scope: locked }))
    await create(api.owner, ofProject('locked', { value: 'project' }))
    expect(await valueFor(people.engineer, 'locked', { projectId })).toBe('org')
    const scope = { type: 'project', id: projectId, role: 'annotator' }
    await create(api.owner, ofProject('for some', { value: 'everybody' }))
    await create(api.owner, ofProject('for some', { value: 'annotators', scope }))
    expect(await valueFor(people.annotator, 'for some', { projectId })).toBe('annotators')
    expect(await valueFor(people.engineer, 'for some', { projectId })).toBe('everybody')
  })

  test('is told to nobody for somebody else, nor for places they are not in', async () => {
    expect(outcome(await resolve(api.owner, { userId: people.member.email }))).toBe('403 access.forbidden')
    expect(outcome(await resolve(people.stranger, { projectId }))).toBe('404 project.not_found')
    expect(outcome(await resolve(people.stranger, { datasetId }))).toBe('404 dataset.not_found')
    expect(outcome(await resolve(people.stranger, { orgId: api.orgId }))).toBe('404 org.not_found')
  })
})
