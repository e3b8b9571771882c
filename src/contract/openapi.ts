import { z } from 'zod'
import { type ErrorCode, errors } from './errors.ts'
import type { Access, Route } from './route.ts'

/** A JSON Schema, or a part of an OpenAPI document. */
export type Json = { [name: string]: unknown }

/** The body of every failure (D8), as JSON Schema. */
const problem: Json = {
  type: 'object',
  required: ['message', 'code', 'status', 'requestId'],
  properties: {
    message: { type: 'string', description: 'What happened and what to do, for people.' },
    code: { type: 'string', enum: Object.keys(errors), description: 'What happened, for programs.' },
    status: { type: 'integer' },
    requestId: { type: 'string', description: 'The log tells more under this id.' },
    details: { description: 'Facts for programs, where there are any.' },
  },
}

/**
 * Describes the API as an OpenAPI 3.1 document; a pure function of the contract's table.
 *
 * Source: https://spec.openapis.org/oas/v3.1.1.html
 */
export function openApi(routes: Readonly<Record<string, Route>>): Json & { openapi: string } {
  const schemas: Json = { Problem: problem }
  const paths: Record<string, Json> = {}
  for (const [name, route] of Object.entries(routes)) {
    const path = fullPath(route).replace(/:([A-Za-z]+)/g, '{$1}')
    const methods = paths[path] ?? {}
    paths[path] = methods
    methods[route.method.toLowerCase()] = operation(name, route, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: 'v1',
      description: 'Connects teams’ own cloud storage to their data work. Every failure has the shape of `Problem`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(Object.values(routes).map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  }
}

/** The address of a route from the server's root, with `:name` for parameters. */
export function fullPath(route: Route): string {
  return route.root === true ? route.path : `/api/v1${route.path}`
}

/** What a route demands of its caller, in a sentence. */
export function accessText(access: Access): string {
  if (access === 'public') return 'Nobody need be logged in.'
  if (access === 'user') return 'Anybody who is logged in.'
  const place =
    access.scope === 'org'
      ? 'the organization'
      : access.scope === 'project'
        ? 'the project'
        : `the project of the ${access.scope}`
  return `At least ${access.role} in ${place}.`
}

/** All failures a route can answer with: its own and those that come with what it takes and demands. */
export function errorCodes(route: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>()
  if (route.body !== undefined) {
    for (const code of ['request.invalid', 'request.too_large', 'request.unsupported_media_type'] as const)
      codes.add(code)
  } else if (route.params !== undefined || route.query !== undefined) codes.add('request.invalid')
  if (route.access !== 'public') codes.add('auth.required').add('auth.invalid_token')
  if (typeof route.access === 'object') codes.add('access.forbidden')
  for (const code of route.errors) codes.add(code)
  return [...codes.add('server.internal')]
}

/** A zod schema as JSON Schema; what JSON Schema cannot say is left open. `input` is what callers send, `output` what they get. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
  }) as Json
  return rest
}

function operation(name: string, route: Route, schemas: Json): Json {
  return {
    operationId: name,
    tags: [route.tag],
    summary: route.summary,
    description: accessText(route.access),
    security: route.access === 'public' ? [] : [{ bearer: [] }],
    ...(route.params || route.query
      ? { parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')] }
      : {}),
    ...(route.body ? { requestBody: requestBody(name, route, route.body, schemas) } : {}),
    responses: responses(name, route, schemas),
  }
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

function requestBody(name: string, route: Route, schema: z.ZodType, schemas: Json): Json {
  const forms = route.bodyForms ?? []
  const content = { schema: component(`${name}Body`, jsonSchema(schema, 'input'), schemas) }
  return {
    required: !forms.includes('empty'),
    content: {
      'application/json': content,
      ...(forms.includes('form') ? { 'application/x-www-form-urlencoded': content } : {}),
      ...(forms.includes('multipart') ? { 'multipart/form-data': content } : {}),
    },
  }
}

function responses(name: string, route: Route, schemas: Json): Json {
  const answers: Json = {}
  answers[String(route.status ?? 200)] =
    route.response === undefined
      ? { description: route.status === 204 ? 'Done; nothing to say.' : 'Not JSON: see the summary.' }
      : {
          description: 'Done.',
          content: {
            'application/json': { schema: component(`${name}Answer`, jsonSchema(route.response, 'output'), schemas) },
          },
        }
  const byStatus = Map.groupBy(errorCodes(route), (code) => errors[code].status)
  for (const [status, codes] of byStatus) {
    answers[String(status)] = {
      description: codes.map((code) => `\`${code}\`: ${errors[code].message}`).join('\n\n'),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
  }
  return answers
}

/** Puts a schema among the components. Its own references count from its root, so they are turned to where it stands now. */
function component(name: string, schema: Json, schemas: Json): Json {
  const at = `#/components/schemas/${name}`
  schemas[name] = JSON.parse(JSON.stringify(schema), (key, value) =>
    key === '$ref' && typeof value === 'string' ? value.replace(/^#/, at) : value,
  )
  return { $ref: at }
}
