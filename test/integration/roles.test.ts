// Proves the role matrix: every route of the table × nobody, a stranger and every role is let in or refused exactly as the route's `access` says.
import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fullPath, type Json, jsonSchema } from '#contract/openapi.ts'
import { orgRoles, projectRoles, type Route } from '#contract/route.ts'
import { type Routes, routes } from '#contract/routes.ts'
import { itemId, newId } from '#lib/ids.ts'
import { buildHttp } from '../../src/http/app.ts'
import type { Handlers } from '../../src/http/handler.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'

const table = Object.entries(routes as Readonly<Record<string, Route>>)
const people = [
  'nobody',
  'stranger',
  ...orgRoles.map((role) => `org ${role}`),
  ...projectRoles.map((role) => `project ${role}`),
]

let api: TestApi
let doors: FastifyInstance
const actors = new Map<string, Actor | null>()
/** What stands in a request for a field of this name. */
const known: Record<string, unknown> = {}

beforeAll(async () => {
  api = await withApi()
  // Every door with nothing behind it: reaching the handler is all that counts.
  const knocked = Object.fromEntries(
    table.map(([name, route]) => [name, async () => (route.response === undefined ? undefined : { knocked: name })]),
  )
  doors = buildHttp(api.deps, knocked as unknown as Handlers<Routes>)
  const projectId = await api.addProject('doors')
  actors.set('nobody', null)
  actors.set('stranger', (await api.addOrg('Elsewhere')).owner)
  for (const role of orgRoles) actors.set(`org ${role}`, await api.addUser(`org-${role}@example.com`, role))
  for (const role of projectRoles) {
    // Their role in the organization is the highest where the one in the project is the lowest, and the other way round (RO-03).
    const actor = await api.addUser(`project-${role}@example.com`, role === 'annotator' ? 'owner' : 'worker')
    await api.join(projectId, actor, role)
    actors.set(`project ${role}`, actor)
  }
  Object.assign(known, {
    orgId: api.orgId,
    projectId,
    project: projectId,
    projects: [projectId],
    ...(await seed(api, projectId)),
  })
})
afterAll(async () => {
  await doors.close()
  await api.close()
})

/** Rows for one driver and one dataset, so that their ids lead somewhere. */
async function seed({ deps, orgId, owner }: TestApi, projectId: string) {
  const driverId = newId(Date.now())
  const datasetId = newId(Date.now())
  const source = await deps.db.query<{ source_no: number }>(
    `insert into source (org_id, provider, fingerprint) values ($1, 's3', 'x') returning source_no`,
    [orgId],
  )
  await deps.db.query(
    `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, 'd', 's3', '', '{}', $4)`,
    [driverId, projectId, source.rows[0]!.source_no, owner.userId],
  )
  const dataset = await deps.db.query<{ dataset_no: number }>(
    `insert into dataset (id, project_id, driver_id, name, creator_id, updater_id) values ($1, $2, $3, 's', $4, $4) returning dataset_no`,
    [datasetId, projectId, driverId, owner.userId],
  )
  const anItem = itemId(dataset.rows[0]!.dataset_no, 1n)
  // An annotation's id is made as an item's is.
  return { driverId, datasetId, itemId: anItem, annotationId: anItem }
}

/** A value that a schema takes, with the known ids where a field has a known name. */
function sample(schema: Json, name = ''): unknown {
  const {
    type,
    properties,
    items,
    required = [],
    anyOf,
    oneOf,
    minItems,
    minimum,
  } = schema as Record<string, never> & { required?: string[] }
  if (name in known) return known[name]
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const choice = (anyOf ?? oneOf) as Json[] | undefined
  if (choice !== undefined) return sample(choice[0]!, name)
  if (type === 'object') {
    const fields = Object.entries((properties ?? {}) as Record<string, Json>).filter(
      ([field]) => required.includes(field) || field in known,
    )
    return Object.fromEntries(fields.map(([field, inner]) => [field, sample(inner, field)]))
  }
  if (type === 'array') return Array.from({ length: minItems ?? 0 }, () => sample((items ?? {}) as Json))
  if (type === 'number' || type === 'integer') return Math.max(1, minimum ?? 1)
  if (type === 'boolean') return true
  return 'sample-text'
}

/** Knocks at a route's door as somebody, with ids replaced where `swap` says so. */
async function knock(route: Route, actor: Actor | null, swap: (id: string) => string = (id) => id) {
  const fill = (schema: Route['params']) =>
    JSON.parse(swap(JSON.stringify(schema === undefined ? {} : sample(jsonSchema(schema, 'input')))))
  const params = fill(route.params) as Record<string, string>
  const query = new URLSearchParams(fill(route.query)).toString()
  const url = fullPath(route).replace(/:([A-Za-z]+)/g, (_all, name: string) => encodeURIComponent(params[name]!))
  const response = await doors.inject({
    method: route.method,
    url: query === '' ? url : `${url}?${query}`,
    headers: {
      ...(actor === null ? {} : { authorization: `Bearer ${actor.token}` }),
      'content-type': 'application/json',
    },
    ...(route.body === undefined ? {} : { payload: JSON.stringify(fill(route.body)) }),
  })
  const body = response.headers['content-type']?.toString().includes('json') ? response.json() : undefined
  return {
    status: response.statusCode,
    code: body?.code as string | undefined,
    message: body?.message as string | undefined,
  }
}

/** The role somebody holds where the route asks for one; undefined for none. */
function roleHeld(route: Route, person: string): string | undefined {
  const [place, role] = person.split(' ')
  if (typeof route.access !== 'object' || role === undefined) return undefined
  if (route.access.scope === 'org') return place === 'org' ? role : role === 'annotator' ? 'owner' : 'worker'
  return place === 'project' ? role : undefined
}

function expected(route: Route, person: string): 'in' | { status: number; code: string } {
  if (route.access === 'public') return 'in'
  if (person === 'nobody') return { status: 401, code: 'auth.required' }
  if (route.access === 'user') return 'in'
  const { scope, role } = route.access
  const held = roleHeld(route, person)
  if (held === undefined) return { status: 404, code: `${scope}.not_found` }
  const order: readonly string[] = scope === 'org' ? orgRoles : projectRoles
  return order.indexOf(held) <= order.indexOf(role) ? 'in' : { status: 403, code: 'access.forbidden' }
}

describe.each(table)('%s', (_name, route) => {
  test.each(people)('%s', async (person) => {
    const { status, code } = await knock(route, actors.get(person)!)
    const wanted = expected(route, person)
    // Past the guard is inside: a made-up request may still be malformed, but that is said only to those who may ask.
    if (wanted === 'in') expect(status < 300 || code === 'request.invalid', `${status} ${code}`).toBe(true)
    else expect({ status, code }).toEqual(wanted)
  })
})

test.each(table.filter(([, route]) => typeof route.access === 'object'))(
  '%s answers a stranger as it answers an id that does not exist',
  async (_name, route) => {
    const absent = (text: string) =>
      text.replaceAll(/[0-9a-f]{24}/g, (id) => `${id.slice(0, 2)}${randomBytes(11).toString('hex')}`)
    const there = await knock(route, actors.get('stranger')!)
    expect(await knock(route, actors.get('stranger')!, absent)).toEqual(there)
    expect(there.status).toBe(404)
  },
)

test('every role of the table is one that exists', () => {
  for (const [name, route] of table) {
    if (typeof route.access !== 'object') continue
    expect(route.access.scope === 'org' ? orgRoles : projectRoles, name).toContain(route.access.role)
  }
})
