// Proves how a browser stays logged in: by cookies that no script reads, that count for bytes only, and that end with the log-out.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, withApi } from '#test/support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await withApi()
})
afterAll(() => api.close())

const json = { 'content-type': 'application/json' }
const NO_ITEM = '/api/v1/items/0123456789abcdef01234567'

async function logIn() {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/session',
    headers: json,
    payload: { email: 'owner@example.com', password: 'first-password' },
  })
  const cookies = Object.fromEntries(answer.cookies.map((cookie) => [cookie.name, cookie]))
  const sent = answer.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  return { status: answer.statusCode, token: answer.json().accessToken as string, cookies, sent }
}

const ask = async (method: 'GET' | 'POST' | 'DELETE', url: string, headers: Record<string, string>) =>
  api.app.inject({ method, url, headers })

test('a log-in gives a token for calls, and cookies that scripts and other sites have nothing of', async () => {
  const { status, token, cookies } = await logIn()
  expect(status).toBe(200)
  expect((await ask('GET', '/api/v1/users/me', { authorization: `Bearer ${token}` })).json().email).toBe(
    'owner@example.com',
  )
  expect(cookies.sluice_renewal).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/session' })
  expect(cookies.sluice_bytes).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/api/v1/items' })
  for (const cookie of Object.values(cookies)) expect(cookie).not.toHaveProperty('maxAge')
})

test('a wrong password gives neither', async () => {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/session',
    headers: json,
    payload: { email: 'owner@example.com', password: 'another-password' },
  })
  expect([answer.statusCode, answer.json().code, answer.cookies]).toEqual([401, 'auth.invalid_credentials', []])
})

test('the cookie does for bytes, and for nothing else', async () => {
  const { sent } = await logIn()
  for (const url of [`${NO_ITEM}/stream`, `${NO_ITEM}/thumbnail`])
    expect([url, (await ask('GET', url, { cookie: sent })).statusCode]).toEqual([url, 404])
  for (const url of [NO_ITEM, '/api/v1/users/me', '/api/v1/projects'])
    expect([url, (await ask('GET', url, { cookie: sent })).statusCode]).toEqual([url, 401])
  expect((await ask('DELETE', NO_ITEM, { cookie: sent })).statusCode).toBe(401)
})

test('a page that was loaded anew gets a token by the cookie, until the log-out', async () => {
  const { sent, token } = await logIn()
  const renewed = await api.app.inject({
    method: 'POST',
    url: '/session/renew',
    headers: { ...json, cookie: sent },
    payload: {},
  })
  expect(renewed.statusCode).toBe(200)
  const fresh = { authorization: `Bearer ${renewed.json().accessToken}` }
  expect((await ask('GET', '/api/v1/users/me', fresh)).statusCode).toBe(200)

  const left = await ask('DELETE', '/session', { cookie: sent })
  expect(left.statusCode).toBe(204)
  expect(left.cookies.map(({ name, value, maxAge }) => [name, value, maxAge])).toEqual([
    ['sluice_renewal', '', 0],
    ['sluice_bytes', '', 0],
  ])
  expect((await ask('GET', '/api/v1/users/me', { authorization: `Bearer ${token}` })).statusCode).toBe(401)
  expect((await ask('GET', `${NO_ITEM}/stream`, { cookie: sent })).statusCode).toBe(401)
  const again = await api.app.inject({
    method: 'POST',
    url: '/session/renew',
    headers: { ...json, cookie: sent },
    payload: {},
  })
  expect(again.statusCode).toBe(401)
})

test('whoever has no cookie is told to log in, and may log out', async () => {
  const renewed = await api.app.inject({ method: 'POST', url: '/session/renew', headers: json, payload: {} })
  expect([renewed.statusCode, renewed.json().code]).toEqual([401, 'auth.required'])
  expect((await ask('DELETE', '/session', {})).statusCode).toBe(204)
})
