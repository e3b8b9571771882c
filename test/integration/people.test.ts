// Proves what projects begin and end with, bots, organizations that come and go, keys of bots, and the log-in in the browser.
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBot } from '#core/access/access.ts'
import { newId } from '#lib/ids.ts'
import { type Actor, type Answer, type TestApi, withApi } from '../support/api.ts'
import { seedDataset } from '../support/catalog.ts'

let api: TestApi
let engineer: Actor
let projectId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject('people')
  engineer = await api.addUser('engineer@example.com', 'worker')
  await api.join(projectId, engineer, 'engineer')
})
afterAll(() => api.close())

const get = (actor: Actor, path: string) => api.call(actor, 'GET', `/api/v1${path}`)
const post = (actor: Actor | null, path: string, json: unknown) => api.call(actor, 'POST', `/api/v1${path}`, { json })
const outcome = ({ status, body }: Answer) => (status < 300 ? String(status) : `${status} ${body.code}`)
const login = (username: string, password: string) =>
  api.call(null, 'POST', '/token?default', { json: { username, password, type: 'user_credentials' } })
const asBot = (bot: { id: string }, token: string): Actor => ({ userId: bot.id, email: bot.id, token })
const ask = (sql: string, values: unknown[]) => api.deps.db.query<{ n: number }>(sql, values)
const count = async (from: string, id: string) => (await ask(`select count(*) as n from ${from}`, [id])).rows[0]!.n

async function systemDatasets(id: string) {
  const json = { filter: {}, context: { projects: [id] }, page: 0, pageSize: 100, resource: 'datasets' }
  const [shown, all] = [
    await post(api.owner, '/datasets/query', json),
    await post(api.owner, '/datasets/query', { ...json, systemSpace: true }),
  ]
  const names = (answer: Answer) => answer.body.items.map(({ name }: { name: string }) => name)
  return { shown: names(shown), all: names(all) }
}

describe('a project', () => {
  test('begins with the hidden dataset Binaries and one bot, and has one of each after a second try', async () => {
    const id = await api.addProject('beginning')
    expect(await systemDatasets(id)).toEqual({ shown: [], all: ['Binaries'] })
    const bots = (await get(api.owner, `/projects/${id}/bots`)).body
    expect(bots).toEqual([expect.objectContaining({ type: 'bot', role: 'engineer' })])
    const again = await api.call(api.owner, 'POST', '/api/v1/projects', { form: { name: 'beginning' } })
    expect([again.status, again.body.message]).toEqual([400, expect.stringContaining('Failed to create project')])
    expect(await systemDatasets(id)).toEqual({ shown: [], all: ['Binaries'] })
  })

  test('shows its people and bots as contributors, each with a role of their own', async () => {
    const { body } = await get(api.owner, `/projects/${projectId}`)
    const roles = body.contributors.map((each: { type: string; role: string }) => `${each.type} ${each.role}`)
    expect(roles.sort()).toEqual(['bot engineer', 'user engineer', 'user owner'])
    expect((await get(api.owner, `/projects/${projectId}/members`)).body).toEqual(body.contributors)
  })

  test('takes bots, commands, settings and data points with it when it is deleted', async () => {
    const id = await api.addProject('ending')
    const bot = (await post(api.owner, `/projects/${id}/bots`, { name: 'b', returnCredentials: true })).body
    const token = (await login(bot.id, bot.password)).body.id_token
    await api.deps.db.query(
      `insert into command (id, type, status, org_id, project_id, creator_id) values ($1, 'x', 'in-progress', $2, $3, $4)`,
      [newId(0), api.orgId, id, api.owner.userId],
    )
    await seedDataset(api.deps.db, ['a', 'b/c'], { projectId: id })
    await api.deps.db.query('update data_points set used = 2 where org_id = $1', [api.orgId])
    expect(outcome(await get(asBot(bot, token), `/projects/${id}`))).toBe('200')
    expect(outcome(await api.call(api.owner, 'DELETE', `/api/v1/projects/${id}`))).toBe('200')
    expect(outcome(await get(asBot(bot, token), '/users/me'))).toBe('401 auth.invalid_token')
    expect(outcome(await login(bot.id, bot.password))).toBe('401 auth.invalid_credentials')
    expect(await count('command where project_id = $1', id)).toBe(0)
    expect((await ask('select used as n from data_points where org_id = $1', [api.orgId])).rows[0]!.n).toBe(0)
  })

  test('made before projects began with them gets both by the migration', async () => {
    const [old, named] = [newId(1), newId(2)]
    for (const id of [old, named]) {
      await ask('insert into project (id, org_id, name, creator_id) values ($1, $2, $1, $3)', [
        id,
        api.orgId,
        api.owner.userId,
      ] as never)
      await ask(`insert into project_member (project_id, user_id, role) values ($1, $2, 'owner')`, [
        id,
        api.owner.userId,
      ] as never)
    }
    const mine = (await post(api.owner, '/datasets', { name: 'Binaries', projects: [named] })).body
    const file = new URL('../../src/db/migrations/0010_people.sql', import.meta.url)
    const text = await readFile(file, 'utf8')
    const client = await api.deps.db.connect()
    try {
      await client.query('begin')
      // Names of datasets that await their deletion are free since; so the index is another one than when this was written.
      const then = text.slice(text.indexOf('-- Projects made before'))
      await client.query(then.replace('(project_id, name) do', '(project_id, name) where delete_at is null do'))
      await client.query('commit')
    } finally {
      client.release()
    }
    expect(await systemDatasets(old)).toEqual({ shown: [], all: ['Binaries'] })
    // What a person called so is theirs and stays in sight.
    expect(await systemDatasets(named)).toEqual({ shown: ['Binaries'], all: ['Binaries'] })
    expect((await get(api.owner, `/datasets/${mine.id}`)).status).toBe(200)
    expect((await get(api.owner, `/projects/${old}/bots`)).body).toHaveLength(1)
  })
})

describe('bots', () => {
  test('a bot logs in by its id, which is its address, works as a developer, and in no other project', async () => {
    const made = await post(engineer, `/projects/${projectId}/bots`, { name: 'robbie', returnCredentials: true })
    const bot = made.body
    expect(bot).toMatchObject({ id: bot.email, firstName: 'robbie', type: 'bot', role: 'engineer' })
    const { password, ...shown } = bot
    expect((await get(engineer, `/projects/${projectId}/bots/${bot.id}`)).body).toEqual(shown)
    expect((await get(engineer, `/projects/${projectId}/bots`)).body).toContainEqual(shown)
    const tokens = (await login(bot.id, password)).body
    const actor = asBot(bot, tokens.id_token)
    expect((await get(actor, '/users/me')).body).toMatchObject({ id: bot.id, type: 'bot', org: { id: api.orgId } })
    expect((await get(actor, '/projects')).body.map((each: { id: string }) => each.id)).toEqual([projectId])
    const dataset = await post(actor, '/datasets', { name: 'of the bot', projects: [projectId] })
    expect([dataset.status, dataset.body.creator]).toEqual([200, bot.email])
    const other = await api.addProject()
    expect(outcome(await get(actor, `/projects/${other}`))).toBe('404 project.not_found')
    expect(outcome(await get(actor, `/orgs/${api.orgId}`))).toBe('404 org.not_found')
    expect(outcome(await api.call(actor, 'DELETE', `/api/v1/projects/${projectId}`))).toBe('403 access.forbidden')
    expect(outcome(await post(actor, '/projects', { name: 'of the bot' }))).toBe('404 org.not_found')

    expect(outcome(await api.call(engineer, 'DELETE', `/api/v1/projects/${projectId}/bots/${bot.id}`))).toBe('200')
    expect(outcome(await get(actor, '/projects'))).toBe('401 auth.invalid_token')
    const refresh = { type: 'refresh_token', refresh_token: tokens.refresh_token }
    expect(outcome(await api.call(null, 'POST', '/token?default', { json: refresh }))).toBe('401 auth.invalid_token')
    expect(outcome(await login(bot.id, password))).toBe('401 auth.invalid_credentials')
    expect(outcome(await get(engineer, `/projects/${projectId}/bots/${bot.id}`))).toBe('404 bot.not_found')
    // What it made still tells who made it.
    expect((await get(engineer, `/datasets/${dataset.body.id}`)).body.creator).toBe(bot.email)
  })

  test('without credentials there is no password, and the same name twice makes two bots', async () => {
    const one = (await post(engineer, `/projects/${projectId}/bots`, { name: 'twin', returnCredentials: false })).body
    const two = (await post(engineer, `/projects/${projectId}/bots`, { name: 'twin' })).body
    expect(one.id).not.toBe(two.id)
    expect(one).not.toHaveProperty('password')
    for (const password of ['', 'null', 'undefined']) {
      expect((await login(one.id, password)).status).toBe(401)
    }
  })

  test('annotators see no bots, and a bot of another project is not found', async () => {
    const annotator = await api.addUser('annotator@example.com', 'worker')
    await api.join(projectId, annotator, 'annotator')
    expect(outcome(await get(annotator, `/projects/${projectId}/bots`))).toBe('403 access.forbidden')
    const other = await api.addProject()
    const bot = await createBot(api.deps, { projectId: other, name: 'x', withCredentials: false })
    for (const method of ['GET', 'DELETE']) {
      const url = `/api/v1/projects/${projectId}/bots/${bot.id}`
      expect(outcome(await api.call(api.owner, method, url))).toBe('404 bot.not_found')
    }
  })

  test('a bot joins projects of its organization, never an organization, and does not keep a project going alone', async () => {
    const [home, away] = [await api.addProject(), await api.addProject()]
    const bot = await createBot(api.deps, { projectId: home, name: 'guest', withCredentials: false })
    const members = `/api/v1/projects/${away}/members`
    expect((await api.call(api.owner, 'POST', `${members}/${bot.id}`, { json: { role: 'owner' } })).body.role).toBe(
      'owner',
    )
    expect(outcome(await api.call(api.owner, 'DELETE', `${members}/${api.owner.email}`))).toBe('409 project.last_owner')
    expect(outcome(await post(api.owner, `/orgs/${api.orgId}/members`, { emails: [bot.id] }))).toBe(
      '404 user.not_found',
    )
    // Leaving a project that is not its own, it goes on; leaving its own, it ends.
    expect(outcome(await api.call(api.owner, 'DELETE', `${members}/${bot.id}`))).toBe('200')
    expect((await get(api.owner, `/projects/${home}/bots/${bot.id}`)).status).toBe(200)
    expect(outcome(await api.call(api.owner, 'DELETE', `/api/v1/projects/${home}/members/${bot.id}`))).toBe('200')
    expect(outcome(await get(api.owner, `/projects/${home}/bots/${bot.id}`))).toBe('404 bot.not_found')
    const foreign = (await api.addOrg('Foreign bots')).owner
    const theirs = (await post(foreign, '/projects', { name: 'theirs' })).body.id
    const stranger = await createBot(api.deps, { projectId: theirs, name: 's', withCredentials: false })
    expect(outcome(await api.call(api.owner, 'POST', `${members}/${stranger.id}`, { json: {} }))).toBe(
      '404 user.not_found',
    )
  })
})

describe('API keys of bots', () => {
  test('who owns or administers the organization makes, lists and revokes them; nobody else does', async () => {
    const bot = await createBot(api.deps, { projectId, name: 'keyed', withCredentials: false })
    const admin = await api.addUser('admin@example.com', 'admin')
    const made = await post(admin, '/apiKeys', { userId: bot.id, description: 'for the bot' })
    expect(made.status).toBe(200)
    const actor = asBot(bot, made.body.jwt)
    expect((await get(actor, '/users/me')).body.id).toBe(bot.id)
    const listed = (await get(admin, `/apiKeys?userId=${bot.id}`)).body
    expect(listed).toEqual([expect.objectContaining({ id: made.body.id, description: 'for the bot' })])
    const stranger = (await api.addOrg('Strangers')).owner
    for (const other of [engineer, stranger]) {
      expect(outcome(await post(other, '/apiKeys', { userId: bot.id }))).toBe('403 access.forbidden')
      expect(outcome(await get(other, `/apiKeys?userId=${bot.id}`))).toBe('403 access.forbidden')
      expect(outcome(await api.call(other, 'DELETE', `/api/v1/apiKeys/${made.body.id}`))).toBe(
        '404 auth.api_key_not_found',
      )
    }
    expect(outcome(await post(admin, '/apiKeys', { userId: engineer.email }))).toBe('403 access.forbidden')
    expect((await api.call(admin, 'DELETE', `/api/v1/apiKeys/${made.body.id}`)).status).toBe(204)
    expect(outcome(await get(actor, '/users/me'))).toBe('401 auth.invalid_token')
  })
})

describe('organizations', () => {
  test('who runs the server makes one, changes its plan and deletes it; others do not', async () => {
    const member = await api.addUser('plain@example.com', 'admin')
    expect(outcome(await post(member, '/orgs', { name: 'no' }))).toBe('403 access.forbidden')
    const made = (await post(api.owner, '/orgs', { name: 'Second' })).body
    expect(made).toMatchObject({ name: 'Second', plan: 'premium', owner: api.owner.email, logoUrl: null })
    expect(await count('data_points where org_id = $1', made.id)).toBe(1)
    const plan = `/api/v1/orgs/${made.id}/plan`
    expect((await api.call(api.owner, 'PATCH', plan, { json: { plan: 'freemium' } })).body.plan).toBe('freemium')
    expect((await get(api.owner, `/orgs/${made.id}`)).body.plan).toBe('freemium')
    expect(outcome(await api.call(api.owner, 'PATCH', plan, { json: { plan: 'gold' } }))).toBe('400 request.invalid')
    const project = (await post(api.owner, '/projects', { name: 'inside', org: made.id })).body
    const url = `/api/v1/orgs/${made.id}`
    expect(outcome(await api.call(api.owner, 'DELETE', url))).toBe('409 org.not_empty')
    await api.call(api.owner, 'DELETE', `/api/v1/projects/${project.id}`)
    expect(outcome(await api.call(api.owner, 'DELETE', url))).toBe('200')
    expect(outcome(await get(api.owner, `/orgs/${made.id}`))).toBe('404 org.not_found')
    expect(outcome(await api.call(api.owner, 'DELETE', `/api/v1/orgs/${api.orgId}`))).toBe('409 org.first_stays')
  })

  test('a project moves with its data points and people, and not where it may not', async () => {
    const id = await api.addProject('moving')
    await api.join(id, engineer, 'engineer')
    await seedDataset(api.deps.db, ['a', 'b', 'c/d'], { projectId: id })
    await api.deps.db.query('update data_points set used = 3, points_max = null where org_id = $1', [api.orgId])
    const target = (await post(api.owner, '/orgs', { name: 'Target' })).body.id
    const move = (actor: Actor, org: string) =>
      api.call(actor, 'PATCH', `/api/v1/projects/${id}/org`, { form: { org_id: org } })
    const foreign = await api.addOrg('Not mine')
    expect(outcome(await move(api.owner, foreign.orgId))).toBe('404 org.not_found')
    expect(outcome(await move(engineer, target))).toBe('403 access.forbidden')

    const used = async (org: string) =>
      (await ask('select used as n from data_points where org_id = $1', [org])).rows[0]!.n
    await api.deps.db.query('update data_points set points_max = 2 where org_id = $1', [target])
    expect(outcome(await move(api.owner, target))).toBe('403 quota.exceeded')
    expect([await used(api.orgId), await used(target)]).toEqual([3, 0])
    await api.deps.db.query('update data_points set points_max = 5 where org_id = $1', [target])
    const moved = await move(api.owner, target)
    expect([moved.status, moved.body.org.id]).toEqual([200, target])
    expect([await used(api.orgId), await used(target)]).toEqual([0, 3])
    const members = (await get(api.owner, `/orgs/${target}/members`)).body
    expect(members.find((each: { email: string }) => each.email === engineer.email)?.role).toBe('member')
    expect((await move(api.owner, target)).status).toBe(200)

    await api.addProject('moving')
    expect(outcome(await move(api.owner, api.orgId))).toBe('400 project.invalid')
    const source = await api.deps.db.query<{ source_no: number }>(
      `insert into source (org_id, provider, fingerprint) values ($1, 's3', 'moving') returning source_no`,
      [target],
    )
    await api.deps.db.query(
      `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, 'd', 's3', '', '{}', $4)`,
      [newId(3), id, source.rows[0]!.source_no, api.owner.userId],
    )
    expect(outcome(await move(api.owner, api.orgId))).toBe('409 project.has_drivers')
  })
})

describe('log-in in the browser', () => {
  const page = (query: string) => api.call(null, 'GET', `/login?${query}`)

  test('is offered to programs on the person’s own machine, and to no other address', async () => {
    const { status, text, headers } = await page('callback=http://localhost:3001&domain=example.com')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(text).toContain('data-callback="http://localhost:3001"')
    expect(String(headers['content-security-policy'])).toContain("default-src 'none'")
    for (const callback of [
      '',
      'https://example.com',
      'http://localhost.example.com:3001',
      'http://localhost:3001@example.com',
      'http://localhost:3001/"onload=alert(1)',
      'http://localhost',
      'javascript:alert(1)',
      'http://localhost:3001\n',
    ]) {
      expect(outcome(await page(`callback=${encodeURIComponent(callback)}`)), callback).toBe('400 request.invalid')
    }
    expect(outcome(await page(''))).toBe('400 request.invalid')
    expect((await api.call(null, 'GET', '/login.js')).text).toContain("fetch('/token?default'")
  })

  test('gives the three tokens that the SDK waits for', async () => {
    const { body } = await login('owner@example.com', 'first-password')
    for (const name of ['id_token', 'access_token', 'refresh_token']) expect(body[name].split('.')).toHaveLength(3)
  })
})

test('mail is not pretended: the answer says that none is sent, with a status that the SDK does not repeat', async () => {
  const json = { to: 'a@example.com', from: 'b@example.com', subject: 's', body: 'b' }
  expect(outcome(await post(api.owner, `/projects/${projectId}/mail`, json))).toBe('424 mail.not_set_up')
  expect(outcome(await post(api.owner, '/outbox', json))).toBe('424 mail.not_set_up')
})

describe('a creation whose answer was lost', () => {
  /** Sends a request over a connection of its own. */
  function send(path: string, json: unknown) {
    const { port } = api.app.server.address() as AddressInfo
    const payload = JSON.stringify(json)
    const sent = request({
      port,
      method: 'POST',
      path: `/api/v1${path}`,
      agent: false,
      headers: { authorization: `Bearer ${api.owner.token}`, 'content-type': 'application/json' },
    })
    const answer = new Promise<{ status: number; body: { id: string; password?: string } }>((resolve, reject) => {
      sent.on('error', reject)
      sent.on('response', async (response) => {
        let text = ''
        for await (const piece of response) text += piece
        resolve({ status: response.statusCode!, body: JSON.parse(text) })
      })
    })
    sent.end(payload)
    return { answer, drop: () => sent.destroy() }
  }
  /** Until the server has noticed that nobody is connected any more. */
  const connectionsGone = async (): Promise<void> => {
    const open = (): Promise<number> =>
      new Promise<number>((resolve) => api.app.server.getConnections((_error, n) => resolve(n)))
    while ((await open()) > 0) await wait(5)
  }
  const waitingFor = async (relation: string): Promise<void> => {
    const sql = `select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and query like $1`
    const pattern = `%insert into ${relation}%`
    while ((await ask(sql, [pattern])).rows[0]!.n === 0) await wait(5)
  }

  test.each([
    ['project', { name: 'lost and found' }, 'project where name = $1'],
    ['bot', { name: 'lost bot', returnCredentials: true }, 'user_account where first_name = $1'],
  ] as const)('a %s is made once, and the repetition gets it', async (what, json, from) => {
    const path = what === 'bot' ? `/projects/${projectId}/bots` : '/projects'
    const waits = what === 'bot' ? 'project_member' : 'project'
    if (!api.app.server.listening) await api.app.listen({ port: 0, host: '127.0.0.1' })
    // The creation waits for this lock, so that its connection can be cut while it is under way.
    const holder = await api.deps.db.connect()
    await holder.query('begin')
    await holder.query(`lock table ${waits} in share mode`)
    const first = send(path, json)
    first.answer.catch(() => {})
    await waitingFor(waits)
    first.drop()
    await expect(first.answer).rejects.toThrow()
    await connectionsGone()
    const second = send(path, json)
    await holder.query('rollback')
    holder.release()
    const { status, body } = await second.answer
    expect(status).toBe(200)
    expect(await count(from, json.name)).toBe(1)
    if (what === 'bot') expect((await login(body.id, body.password!)).status).toBe(200)
    // Answered now: the next one is a request of its own.
    const third = await send(path, json).answer
    expect(third.status === 200 ? third.body.id !== body.id : third.status === 400).toBe(true)
  })
})
