// Proves that the description of the API is a valid OpenAPI 3.1 document that names every route, and that the page to read does so too.
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullPath } from '#contract/openapi.ts'
import type { Route } from '#contract/route.ts'
import { routes } from '#contract/routes.ts'
import { type TestApi, withApi } from '../support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await withApi()
})
afterAll(() => api.close())

const table = Object.entries(routes as Readonly<Record<string, Route>>)

test('the document is valid OpenAPI 3.1 and all its references lead somewhere', async () => {
  const { status, body } = await api.call(null, 'GET', '/api/v1/openapi.json')
  expect(status).toBe(200)
  const result = await new Validator().validate(body)
  expect(result.errors ?? []).toEqual([])
  expect(result.valid).toBe(true)
  for (const [, ref] of JSON.stringify(body).matchAll(/"\$ref":"#([^"]+)"/g)) {
    const target = ref!
      .split('/')
      .slice(1)
      .reduce((node, part) => node?.[part], body)
    expect(target, ref).toBeDefined()
  }
})

test('every route is in the document, with the role it needs and every failure it declares', async () => {
  const { body } = await api.call(null, 'GET', '/api/v1/openapi.json')
  for (const [name, route] of table) {
    const operation = body.paths[fullPath(route).replace(/:([A-Za-z]+)/g, '{$1}')]?.[route.method.toLowerCase()]
    expect(operation?.operationId, name).toBe(name)
    expect(operation.security, name).toEqual(route.access === 'public' ? [] : [{ bearer: [] }])
    if (typeof route.access === 'object') expect(operation.description, name).toContain(route.access.role)
    const said = JSON.stringify(operation.responses)
    for (const code of route.errors) expect(said, name).toContain(code)
  }
})

test('the page names every route, loads nothing from elsewhere and runs no script', async () => {
  const { status, headers, text } = await api.call(null, 'GET', '/api/v1/docs')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  for (const [name, route] of table) {
    expect(text).toContain(`<section id="${name}">`)
    expect(text).toContain(fullPath(route))
  }
  expect(text).not.toMatch(/<script|src=|https?:\/\//)
})
