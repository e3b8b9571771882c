import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Key } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { type Caller, headerOf, notGoogle } from './call.ts'

/** Sent at once and held until it has arrived; Google wants multiples of 256 KiB. */
const PIECE_BYTES = 8 * 1024 * 1024
/** Tries of one piece, the first included; before each further one it is asked what has arrived. */
const ATTEMPTS_MAX = 4
const WAIT_MS = 300

/** An upload session and what to send into it. */
export interface Upload {
  /** Address of the session, which holds its own right to write: never log it. */
  readonly session: URL
  readonly body: Readable | Buffer
  readonly sizeBytes: number
  readonly signal?: AbortSignal | undefined
  readonly key: Key
}

/**
 * Sends a body of known length into a resumable session, and gives the document of the object that came of it.
 *
 * One piece of 8 MiB is in memory at a time: should its request fail, what has arrived is asked for and the rest is sent again, so a long upload outlives lost
 * connections and busy moments. Should the body break off or the work be stopped, the session is cancelled: nothing is left.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export async function uploadStream(caller: Caller, upload: Upload): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await new Session(caller, upload).send()
  } catch (error) {
    await cancel(caller, upload)
    throw error
  }
}

/** Uncommitted sessions are invisible and end by themselves after a week, so failing to end one changes nothing. */
async function cancel(caller: Caller, { session, key }: Upload): Promise<void> {
  const request = { method: 'DELETE', url: session, where: { op: 'write', key }, alsoGood: [499] } as const
  await caller.open(request).then(
    (answer) => caller.drop(answer),
    () => {},
  )
}

class Session {
  readonly #caller: Caller
  readonly #upload: Upload
  /** Bytes that Google has. */
  #sentBytes = 0

  constructor(caller: Caller, upload: Upload) {
    this.#caller = caller
    this.#upload = upload
  }

  async send(): Promise<Readonly<Record<string, unknown>>> {
    const { sizeBytes } = this.#upload
    let document: Readonly<Record<string, unknown>> | null = null
    for await (const piece of this.#pieces()) document = await this.#sendPiece(piece)
    if (document === null || this.#sentBytes !== sizeBytes) throw this.#broken()
    return document
  }

  /** Sends one piece, in part again where that is needed; the object's document with the last one. */
  async #sendPiece(piece: Buffer): Promise<Readonly<Record<string, unknown>> | null> {
    const startBytes = this.#sentBytes
    const endBytes = startBytes + piece.length
    for (let attempt = 1; ; attempt++) {
      try {
        if (attempt > 1) {
          const document = await this.#ask()
          if (document !== null) return document
          if (this.#sentBytes < startBytes || this.#sentBytes > endBytes) throw this.#foreign()
        }
        if (attempt > 1 && this.#sentBytes === endBytes && endBytes < this.#upload.sizeBytes) return null
        const rest = piece.subarray(this.#sentBytes - startBytes)
        return await this.#put(rest, rangeText(this.#sentBytes, endBytes, this.#upload.sizeBytes))
      } catch (error) {
        const isWorthIt = error instanceof StorageError && error.isTransient && attempt < ATTEMPTS_MAX
        if (!isWorthIt) throw error
        await this.#wait(error.facts.retryAfterMs ?? WAIT_MS * 2 ** attempt * Math.random())
      }
    }
  }

  /** What has arrived; the object's document when that is all of it. */
  #ask(): Promise<Readonly<Record<string, unknown>> | null> {
    return this.#put(Buffer.alloc(0), `bytes */${this.#upload.sizeBytes}`)
  }

  async #put(body: Buffer, range: string): Promise<Readonly<Record<string, unknown>> | null> {
    const { session, signal, key } = this.#upload
    const answer = await this.#caller.open({
      method: 'PUT',
      url: session,
      headers: { 'content-range': range },
      body,
      signal,
      alsoGood: [308],
      where: { op: 'write', key },
    })
    if (answer.statusCode === 308) {
      await this.#caller.drop(answer)
      const arrived = /^bytes=0-(\d+)$/.exec(headerOf(answer, 'range') ?? '')?.[1]
      this.#sentBytes = arrived === undefined ? 0 : Number(arrived) + 1
      // What is to be complete and is not, or less arrived than was sent, is sent again by the caller's next try.
      const end = /-(\d+)\//.exec(range)?.[1]
      if (end !== undefined && this.#sentBytes !== Number(end) + 1) throw this.#short()
      return null
    }
    const document = await documentOf(answer, key)
    this.#sentBytes = this.#upload.sizeBytes
    return document
  }

  /** The body in pieces of `PIECE_BYTES`, the last one shorter; one without bytes for a body without bytes. */
  async *#pieces(): AsyncGenerator<Buffer> {
    const { body, sizeBytes } = this.#upload
    let waiting: Buffer[] = []
    let length = 0
    let read = 0
    for await (const chunk of this.#chunks(body)) {
      read += chunk.length
      if (read > sizeBytes) throw this.#broken()
      waiting.push(chunk)
      length += chunk.length
      while (length >= PIECE_BYTES && read - length + PIECE_BYTES < sizeBytes) {
        const all = Buffer.concat(waiting)
        yield all.subarray(0, PIECE_BYTES)
        const rest = all.subarray(PIECE_BYTES)
        waiting = [rest]
        length = rest.length
      }
    }
    // Before the last piece, which would make an object of it.
    if (read !== sizeBytes) throw this.#broken()
    yield Buffer.concat(waiting)
  }

  async *#chunks(body: Readable | Buffer): AsyncGenerator<Buffer> {
    if (Buffer.isBuffer(body)) {
      yield body
      return
    }
    const { signal } = this.#upload
    const abort = () => body.destroy(new Error('stopped'))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      for await (const chunk of body) yield chunk as Buffer
    } catch (error) {
      throw signal?.aborted ? this.#aborted() : this.#broken(error)
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#upload
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms)
      function done() {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      signal?.addEventListener('abort', done, { once: true })
    })
    if (signal?.aborted) throw this.#aborted()
  }

  #aborted(): StorageError {
    return this.#error('aborted', 'The work was stopped.')
  }

  #broken(cause?: unknown): StorageError {
    return this.#error('invalid', 'The body broke off, or was not as long as it was said to be.', cause)
  }

  #short(): StorageError {
    return this.#error('unavailable', 'The storage took only a part of what was sent.')
  }

  #foreign(): StorageError {
    return this.#error('invalid', 'The storage lost a part of what it had taken.')
  }

  #error(kind: StorageError['kind'], message: string, cause?: unknown): StorageError {
    return new StorageError(kind, message, { provider: 'gcs', op: 'write', key: this.#upload.key, cause })
  }
}

function rangeText(start: number, end: number, total: number): string {
  return end === start ? `bytes */${total}` : `bytes ${start}-${end - 1}/${total}`
}

async function documentOf(answer: IncomingMessage, key: Key): Promise<Readonly<Record<string, unknown>>> {
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) {
    text += piece
    if (text.length > 256 * 1024) break
  }
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null) return document as Record<string, unknown>
  } catch {
    // Told below, without what was said.
  }
  throw notGoogle({ op: 'write', key })
}
