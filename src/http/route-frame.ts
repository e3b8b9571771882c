import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ZodError, z } from 'zod'
import { fullPath } from '#contract/openapi.ts'
import type { Access, Route } from '#contract/route.ts'
import { type Authenticated, authenticate, type Granted, grant } from '#core/access/access.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { BYTES_COOKIE, cookieOf } from './cookies.ts'
import { parseQuery } from './forms.ts'
import type { CallFrame } from './handler.ts'
import { issueList } from './problem.ts'
import { onceAnswered } from './repeats.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, found before the body is read; null on public routes. */
    auth: Authenticated | null
  }
}

/** A handler without the types of its route, as the loop over the table holds it. */
export type AnyHandler = (deps: Deps, call: Request & CallFrame) => Promise<unknown>

interface Request {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

/** One route with what it needs: its handler, and a signal that aborts when the server begins to stop. */
export interface RouteParts {
  readonly deps: Deps
  readonly route: Route
  readonly handler: AnyHandler
  readonly stopping: AbortSignal
}

interface RouteHost {
  route(options: {
    method: string
    url: string
    bodyLimit?: number
    onRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  }): unknown
}

/**
 * Puts one route of the table on the server.
 *
 * Order: who asks (before the body is read, so that strangers cannot make us read one), then whether the route's role is held, then whether the
 * request is well-formed, then the handler. The guard needs an id from the request; only the part it stands in is parsed before.
 */
export function addRoute(app: unknown, { deps, route, handler, stopping }: RouteParts): void {
  ;(app as RouteHost).route({
    method: route.method,
    url: fullPath(route),
    ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
    onRequest: async (request) => {
      if (route.access !== 'public') request.auth = await authenticate(deps, tokenOf(request, route))
    },
    handler: async (request, reply) => {
      const parsed = new LazyRequest(route, request)
      const access = await guard(deps, route.access, request.auth, parsed)
      const { params, query, body } = parsed
      const frame = frameOf({ deps, route }, request, reply, access)
      // Assigned onto the frame, not spread: a spread would touch the getters that throw on public routes.
      const call = Object.assign(frame, { stopping, params, query, body })
      const result = isRepeatedWhenLost(route)
        ? await onceAnswered(deps, call, () => handler(deps, call))
        : await handler(deps, call)
      return answer(route, reply, result)
    },
  })
}

/** Whether the SDK repeats a request of this route when its answer is lost, so that what it makes must be made once; uploads settle that themselves. */
function isRepeatedWhenLost({ method, access, bodyForms }: Route): boolean {
  return method === 'POST' && access !== 'public' && bodyForms?.includes('multipart') !== true
}

/** Parses each part of a request when it is first asked for. */
class LazyRequest implements Request {
  readonly #route: Route
  readonly #raw: FastifyRequest
  readonly #parsed = new Map<string, unknown>()

  constructor(route: Route, raw: FastifyRequest) {
    this.#route = route
    this.#raw = raw
  }

  get params(): unknown {
    return this.#part('params', this.#route.params, () => this.#raw.params)
  }

  get query(): unknown {
    return this.#part('query', this.#route.query, () => parseQuery(this.#raw.raw.url ?? ''))
  }

  get body(): unknown {
    return this.#part('body', this.#route.body, () => this.#bodyGiven())
  }

  #part(name: string, schema: z.ZodType | undefined, read: () => unknown): unknown {
    if (schema === undefined) return undefined
    if (!this.#parsed.has(name)) this.#parsed.set(name, parse(name, schema, read()))
    return this.#parsed.get(name)
  }

  #bodyGiven(): unknown {
    const forms = this.#route.bodyForms ?? []
    const isForm =
      this.#raw.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') ?? false
    if (this.#raw.body === undefined || this.#raw.body === null) return forms.includes('empty') ? {} : undefined
    if (isForm && !forms.includes('form')) throw new AppError('request.unsupported_media_type')
    return this.#raw.body
  }
}

function parse(name: string, schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new AppError('request.invalid', { details: issueList(result.error as ZodError, [name]) })
}

async function guard(deps: Deps, access: Access, auth: Authenticated | null, request: Request): Promise<Granted> {
  if (access === 'public' || access === 'user') return {}
  if (auth === null) throw new AppError('auth.required')
  const evenDeleted = 'evenDeleted' in access && access.evenDeleted === true
  return await grant(deps, auth.caller, access.scope, access.of(request), access.role, evenDeleted)
}

function tokenOf(request: FastifyRequest, { byCookie }: Route): string {
  const header = request.headers.authorization
  const cookie = header === undefined && byCookie ? cookieOf(request, BYTES_COOKIE) : undefined
  if (cookie !== undefined) return cookie
  const match = header === undefined ? null : /^Bearer ([^\s]+)$/i.exec(header)
  if (match?.[1] === undefined) throw new AppError('auth.required')
  return match[1]
}

function frameOf(
  { deps, route }: Pick<RouteParts, 'deps' | 'route'>,
  raw: FastifyRequest,
  reply: FastifyReply,
  access: Granted,
): Omit<CallFrame, 'stopping'> {
  const auth = (): Authenticated => {
    if (raw.auth === null) throw new Error('a public route has no caller')
    return raw.auth
  }
  return {
    access,
    raw,
    reply,
    baseUrl: baseUrlOf(deps, raw),
    recheck: async () => void (await authenticate(deps, tokenOf(raw, route))),
    get caller() {
      return auth().caller
    },
    get credential() {
      return auth().credential
    },
  }
}

/** The operator's address, or the one the caller used: it is shown to this caller only. */
function baseUrlOf(deps: Deps, raw: FastifyRequest): string {
  if (deps.config.publicUrl !== undefined) return deps.config.publicUrl.replace(/\/+$/, '')
  const host = raw.headers.host
  return host !== undefined && /^[\w.:[\]-]+$/.test(host)
    ? `http://${host}`
    : `http://${deps.config.host}:${deps.config.port}`
}

function answer(route: Route, reply: FastifyReply, result: unknown): unknown {
  // A reply is a promise of its own end, so awaiting a handler that returns it gives undefined, also when the client left in the middle of the bytes.
  if (result === reply || reply.sent || reply.raw.headersSent || reply.raw.destroyed) return reply
  if (route.response === undefined && result === undefined) return reply.code(route.status ?? 204).send()
  return reply
    .code(route.status ?? 200)
    .header('content-type', 'application/json')
    .send(JSON.stringify(result))
}
