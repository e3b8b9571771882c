import { type AnswerHead, checkTrailers, parseHead } from './answer-head.ts'
import { BadAnswer, malformedAnswer } from './failures.ts'

const NO_HTTP =
  'The address answered in another language than HTTP where a storage answers a listing; check the endpoint and its port.'

/** Who gets what is read of an answer. What it throws ends the reading. */
export interface AnswerSink {
  /** Once, before any byte of the body. */
  begin(head: AnswerHead): void
  /** The next bytes of the body, which are only there during the call. False: no more of them is wanted, and the answer counts as read. */
  take(from: Buffer, start: number, end: number): boolean
}

/** All header blocks and trailers of one answer; Node's own limit is 16 KiB. */
export const HEAD_BYTES_MAX = 64 * 1024
/** All that stands around the chunks of one answer; a body of 16 MiB in chunks of 8 bytes still fits. */
const CHUNK_FRAMING_BYTES_MAX = 16 * 1024 * 1024
/** A chunk longer than this is no part of a listing. */
const CHUNK_BYTES_MAX = 0x7fff_ffff
/** Read as text at a time, so that little of a body is when it comes with its head; a storage's head is about 400 bytes. */
const HEAD_STEP_BYTES = 1024
const HEAD_END = '\r\n\r\n'
const HTTP = 'HTTP/1.'

const CR = 0x0d
const LF = 0x0a
const TAB = 0x09
const SPACE = 0x20
const SEMICOLON = 0x3b
const DELETE = 0x7f

type State =
  | 'idle'
  | 'head'
  /** `#left` bytes of a body of known length. */
  | 'length'
  | 'until close'
  | 'chunk size'
  /** Blanks behind a chunk's size, which only an extension may follow. */
  | 'chunk blank'
  | 'chunk extension'
  | 'chunk line end'
  /** `#left` bytes of a chunk. */
  | 'chunk'
  | 'chunk end'
  | 'chunk end line'
  | 'trailers'
  | 'done'

/**
 * Reads HTTP/1.1 answers out of the bytes of one connection, however they are cut, and copies nothing of the bodies. For `wire.ts`.
 *
 * Strict, because a wrong page must never pass for a right one: what is not clean HTTP/1.x is thrown as `BadAnswer`, what does not
 * even begin like it as `('not-a-storage')`. After that the parser is of no more use. Interim answers (1xx) are skipped. RFC 9112.
 */
export class AnswerParser {
  #state: State = 'idle'
  #sink: AnswerSink | undefined
  #block = ''
  #headBytes = 0
  #left = 0
  #digits = 0
  #framingBytes = 0
  #isReusable = false
  #hasBegun = false

  /** Whether a byte of the answer that is waited for has come. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Whether the answer has been read to its end, or as far as it was wanted. */
  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Once an answer is done: whether another may come behind it. */
  get isReusable(): boolean {
    return this.#isReusable
  }

  /** Expects one answer. */
  expect(sink: AnswerSink): void {
    this.#sink = sink
    this.#state = 'head'
    this.#block = ''
    this.#headBytes = 0
    this.#framingBytes = 0
    this.#isReusable = false
    this.#hasBegun = false
  }

  /** Reads the first `end` bytes of `from`. Throws also for bytes that nobody asked for, behind an answer or without any. */
  read(from: Buffer, end: number): void {
    if (end > 0) this.#hasBegun = true
    let at = 0
    while (at < end) {
      switch (this.#state) {
        case 'idle':
        case 'done':
          throw malformedAnswer('more follows behind its end')
        case 'head':
          at = this.#readHead(from, at, end)
          break
        case 'trailers':
          at = this.#readTrailers(from, at, end)
          break
        case 'length':
        case 'chunk':
        case 'until close': {
          const stop = this.#state === 'until close' ? end : Math.min(end, at + this.#left)
          this.#left -= stop - at
          if (!this.#sink!.take(from, at, stop)) {
            this.#state = 'done'
            this.#isReusable = false
            return
          }
          at = stop
          if (this.#left === 0 && this.#state === 'length') this.#state = 'done'
          if (this.#left === 0 && this.#state === 'chunk') this.#state = 'chunk end'
          break
        }
        default:
          at = this.#readChunkFraming(from, at, end)
      }
    }
  }

  /** The connection has ended: so has an answer that goes on until then. Any other that is not done is thrown as ECONNRESET. */
  end(): void {
    if (this.#state === 'until close') this.#state = 'done'
    if (this.#state !== 'done') throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' })
  }

  #readHead(from: Buffer, start: number, end: number): number {
    for (let i = this.#block.length, at = start; i < HTTP.length && at < end; i++, at++) {
      if (from[at] !== HTTP.charCodeAt(i)) throw new BadAnswer(NO_HTTP, 'not-a-storage')
    }
    const next = this.#readBlock(from, start, end)
    if (!this.#block.endsWith(HEAD_END)) return next
    const head = parseHead(this.#block)
    this.#block = ''
    if (head.status === 101) throw malformedAnswer('it changes to a protocol that nobody asked for')
    if (head.status < 200) return next
    this.#isReusable = head.isKeptAlive
    this.#left = head.bodyBytes ?? 0
    this.#digits = 0
    this.#sink!.begin(head)
    if (head.framing === 'chunked') this.#state = 'chunk size'
    else if (head.framing === 'close') this.#state = 'until close'
    else this.#state = this.#left === 0 ? 'done' : 'length'
    return next
  }

  #readTrailers(from: Buffer, start: number, end: number): number {
    const next = this.#readBlock(from, start, end)
    if (!this.#block.endsWith(HEAD_END)) return next
    checkTrailers(this.#block)
    this.#state = 'done'
    return next
  }

  /** Adds to `#block` up to the empty line that ends it, or a step on the way there; gives the place behind what it took. */
  #readBlock(from: Buffer, start: number, end: number): number {
    const known = this.#block.length
    const text = from.toString('latin1', start, Math.min(end, start + HEAD_STEP_BYTES))
    this.#block += text
    const found = this.#block.indexOf(HEAD_END, Math.max(0, known - HEAD_END.length + 1))
    if (found !== -1) this.#block = this.#block.slice(0, found + HEAD_END.length)
    // Looked for at once: a line that ends in a bare LF would otherwise be waited for until the time is over.
    for (let lf = this.#block.indexOf('\n', known); lf !== -1; lf = this.#block.indexOf('\n', lf + 1)) {
      if (this.#block.charCodeAt(lf - 1) !== CR) throw malformedAnswer('a header line is malformed')
    }
    const taken = this.#block.length - known
    this.#headBytes += taken
    if (this.#headBytes > HEAD_BYTES_MAX) throw malformedAnswer('its header lines are longer than any can be')
    return start + taken
  }

  /** Reads what stands around chunks, up to the next chunk's bytes, the trailers or `end`. */
  #readChunkFraming(from: Buffer, start: number, end: number): number {
    let at = start
    while (at < end && this.#state !== 'chunk' && this.#state !== 'trailers') this.#readChunkByte(from[at++]!)
    this.#framingBytes += at - start
    if (this.#framingBytes > CHUNK_FRAMING_BYTES_MAX) throw malformedAnswer('it is cut into too many chunks')
    return at
  }

  #readChunkByte(byte: number): void {
    switch (this.#state) {
      case 'chunk size': {
        const digit = hexDigit(byte)
        if (digit >= 0) {
          this.#left = this.#left * 16 + digit
          this.#digits++
          if (this.#left > CHUNK_BYTES_MAX || this.#digits > 16)
            throw malformedAnswer('a chunk is larger than any can be')
        } else if (this.#digits === 0) throw malformedAnswer('a chunk has no size')
        else this.#state = behindSize(byte)
        return
      }
      case 'chunk blank':
        if (byte !== SPACE && byte !== TAB) this.#state = byte === CR ? refusedChunk() : behindSize(byte)
        return
      case 'chunk extension':
        if (byte === CR) this.#state = 'chunk line end'
        else if ((byte < SPACE && byte !== TAB) || byte === DELETE) refusedChunk()
        return
      case 'chunk line end':
        if (byte !== LF) refusedChunk()
        // The trailers' block is ended by an empty line, so that the line end before it belongs to it.
        if (this.#left === 0) this.#block = '\r\n'
        this.#state = this.#left === 0 ? 'trailers' : 'chunk'
        return
      case 'chunk end':
        this.#state = byte === CR ? 'chunk end line' : refusedChunk()
        return
      default:
        this.#state = byte === LF ? 'chunk size' : refusedChunk()
        this.#digits = 0
    }
  }
}

function behindSize(byte: number): State {
  if (byte === CR) return 'chunk line end'
  if (byte === SEMICOLON) return 'chunk extension'
  if (byte === SPACE || byte === TAB) return 'chunk blank'
  return refusedChunk()
}

function refusedChunk(): never {
  throw malformedAnswer('a chunk is malformed')
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
