import { randomUUID } from 'node:crypto'
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import { fullPath } from '#contract/openapi.ts'
import type { Route } from '#contract/route.ts'
import { type Routes, routes } from '#contract/routes.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { addBodyParsers, passMultipart } from './bodies.ts'
import { CONSOLE_FOLDER, readConsole } from './console.ts'
import type { Handlers } from './handler.ts'
import { handlers } from './handlers.ts'
import { isMultipart } from './multipart.ts'
import { answerBrokenRequest, sendProblem } from './problem.ts'
import { type AnyHandler, addRoute } from './route-frame.ts'

/** Longest parameter in a path, in characters; a name of 255 characters may take nine times as many when it is escaped. */
const PARAM_LENGTH_MAX = 4096
const BODY_BYTES_MAX = 1024 * 1024
/** Longest time for a whole request to arrive, so that a client that dribbles cannot hold a connection for ever. */
const REQUEST_MS_MAX = 300_000
/** The same for an upload, which may be large and its line slow. */
const UPLOAD_MS_MAX = 24 * 3_600_000

/**
 * Builds the HTTP server of a process: every route of the contract's table, and one shape for every failure (D8). It does not listen yet:
 * call `listen`, or `inject` in tests. `table` replaces the handlers; only for the test of the guard, which must be able to knock at every door
 * without anything happening behind it. `consoleFolder` is where the console's files are, if they are anywhere.
 */
export function buildHttp(
  deps: Deps,
  table: Handlers<Routes> = handlers,
  consoleFolder = CONSOLE_FOLDER,
): FastifyInstance {
  const app = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    // Our own line, below: Fastify's would log the address with its query, where signatures and search terms stand.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    requestIdHeader: false,
    genReqId: (raw) => requestId(raw.headers['x-request-id']),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: UPLOAD_MS_MAX,
    return503OnClosing: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, error),
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, randomUUID()),
  })
  addBodyParsers(app)
  app.decorateRequest('auth', null)
  const consoleFiles = readConsole(consoleFolder)
  app.decorate('consoleFiles', consoleFiles)
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())
  app.addHook('onRequest', async (request, reply) => {
    if (!isMultipart(request)) limitArrival(request)
    reply.headers({
      'x-request-id': request.id,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    if (stopping.signal.aborted) throw new AppError('server.stopping')
    // Said here and not in the not-found handler, so that a body nobody asked for is not even read.
    if (request.is404 && consoleFiles?.answers(request) !== true) {
      const methods = methodsAt(pathOf(request))
      if (methods.length === 0) throw new AppError('route.not_found')
      reply.header('allow', methods.join(', '))
      throw new AppError('route.method_not_allowed')
    }
  })
  app.addHook('onResponse', async (request, reply) => logAnswer(request, reply.statusCode, reply.elapsedTime))
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error))
  // Whatever comes here is the console's: the hook above has refused the rest.
  app.setNotFoundHandler((request, reply) => {
    if (consoleFiles === null) throw new AppError('route.not_found')
    return consoleFiles.send(request, reply)
  })
  for (const [name, route] of Object.entries(routes) as [keyof Routes, Route][]) {
    const parts = { deps, route, handler: table[name] as AnyHandler, stopping: stopping.signal }
    if (route.bodyForms?.includes('multipart') !== true) addRoute(app, parts)
    else
      app.register(async (scope) => {
        // Only here: everywhere else such a body is refused before it is read.
        passMultipart(scope)
        addRoute(scope, parts)
      })
  }
  return app as unknown as FastifyInstance
}

/** Ends a request whose body has not arrived in time. */
function limitArrival({ raw, id }: FastifyRequest): void {
  if (raw.headers['content-length'] === undefined && raw.headers['transfer-encoding'] === undefined) return
  const timer = setTimeout(() => {
    if (raw.complete) return
    answerBrokenRequest(Object.assign(new Error('too slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), raw.socket, id)
  }, REQUEST_MS_MAX)
  timer.unref()
  raw.once('end', () => clearTimeout(timer))
  raw.once('close', () => clearTimeout(timer))
}

/** A caller's own request id is kept when it is plain, so that a proxy's log and ours can be read side by side. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

function pathOf(request: FastifyRequest): string {
  const url = request.raw.url ?? ''
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
}

function logAnswer(request: FastifyRequest, status: number, elapsedMs: number): void {
  const route = request.routeOptions.url ?? '(none)'
  const facts = {
    method: request.method,
    route,
    status,
    ms: Math.round(elapsedMs * 10) / 10,
    userId: request.auth?.caller.userId,
  }
  // Whatever watches the server asks every few seconds; good news of that kind is no news.
  if (status < 400 && (route === '/healthz' || route === '/readyz')) request.log.debug(facts, 'request')
  else request.log.info(facts, 'request')
}

const patterns = (Object.values(routes) as Route[]).map((route) => ({
  method: route.method,
  regex: new RegExp(
    `^${fullPath(route)
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:[A-Za-z]+/g, '[^/]+')}$`,
  ),
}))

/** The methods that the table has for a path: empty for no such address. */
function methodsAt(path: string): string[] {
  const found = patterns.filter((pattern) => pattern.regex.test(path)).map((pattern) => pattern.method as string)
  return [...new Set(found.includes('GET') ? ['HEAD', ...found] : found)].sort()
}
