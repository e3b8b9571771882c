// Proves the typed client against the real server over a socket: parameters, queries and bodies arrive, and failures are ApiErrors.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiError, type Client, createClient } from '#client/client.ts'
import { type TestApi, withApi } from '../support/api.ts'

let api: TestApi
let baseUrl: string
let client: Client
beforeAll(async () => {
  api = await withApi()
  baseUrl = await api.app.listen({ port: 0, host: '127.0.0.1' })
  client = createClient({ baseUrl, token: api.owner.token })
})
afterAll(() => api.close())

test('logs in, makes a project with odd characters in its name, and finds it by that name', async () => {
  const nobody = createClient({ baseUrl: `${baseUrl}/` })
  const body = { type: 'user_credentials', username: 'owner@example.com', password: 'first-password' } as const
  const { id_token } = await nobody.createToken({ query: { default: '' }, body })
  const mine = createClient({ baseUrl, token: () => id_token })
  const name = 'a %41+b #? [c]'.replace('?', '!')
  const made = await mine.createProject({ body: { name } })
  expect(made.name).toBe(name)
  expect(made.url).toBe(`${baseUrl}/api/v1/projects/${made.id}`)
  expect(await mine.findProjects({ params: { name } })).toEqual([made])
  expect(await mine.deleteProject({ params: { projectId: made.id } })).toEqual({ id: made.id })
})

test('a failure of the API is an ApiError with its code, status and request id', async () => {
  const failure = await client
    .getProject({ params: { projectId: 'no-id' }, headers: { 'x-request-id': 'mine' } })
    .catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ApiError)
  expect(failure).toMatchObject({
    code: 'project.not_found',
    status: 404,
    requestId: 'mine',
    message: expect.stringMatching(/\S/),
  })
})

test('no answer at all, and an answer that is not the API’s, are told apart', async () => {
  await expect(createClient({ baseUrl: 'http://127.0.0.1:1' }).getHealth()).rejects.toMatchObject({
    code: 'client.unreachable',
    status: 0,
  })
  const proxy = createClient({ baseUrl, fetch: async () => new Response('<html>', { status: 502 }) })
  await expect(proxy.getHealth()).rejects.toMatchObject({ code: 'client.invalid_answer', status: 502 })
})

test('routes without JSON give the response itself', async () => {
  expect((await client.logout()).status).toBe(204)
  expect(await (await client.getReference()).text()).toContain('<h1>')
})
