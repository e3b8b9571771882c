import { Readable, Transform } from 'node:stream'
import type {
  BlobDownloadResponseParsed,
  BlobGetPropertiesResponse,
  BlockBlobClient,
  ContainerClient,
  StoragePipelineOptions,
} from '@azure/storage-blob'
import { systemClock } from '#lib/clock.ts'
import type { Egress } from '../egress.ts'
import { CONNECT_MS } from '../http/http.ts'
import type { Entry, Key, Opened, ReadOptions, RemoveOptions, RemoveOutcome, WriteOptions } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { type AccountAddress, pathOf } from './address.ts'
import { sasInForce } from './authorize.ts'
import type { AzureCredentials } from './credentials.ts'
import { answerError, toStorageError } from './errors.ts'
import type { TokenSource } from './tokens.ts'

/** What the SDK's clients are made of. */
export interface BlobObjectsOptions {
  readonly address: AccountAddress
  readonly container: string
  readonly credentials: AzureCredentials
  readonly tokens: TokenSource | undefined
  /** Access tier of what is written. */
  readonly tier: string | undefined
  readonly connectionsMax: number
  readonly egress: Egress
  /** Streams longer than this are sent in blocks; 256 MiB unless said. */
  readonly oneRequestBytesMax?: number | undefined
}

/** A key for signing in the name of who is logged in, as the service gives it. */
export interface GivenDelegationKey {
  readonly objectId: string
  readonly tenantId: string
  readonly startsOnMs: number
  readonly endsOnMs: number
  readonly service: string
  readonly version: string
  readonly value: string
}

interface Sdk {
  readonly blob: typeof import('@azure/storage-blob')
  readonly pipeline: import('@azure/storage-blob').Pipeline
}

type Signalled = { readonly signal?: AbortSignal | undefined }

/** Up to here a stream is sent in one request, of which nothing is left when it breaks off; beyond it goes in blocks. */
const ONE_REQUEST_BYTES_MAX = 256 * 1024 * 1024
const BLOCK_BYTES_LEAST = 8 * 1024 * 1024
/** Azure's own: a blob has at most so many blocks. */
const BLOCKS_MAX = 50_000
const REMOVALS_AT_ONCE = 16

/**
 * The calls on single blobs, through the official SDK; for `azure.ts`. Names must have passed `azureKey`.
 *
 * The SDK costs about a second to import, so it is imported with the first call. It gets explicit credentials only, one attempt (retrying is a layer's
 * work), no redirects, and the egress's agents whatever the environment says about proxies.
 */
export class BlobObjects {
  readonly #options: BlobObjectsOptions
  readonly #agents: ReturnType<Egress['agents']>
  #sdk: Promise<Sdk> | undefined

  constructor(options: BlobObjectsOptions) {
    this.#options = options
    this.#agents = options.egress.agents({
      keepAlive: true,
      maxSockets: options.connectionsMax,
      timeout: CONNECT_MS * 6,
    })
  }

  async stat(key: Key, { signal }: Signalled = {}): Promise<Entry | null> {
    try {
      const container = await this.#container('stat', signal)
      const found = await container.getBlobClient(key).getProperties(abortable(signal))
      return isDirectory(found) ? null : entryOf(key, found, found.contentLength)
    } catch (error) {
      const failure = this.#failure(error, 'stat', key, signal)
      if (failure.kind === 'not-found') return null
      throw failure
    }
  }

  async read(key: Key, { range, ifMatch, signal }: ReadOptions = {}): Promise<Opened> {
    try {
      const container = await this.#container('read', signal)
      const count = range?.end === undefined ? undefined : range.end - range.start + 1
      const got = await container.getBlobClient(key).download(range?.start ?? 0, count, {
        ...abortable(signal),
        maxRetryRequests: 0,
        conditions: ifMatch === undefined ? {} : { ifMatch: `"${ifMatch}"` },
      })
      const opened = openedOf(key, got, range)
      if (isDirectory(got) && opened.entry.sizeBytes === 0) {
        opened.body.destroy()
        throw answerError({ status: 404, code: 'BlobNotFound', isStorageLike: true }, { op: 'read', key })
      }
      return opened
    } catch (error) {
      // A blob without bytes has no range to give (416): what was asked for is simply empty.
      const isEmpty = range?.start === 0 && (error as { statusCode?: number }).statusCode === 416
      if (isEmpty) return this.read(key, { ifMatch, signal })
      throw this.#failure(error, 'read', key, signal)
    }
  }

  async write(key: Key, body: Readable | Buffer, options: WriteOptions): Promise<Entry> {
    if (Buffer.isBuffer(body) && body.length !== options.sizeBytes) {
      const facts = { provider: 'azure', op: 'write', key } as const
      throw new StorageError('invalid', 'The body has another length than was said.', facts)
    }
    const source = Buffer.isBuffer(body) ? undefined : counted(body, options)
    const signal = source?.signal ?? options.signal
    try {
      const put = await this.#put(key, source?.body ?? (body as Buffer), options, signal)
      const modifiedMs = put.lastModified?.getTime() ?? systemClock.now()
      const { contentType, sizeBytes } = options
      const entry = { key, sizeBytes, etag: unquoted(put.etag), modifiedMs }
      return contentType === undefined ? entry : { ...entry, contentType }
    } catch (error) {
      source?.body.destroy()
      if (source?.failure !== undefined && options.signal?.aborted !== true) {
        const facts = { provider: 'azure', op: 'write', key, cause: source.failure } as const
        throw new StorageError('invalid', 'The body broke off.', facts)
      }
      throw this.#failure(error, 'write', key, options.signal)
    }
  }

  /** One by one, sixteen at a time: a batch request would need the same rights and fail as a whole where one of its parts is malformed. */
  async remove(keys: readonly Key[], options: RemoveOptions = {}): Promise<readonly RemoveOutcome[]> {
    const { signal } = options
    const container = await this.#container('remove', signal).catch((error) => {
      throw this.#failure(error, 'remove', undefined, signal)
    })
    const outcomes: RemoveOutcome[] = []
    let next = 0
    const work = async () => {
      while (next < keys.length) {
        const index = next++
        outcomes[index] = await this.#removeOne(container, keys[index]!, options)
      }
    }
    await Promise.all(Array.from({ length: Math.min(REMOVALS_AT_ONCE, keys.length) }, work))
    return outcomes
  }

  /** Asks for a key to sign with; only who is logged in by a token gets one, and needs the right to (PM-18). */
  async delegationKey(fromMs: number, toMs: number): Promise<GivenDelegationKey> {
    try {
      const { blob, pipeline } = await this.#open()
      const { address } = this.#options
      const service = new blob.BlobServiceClient(`${address.origin}${address.rootPath}`, pipeline)
      const given = await service.getUserDelegationKey(new Date(fromMs), new Date(toMs))
      return {
        objectId: given.signedObjectId,
        tenantId: given.signedTenantId,
        startsOnMs: given.signedStartsOn.getTime(),
        endsOnMs: given.signedExpiresOn.getTime(),
        service: given.signedService,
        version: given.signedVersion,
        value: given.value,
      }
    } catch (error) {
      throw this.#failure(error, 'sign', undefined, undefined)
    }
  }

  close(): void {
    this.#agents.http.destroy()
    this.#agents.https.destroy()
  }

  async #put(key: Key, body: Readable | Buffer, options: WriteOptions, signal: AbortSignal | undefined) {
    const { tier } = this.#options
    const { sizeBytes, contentType } = options
    const container = await this.#container('write', signal)
    const blob = container.getBlockBlobClient(key)
    const how = {
      ...abortable(signal),
      blobHTTPHeaders: contentType === undefined ? {} : { blobContentType: contentType },
      conditions: options.ifAbsent === true ? { ifNoneMatch: '*' } : {},
      ...(tier === undefined ? {} : { tier }),
    }
    if (Buffer.isBuffer(body)) return blob.upload(body, sizeBytes, how)
    if (sizeBytes <= (this.#options.oneRequestBytesMax ?? ONE_REQUEST_BYTES_MAX))
      return blob.upload(() => body, sizeBytes, how)
    const ids = await stageBlocks(blob, body, Math.max(BLOCK_BYTES_LEAST, Math.ceil(sizeBytes / BLOCKS_MAX)), signal)
    return blob.commitBlockList(ids, how)
  }

  async #removeOne(container: ContainerClient, key: Key, { signal, ifMatch }: RemoveOptions): Promise<RemoveOutcome> {
    try {
      const conditions = ifMatch === undefined ? {} : { ifMatch: `"${ifMatch}"` }
      await container.getBlobClient(key).delete({ ...abortable(signal), conditions })
      return { key, ok: true }
    } catch (error) {
      const failure = this.#failure(error, 'remove', key, signal)
      if (failure.kind === 'not-found') return { key, ok: true }
      if (failure.kind === 'aborted') throw failure
      return { key, ok: false, error: failure }
    }
  }

  #failure(error: unknown, op: string, key: Key | undefined, signal: AbortSignal | undefined): StorageError {
    if (signal?.aborted) return new StorageError('aborted', 'The work was stopped.', { provider: 'azure', op, key })
    return toStorageError(error, { op, key })
  }

  async #container(op: string, signal: AbortSignal | undefined): Promise<ContainerClient> {
    signal?.throwIfAborted()
    const { address, container, credentials } = this.#options
    const { blob, pipeline } = await this.#open()
    const query = credentials.kind === 'sas' ? `?${sasInForce(credentials.sas.reveal(), op)}` : ''
    return new blob.ContainerClient(`${address.origin}${pathOf(address, container)}${query}`, pipeline)
  }

  #open(): Promise<Sdk> {
    this.#sdk ??= this.#load()
    return this.#sdk
  }

  async #load(): Promise<Sdk> {
    const blob = await import('@azure/storage-blob')
    const { credentials, tokens, address } = this.#options
    const credential =
      credentials.kind === 'account-key'
        ? new blob.StorageSharedKeyCredential(address.account, credentials.accountKey.reveal())
        : new blob.AnonymousCredential()
    const options = { retryOptions: { maxTries: 1 }, redirectOptions: { maxRetries: 0 } } as StoragePipelineOptions
    const pipeline = blob.newPipeline(credential, options)
    const agents = this.#agents
    pipeline.factories.push({
      create: (next) => ({
        async sendRequest(request) {
          // Not the SDK's own way with tokens, which asks where an answer's challenge tells it to.
          if (tokens !== undefined) {
            const { token } = await tokens.token()
            request.headers.set('authorization', `Bearer ${token.reveal()}`)
          }
          // The last word: behind it nothing changes the way a request goes, neither a proxy of the environment nor an agent of the SDK's own.
          const isSecure = request.url.startsWith('https:')
          Object.assign(request, { agent: isSecure ? agents.https : agents.http, proxySettings: undefined })
          return next.sendRequest(request)
        },
      }),
    })
    return { blob, pipeline }
  }
}

function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

/** Sends a body in blocks, one under way while the next is read; answers their ids. What is not committed nobody sees, and Azure throws it away in a week. */
async function stageBlocks(
  blob: BlockBlobClient,
  body: Readable,
  blockBytes: number,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const ids: string[] = []
  let sent: Promise<unknown> = Promise.resolve()
  let parts: Buffer[] = []
  let bytes = 0
  const send = async () => {
    const block = Buffer.concat(parts, bytes)
    parts = []
    bytes = 0
    await sent
    // All ids of a blob must have the same length.
    const id = Buffer.from(String(ids.push('')).padStart(6, '0')).toString('base64')
    ids[ids.length - 1] = id
    sent = blob.stageBlock(id, block, block.length, abortable(signal))
    sent.catch(() => {})
  }
  for await (const part of body as AsyncIterable<Buffer>) {
    parts.push(part)
    bytes += part.length
    if (bytes >= blockBytes) await send()
  }
  if (bytes > 0) await send()
  await sent
  return ids
}

/** A directory of a hierarchical account answers like a blob without bytes. */
function isDirectory(found: BlobGetPropertiesResponse | BlobDownloadResponseParsed): boolean {
  return found.metadata?.hdi_isfolder?.toLowerCase() === 'true' && (found.contentLength ?? 0) === 0
}

function entryOf(
  key: Key,
  found: BlobGetPropertiesResponse | BlobDownloadResponseParsed,
  sizeBytes: number | undefined,
): Entry {
  if (sizeBytes === undefined || found.etag === undefined) {
    throw answerError({ status: 200, isStorageLike: false }, { op: 'stat', key })
  }
  const tier = (found as BlobGetPropertiesResponse).accessTier
  return {
    key,
    sizeBytes,
    etag: unquoted(found.etag),
    modifiedMs: found.lastModified?.getTime() ?? 0,
    ...(found.contentType === undefined ? {} : { contentType: found.contentType }),
    ...(found.versionId === undefined ? {} : { versionId: found.versionId }),
    ...(tier === undefined ? {} : { isArchived: tier === 'Archive' }),
  }
}

function openedOf(key: Key, got: BlobDownloadResponseParsed, range: ReadOptions['range']): Opened {
  const body = (got.readableStreamBody as Readable | undefined) ?? Readable.from([])
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(got.contentRange ?? '')?.[1]
  const length = got.contentLength
  // A range that was overlooked must not pass for the bytes that were asked for, unless they are the whole blob anyway.
  const isWhole = range?.start === 0 && (range.end === undefined || range.end + 1 >= (length ?? Infinity))
  const isBehind = total !== undefined && range !== undefined && range.start > 0 && range.start >= Number(total)
  if (isBehind || (range !== undefined && total === undefined && !isWhole)) {
    body.destroy()
    const facts = { provider: 'azure', op: 'read', key } as const
    throw new StorageError('invalid', 'The storage gave other bytes than those asked for.', facts)
  }
  const entry = entryOf(key, got, total === undefined ? length : Number(total))
  return { entry, body, bodyBytes: length ?? entry.sizeBytes }
}

function unquoted(etag: string | undefined): string {
  return etag?.replace(/^"(.*)"$/, '$1') ?? ''
}

/** A body that must have as many bytes as were said; its failure aborts `signal` and is kept. */
function counted(
  given: Readable,
  { sizeBytes, signal }: WriteOptions,
): { body: Readable; signal: AbortSignal; failure?: Error } {
  const abort = new AbortController()
  let bytes = 0
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      done(bytes > sizeBytes ? new Error('it is longer than was said') : null, chunk)
    },
    flush(done) {
      done(bytes === sizeBytes ? null : new Error('it is shorter than was said'))
    },
  })
  const source: { body: Readable; signal: AbortSignal; failure?: Error } = {
    body: counter,
    signal: signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]),
  }
  const fail = (error: Error) => {
    source.failure ??= error
    abort.abort()
    // Whoever reads it would wait for more for ever.
    counter.destroy(error)
  }
  // Stopped from outside, the same.
  const stop = () => counter.destroy(new Error('the work was stopped'))
  signal?.addEventListener('abort', stop, { once: true })
  given.on('error', fail)
  counter.on('error', fail)
  counter.on('close', () => {
    signal?.removeEventListener('abort', stop)
    given.destroy()
  })
  given.pipe(counter)
  return source
}
