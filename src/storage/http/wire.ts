import { channel } from 'node:diagnostics_channel'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectSecurely, type TLSSocket } from 'node:tls'
import { AnswerParser } from './answer-parser.ts'
import type { Exchange, RequestNote } from './exchange.ts'

/** How finely times are kept: one timer a connection looks once in this time, and no chunk sets any. */
const TICK_MS = 1000
/** A connection that is silent for so long is asked by the operating system whether it still stands; Node's own value. */
const KEEP_ALIVE_MS = 1000

const requestChannel = channel('sluice:storage.request')
const answerChannel = channel('sluice:storage.answer')

/** What all connections of one storage have in common. */
export interface WireShare {
  readonly isSecure: boolean
  /** A name or an address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** How names are resolved; Node's own way where undefined. */
  readonly lookup: LookupFunction | undefined
  /** Time allowed for a connection to stand. */
  readonly connectMs: number
  /** Time allowed without a byte coming, also to a connection without work. */
  readonly idleMs: number
  /** Time allowed from a request to the last byte of its answer, however steadily bytes come. */
  readonly answerMs: number
  /**
   * Every connection reads into this: Node fills it and calls back in one go, and nothing of it is needed once the callback is over. That holds for
   * TLS too, which decrypts a record into it and calls back before the next.
   */
  readonly buffer: Buffer
  /** Lets the next connection do without most of the handshake; the latest the storage gave. */
  session: Buffer | undefined
  /** A connection is without work and may be given some. */
  onFree(wire: Wire): void
  /**
   * A connection is no more, with the exchange it carried, if any. `isStale`: the storage had closed it before it saw the request, which can
   * happen to a connection that was used before, and to no other.
   */
  onLost(wire: Wire, exchange: Exchange | undefined, error: unknown, isStale: boolean): void
}

/**
 * One connection to a storage, which carries one exchange at a time. For `http.ts`.
 *
 * Reads by `onread` into the shared buffer and not as a stream: a stream takes 64 KiB of new memory for every read, which stays until the
 * next full garbage collection (20 to 40 MB at a million keys a second).
 *
 * Publishes a `RequestNote` on the diagnostics channels `sluice:storage.request`, right before a request is written to the connection, and
 * `sluice:storage.answer`, when its answer has been read and nobody has acted on it.
 */
export class Wire {
  readonly #share: WireShare
  readonly #socket: Socket
  readonly #parser = new AnswerParser()
  readonly #timer: NodeJS.Timeout
  #exchange: Exchange | undefined
  #note: RequestNote | undefined
  #isConnected = false
  #isLost = false
  #wasUsed = false
  #quietTicks = 0
  /** Since the exchange was sent. */
  #answerTicks = 0

  /** Begins to connect; the exchange is sent as soon as the connection stands. */
  constructor(share: WireShare, exchange: Exchange) {
    this.#share = share
    this.#exchange = exchange
    exchange.wire = this
    const { host, port, isSecure, lookup, buffer, session } = share
    const onread = { buffer, callback: (bytes: number) => this.#onBytes(bytes) }
    const options = { host, port, onread, ...(lookup !== undefined && { lookup }) }
    if (isSecure) {
      const servername = isIP(host) === 0 ? { servername: host } : {}
      const secure = connectSecurely({ ...options, ...servername, session, ALPNProtocols: ['http/1.1'] })
      secure.once('secureConnect', () => this.#onConnected())
      secure.on('session', (given: Buffer) => this.#onSession(secure, given))
      this.#socket = secure
    } else {
      this.#socket = connect(options)
      this.#socket.once('connect', () => this.#onConnected())
    }
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true, KEEP_ALIVE_MS)
    this.#socket.on('error', (error) => this.lose(error))
    this.#socket.on('end', () => this.#onEnd())
    this.#socket.on('close', () => this.#onEnd())
    this.#timer = setInterval(() => this.#onTick(), TICK_MS).unref()
  }

  /** Sends an exchange; only for a connection that was given as free. */
  carry(exchange: Exchange): void {
    this.#exchange = exchange
    exchange.wire = this
    this.#socket.ref()
    this.#send(exchange)
  }

  /** No work for now: the connection waits without keeping the process alive. */
  rest(): void {
    this.#socket.unref()
  }

  /** Ends the connection if it carries this exchange, and not the one behind it. */
  abandon(exchange: Exchange, error: unknown): void {
    if (this.#exchange === exchange) this.lose(error)
  }

  /** Ends the connection at once, and with it the exchange it carries. */
  lose(error: unknown): void {
    if (this.#isLost) return
    this.#isLost = true
    const exchange = this.#exchange
    this.#exchange = undefined
    clearInterval(this.#timer)
    this.#socket.destroy()
    const isStale = this.#wasUsed && !this.#parser.hasBegun && isClosing(error)
    this.#share.onLost(this, exchange, error, isStale)
  }

  #send(exchange: Exchange): void {
    this.#quietTicks = 0
    this.#answerTicks = 0
    this.#parser.expect(exchange)
    if (requestChannel.hasSubscribers || answerChannel.hasSubscribers) {
      this.#note = { method: 'GET', target: exchange.target }
      requestChannel.publish(this.#note)
    }
    this.#socket.write(exchange.text, 'latin1')
  }

  #onConnected(): void {
    this.#isConnected = true
    if (this.#exchange !== undefined) this.#send(this.#exchange)
  }

  #onSession(socket: TLSSocket, session: Buffer): void {
    if (socket.authorized) this.#share.session = session
  }

  /** What is thrown in here would end the process, so nothing is. */
  #onBytes(bytes: number): boolean {
    if (this.#isLost) return true
    this.#quietTicks = 0
    try {
      this.#parser.read(this.#share.buffer, bytes)
      if (this.#parser.isDone) this.#finish()
    } catch (error) {
      this.lose(error)
    }
    return true
  }

  #onEnd(): void {
    if (this.#exchange === undefined) {
      this.lose(undefined)
      return
    }
    try {
      this.#parser.end()
      this.#finish()
    } catch (error) {
      this.lose(error)
    }
  }

  #finish(): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#wasUsed = true
    if (this.#note !== undefined) answerChannel.publish(this.#note)
    this.#note = undefined
    exchange?.finish()
    if (this.#parser.isReusable) this.#share.onFree(this)
    else this.lose(undefined)
  }

  #onTick(): void {
    const allowedMs = this.#isConnected ? this.#share.idleMs : this.#share.connectMs
    this.#quietTicks++
    this.#answerTicks++
    const isDragged = this.#exchange !== undefined && this.#answerTicks * TICK_MS > this.#share.answerMs
    if (isDragged || this.#quietTicks * TICK_MS > allowedMs)
      this.lose(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }))
  }
}

function isClosing(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return code === 'ECONNRESET' || code === 'EPIPE'
}
