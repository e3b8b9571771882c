import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { failureOf } from '../http/failures.ts'
import type { Entry, Key, Opened, ReadOptions, RemoveOptions, RemoveOutcome, WriteOptions } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { encodePart } from './addresses.ts'
import { type Caller, type CallRequest, headerOf, notGoogle } from './call.ts'
import type { Where } from './errors.ts'
import type { TokenSource } from './tokens.ts'
import { uploadStream } from './upload.ts'

/** Bodies up to this are sent with the request that makes the object; longer ones, and streams, in a session. */
const MEDIA_BYTES_MAX = 8 * 1024 * 1024
/** Deletions at once of one call. */
const DELETES_AT_ONCE = 16

/** What is asked of an object that was written or is looked at. */
const OBJECT_FIELDS = 'bucket,name,size,generation,updated,contentType'

/** What calls on objects are made with. */
export interface ObjectsOptions {
  readonly caller: Caller
  readonly tokens: TokenSource
  /** Origin of the storage, without a slash at its end. */
  readonly origin: string
  readonly bucket: string
  readonly storageClass: string | undefined
}

type Signalled = { readonly signal?: AbortSignal | undefined }

/**
 * The calls on single objects, by Google's JSON API; for `gcs.ts`. Keys must have passed `addressableKey`.
 *
 * An object's etag is its generation. https://cloud.google.com/storage/docs/json_api/v1/objects
 */
export class GcsObjects {
  readonly #options: ObjectsOptions

  constructor(options: ObjectsOptions) {
    this.#options = options
  }

  async stat(key: Key, { signal }: Signalled = {}): Promise<Entry | null> {
    const where = { op: 'stat', key }
    try {
      const url = this.#objectUrl(key, { fields: OBJECT_FIELDS })
      const answer = await this.#authorized({ method: 'GET', url, signal, where }, (request) =>
        this.#options.caller.json(request),
      )
      return this.#entryOf(answer, key, 'stat')
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
    await this.#requireBucket('stat', key, signal)
    return null
  }

  async read(key: Key, { range, ifMatch, signal }: ReadOptions = {}): Promise<Opened> {
    const where = { op: 'read', key }
    const url = this.#objectUrl(key, { alt: 'media', ...generationOf(ifMatch, where) })
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ''}` }
    try {
      const answer = await this.#open({ method: 'GET', url, headers, signal, where })
      return openedOf(key, answer, range)
    } catch (thrown) {
      const error = await this.#readFailure(thrown, { key, ifMatch, signal })
      if (isAbsent(error)) await this.#requireBucket('read', key, signal)
      // An object without bytes has no range to give (416): what was asked for is simply empty.
      if (range?.start === 0 && isNoRange(error)) return this.read(key, { ifMatch, signal })
      throw error
    }
  }

  /**
   * What the failure of a read stands for. Bytes are asked for at an address whose failures Google tells in plain text, of which nothing can be believed:
   * then the object's document is asked for, whose failures are JSON.
   */
  async #readFailure(thrown: unknown, { key, ifMatch, signal }: ReadOptions & { readonly key: Key }): Promise<unknown> {
    if (!(thrown instanceof StorageError) || thrown.kind !== 'not-a-storage') return thrown
    const where = { op: 'read', key }
    const url = this.#objectUrl(key, { fields: OBJECT_FIELDS, ...generationOf(ifMatch, where) })
    try {
      const request = { method: 'GET', url, signal, where } as const
      this.#entryOf(await this.#authorized(request, (one) => this.#options.caller.json(one)), key, 'read')
    } catch (error) {
      return error
    }
    // It is there, and its bytes are not given: the range lies behind them, or nobody knows.
    return isNoRange(thrown) ? failureOf('invalid', { provider: 'gcs', ...where }, thrown.facts) : thrown
  }

  async write(key: Key, body: Readable | Buffer, options: WriteOptions): Promise<Entry> {
    try {
      const isSmall =
        Buffer.isBuffer(body) && body.length <= MEDIA_BYTES_MAX && this.#options.storageClass === undefined
      const document = isSmall ? await this.#media(key, body, options) : await this.#session(key, body, options)
      return this.#entryOf(document, key, 'write')
    } catch (error) {
      if (!Buffer.isBuffer(body)) body.destroy()
      // There is no object to miss where one is made.
      if (isAbsent(error)) throw this.#failure('unknown-bucket', 'write', key, error)
      throw error
    }
  }

  async remove(keys: readonly Key[], { ifMatch, signal }: RemoveOptions): Promise<readonly RemoveOutcome[]> {
    const outcomes: RemoveOutcome[] = []
    let isBucketKnown = false
    for (let at = 0; at < keys.length; at += DELETES_AT_ONCE) {
      const some = await Promise.all(
        keys
          .slice(at, at + DELETES_AT_ONCE)
          .map(async (key) => ({ key, absent: await this.#removeOne(key, ifMatch, signal) })),
      )
      // Without its bucket an object is not gone but unknown.
      const gone = some.find(({ absent }) => absent === true)
      if (!isBucketKnown && gone !== undefined) {
        // Asked by this key, because under a folder-limited role nothing else may be listed (PM-22).
        await this.#requireBucket('remove', gone.key, signal)
        isBucketKnown = true
      }
      outcomes.push(
        ...some.map(
          ({ key, absent }): RemoveOutcome =>
            absent instanceof Error ? { key, ok: false, error: absent } : { key, ok: true },
        ),
      )
    }
    return outcomes
  }

  /** Whether it was not there; or what else is wrong. Throws what concerns all keys. */
  async #removeOne(
    key: Key,
    ifMatch: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean | StorageError> {
    try {
      const url = this.#objectUrl(key, generationOf(ifMatch, { op: 'remove', key }))
      const request = { method: 'DELETE', url, signal, where: { op: 'remove', key } } as const
      await this.#authorized(request, (one) => this.#options.caller.plain(one))
      return false
    } catch (error) {
      if (isAbsent(error)) return true
      if (error instanceof StorageError && error.kind !== 'aborted') return error
      throw error
    }
  }

  async #media(key: Key, body: Buffer, options: WriteOptions): Promise<Readonly<Record<string, unknown>>> {
    const headers = { 'content-type': options.contentType ?? 'application/octet-stream' }
    const url = this.#uploadUrl({ uploadType: 'media', name: key, ...conditionOf(options) })
    const request = { method: 'POST', url, headers, body, signal: options.signal, where: { op: 'write', key } } as const
    return this.#authorized(request, (one) => this.#options.caller.json(one))
  }

  async #session(key: Key, body: Readable | Buffer, options: WriteOptions): Promise<Readonly<Record<string, unknown>>> {
    const { caller, origin, storageClass } = this.#options
    const { sizeBytes, contentType = 'application/octet-stream', signal } = options
    const headers = {
      'content-type': 'application/json; charset=UTF-8',
      'x-upload-content-type': contentType,
      'x-upload-content-length': String(sizeBytes),
    }
    const url = this.#uploadUrl({ uploadType: 'resumable', name: key, ...conditionOf(options) })
    const document = JSON.stringify({ contentType, ...(storageClass === undefined ? {} : { storageClass }) })
    const where = { op: 'write', key }
    const answer = await this.#open({ method: 'POST', url, headers, body: document, signal, where })
    await caller.drop(answer)
    const location = headerOf(answer, 'location')
    const session = location !== undefined && URL.canParse(location) ? new URL(location) : null
    // The session's address is as good as a log-in: it is asked nowhere else than where we logged in.
    if (session === null || session.origin !== origin) throw notGoogle(where)
    return uploadStream(caller, { session, body, sizeBytes, signal, key })
  }

  /** Throws `unknown-bucket`, or why nobody can tell, unless the bucket can be listed. */
  async #requireBucket(op: string, key: Key | undefined, signal: AbortSignal | undefined): Promise<void> {
    const url = new URL(
      `${this.#bucketUrl()}/o?maxResults=1&fields=kind&prettyPrint=false&prefix=${encodePart(key ?? '')}`,
    )
    try {
      const where = { op, key }
      const answer = await this.#authorized({ method: 'GET', url, signal, where }, (one) =>
        this.#options.caller.json(one),
      )
      if (answer.kind !== 'storage#objects') throw notGoogle(where)
    } catch (error) {
      if (isAbsent(error)) throw this.#failure('unknown-bucket', op, key, error)
      throw error
    }
  }

  #open(request: CallRequest): Promise<IncomingMessage> {
    return this.#authorized(request, (one) => this.#options.caller.open(one))
  }

  /** With the token; once more with a new one where Google does not take it any more, which it may do before its end. */
  async #authorized<T>(request: CallRequest, send: (request: CallRequest) => Promise<T>): Promise<T> {
    const { tokens } = this.#options
    for (let attempt = 1; ; attempt++) {
      const token = await tokens.get(request.where, request.signal)
      try {
        return await send({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } })
      } catch (error) {
        const isStale = error instanceof StorageError && error.kind === 'expired-credentials'
        if (!isStale || attempt === 2) throw error
        tokens.forget(token)
      }
    }
  }

  #bucketUrl(): string {
    return `${this.#options.origin}/storage/v1/b/${encodePart(this.#options.bucket)}`
  }

  #objectUrl(key: Key, query: Readonly<Record<string, string>>): URL {
    return withQuery(`${this.#bucketUrl()}/o/${encodePart(key)}`, query)
  }

  #uploadUrl(query: Readonly<Record<string, string>>): URL {
    const base = `${this.#options.origin}/upload/storage/v1/b/${encodePart(this.#options.bucket)}/o`
    return withQuery(base, { ...query, fields: OBJECT_FIELDS })
  }

  #entryOf(document: Readonly<Record<string, unknown>>, key: Key, op: string): Entry {
    const { bucket, name, size, generation, updated, contentType } = document
    const sizeBytes = Number(size)
    const modifiedMs = Date.parse(String(updated))
    const isWhole = Number.isSafeInteger(sizeBytes) && typeof generation === 'string' && !Number.isNaN(modifiedMs)
    if (bucket !== this.#options.bucket || name !== key || !isWhole) throw notGoogle({ op, key })
    return {
      key,
      sizeBytes,
      etag: generation,
      modifiedMs,
      ...(typeof contentType === 'string' ? { contentType } : {}),
    }
  }

  #failure(kind: 'unknown-bucket', op: string, key: Key | undefined, cause: unknown): StorageError {
    const facts = cause instanceof StorageError ? cause.facts : { provider: 'gcs' as const, op }
    const message = 'The storage has no bucket of this name, or does not show it to these credentials.'
    return new StorageError(kind, message, { ...facts, op, key })
  }
}

function isAbsent(error: unknown): error is StorageError {
  return error instanceof StorageError && error.kind === 'not-found'
}

function isNoRange(error: unknown): boolean {
  const codes = ['requestedRangeNotSatisfiable', 'http-416']
  return error instanceof StorageError && codes.includes(error.facts.providerCode ?? '')
}

function conditionOf({ ifAbsent }: WriteOptions): Record<string, string> {
  return ifAbsent === true ? { ifGenerationMatch: '0' } : {}
}

function withQuery(address: string, query: Readonly<Record<string, string>>): URL {
  const parts = Object.entries(query).map(([name, value]) => `${name}=${encodePart(value)}`)
  return new URL(parts.length === 0 ? address : `${address}?${parts.join('&')}`)
}

/** The condition that an object is still this one. Etags here are generations; what is none matches nothing, and 0 would mean that there is no object. */
function generationOf(etag: string | undefined, where: Where): Record<string, string> {
  if (etag === undefined) return {}
  if (/^[1-9]\d{0,19}$/.test(etag)) return { ifGenerationMatch: etag }
  throw failureOf('precondition-failed', { provider: 'gcs', ...where })
}

function openedOf(key: Key, answer: IncomingMessage, range: ReadOptions['range']): Opened {
  const refuse = (message: string): never => {
    answer.destroy()
    throw new StorageError('invalid', message, { provider: 'gcs', op: 'read', key })
  }
  const generation = headerOf(answer, 'x-goog-generation')
  const length = headerOf(answer, 'content-length')
  const stored = headerOf(answer, 'x-goog-stored-content-length')
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(headerOf(answer, 'content-range') ?? '')?.[1]
  if (generation === undefined || length === undefined) return refuse('The storage did not say which object it gives.')
  const bodyBytes = Number(length)
  // A range that was overlooked must not pass for the bytes that were asked for, unless they are the whole object anyway.
  const isWhole = range?.start === 0 && (range.end === undefined || range.end + 1 >= bodyBytes)
  if (range !== undefined && total === undefined && !isWhole) {
    return refuse('The storage gave other bytes than those asked for.')
  }
  if (answer.headers['content-encoding'] === 'gzip' && headerOf(answer, 'x-goog-stored-content-encoding') !== 'gzip') {
    return refuse('The storage gave other bytes than it stores.')
  }
  const modifiedMs = Date.parse(headerOf(answer, 'last-modified') ?? '')
  const contentType = headerOf(answer, 'content-type')
  const entry = {
    key,
    sizeBytes: Number(total ?? stored ?? length),
    etag: generation,
    modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs,
    ...(contentType === undefined ? {} : { contentType }),
  }
  return { entry, body: answer, bodyBytes }
}
