// Proves that people who were added get in by a link that only who runs the server can make, once, and that nobody's password is replaced by one.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, withApi } from '../support/api.ts'

const DAY_MS = 86_400_000
let api: TestApi
let laterMs = 0
beforeAll(async () => {
  api = await withApi({ clock: { now: () => Date.now() + laterMs } })
})
afterAll(() => api.close())

const add = (email: string) =>
  api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/members`, { json: { emails: [email], role: 'member' } })
const invite = (user: string, by = api.owner) =>
  api.call(by, 'POST', `/api/v1/users/${encodeURIComponent(user)}/invitation`, {})
const accept = (token: string, password: string) =>
  api.call(null, 'POST', '/api/v1/invitations/accept', { json: { token, password } })
const logIn = (username: string, password: string) =>
  api.call(null, 'POST', '/token', { json: { type: 'user_credentials', username, password } })
const tokenOf = (link: string) => new URLSearchParams(new URL(link).hash.slice(1)).get('token')!

test('who was added logs in with the password set through the link, and the link works once', async () => {
  const [added] = (await add('new@example.com')).body
  expect(added).toMatchObject({ email: 'new@example.com', isInvited: true })
  const made = await invite('NEW@example.com')
  expect(made).toMatchObject({ status: 200, body: { email: 'new@example.com' } })
  expect(new URL(made.body.link).pathname).toBe('/invitation')
  const token = tokenOf(made.body.link)
  expect(await accept(token, 'short')).toMatchObject({ status: 400 })
  expect(await accept(token, 'first password')).toMatchObject({ status: 200, body: { email: 'new@example.com' } })
  expect((await logIn('new@example.com', 'first password')).status).toBe(200)
  expect(await accept(token, 'second password')).toMatchObject({
    status: 403,
    body: { code: 'invitation.invalid_link' },
  })
  expect((await logIn('new@example.com', 'second password')).status).toBe(401)
  expect((await invite('new@example.com')).body.code).toBe('invitation.not_needed')
  const { body: members } = await api.call(api.owner, 'GET', `/api/v1/orgs/${api.orgId}/members`)
  expect(members.find(({ email }: { email: string }) => email === 'new@example.com').isInvited).toBe(false)
})

test('a new link ends the one before, and each ends after seven days', async () => {
  await add('late@example.com')
  const first = tokenOf((await invite('late@example.com')).body.link)
  const made = await invite('late@example.com')
  expect((await accept(first, 'first password')).body.code).toBe('invitation.invalid_link')
  expect(Date.parse(made.body.expiresAt)).toBeLessThanOrEqual(Date.now() + 7 * DAY_MS)
  laterMs = 7 * DAY_MS
  try {
    expect((await accept(tokenOf(made.body.link), 'first password')).body.code).toBe('invitation.invalid_link')
  } finally {
    laterMs = 0
  }
})

test('two that open the same link at once do not both set a password', async () => {
  await add('both@example.com')
  const token = tokenOf((await invite('both@example.com')).body.link)
  const passwords = ['password of one', 'password of two']
  const statuses = (await Promise.all(passwords.map((password) => accept(token, password)))).map(({ status }) => status)
  expect(statuses.toSorted()).toEqual([200, 403])
  const right = passwords[statuses.indexOf(200)]!
  for (const password of passwords)
    expect((await logIn('both@example.com', password)).status).toBe(password === right ? 200 : 401)
})

test('nobody but who runs the server makes links, not even an admin of the organization', async () => {
  await add('wanted@example.com')
  const admin = await api.addUser('admin@example.com', 'admin')
  expect(await invite('wanted@example.com', admin)).toMatchObject({ status: 403, body: { code: 'access.forbidden' } })
  expect((await invite('nobody@example.com')).body.code).toBe('user.not_found')
})

test('links are guessed a few times a minute at most', async () => {
  const answers: string[] = []
  for (let n = 0; n < 12; n++) answers.push((await accept(`guess ${n}`, 'some password')).body.code)
  expect(answers.slice(0, 3)).toEqual(Array(3).fill('invitation.invalid_link'))
  expect(answers.at(-1)).toBe('rate.limited')
})
