// Proves that every failure on every path is JSON of one shape with a request id, that malformed input is a 4xx with a code, and that nothing leaks.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errors } from '#contract/errors.ts'
import { fullPath } from '#contract/openapi.ts'
import type { Route } from '#contract/route.ts'
import { routes } from '#contract/routes.ts'
import { buildHttp } from '../../src/http/app.ts'
import { handlers } from '../../src/http/handlers.ts'
import { type Answer, type Sent, type TestApi, withApi } from '../support/api.ts'

let api: TestApi
let port: number
beforeAll(async () => {
  api = await withApi()
  port = Number(new URL(await api.app.listen({ port: 0, host: '127.0.0.1' })).port)
})
afterAll(() => api.close())

/** Asserts the one shape of D8. */
function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.body).toMatchObject({
    code,
    status,
    message: expect.stringMatching(/\S/),
    requestId: expect.stringMatching(/\S/),
  })
  expect(
    Object.keys(answer.body)
      .filter((key) => key !== 'details')
      .sort(),
  ).toEqual(['code', 'message', 'requestId', 'status'])
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  expect(answer.headers['x-request-id']).toBe(answer.body.requestId)
}

const post = (url: string, sent: Sent) => api.call(api.owner, 'POST', url, sent)

describe('addresses', () => {
  test.each(['/api/v1/nothing', '/nothing', '/api/v2/projects', '//', '/api/v1/../etc/passwd'])(
    '%s is route.not_found',
    async (url) => {
      expectProblem(await api.call(null, 'GET', url), 404, 'route.not_found')
    },
  )

  test('a known address with another method is 405 and says which it has', async () => {
    const answer = await api.call(api.owner, 'DELETE', '/api/v1/projects')
    expectProblem(answer, 405, 'route.method_not_allowed')
    expect(answer.headers.allow).toBe('GET, HEAD, POST')
    expectProblem(await api.call(null, 'OPTIONS', '/token'), 405, 'route.method_not_allowed')
  })

  test('a body sent to no address is not read', async () => {
    expectProblem(
      await post('/api/v1/nothing', { payload: 'x'.repeat(2_000_000), contentType: 'text/plain' }),
      404,
      'route.not_found',
    )
  })

  test.each(['/api/v1/projects/%zz', '/api/v1/projects/%', '/api/v1/projects/%ff'])('%s is malformed', async (url) => {
    expectProblem(await api.call(api.owner, 'GET', url), 400, 'request.invalid')
  })

  test.each(['?x=%zz', '?x=%ff'])('a query of %s is malformed', async (query) => {
    expectProblem(await api.call(api.owner, 'POST', `/token${query}`, { json: {} }), 400, 'request.invalid')
  })
})

describe('bodies', () => {
  const invalid: [string, Sent][] = [
    ['no JSON', { payload: '{"name":', contentType: 'application/json' }],
    ['another JSON type', { json: [] }],
    ['JSON null', { json: null }],
    ['a wrong field type', { json: { name: 7 } }],
    ['a missing field', { json: {} }],
    ['nothing', {}],
    ['nothing, said to be JSON', { payload: '', contentType: 'application/json' }],
    ['bytes that are no UTF-8', { payload: Buffer.from([0x22, 0xff, 0x22]), contentType: 'application/json' }],
    ['a form that is no UTF-8', { payload: 'name=%ff', contentType: 'application/x-www-form-urlencoded' }],
    ['a name twice in a form', { payload: 'name=a&name=b', contentType: 'application/x-www-form-urlencoded' }],
    ['a key that reaches a prototype', { payload: '{"__proto__":{"name":"x"}}', contentType: 'application/json' }],
  ]
  test.each(invalid)('%s is request.invalid', async (_what, sent) => {
    expectProblem(await post('/api/v1/projects', sent), 400, 'request.invalid')
  })

  test('details name the place and do not repeat the value', async () => {
    const answer = await post('/token', {
      json: { type: 'user_credentials', username: 'a', password: { oops: 'canary-value' } },
    })
    expect(answer.body.details).toEqual([{ path: 'body.password', message: expect.any(String) }])
    expect(answer.text).not.toContain('canary-value')
    const broken = await post('/token', { payload: '{"password":"canary-value', contentType: 'application/json' })
    expect(broken.text).not.toContain('canary')
  })

  test.each([
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/json5',
    'x',
    'application/jsonx',
  ])('a body of type %s is 415', async (contentType) => {
    expectProblem(
      await post('/api/v1/projects', { payload: 'name=x', contentType }),
      415,
      'request.unsupported_media_type',
    )
  })

  test('a form is 415 where only JSON is taken', async () => {
    const json = { currentPassword: 'x', newPassword: 'long enough' }
    expectProblem(await post('/api/v1/users/me/password', { form: json }), 415, 'request.unsupported_media_type')
  })

  test('a huge body is 413', async () => {
    expectProblem(await post('/api/v1/projects', { json: { name: 'x'.repeat(1_100_000) } }), 413, 'request.too_large')
  })

  test('strangers can send only small bodies', async () => {
    expectProblem(
      await api.call(null, 'POST', '/token', { json: { username: 'x'.repeat(20_000) } }),
      413,
      'request.too_large',
    )
    const unread = await api.call(null, 'POST', '/api/v1/projects', { json: { name: 'x'.repeat(1_100_000) } })
    expectProblem(unread, 401, 'auth.required')
  })

  test('half of a surrogate pair is refused, a whole one is not', async () => {
    const send = (payload: string) => post('/api/v1/projects', { payload, contentType: 'application/json' })
    for (const text of ['"\\ud83d"', '{"name":"a\\uDE00b"}', '{"name":"x","\\ud800":1}', '[["\\udfff"]]']) {
      const answer = await send(text)
      expectProblem(answer, 400, 'request.invalid')
      expect(answer.body.message).toContain('surrogate')
    }
    expect((await send('{"name":"\\ud83d\\ude00"}')).body.code).toBe('project.invalid')
  })

  test('deep nesting and NUL are refused, not crashed on', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    expectProblem(
      await post('/api/v1/projects', { payload: deep, contentType: 'application/json' }),
      400,
      'request.invalid',
    )
    expectProblem(
      await post('/token', { json: { type: 'user_credentials', username: 'a\u0000b', password: 'x' } }),
      400,
      'request.invalid',
    )
    expectProblem(await api.call(api.owner, 'GET', '/api/v1/projects/a%00b/name'), 400, 'request.invalid')
  })
})

test('whatever text stands for an id in a path, the answer is the noun’s 404 or a 400, and JSON', async () => {
  const places = (Object.values(routes) as Route[]).filter(
    (route) => typeof route.access === 'object' && route.params !== undefined && route.method === 'GET',
  )
  expect(places.length).toBeGreaterThan(3)
  const property = fc.asyncProperty(
    fc.constantFrom(...places),
    fc.oneof(fc.string(), fc.string({ unit: 'binary' })),
    async (route, text) => {
      fc.pre(text !== '' && text !== '.' && text !== '..' && text.isWellFormed())
      const url = fullPath(route).replace(/:[A-Za-z]+/g, () => encodeURIComponent(text))
      const answer = await api.call(api.owner, 'GET', url)
      expect([400, 404]).toContain(answer.status)
      expect(Object.keys(errors)).toContain(answer.body.code)
    },
  )
  await fc.assert(property, { numRuns: 150 })
})

test('no random JSON body makes a route fail on our side', async () => {
  const places = (Object.entries(routes) as [string, Route][]).filter(
    ([, route]) => route.body !== undefined && (route.access === 'public' || route.access === 'user'),
  )
  const property = fc.asyncProperty(fc.constantFrom(...places), fc.jsonValue(), async ([, route], json) => {
    const answer = await api.call(api.owner, route.method, fullPath(route).replace(/:[A-Za-z]+/g, 'x'), { json })
    expect(answer.status).toBeLessThan(500)
  })
  await fc.assert(property, { numRuns: 150 })
})

describe('failures on our side', () => {
  test('an unknown error is 500 without its text; the log has it under the request id', async () => {
    const broken = await withApi()
    try {
      await broken.deps.db.query('alter table project rename to project_gone')
      const answer = await broken.call(broken.owner, 'GET', '/api/v1/projects', {
        headers: { 'x-request-id': 'find-me' },
      })
      expectProblem(answer, 500, 'server.internal')
      expect(answer.body.requestId).toBe('find-me')
      expect(answer.text).not.toContain('project')
      const line = broken
        .logs()
        .split('\n')
        .find((each) => each.includes('request failed'))
      expect(JSON.parse(line!)).toMatchObject({
        requestId: 'find-me',
        err: { message: expect.stringContaining('does not exist'), stack: expect.any(String) },
      })
      expect(line).not.toContain(broken.owner.token)
    } finally {
      await broken.close()
    }
  })

  test('the process is healthy without its database, and not ready', async () => {
    const lost = await withApi()
    try {
      expect((await lost.call(null, 'GET', '/readyz')).body).toEqual({ status: 'ready' })
      await lost.deps.db.query('drop table schema_migration')
      expect((await lost.call(null, 'GET', '/healthz')).body).toEqual({ status: 'ok' })
      expectProblem(await lost.call(null, 'GET', '/readyz'), 503, 'server.not_ready')
    } finally {
      await lost.close()
    }
  })

  test('a request id that is not plain is replaced', async () => {
    const answer = await api.call(null, 'GET', '/healthz', { headers: { 'x-request-id': 'a b\\"' } })
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  })
})

test('while the server stops, what runs is finished and what is new is told to come back', async () => {
  const gate = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const stopping = buildHttp(api.deps, {
    ...handlers,
    checkSdk: async () => {
      arrived.resolve()
      await gate.promise
      return { level: 'debug', msg: 'finished' }
    },
  })
  const began = Promise.withResolvers<void>()
  stopping.addHook('preClose', async () => began.resolve())
  // The first answer waits until the second request has met its refusal.
  stopping.addHook('onError', async () => gate.resolve())
  const { port: own } = new URL(await stopping.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(own), '127.0.0.1')
  socket.write('POST /api/v1/sdk/check HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
  await arrived.promise
  const closed = stopping.close()
  await began.promise
  socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const answers = await text(socket)
  await closed
  expect(answers).toContain('"msg":"finished"')
  expect(answers).toContain('"code":"server.stopping"')
})

describe('what is not even HTTP', () => {
  const raw = async (request: string): Promise<{ head: string; body: Record<string, unknown> }> => {
    const socket = connect(port, '127.0.0.1')
    socket.end(request)
    const [head, body] = (await text(socket)).split('\r\n\r\n') as [string, string]
    return { head, body: JSON.parse(body) }
  }

  test('garbage is answered with a 400 of the same shape', async () => {
    const { head, body } = await raw('THIS IS NO HTTP\r\n\r\n')
    expect(head).toContain('400 Bad Request')
    expect(body).toMatchObject({ code: 'request.invalid', status: 400, requestId: expect.any(String) })
  })

  test('too large headers are answered with a 431 of the same shape', async () => {
    const { body } = await raw(`GET /healthz HTTP/1.1\r\nhost: x\r\nx-much: ${'a'.repeat(40_000)}\r\n\r\n`)
    expect(body).toMatchObject({ code: 'request.headers_too_large', status: 431 })
  })
})
