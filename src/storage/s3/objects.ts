import { createHash } from 'node:crypto'
import type http from 'node:http'
import type https from 'node:https'
import type { Readable } from 'node:stream'
import type { DeleteObjectsCommandOutput, GetObjectCommandOutput, S3Client, StorageClass } from '@aws-sdk/client-s3'
import { systemClock } from '#lib/clock.ts'
import type { Egress } from '../egress.ts'
import { exactBody, WRONG_LENGTH } from '../exact-body.ts'
import { CONNECT_MS, IDLE_MS } from '../http/http.ts'
import type { Entry, Key, Opened, ReadOptions, RemoveOutcome, WriteOptions } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { limitAnswers } from './answer-limit.ts'
import type { CredentialSource } from './credentials.ts'
import { answerError, toStorageError } from './errors.ts'
import { abortUpload, type PartRules, uploadInParts } from './multipart.ts'
import { explicitSettings, sdkKeys } from './sts.ts'

/** What the SDK's client is made of. */
export interface ObjectsOptions {
  readonly bucket: string
  /** Null: requests go unsigned. */
  readonly source: CredentialSource | null
  readonly region: string
  /** Scheme, host and port without the bucket; always given, as the SDK would take one from the environment otherwise. */
  readonly endpoint: string
  readonly isPathStyle: boolean
  readonly storageClass: string | undefined
  readonly parts: PartRules
  readonly connectionsMax: number
  readonly egress: Egress
}

interface Sdk {
  readonly commands: typeof import('@aws-sdk/client-s3')
  readonly client: S3Client
}

/** Most bytes of one PutObject. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
const PUT_BYTES_MAX = 5 * 1024 ** 3

/** Characters that XML has no way to write, or that readers of XML change: keys with them are removed one by one. */
const unfitForXml = /[\u0000-\u001f\u007f-\u009f\u2028\ufffe\uffff]/

type Signalled = { readonly signal?: AbortSignal | undefined }

/**
 * The calls on single objects, through the official SDK; for `s3.ts`. Keys must have passed `addressableKey`.
 *
 * The SDK costs a second to import, so it is imported with the first call. It gets explicit credentials only, one attempt (retrying is a
 * layer's work) and no checksums of its own accord, which S3-compatible storages refuse (aws-sdk-js-v3 #6920, #6819).
 */
export class S3Objects {
  readonly #options: ObjectsOptions
  readonly #agents: { http: http.Agent; https: https.Agent }
  #sdk: Promise<Sdk> | undefined

  constructor(options: ObjectsOptions) {
    this.#options = options
    this.#agents = options.egress.agents({ keepAlive: true, maxSockets: options.connectionsMax })
  }

  async stat(key: Key, { signal }: Signalled = {}): Promise<Entry | null> {
    const { bucket } = this.#options
    try {
      const { commands, client } = await this.#open()
      const head = await client.send(new commands.HeadObjectCommand({ Bucket: bucket, Key: key }), sendOptions(signal))
      return entryOf(key, head)
    } catch (error) {
      if (statusOf(error) !== 404) throw this.#failure(error, 'stat', key, signal)
    }
    // A HEAD has no body, so its 404 may as well mean the bucket. Only a GET that says NoSuchKey proves absence (§1.4 of the safety design).
    try {
      const opened = await this.read(key, { signal })
      opened.body.destroy()
      return opened.entry
    } catch (error) {
      const failure = this.#failure(error, 'stat', key, signal)
      if (failure.kind === 'not-found' && failure.facts.providerCode === 'NoSuchKey') return null
      throw failure.kind === 'not-found'
        ? answerError({ status: 404, isStorageLike: false }, { op: 'stat', key })
        : failure
    }
  }

  async read(key: Key, { range, ifMatch, signal }: ReadOptions = {}): Promise<Opened> {
    const { bucket } = this.#options
    try {
      const { commands, client } = await this.#open()
      const got = await client.send(
        new commands.GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }),
          ...(ifMatch === undefined ? {} : { IfMatch: `"${ifMatch}"` }),
        }),
        sendOptions(signal),
      )
      return openedOf(key, got, range)
    } catch (error) {
      // An object without bytes has no range to give (416): what was asked for is simply empty.
      if (range?.start === 0 && statusOf(error) === 416) return this.read(key, { ifMatch, signal })
      throw this.#failure(error, 'read', key, signal)
    }
  }

  async write(key: Key, body: Readable | Buffer, options: WriteOptions): Promise<Entry> {
    if (Buffer.isBuffer(body) && body.length !== options.sizeBytes)
      throw new StorageError('invalid', WRONG_LENGTH, { provider: 's3', op: 'write', key })
    // The SDK leaves a body that fails to itself, and the request waiting: its failure has to end the request.
    const source = Buffer.isBuffer(body) ? undefined : watched(exactBody(body, options.sizeBytes), options.signal)
    try {
      const put = await this.#put(key, source?.body ?? body, options, source?.signal ?? options.signal)
      const etag = unquoted(put.ETag)
      // The object is there: not being allowed to look at it must not make the write a failure.
      const found = await this.stat(key, { signal: options.signal }).catch(() => null)
      if (found?.etag === etag) return found
      // Somebody else wrote it in between, or we may not look: tell what *we* wrote.
      return { key, sizeBytes: options.sizeBytes, etag, modifiedMs: found?.modifiedMs ?? systemClock.now() }
    } catch (error) {
      if (source?.failure !== undefined && options.signal?.aborted !== true) {
        const facts = { provider: 's3', op: 'write', key, cause: source.failure } as const
        throw new StorageError('invalid', 'The body broke off.', facts)
      }
      source?.body.destroy()
      throw this.#failure(error, 'write', key, options.signal)
    }
  }

  async abandonUpload(key: Key, uploadId: string): Promise<void> {
    try {
      await abortUpload(await this.#open(), { Bucket: this.#options.bucket, Key: key, UploadId: uploadId })
    } catch (error) {
      throw this.#failure(error, 'write', key, undefined)
    }
  }

  async remove(keys: readonly Key[], { signal }: Signalled = {}): Promise<readonly RemoveOutcome[]> {
    const batch = keys.filter((key) => !unfitForXml.test(key))
    const outcomes = batch.length > 1 ? await this.#removeBatch(batch, signal) : new Map<Key, RemoveOutcome>()
    for (const key of keys) if (!outcomes.has(key)) outcomes.set(key, await this.#removeOne(key, signal))
    return keys.map((key) => outcomes.get(key)!)
  }

  close(): void {
    this.#agents.http.destroy()
    this.#agents.https.destroy()
    void this.#sdk?.then(({ client }) => client.destroy())
  }

  async #put(key: Key, body: Readable | Buffer, options: WriteOptions, signal: AbortSignal | undefined) {
    const { bucket, storageClass, parts } = this.#options
    const { commands, client } = await this.#open()
    if (!Buffer.isBuffer(body) && options.sizeBytes > parts.aboveBytes) {
      const etag = await this.#putInParts(key, body, options, signal)
      if (etag !== null) return { ETag: etag }
    }
    const command = new commands.PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      // Always said, because S3-compatible storages refuse a body of unknown length (411).
      ContentLength: options.sizeBytes,
      ContentType: options.contentType,
      StorageClass: storageClass as StorageClass | undefined,
      ...(options.ifAbsent === true ? { IfNoneMatch: '*' } : {}),
    })
    return client.send(command, sendOptions(signal))
  }

  /** Null: the storage has no such uploads. It says so before anything of the body is read, which it gets in one piece then. */
  async #putInParts(
    key: Key,
    body: Readable,
    { sizeBytes, contentType, ifAbsent = false, onPartsStarted }: WriteOptions,
    signal: AbortSignal | undefined,
  ): Promise<string | null> {
    const { bucket, storageClass, parts } = this.#options
    const upload = {
      bucket,
      key,
      body,
      sizeBytes,
      contentType,
      storageClass,
      ifAbsent,
      partBytes: parts.partBytes,
      signal,
    }
    try {
      return await uploadInParts(await this.#open(), { ...upload, onStarted: onPartsStarted })
    } catch (error) {
      const isRefused = !body.readableDidRead && this.#failure(error, 'write', key, signal).kind === 'unsupported'
      if (isRefused && sizeBytes <= PUT_BYTES_MAX) return null
      throw error
    }
  }

  async #removeOne(key: Key, signal: AbortSignal | undefined): Promise<RemoveOutcome> {
    try {
      const { commands, client } = await this.#open()
      await client.send(
        new commands.DeleteObjectCommand({ Bucket: this.#options.bucket, Key: key }),
        sendOptions(signal),
      )
      return { key, ok: true }
    } catch (error) {
      const failure = this.#failure(error, 'remove', key, signal)
      if (failure.kind === 'not-found') return { key, ok: true }
      if (failure.kind === 'aborted') throw failure
      return { key, ok: false, error: failure }
    }
  }

  /** Removes an object only if it still has this entity tag; throws `precondition-failed` otherwise. One that is not there counts as removed. */
  async removeIf(key: Key, etag: string, { signal }: Signalled = {}): Promise<void> {
    try {
      const { commands, client } = await this.#open()
      const input = { Bucket: this.#options.bucket, Key: key, IfMatch: `"${etag}"` }
      await client.send(new commands.DeleteObjectCommand(input), sendOptions(signal))
    } catch (error) {
      const failure = this.#failure(error, 'remove', key, signal)
      if (failure.kind !== 'not-found') throw failure
    }
  }

  /** The same as the outcome of its key. */
  async removeOneIf(key: Key, etag: string, options?: Signalled): Promise<RemoveOutcome> {
    try {
      await this.removeIf(key, etag, options)
      return { key, ok: true }
    } catch (error) {
      const failure = this.#failure(error, 'remove', key, options?.signal)
      if (failure.kind === 'aborted') throw failure
      return { key, ok: false, error: failure }
    }
  }

  /** Outcomes of one request; none where the storage has no such request or wants it otherwise: then they go one by one. */
  async #removeBatch(keys: readonly Key[], signal: AbortSignal | undefined): Promise<Map<Key, RemoveOutcome>> {
    try {
      const outcomes = outcomesOf(keys, await this.#sendBatch(keys, signal))
      return new Map(outcomes.map((outcome) => [outcome.key, outcome]))
    } catch (error) {
      const failure = this.#failure(error, 'remove', undefined, signal)
      if (failure.kind !== 'unsupported' && failure.kind !== 'invalid' && failure.kind !== 'not-a-storage')
        throw failure
      return new Map()
    }
  }

  async #sendBatch(keys: readonly Key[], signal: AbortSignal | undefined): Promise<DeleteObjectsCommandOutput> {
    const { commands, client } = await this.#open()
    const command = new commands.DeleteObjectsCommand({
      Bucket: this.#options.bucket,
      Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: false },
    })
    command.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { headers: Record<string, string>; body?: unknown }
        if (typeof request.body === 'string' || request.body instanceof Uint8Array) {
          request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64')
        }
        return next(args)
      },
      { step: 'build', name: 'contentMd5', priority: 'low' },
    )
    return client.send(command, sendOptions(signal))
  }

  #failure(error: unknown, op: string, key: Key | undefined, signal: AbortSignal | undefined): StorageError {
    if (signal?.aborted) return new StorageError('aborted', 'The work was stopped.', { provider: 's3', op, key })
    return error instanceof StorageError ? error : toStorageError(error, { op, key })
  }

  #open(): Promise<Sdk> {
    this.#sdk ??= import('@aws-sdk/client-s3').then((commands) => {
      const { source, region, endpoint, isPathStyle } = this.#options
      const client = new commands.S3Client({
        ...explicitSettings,
        ...(source === null ? unsigned : { credentials: async () => sdkKeys(await source.current()) }),
        region,
        endpoint,
        forcePathStyle: isPathStyle,
        useArnRegion: false,
        disableMultiregionAccessPoints: true,
        followRegionRedirects: false,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
        requestHandler: {
          connectionTimeout: CONNECT_MS,
          requestTimeout: IDLE_MS,
          throwOnRequestTimeout: true,
          httpAgent: this.#agents.http,
          httpsAgent: this.#agents.https,
        },
      })
      limitAnswers(client)
      return { commands, client }
    })
    return this.#sdk
  }
}

/** For buckets that are open to everybody: nothing is looked for, and nothing is signed. */
const unsigned = {
  credentials: { accessKeyId: '', secretAccessKey: '' },
  signer: { sign: async <T>(request: T): Promise<T> => request },
}

function sendOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

interface HeadFacts {
  readonly ContentLength?: number | undefined
  readonly ContentType?: string | undefined
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
  readonly VersionId?: string | undefined
}

function entryOf(key: Key, head: HeadFacts, sizeBytes: number | undefined = head.ContentLength): Entry {
  if (sizeBytes === undefined) throw answerError({ status: 200, isStorageLike: false }, { op: 'stat', key })
  return {
    key,
    sizeBytes,
    etag: unquoted(head.ETag),
    modifiedMs: head.LastModified?.getTime() ?? 0,
    ...(head.ContentType === undefined ? {} : { contentType: head.ContentType }),
    ...(head.VersionId === undefined ? {} : { versionId: head.VersionId }),
  }
}

function openedOf(key: Key, got: GetObjectCommandOutput, range: ReadOptions['range']): Opened {
  const body = got.Body as Readable
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(got.ContentRange ?? '')?.[1]
  // A range that was overlooked must not pass for the bytes that were asked for, unless they are the whole object anyway.
  const isWhole = range?.start === 0 && (range.end === undefined || range.end + 1 >= (got.ContentLength ?? Infinity))
  if (range !== undefined && total === undefined && !isWhole) {
    body.destroy()
    throw new StorageError('invalid', 'The storage gave other bytes than those asked for.', {
      provider: 's3',
      op: 'read',
      key,
    })
  }
  const entry = entryOf(key, got, total === undefined ? got.ContentLength : Number(total))
  return { entry, body, bodyBytes: got.ContentLength ?? entry.sizeBytes }
}

function outcomesOf(keys: readonly Key[], answer: DeleteObjectsCommandOutput): RemoveOutcome[] {
  const failed = new Map((answer.Errors ?? []).map((error) => [error.Key, error]))
  const removed = new Set((answer.Deleted ?? []).map((object) => object.Key))
  return keys.map((key) => {
    const error = failed.get(key)
    if (error === undefined && removed.has(key)) return { key, ok: true }
    if (error?.Code === 'NoSuchKey') return { key, ok: true }
    return {
      key,
      ok: false,
      error: answerError({ status: 200, code: error?.Code, isStorageLike: true }, { op: 'remove', key }),
    }
  })
}

function unquoted(etag: string | undefined): string {
  return etag?.replace(/^"(.*)"$/, '$1') ?? ''
}

/** A body whose failure aborts `signal` and is kept. */
function watched(
  body: Readable,
  given: AbortSignal | undefined,
): { body: Readable; signal: AbortSignal; failure?: Error } {
  const abort = new AbortController()
  const signal = given === undefined ? abort.signal : AbortSignal.any([given, abort.signal])
  const source: { body: Readable; signal: AbortSignal; failure?: Error } = { body, signal }
  body.on('error', (error) => {
    source.failure = error
    abort.abort()
  })
  return source
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode
}
