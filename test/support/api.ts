// The HTTP API on a database of its own, with an owner who is logged in; for tests that go through `app.inject`.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { readConfig } from '#config/config.ts'
import type { OrgRole, ProjectRole, Route } from '#contract/route.ts'
import { type Routes, routes } from '#contract/routes.ts'
import { createOrg, ensureFirstOwner, ensureUsers, startSession } from '#core/access/access.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { systemClock } from '#lib/clock.ts'
import { noForeground } from '#lib/foreground.ts'
import { logOptions } from '#lib/log.ts'
import { Secret } from '#lib/secret.ts'
import { openEgress } from '#storage/egress.ts'
import { createEnvelopeVault } from '#vault/envelope.ts'
import { buildHttp } from '../../src/http/app.ts'
import type { Handlers } from '../../src/http/handler.ts'
import { handlers } from '../../src/http/handlers.ts'
import { type TestDatabase, withDatabase } from './database.ts'

/** A user with a valid access token. */
export interface Actor extends Caller {
  readonly token: string
}

/** An answer as a test reads it. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts what it expects of the JSON.
  readonly body: any
  readonly text: string
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
}

/** How a request is sent: `json` as JSON, `form` as a form, or `payload` as it is with `contentType`. */
export interface Sent {
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly payload?: string | Buffer
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The API under test. */
export interface TestApi {
  readonly app: FastifyInstance
  readonly deps: Deps
  readonly database: TestDatabase
  /** Owner of the first organization. */
  readonly owner: Actor
  readonly orgId: string
  /** Everything the server has logged, one JSON line each. */
  logs(): string
  /** Sends `GET /api/v1/…` and its like; `null` sends no token. */
  call(actor: Actor | null, method: string, url: string, sent?: Sent): Promise<Answer>
  /** Makes a user, in the first organization where a role is given. */
  addUser(email: string, orgRole?: OrgRole): Promise<Actor>
  /** Makes an organization with an owner of its own. */
  addOrg(name: string): Promise<{ orgId: string; owner: Actor }>
  /** Makes a project of the owner's. */
  addProject(name?: string): Promise<string>
  /** Gives a member of the organization a role in a project. */
  join(projectId: string, actor: Actor, role: ProjectRole): Promise<void>
  close(): Promise<void>
}

/** Builds the API of a test; `override` replaces parts of what the core is given (a storage, a clock, a queue). */
export async function withApi(override: Partial<Deps> = {}): Promise<TestApi> {
  const database = await withDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  const lines: string[] = []
  const deps: Deps = {
    db: database.pool,
    clock: systemClock,
    config: readConfig({ SLUICE_DATA_DIR: dataDir }),
    vault: createEnvelopeVault([randomBytes(32)]),
    // Jobs are kept nowhere: a test that needs them run passes a queue of its own.
    queue: { enqueue: async () => {} },
    log: pino(logOptions('info'), { write: (line: string) => void lines.push(line) }),
    egress: openEgress,
    foreground: noForeground,
    ...override,
  }
  await ensureFirstOwner(deps, { email: 'owner@example.com', password: new Secret('first-password'), orgName: 'Acme' })
  const app = buildHttp(deps, checkedHandlers())
  await app.ready()
  const actorOf = async (email: string): Promise<Actor> => {
    const [userId] = await ensureUsers(deps.db, [email], deps.clock.now())
    const caller = { userId: userId!, email }
    return { ...caller, token: (await startSession(deps, caller)).accessToken }
  }
  const owner = await actorOf('owner@example.com')
  const { rows } = await deps.db.query<{ id: string }>('select id from org')
  const orgId = rows[0]!.id
  const call: TestApi['call'] = async (actor, method, url, sent = {}) => {
    const contentType =
      sent.contentType ??
      (sent.json !== undefined ? 'application/json' : sent.form ? 'application/x-www-form-urlencoded' : undefined)
    const payload =
      sent.payload ??
      (sent.json !== undefined
        ? JSON.stringify(sent.json)
        : sent.form
          ? new URLSearchParams(sent.form).toString()
          : undefined)
    const response = await app.inject({
      method: method as 'GET',
      url,
      ...(payload === undefined ? {} : { payload }),
      headers: {
        ...(actor === null ? {} : { authorization: `Bearer ${actor.token}` }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...sent.headers,
      },
    })
    const isJson = String(response.headers['content-type']).startsWith('application/json')
    return {
      status: response.statusCode,
      body: isJson ? response.json() : undefined,
      text: response.body,
      headers: response.headers,
    }
  }
  const mustCall = async (...args: Parameters<typeof call>) => {
    const answer = await call(...args)
    if (answer.status >= 400) throw new Error(`${args[1]} ${args[2]} answered ${answer.status}: ${answer.text}`)
    return answer
  }
  return {
    app,
    deps,
    database,
    owner,
    orgId,
    logs: () => lines.join(''),
    call,
    addUser: async (email, orgRole) => {
      if (orgRole !== undefined)
        await mustCall(owner, 'POST', `/api/v1/orgs/${orgId}/members`, { json: { emails: [email], role: orgRole } })
      return await actorOf(email)
    },
    addOrg: async (name) => {
      const other = await actorOf(`owner-of-${name.toLowerCase().replaceAll(/[^a-z]/g, '')}@example.com`)
      return {
        orgId: await createOrg(deps.db, {
          name,
          creatorId: other.userId,
          nowMs: deps.clock.now(),
          dataPointsMax: deps.config.dataPointsMax,
        }),
        owner: other,
      }
    },
    addProject: async (name = `project ${randomBytes(4).toString('hex')}`) =>
      (await mustCall(owner, 'POST', '/api/v1/projects', { form: { name } })).body.id,
    join: async (projectId, actor, role) =>
      void (await mustCall(owner, 'POST', `/api/v1/projects/${projectId}/members/${actor.email}`, { json: { role } })),
    close: async () => {
      await app.close()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/**
 * The handlers, each answer checked against the contract: a shape that drifts from the table makes the request of the test that sees it fail with 500.
 * In production answers are not parsed; it would cost more than writing them.
 */
function checkedHandlers(): Handlers<Routes> {
  const checked = Object.entries(handlers).map(([name, handler]) => {
    const { response } = (routes as Readonly<Record<string, Route>>)[name]!
    return [
      name,
      async (...args: Parameters<typeof handler>) => {
        const result = await (handler as (...given: unknown[]) => Promise<unknown>)(...args)
        const outcome = response?.safeParse(JSON.parse(JSON.stringify(result)))
        if (outcome?.success === false)
          throw new Error(`the answer of ${name} breaks the contract: ${outcome.error.message}`)
        return result
      },
    ]
  })
  return Object.fromEntries(checked) as Handlers<Routes>
}
