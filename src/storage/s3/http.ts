import http from 'node:http'
import https from 'node:https'
import { StorageError } from '../storage-error.ts'
import { answerError, type FailedAnswer, toStorageError } from './errors.ts'
import type { PageMemory } from './page-memory.ts'

/** Time allowed for a connection to stand. */
export const CONNECT_MS = 10_000
/** Time allowed without a byte coming. */
export const IDLE_MS = 60_000
/** Largest listing answer that is read; a page of 1,000 of the longest keys, all escaped, is under 5 MiB. */
const BODY_BYTES_MAX = 16 * 1024 * 1024
const ERROR_BODY_BYTES_MAX = 64 * 1024

/** Keep-alive connections of one storage; destroyed by its `close()`. */
export interface Connections {
  readonly agent: http.Agent
  readonly isSecure: boolean
}

/** Opens the connections of one storage, at most `connectionsMax` at once; further requests wait. */
export function createConnections(isSecure: boolean, connectionsMax: number): Connections {
  const options = {
    keepAlive: true,
    maxSockets: connectionsMax,
    maxFreeSockets: connectionsMax,
    scheduling: 'lifo',
  } as const
  return { agent: isSecure ? new https.Agent(options) : new http.Agent(options), isSecure }
}

/** One GET to send. */
export interface GetRequest {
  readonly connections: Connections
  readonly origin: string
  /** Encoded path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/**
 * Sends a GET and reads the answer into the body of `memory()`, which is asked for when the answer begins: requests that only wait for theirs hold none.
 * Gives the answer's length in bytes.
 *
 * No redirects, no decompression. Any status but 200 is thrown as the error it stands for, with op `list`; an answer that ends early is
 * `unreachable`. For listing pages.
 */
export async function getInto(memory: () => PageMemory, request: GetRequest): Promise<number> {
  try {
    const answer = await send(request)
    if (answer.statusCode !== 200) throw await failedAnswer(answer)
    return await readInto(memory(), answer)
  } catch (error) {
    if (request.signal?.aborted)
      throw new StorageError('aborted', 'The work was stopped.', { provider: 's3', op: 'list' })
    throw toStorageError(error, { op: 'list' })
  }
}

function send(request: GetRequest): Promise<http.IncomingMessage> {
  const { connections, origin, target, headers, signal } = request
  const url = new URL(origin)
  const client = connections.isSecure ? https : http
  return new Promise((resolve, reject) => {
    const sent = client.request({
      // WHATWG keeps the brackets of an IPv6 address, sockets do not take them.
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (connections.isSecure ? 443 : 80) : Number(url.port),
      path: target,
      method: 'GET',
      headers: { ...headers, 'accept-encoding': 'identity' },
      agent: connections.agent,
      timeout: IDLE_MS,
      ...(signal === undefined ? {} : { signal }),
    })
    const timedOut = () => sent.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }))
    let connecting: NodeJS.Timeout | undefined
    sent.on('socket', (socket) => {
      if (!socket.connecting) return
      connecting = setTimeout(timedOut, CONNECT_MS)
      socket.once(connections.isSecure ? 'secureConnect' : 'connect', () => clearTimeout(connecting))
    })
    sent.on('timeout', timedOut)
    sent.on('close', () => clearTimeout(connecting))
    sent.on('response', resolve)
    sent.on('error', reject)
    sent.end()
  })
}

function readInto(memory: PageMemory, answer: http.IncomingMessage): Promise<number> {
  const announced = Number(answer.headers['content-length'])
  if (announced > 0 && announced <= BODY_BYTES_MAX) memory.reserveBody(announced, 0)
  let length = 0
  return new Promise<number>((resolve, reject) => {
    // Events and not an iterator: a page comes in a dozen chunks, and each is copied and forgotten at once.
    answer.on('data', (chunk: Buffer) => {
      // Once this has failed the memory is another page's.
      if (answer.destroyed) return
      if (length + chunk.length > BODY_BYTES_MAX) {
        const message = 'The storage’s listing is larger than any can be.'
        answer.destroy(new StorageError('invalid', message, { provider: 's3', op: 'list' }))
        return
      }
      memory.reserveBody(length + chunk.length, length)
      chunk.copy(memory.body, length)
      length += chunk.length
    })
    const early = () => Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' })
    answer.on('error', reject)
    answer.on('aborted', () => reject(early()))
    answer.on('end', () => {
      if (answer.complete && !(announced >= 0 && length !== announced)) resolve(length)
      else reject(early())
    })
  })
}

/** Reads what a failing answer may tell: its code and region, nothing else. */
async function failedAnswer(answer: http.IncomingMessage): Promise<StorageError> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > ERROR_BODY_BYTES_MAX) break
    chunks.push(chunk)
  }
  answer.destroy()
  return answerError(failureOf(answer, Buffer.concat(chunks).toString('latin1')), { op: 'list' })
}

function failureOf(answer: http.IncomingMessage, body: string): FailedAnswer {
  const code = /<Error(?:\s[^>]*)?>[\s\S]*?<Code>([^<]{1,64})<\/Code>/.exec(body)?.[1]
  const header = (name: string) => {
    const value = answer.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const requestId = header('x-amz-request-id')
  return {
    status: answer.statusCode ?? 0,
    code,
    region: header('x-amz-bucket-region') ?? /<Region>([^<]{1,64})<\/Region>/.exec(body)?.[1],
    requestId,
    retryAfter: header('retry-after'),
    isStorageLike: code !== undefined || requestId !== undefined,
  }
}
