import type { LookupFunction } from 'node:net'
import { EGRESS_DENIED, type Egress } from '../egress.ts'
import type { StorageError } from '../storage-error.ts'
import type { AnswerHead } from './answer-head.ts'
import { Exchange } from './exchange.ts'
import { BadAnswer, failureOf, networkFailure, type Where } from './failures.ts'
import { ANSWER_MS } from './limited-body.ts'
import type { PageMemory } from './page-memory.ts'
import { Wire, type WireShare } from './wire.ts'

/** Time allowed for a connection to stand. */
export const CONNECT_MS = 10_000
/** Time allowed without a byte coming; a connection that nobody uses for as long is closed. */
export const IDLE_MS = 60_000
/** What one read of a connection takes at most; what libuv itself asks for. */
const READ_BYTES = 64 * 1024

/** Keep-alive connections of one storage; `close` destroys them all, with what they carry, and lets no more be made. */
export interface Connections {
  /** Host, with the port where it is not the scheme's own: the Host header where a request names none. */
  readonly hostHeader: string
  /** Sends an exchange as soon as a connection is free for it. */
  send(exchange: Exchange): void
  /** Ends an exchange wherever it is. */
  abandon(exchange: Exchange, error: unknown): void
  close(): void
}

/** Opens the connections of the storage at `origin` (`http(s)://host[:port]`), at most `connectionsMax` at once; further requests wait in order. */
export function createConnections(origin: string, connectionsMax: number, egress: Egress): Connections {
  return new WirePool(new URL(origin), connectionsMax, egress)
}

/** One GET to send. */
export interface GetRequest {
  readonly connections: Connections
  /** Encoded path and query. */
  readonly target: string
  /** The same without what is secret in it, for those who are told of requests; where nothing is, it may be left out. */
  readonly told?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** Whose listing it is, for errors. */
  readonly where: Where
  /** What a status other than 200 stands for; the body as far as 64 KiB, in latin1. */
  explain(head: AnswerHead, body: string): StorageError
}

/**
 * Sends a GET and reads the answer into the body of `memory()`, which is asked for when the answer begins: requests that only wait for theirs hold none.
 * Gives the answer's length in bytes.
 *
 * No redirects, no decompression. Any status but 200 is thrown as the error it stands for, by `explain`; an answer that ends early is
 * `unreachable`, one that is no clean HTTP/1.1 `invalid`. It is sent a second time only where a connection that was used before turns out to have been
 * closed meanwhile. For listing pages.
 */
export async function getInto(memory: () => PageMemory, request: GetRequest): Promise<number> {
  const { connections, target, headers, signal, where } = request
  try {
    signal?.throwIfAborted()
    const exchange = new Exchange(
      request.told ?? target,
      requestText(target, headers, connections.hostHeader),
      memory,
      request.explain,
    )
    const abort = () => connections.abandon(exchange, signal!.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      connections.send(exchange)
      return await exchange.answered
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  } catch (error) {
    if (signal?.aborted) throw failureOf('aborted', where)
    throw networkFailure(error, where)
  }
}

const plainTarget = /^\/[\x21-\x7e]*$/
const plainName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const plainValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** Throws for what would be read as more than one line: nothing in a request may make a second one of it. */
function requestText(target: string, headers: Readonly<Record<string, string>>, host: string): string {
  if (!plainTarget.test(target)) throw unsafe('address')
  let text = `GET ${target} HTTP/1.1\r\n`
  let isHostNamed = false
  for (const name in headers) {
    const value = headers[name]!
    if (!plainName.test(name) || !plainValue.test(value)) throw unsafe('header')
    if (name.toLowerCase() === 'host') isHostNamed = true
    text += `${name}: ${value}\r\n`
  }
  if (!isHostNamed) text += `host: ${host}\r\n`
  return `${text}accept-encoding: identity\r\nconnection: keep-alive\r\n\r\n`
}

function unsafe(what: string): BadAnswer {
  const message = `The request's ${what} holds characters that cannot be sent; check the credentials and the endpoint.`
  return new BadAnswer(message)
}

class WirePool implements Connections, WireShare {
  readonly hostHeader: string
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  readonly lookup: LookupFunction | undefined
  readonly connectMs = CONNECT_MS
  readonly idleMs = IDLE_MS
  readonly answerMs = ANSWER_MS
  readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  session: Buffer | undefined
  readonly #connectionsMax: number
  readonly #wires = new Set<Wire>()
  /** Without work, the one that had some last at the end: it is the least likely to be closed by now. */
  readonly #free: Wire[] = []
  /** In order; only while every connection there may be is at work. */
  readonly #waiting = new Set<Exchange>()
  /** Set where nothing is ever connected: Node asks no resolver for a literal address. */
  readonly #denial: Error | undefined
  #isClosed = false

  constructor(origin: URL, connectionsMax: number, egress: Egress) {
    this.lookup = egress.resolver(origin)
    this.#denial = denialOf(egress, origin)
    this.hostHeader = origin.host
    // WHATWG keeps the brackets of an IPv6 address, sockets do not take them.
    this.host = origin.hostname.replace(/^\[|\]$/g, '')
    this.isSecure = origin.protocol === 'https:'
    this.port = origin.port === '' ? (this.isSecure ? 443 : 80) : Number(origin.port)
    this.#connectionsMax = connectionsMax
  }

  send(exchange: Exchange): void {
    const wire = this.#free.pop()
    if (this.#isClosed) exchange.fail(closed())
    else if (this.#denial !== undefined) exchange.fail(this.#denial)
    else if (wire !== undefined) wire.carry(exchange)
    else if (this.#wires.size < this.#connectionsMax) this.#wires.add(new Wire(this, exchange))
    else this.#waiting.add(exchange)
  }

  abandon(exchange: Exchange, error: unknown): void {
    if (this.#waiting.delete(exchange)) exchange.fail(error)
    else exchange.wire?.abandon(exchange, error)
  }

  close(): void {
    this.#isClosed = true
    for (const exchange of this.#waiting) exchange.fail(closed())
    this.#waiting.clear()
    for (const wire of this.#wires) wire.lose(closed())
  }

  onFree(wire: Wire): void {
    const next = this.#nextWaiting()
    if (next !== undefined) {
      wire.carry(next)
      return
    }
    wire.rest()
    this.#free.push(wire)
  }

  onLost(wire: Wire, exchange: Exchange | undefined, error: unknown, isStale: boolean): void {
    this.#wires.delete(wire)
    const place = this.#free.indexOf(wire)
    if (place !== -1) this.#free.splice(place, 1)
    if (error !== undefined) this.session = undefined
    const isTriedAgain = exchange !== undefined && isStale && !this.#isClosed
    if (!isTriedAgain) exchange?.fail(error)
    // On a new one, which is never stale, so that there is no third time; what closed this one has likely closed others that wait too.
    const next = isTriedAgain ? exchange : this.#nextWaiting()
    if (next !== undefined) this.#wires.add(new Wire(this, next))
  }

  #nextWaiting(): Exchange | undefined {
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      return next
    }
    return undefined
  }
}

/** The storage was closed here, not there; whoever asks again has to open it again. */
function closed(): Error {
  return Object.assign(new Error('the connections are closed'), { code: 'ECONNABORTED' })
}

function denialOf(egress: Egress, origin: URL): Error | undefined {
  try {
    egress.admit(origin, { provider: 's3', op: 'connect' })
    return undefined
  } catch {
    // Whose listing it is only the request knows, so the driver's own error is made of this one.
    return Object.assign(new Error('this address is not to be connected to'), { code: EGRESS_DENIED })
  }
}
