import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Egress } from '../egress.ts'
import { CONNECT_MS, IDLE_MS } from '../http/http.ts'
import { StorageError } from '../storage-error.ts'
import { answerError, toStorageError, type Where } from './errors.ts'

/** Most that is read of an answer that is JSON: a document of one object, or an error. */
const JSON_BYTES_MAX = 256 * 1024

/** One request of a call on an object, or for a token. */
export interface CallRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string | undefined
  readonly signal?: AbortSignal | undefined
  /** Statuses below 400 that are not 2xx and yet no failure: 308 of an upload that is not complete. */
  readonly alsoGood?: readonly number[]
  readonly where: Where
}

/** Sends requests to Google's APIs; for this folder's files. */
export interface Caller {
  /** The answer as soon as its head is there. Any status that is not asked for is thrown as the error it stands for; no redirect is followed. */
  open(request: CallRequest): Promise<IncomingMessage>
  /** The answer's JSON object; anything else with a good status is `not-a-storage`. */
  json(request: CallRequest): Promise<Readonly<Record<string, unknown>>>
  /** Sends what is answered without a document; a document of any content with a good status is `not-a-storage`. */
  plain(request: CallRequest): Promise<void>
  /** Reads an answer nobody needs to its end, so that its connection can be used again. */
  drop(answer: IncomingMessage): Promise<void>
  close(): void
}

/**
 * Makes the client for calls on single objects and for tokens, over Node's own and the guarded agents.
 *
 * Google's own library takes no agent (its transport makes its own, and reads the environment for a proxy), so nothing could guard where it connects;
 * it also tries again by itself and costs some fifty packages. What is needed of it is a dozen lines of HTTP (D11).
 */
export function createCaller(egress: Egress, connectionsMax: number): Caller {
  const agents = egress.agents({ keepAlive: true, maxSockets: connectionsMax })
  const open = (request: CallRequest) => send(agents, request)
  return {
    open,
    json: async (request) => {
      const answer = await open(request)
      const text = await textOf(answer, request)
      const document = objectOf(text)
      if (document === null) throw notGoogle(request.where)
      return document
    },
    plain: async (request) => {
      const text = (await textOf(await open(request), request)).trim()
      // Others than Google send an empty document.
      if (text !== '' && text !== 'null' && text !== '{}') throw notGoogle(request.where)
    },
    drop: async (answer) => {
      answer.resume()
      await new Promise((resolve) => answer.once('close', resolve).once('end', resolve))
    },
    close: () => {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

async function send(agents: ReturnType<Egress['agents']>, request: CallRequest): Promise<IncomingMessage> {
  const { where, signal } = request
  try {
    signal?.throwIfAborted()
    const answer = await exchange(agents, request).catch((error: unknown) => {
      if (!isStale(error) || !mayRepeat(request)) throw error
      return exchange(agents, request)
    })
    const status = answer.statusCode!
    if ((status >= 200 && status < 300) || request.alsoGood?.includes(status) === true) return answer
    const body = await textOf(answer, request)
    throw answerError({ status, body, header: (name) => headerOf(answer, name) }, where)
  } catch (error) {
    throw failure(error, request)
  }
}

function exchange(agents: ReturnType<Egress['agents']>, request: CallRequest): Promise<IncomingMessage> {
  const { method, url, headers, body, signal } = request
  const isSecure = url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const sent = (isSecure ? https : http).request(url, {
      method,
      agent: isSecure ? agents.https : agents.http,
      headers: {
        // Only what is stored gzipped then comes gzipped, and as it is stored: the bytes that the listing counted.
        'accept-encoding': 'gzip',
        ...headers,
        ...(method === 'GET' || method === 'DELETE' ? {} : { 'content-length': String(Buffer.byteLength(body ?? '')) }),
      },
      timeout: CONNECT_MS,
      ...(signal === undefined ? {} : { signal }),
    })
    sent.once('socket', (socket) => {
      const waits = () => sent.setTimeout(IDLE_MS)
      if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', waits)
      else waits()
    })
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
    sent.once('response', resolve)
    sent.on('error', (error) => reject(Object.assign(error, { isReused: sent.reusedSocket })))
    sent.end(body)
  })
}

/** A kept connection that the other side had closed meanwhile: nobody has looked at the request. */
function isStale(error: unknown): boolean {
  const { code, isReused } = error as { code?: string; isReused?: boolean }
  return isReused === true && (code === 'ECONNRESET' || code === 'EPIPE')
}

/** What must find nothing there might find itself, should it have been looked at all the same; and a piece of an upload asks first what has arrived. */
function mayRepeat({ method, url, signal }: CallRequest): boolean {
  const isOnce = method === 'PUT' || (method === 'POST' && url.searchParams.has('ifGenerationMatch'))
  return signal?.aborted !== true && !isOnce
}

/** The body as text; of what is longer than any JSON here, the beginning. */
async function textOf(answer: IncomingMessage, request: CallRequest): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      pieces.push(piece)
      length += piece.length
      if (length > JSON_BYTES_MAX) break
    }
  } catch (error) {
    throw failure(error, request)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function failure(error: unknown, { signal, where }: CallRequest): StorageError {
  if (signal?.aborted) return new StorageError('aborted', 'The work was stopped.', { provider: 'gcs', ...where })
  return toStorageError(error, where)
}

/** A good status with something that Google does not say. */
export function notGoogle(where: Where): StorageError {
  return answerError({ status: 200, body: '', header: () => undefined }, where)
}

/** A header by its name in small letters; undefined where it is not there. */
export function headerOf(answer: IncomingMessage, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}
