// Proves log-in, tokens, API keys and the first owner: who gets in, who is kept out, and what ends a credential.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureFirstOwner, prepareSetup } from '#core/access/access.ts'
import { Secret } from '#lib/secret.ts'
import { buildHttp } from '../../src/http/app.ts'
import { type TestApi, withApi } from '../support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await withApi()
})
afterAll(() => api.close())

const credentials = { type: 'user_credentials', username: 'owner@example.com', password: 'first-password' }
const claims = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString())
const withToken = (token: string) => ({ ...api.owner, token })

describe('log-in as the SDK does it', () => {
  test('e-mail and password give three-part tokens with email and exp', async () => {
    const { status, body } = await api.call(null, 'POST', '/token?default', { json: credentials })
    expect(status).toBe(200)
    expect(body.id_token.split('.')).toHaveLength(3)
    expect(claims(body.id_token)).toMatchObject({ email: 'owner@example.com', iss: 'sluice', typ: 'access' })
    expect(claims(body.id_token).exp - Date.now() / 1000).toBeGreaterThan(3600)
    expect((await api.call(withToken(body.id_token), 'GET', '/api/v1/users/me')).body).toMatchObject({
      email: 'owner@example.com',
      role: 'owner',
      org: { id: api.orgId, name: 'Acme' },
    })
  })

  test('capitals in the e-mail address make no difference, and the id is a name too', async () => {
    for (const username of ['OWNER@Example.com', api.owner.userId]) {
      expect((await api.call(null, 'POST', '/token', { json: { ...credentials, username } })).status).toBe(200)
    }
  })

  test.each([
    ['a wrong password', { ...credentials, password: 'wrong' }],
    ['an unknown address', { ...credentials, username: 'nobody@example.com' }],
  ])('%s is refused with the same answer', async (_what, json) => {
    const { status, body } = await api.call(null, 'POST', '/token?default', { json, headers: { 'x-request-id': 'r1' } })
    expect(status).toBe(401)
    expect(body).toEqual({
      code: 'auth.invalid_credentials',
      message: expect.any(String),
      status: 401,
      requestId: 'r1',
    })
  })

  test('an invited user without a password cannot log in with any', async () => {
    await api.addUser('invited@example.com', 'member')
    for (const password of ['', 'null', 'first-password']) {
      const json = { ...credentials, username: 'invited@example.com', password }
      expect((await api.call(null, 'POST', '/token', { json })).body.code).toBe('auth.invalid_credentials')
    }
  })

  test('a refresh token gives a fresh access token and is no access token itself', async () => {
    const first = (await api.call(null, 'POST', '/token', { json: credentials })).body
    const again = await api.call(null, 'POST', '/token?default', {
      json: { type: 'refresh_token', refresh_token: first.refresh_token },
    })
    expect(again.status).toBe(200)
    expect((await api.call(withToken(again.body.id_token), 'GET', '/api/v1/users/me')).status).toBe(200)
    expect((await api.call(withToken(first.refresh_token), 'GET', '/api/v1/users/me')).body.code).toBe(
      'auth.invalid_token',
    )
    expect(
      (await api.call(null, 'POST', '/token', { json: { type: 'refresh_token', refresh_token: first.id_token } }))
        .status,
    ).toBe(401)
  })

  test('logging out ends the access token and the refresh token', async () => {
    const { id_token, refresh_token } = (await api.call(null, 'POST', '/token', { json: credentials })).body
    expect((await api.call(withToken(id_token), 'POST', '/api/v1/logout')).status).toBe(204)
    expect((await api.call(withToken(id_token), 'GET', '/api/v1/users/me')).body.code).toBe('auth.invalid_token')
    expect((await api.call(null, 'POST', '/token', { json: { type: 'refresh_token', refresh_token } })).status).toBe(
      401,
    )
  })
})

describe('forged and malformed tokens', () => {
  const header = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test.each([
    ['no token', undefined],
    ['another scheme', 'Basic b3duZXI6cGFzc3dvcmQ='],
    ['no text', 'Bearer '],
  ])('%s is auth.required', async (_what, authorization) => {
    const answer = await api.call(null, 'GET', '/api/v1/projects', {
      headers: authorization === undefined ? {} : { authorization },
    })
    expect(answer.status).toBe(401)
    expect(answer.body.code).toBe('auth.required')
  })

  test('a token without a signature, with another key or with a changed claim is refused', async () => {
    const [head, body, signature] = api.owner.token.split('.') as [string, string, string]
    const changed = header({ ...claims(api.owner.token), email: 'other@example.com' })
    const forged = [
      `${header({ alg: 'none', typ: 'JWT' })}.${body}.`,
      `${head}.${body}.`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      `${head}.${changed}.${signature}`,
      `${header({ alg: 'HS512' })}.${body}.${signature}`,
      'a.b.c',
      'not-a-token',
      '\u00e9\u00e9.x.y',
    ]
    for (const token of forged) {
      expect((await api.call(withToken(token), 'GET', '/api/v1/users/me')).body.code, token).toBe('auth.invalid_token')
    }
  })

  test('a token is refused once it is over', async () => {
    let now = Date.now()
    const turned = await withApi({ clock: { now: () => now } })
    try {
      expect((await turned.call(turned.owner, 'GET', '/api/v1/users/me')).status).toBe(200)
      now += 25 * 3600 * 1000
      expect((await turned.call(turned.owner, 'GET', '/api/v1/users/me')).body.code).toBe('auth.invalid_token')
    } finally {
      await turned.close()
    }
  })
})

describe('API keys', () => {
  test('a key works as a bearer token, is listed without itself, and stops when it is revoked', async () => {
    const made = await api.call(api.owner, 'POST', '/api/v1/apiKeys', {
      json: { userId: 'owner@example.com', description: 'ci' },
    })
    expect(claims(made.body.jwt)).toMatchObject({ email: 'owner@example.com', typ: 'api-key', exp: expect.any(Number) })
    const key = withToken(made.body.jwt)
    expect((await api.call(key, 'GET', '/api/v1/projects')).status).toBe(200)
    const listed = await api.call(key, 'GET', '/api/v1/apiKeys')
    expect(listed.body).toEqual([expect.objectContaining({ id: made.body.id, description: 'ci' })])
    expect(listed.text).not.toContain(made.body.jwt)
    expect((await api.call(api.owner, 'DELETE', `/api/v1/apiKeys/${made.body.id}`)).status).toBe(204)
    expect((await api.call(key, 'GET', '/api/v1/projects')).body.code).toBe('auth.invalid_token')
  })

  test('a key makes no other key, changes no password, and is nobody else’s to make or revoke', async () => {
    const { body } = await api.call(api.owner, 'POST', '/api/v1/apiKeys')
    const key = withToken(body.jwt)
    expect((await api.call(key, 'POST', '/api/v1/apiKeys')).status).toBe(403)
    const json = { currentPassword: 'first-password', newPassword: 'second-password' }
    expect((await api.call(key, 'POST', '/api/v1/users/me/password', { json })).status).toBe(403)
    const other = await api.addUser('other-keys@example.com')
    expect((await api.call(other, 'POST', '/api/v1/apiKeys', { json: { userId: 'owner@example.com' } })).status).toBe(
      403,
    )
    expect((await api.call(other, 'DELETE', `/api/v1/apiKeys/${body.id}`)).body.code).toBe('auth.api_key_not_found')
    expect((await api.call(key, 'GET', '/api/v1/projects')).status).toBe(200)
  })
})

test('ten failures in a minute for one address are too many, and another user is not shut out by them', async () => {
  let now = Date.now()
  const guessed = await withApi({ clock: { now: () => now } })
  try {
    const attempt = (username: string, password: string) =>
      guessed.call(null, 'POST', '/token', { json: { ...credentials, username, password } })
    const codes = (await Promise.all(Array.from({ length: 14 }, () => attempt('owner@example.com', 'wrong')))).map(
      (answer) => answer.status,
    )
    expect(codes.filter((code) => code === 429)).toHaveLength(4)
    expect((await attempt('owner@example.com', 'first-password')).body.code).toBe('rate.limited')
    expect((await attempt('other@example.com', 'wrong')).status).toBe(401)
    now += 61_000
    expect((await attempt('owner@example.com', 'first-password')).status).toBe(200)
  } finally {
    await guessed.close()
  }
})

test('changing the password needs the old one and ends the other log-ins', async () => {
  const own = await withApi()
  try {
    const login = async (password: string) =>
      await own.call(null, 'POST', '/token', { json: { ...credentials, password } })
    const [here, elsewhere] = [
      (await login('first-password')).body.id_token,
      (await login('first-password')).body.id_token,
    ]
    const change = (currentPassword: string) =>
      own.call({ ...own.owner, token: here }, 'POST', '/api/v1/users/me/password', {
        json: { currentPassword, newPassword: 'second-password' },
      })
    expect((await change('wrong')).body.code).toBe('auth.invalid_credentials')
    expect((await change('first-password')).status).toBe(204)
    expect((await own.call({ ...own.owner, token: here }, 'GET', '/api/v1/users/me')).status).toBe(200)
    expect((await own.call({ ...own.owner, token: elsewhere }, 'GET', '/api/v1/users/me')).status).toBe(401)
    expect((await login('first-password')).status).toBe(401)
    expect((await login('second-password')).status).toBe(200)
  } finally {
    await own.close()
  }
})

describe('the first owner', () => {
  test('settings never reset a password nor add a second owner', async () => {
    const again = { email: 'owner@example.com', password: new Secret('another-password'), orgName: 'Acme' }
    expect(await ensureFirstOwner(api.deps, again)).toBe(false)
    expect(await ensureFirstOwner(api.deps, { ...again, email: 'second@example.com' })).toBe(false)
    expect(
      (await api.call(null, 'POST', '/token', { json: { ...credentials, password: 'another-password' } })).status,
    ).toBe(401)
    expect(await prepareSetup(api.deps)).toBeNull()
    expect((await api.call(null, 'GET', '/api/v1/setup')).body).toEqual({ isOpen: false })
  })

  test('the set-up link works once, only its newest token, and leaves no token in the database', async () => {
    const fresh = await withApi()
    try {
      await fresh.deps.db.query('truncate user_account cascade')
      const old = await prepareSetup(fresh.deps)
      const token = await prepareSetup(fresh.deps)
      const send = (given: string | null) =>
        fresh.call(null, 'POST', '/api/v1/setup', {
          json: { token: given, email: 'me@example.com', password: 'long enough', orgName: 'Mine' },
        })
      expect((await fresh.call(null, 'GET', '/api/v1/setup')).body).toEqual({ isOpen: true })
      expect((await send(old)).body.code).toBe('setup.invalid_link')
      const { rows } = await fresh.deps.db.query(`select value::text from server_setting where name = 'setup-token'`)
      expect(rows[0].value).not.toContain(token)
      const both = await Promise.all([send(token), send(token)])
      expect(both.map((answer) => answer.status).sort()).toEqual([200, 409])
      expect((await send(token)).body.code).toBe('setup.already_done')
      const json = { type: 'user_credentials', username: 'me@example.com', password: 'long enough' }
      expect((await fresh.call(null, 'POST', '/token', { json })).status).toBe(200)
    } finally {
      await fresh.close()
    }
  })

  test('the page of the link and its script are served under a policy that forbids inline scripts', async () => {
    // Where the console is built, its page is sent instead (console-files.test.ts).
    const app = buildHttp(api.deps, undefined, '/without-a-console')
    const page = await app.inject({ url: '/setup' })
    expect(page.headers['content-security-policy']).toContain("script-src 'self'")
    expect(page.body).toContain('<script src="/setup.js"></script>')
    await app.close()
    expect((await api.call(null, 'GET', '/setup.js')).headers['content-type']).toContain('text/javascript')
  })
})

test('no password and no token stands in the log or, in clear, in the database', async () => {
  const token = api.owner.token
  await api.call(api.owner, 'GET', `/api/v1/projects?token=${token}`)
  await api.call(null, 'POST', '/token', { json: { ...credentials, password: 'canary-password' } })
  expect(api.logs()).not.toContain(token)
  expect(api.logs()).not.toContain('canary-password')
  expect(api.logs()).toContain('"route":"/api/v1/projects"')
  const { rows } = await api.deps.db.query('select password_hash from user_account where password_hash is not null')
  expect(rows[0].password_hash).toMatch(/^scrypt\$15\$8\$1\$[\w-]+\$[\w-]+$/)
})
