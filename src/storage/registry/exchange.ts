import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Egress } from '../egress.ts'
import { BadAnswer } from '../http/failures.ts'
import { CONNECT_MS, IDLE_MS } from '../http/http.ts'

/** One request; nothing of it is logged anywhere. */
export interface Sent {
  readonly url: URL
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal | undefined
}

/** An answer whose body has not been read: read it to its end, or `discard` it. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: IncomingMessage
}

/** Connections to registries and their token services; redirects are not followed, bodies not decompressed. */
export class Exchanger {
  readonly #egress: Egress
  readonly #agents: ReturnType<Egress['agents']>

  constructor(egress: Egress, connectionsMax: number) {
    this.#egress = egress
    this.#agents = egress.agents({ keepAlive: true, maxSockets: connectionsMax, timeout: IDLE_MS })
  }

  /** Sends a request; throws what Node throws, and `address-denied` where the address is not to be reached. */
  send({ url, method = 'GET', headers = {}, body, signal }: Sent): Promise<Answer> {
    this.#egress.admit(url, { provider: 'registry', op: 'connect' })
    const isSecure = url.protocol === 'https:'
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const request = (isSecure ? https : http).request(url, {
      method,
      agent: isSecure ? this.#agents.https : this.#agents.http,
      headers: { 'user-agent': 'sluice', 'accept-encoding': 'identity', ...headers },
      timeout: IDLE_MS,
      ...(signal === undefined ? {} : { signal }),
    })
    const giveUp = () => request.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }))
    // Also while the body is read: the socket's silence is what counts.
    request.on('timeout', giveUp)
    request.on('socket', (socket) => {
      if (!socket.connecting) return
      const timer = setTimeout(giveUp, CONNECT_MS)
      socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(timer))
      request.once('close', () => clearTimeout(timer))
    })
    request.on('error', reject)
    request.on('response', (response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response })
    })
    request.end(body)
    return promise
  }

  close(): void {
    this.#agents.http.destroy()
    this.#agents.https.destroy()
  }
}

/** Reads a body whole; throws `BadAnswer` when it is longer than so many bytes, or ends before it should. */
export async function readBytes(answer: Answer, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bytesMax) {
      answer.body.destroy()
      throw new BadAnswer(`The registry's answer is longer than ${bytesMax} bytes. Nothing of it was used.`)
    }
    chunks.push(chunk)
  }
  if (!answer.body.complete) throw Object.assign(new Error('the answer broke off'), { code: 'ECONNRESET' })
  return Buffer.concat(chunks)
}

/** The same as text. */
export async function readText(answer: Answer, bytesMax: number): Promise<string> {
  return (await readBytes(answer, bytesMax)).toString('utf8')
}

/** Longest body that is read for nothing, in bytes, so that its connection can be used again. */
const DRAINED_BYTES_MAX = 64 * 1024

/** Lets a body go that nobody wants; a long one takes its connection with it. */
export function discard({ headers, body }: Answer): void {
  body.on('error', () => {})
  if (Number(headers['content-length'] ?? Number.NaN) <= DRAINED_BYTES_MAX) body.resume()
  else body.destroy()
}
