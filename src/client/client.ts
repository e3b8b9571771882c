import type { z } from 'zod'
import type { Route } from '#contract/route.ts'
import { type Routes, routes } from '#contract/routes.ts'

type Part<Name extends string, S> = S extends z.ZodType
  ? Record<never, never> extends z.input<S>
    ? { readonly [K in Name]?: z.input<S> | undefined }
    : { readonly [K in Name]: z.input<S> }
  : { readonly [K in Name]?: undefined }

/** What a call of route `R` is given: the parts the route declares, and how the request itself is to go. */
export type CallInput<R> =
  R extends Route<infer P, infer Q, infer B, infer _Answer>
    ? Part<'params', P> & Part<'query', Q> & Part<'body', B> & CallOptions
    : never

/** What every call can be given besides. */
export interface CallOptions {
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
  /** `manual` gives a redirect as it is; only for routes that answer bytes. */
  readonly redirect?: 'follow' | 'manual'
}

/** What a call of route `R` gives: the declared answer, or the bare response where the route declares none. */
export type CallOutput<R> =
  R extends Route<infer _P, infer _Q, infer _B, infer Answer>
    ? Answer extends z.ZodType
      ? z.output<Answer>
      : Response
    : never

/** One function for every route of the API, by the route's name. */
export type Client = {
  readonly [Name in keyof Routes]: Record<never, never> extends CallInput<Routes[Name]>
    ? (input?: CallInput<Routes[Name]>) => Promise<CallOutput<Routes[Name]>>
    : (input: CallInput<Routes[Name]>) => Promise<CallOutput<Routes[Name]>>
}

/** Where the API is and who asks. */
export interface ClientOptions {
  /** Scheme, host and port: `http://127.0.0.1:7070`. */
  readonly baseUrl: string
  /** The bearer token, or what gives it at each call; left out for the routes that need none. */
  readonly token?: string | (() => string | undefined) | undefined
  /** What sends the requests; the platform's own unless given. */
  readonly fetch?: typeof fetch
}

/** A failure the API answered with, or `client.unreachable` (status 0) when there was no answer at all. */
export class ApiError extends Error {
  /** A key of the contract's error table. */
  readonly code: string
  readonly status: number
  /** Under which the server's log tells more. */
  readonly requestId: string | undefined
  readonly details: unknown

  constructor(problem: {
    message: string
    code: string
    status: number
    requestId?: string | undefined
    details?: unknown
    cause?: unknown
  }) {
    super(problem.message, problem.cause === undefined ? undefined : { cause: problem.cause })
    this.name = 'ApiError'
    this.code = problem.code
    this.status = problem.status
    this.requestId = problem.requestId
    this.details = problem.details
  }
}

/**
 * A client of the API, derived from the contract's table, for the console, the command line, the demo and tests:
 * `await client.createProject({ body: { name: 'birds' } })`. Every failure is an `ApiError`.
 */
export function createClient(options: ClientOptions): Client {
  const calls = Object.entries(routes as Readonly<Record<string, Route>>).map(
    ([name, route]) => [name, (input?: AnyInput) => send(options, route, input ?? {})] as const,
  )
  return Object.fromEntries(calls) as unknown as Client
}

type AnyInput = CallOptions & { params?: object; query?: object; body?: unknown }

async function send(options: ClientOptions, route: Route, input: AnyInput): Promise<unknown> {
  const url =
    options.baseUrl.replace(/\/+$/, '') +
    (route.root === true ? '' : '/api/v1') +
    pathOf(route, input.params) +
    queryOf(input.query)
  const token = typeof options.token === 'function' ? options.token() : options.token
  const headers: Record<string, string> = { ...input.headers }
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  if (input.body !== undefined) headers['content-type'] = 'application/json'
  const response = await (options.fetch ?? fetch)(url, {
    method: route.method,
    headers,
    redirect: input.redirect ?? 'follow',
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  }).catch((cause: unknown) => {
    if (input.signal?.aborted) throw cause
    throw new ApiError({
      message: `No answer from ${new URL(url).origin}.`,
      code: 'client.unreachable',
      status: 0,
      cause,
    })
  })
  if (response.status >= 400) throw await problemOf(response)
  return route.response === undefined ? response : await response.json()
}

function pathOf(route: Route, params: object = {}): string {
  const values = params as Readonly<Record<string, unknown>>
  return route.path.replace(/:([A-Za-z]+)/g, (_text, name: string) => encodeURIComponent(String(values[name])))
}

function queryOf(query: object = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined || value === null) return []
    return (Array.isArray(value) ? value : [value]).map(
      (each) => `${encodeURIComponent(name)}=${encodeURIComponent(String(each))}`,
    )
  })
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    const problem = JSON.parse(text) as { message?: unknown; code?: unknown; requestId?: string; details?: unknown }
    if (typeof problem.message === 'string' && typeof problem.code === 'string') {
      return new ApiError({ ...problem, message: problem.message, code: problem.code, status: response.status })
    }
  } catch {
    // Not JSON: something between us and the server answered.
  }
  return new ApiError({
    message: `Status ${response.status} without a reason.`,
    code: 'client.invalid_answer',
    status: response.status,
  })
}
