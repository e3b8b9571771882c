import { type Clock, systemClock } from '#lib/clock.ts'
import type { Secret } from '#lib/secret.ts'
import { checkStorage } from '../check.ts'
import { type Egress, openEgress } from '../egress.ts'
import { failureOf } from '../http/failures.ts'
import { type Connections, createConnections, getInto } from '../http/http.ts'
import { type PageMemory, PagePool } from '../http/page-memory.ts'
import { addressableKey } from '../key.ts'
import type {
  Capabilities,
  CheckOptions,
  CheckReport,
  Entry,
  Key,
  ListPage,
  ListQuery,
  Opened,
  ReadOptions,
  RemoveOptions,
  RemoveOutcome,
  SignedRequest,
  SignReadOptions,
  SignWriteOptions,
  Storage,
  WriteOptions,
} from '../port.ts'
import { readOnlyCapabilities } from '../read-only.ts'
import { StorageError } from '../storage-error.ts'
import { awsEndpoint, type BucketAddress, bucketAddress, encodeBytes, encodeSegment } from './address.ts'
import { type ProbedCapability, probeConditions } from './conditions.ts'
import { listFailure } from './errors.ts'
import { openListPage } from './list-page.ts'
import { Login, type Signing } from './login.ts'
import { type PartRules, USUAL_PARTS } from './multipart.ts'
import { S3Objects } from './objects.ts'
import { PageSizes } from './page-size.ts'
import type { RoleLogin } from './role.ts'

/** A bucket of AWS S3 or of anything that speaks like it, with one set of credentials: an access key, a role, or none (`isAnonymous`). */
export interface S3Options {
  readonly bucket: string
  /** `us-east-1` unless said. */
  readonly region?: string | undefined
  /** `http(s)://host[:port]` of an S3-compatible storage; AWS's own unless said. */
  readonly endpoint?: string | undefined
  /** Where browsers reach the same storage, when it is another address than the server's (ST-08). */
  readonly browserEndpoint?: string | undefined
  /** The bucket in the path; true unless said where there is an endpoint. */
  readonly pathStyle?: boolean | undefined
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: Secret | undefined
  readonly sessionToken?: Secret | undefined
  /** Sign with session keys of a role instead. */
  readonly role?: RoleLogin | undefined
  /** Sign nothing: for buckets that are open to everybody. Then nothing can be written or signed for others. */
  readonly isAnonymous?: boolean | undefined
  /** What an earlier check found out about this storage; what is usual among S3-compatible storages unless said. */
  readonly known?: Pick<Capabilities, ProbedCapability> | undefined
  /** From which size on files are written in parts; what is usual unless said. */
  readonly parts?: PartRules | undefined
  /** Class for what is written; the bucket's default unless said. */
  readonly storageClass?: string | undefined
  /** Most listing requests at once; 64 unless said. */
  readonly connectionsMax?: number | undefined
  /** What connections go through; nothing is guarded unless given. */
  readonly egress?: Egress | undefined
  /** When it is, for signatures and for the end of sessions; the machine's clock unless given. */
  readonly clock?: Clock | undefined
}

const usual: Capabilities = {
  list_after: true,
  list_below: true,
  list_page_max: 1000,
  list_order: 'utf8',
  read_range: true,
  write: true,
  write_if_absent: true,
  write_if_match: false,
  // Some S3-compatible storages read the condition of a DELETE over; until a probe has shown otherwise it counts as missing.
  remove_if_match: false,
  remove_batch_max: 1000,
  sign_read: true,
  sign_write: true,
  sign_max_seconds: 7 * 24 * 3600,
}

/** What cannot be done in a bucket that knows nobody. */
const closed = { ...readOnlyCapabilities, sign_read: false } as const

/** Pages whose memory waits to be used again, 350 KB each; a burst beyond that is given back to the collector. */
const PAGES_KEPT_MAX = 32

const rights = { list: 's3:ListBucket', read: 's3:GetObject', write: 's3:PutObject', delete: 's3:DeleteObject' }

/**
 * The S3 driver. Nothing is connected before the first call; `close()` ends all connections.
 *
 * Throws `TypeError` for an endpoint that is no address, and where no credentials are named: none are ever looked for in the environment.
 * Calls made: ListObjectsV2, GetObject, PutObject, DeleteObject(s), HEAD of objects, and those of uploads in parts for large files, which the right to put
 * objects allows, but for giving one up (`s3:AbortMultipartUpload`); no others (PM-07).
 */
export function createS3Storage(options: S3Options): Storage {
  return new S3Storage(options)
}

class S3Storage implements Storage {
  readonly provider = 's3'
  readonly can: Capabilities
  readonly #bucket: string
  readonly #address: BucketAddress
  readonly #browserAddress: BucketAddress
  readonly #login: Login
  readonly #clock: Clock
  readonly #connections: Connections
  readonly #pages: PagePool
  readonly #sizes = new PageSizes()
  readonly #objects: S3Objects
  readonly #egress: Egress

  constructor(options: S3Options) {
    const { bucket, endpoint, storageClass, clock = systemClock } = options
    const region = options.region || 'us-east-1'
    const connectionsMax = options.connectionsMax ?? 64
    const egress = options.egress ?? openEgress
    this.#egress = egress
    const addressOf = (base: string | undefined) =>
      bucketAddress({ bucket, region, endpoint: base, isPathStyle: options.pathStyle })
    this.#bucket = bucket
    this.#address = addressOf(endpoint)
    this.#browserAddress = options.browserEndpoint ? addressOf(options.browserEndpoint) : this.#address
    this.#clock = clock
    this.#login = new Login({ ...options, region, egress, clock })
    this.can = { ...usual, ...options.known, ...(this.#login.source === null && closed) }
    this.#connections = createConnections(this.#address.origin, connectionsMax, egress)
    this.#pages = new PagePool(Math.min(PAGES_KEPT_MAX, 2 * connectionsMax))
    const isPathStyle = this.#address.host === new URL(endpoint ?? this.#address.origin).host && endpoint !== undefined
    this.#objects = new S3Objects({
      bucket,
      source: this.#login.source,
      region,
      endpoint: endpoint ?? awsEndpoint(region),
      isPathStyle: isPathStyle || this.#address.rootPath !== '/',
      storageClass,
      parts: options.parts ?? USUAL_PARTS,
      connectionsMax,
      egress,
    })
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#login.run(() => this.#listOrShrink(query))
  }

  async #listOrShrink(query: ListQuery): Promise<ListPage> {
    try {
      const page = await this.#list(query)
      this.#sizes.succeeded(query)
      return page
    } catch (error) {
      if (error instanceof StorageError) this.#sizes.failed(query, error.kind)
      throw error
    }
  }

  async #list(query: ListQuery): Promise<ListPage> {
    let memory: PageMemory | undefined
    const take = () => {
      memory = this.#pages.take()
      return memory
    }
    try {
      const { rootPath, host } = this.#address
      const text = this.#listQuery(query)
      const signing = await this.#login.signing()
      const length = await getInto(take, {
        connections: this.#connections,
        target: `${rootPath}?${text}`,
        headers: signing?.signer.headers('GET', host, rootPath, text, this.#clock.now()) ?? {},
        signal: query.signal,
        where: { provider: 's3', op: 'list' },
        explain: listFailure,
      })
      const question = {
        bucket: this.#bucket,
        prefix: Buffer.from(query.prefix),
        after: query.after,
        token: query.token,
        isDelimited: query.delimiter !== undefined,
      }
      return openListPage(memory!, length, question, (given) => this.#pages.give(given))
    } catch (error) {
      if (memory) this.#pages.give(memory)
      throw error
    }
  }

  async stat(key: Key, options?: { readonly signal?: AbortSignal | undefined }): Promise<Entry | null> {
    addressableKey(key, { provider: 's3', op: 'stat' })
    return this.#login.run(() => this.#objects.stat(key, options))
  }

  async read(key: Key, options?: ReadOptions): Promise<Opened> {
    addressableKey(key, { provider: 's3', op: 'read' })
    return this.#login.run(() => this.#objects.read(key, options))
  }

  async write(key: Key, body: Parameters<Storage['write']>[1], options: WriteOptions): Promise<Entry> {
    addressableKey(key, { provider: 's3', op: 'write' })
    if (!this.can.write) throw this.#unsupported('write')
    if (options.ifAbsent === true && !this.can.write_if_absent) throw this.#unsupported('write')
    return this.#login.run(() => this.#objects.write(key, body, options), Buffer.isBuffer(body))
  }

  abandonUpload(key: Key, uploadId: string): Promise<void> {
    addressableKey(key, { provider: 's3', op: 'write' })
    return this.#login.run(() => this.#objects.abandonUpload(key, uploadId))
  }

  async remove(keys: readonly Key[], options?: RemoveOptions): Promise<readonly RemoveOutcome[]> {
    for (const key of keys) addressableKey(key, { provider: 's3', op: 'remove' })
    const { ifMatch } = options ?? {}
    const canMatch = ifMatch === undefined || (this.can.remove_if_match && keys.length === 1)
    if (!this.can.write || !canMatch) throw this.#unsupported('remove')
    if (keys.length > this.can.remove_batch_max) {
      throw new StorageError('unsupported', 'Too many keys to remove at once.', { provider: 's3', op: 'remove' })
    }
    return this.#login.run(() =>
      ifMatch === undefined
        ? this.#objects.remove(keys, options)
        : Promise.all(keys.map((key) => this.#objects.removeOneIf(key, ifMatch, options))),
    )
  }

  signRead(key: Key, options: SignReadOptions): SignedRequest | Promise<SignedRequest> {
    return this.#signReadAt(this.#browserAddress, key, options)
  }

  signWrite(key: Key, options: SignWriteOptions): SignedRequest | Promise<SignedRequest> {
    const { contentType } = options
    addressableKey(key, { provider: 's3', op: 'signWrite' })
    return this.#sign('signWrite', ({ signer, restMs }) => {
      const nowMs = this.#clock.now()
      const ttlSeconds = ttlOf(options.ttlSeconds, restMs)
      const address = this.#browserAddress
      const url = signer.presign({ method: 'PUT', address, key, ttlSeconds, nowMs, contentType })
      const headers = contentType === undefined ? {} : { 'content-type': contentType }
      return { url, headers, expiresAtMs: expiry(nowMs, ttlSeconds) }
    })
  }

  check(options: CheckOptions): Promise<CheckReport> {
    return checkStorage(this, options, {
      rights,
      conditions: (key, content, signal) => probeConditions(this.#objects, key, content, signal),
      egress: this.#egress,
      // Browsers may reach an address that the server does not: then the signature itself is tried where the server gets to.
      signedReadHere: (key, ttlSeconds) => this.#signReadAt(this.#address, key, { ttlSeconds }),
    })
  }

  async close(): Promise<void> {
    this.#connections.close()
    this.#objects.close()
    this.#login.close()
  }

  #signReadAt(address: BucketAddress, key: Key, options: SignReadOptions): SignedRequest | Promise<SignedRequest> {
    const { contentType, contentDisposition } = options
    addressableKey(key, { provider: 's3', op: 'signRead' })
    return this.#sign('signRead', ({ signer, restMs }) => {
      const nowMs = this.#clock.now()
      const ttlSeconds = ttlOf(options.ttlSeconds, restMs)
      const query: Record<string, string> = {}
      if (contentDisposition !== undefined) query['response-content-disposition'] = contentDisposition
      if (contentType !== undefined) query['response-content-type'] = contentType
      const url = signer.presign({ method: 'GET', address, key, ttlSeconds, nowMs, query })
      return { url, headers: {}, expiresAtMs: expiry(nowMs, ttlSeconds) }
    })
  }

  #sign(op: string, make: (signing: Signing) => SignedRequest): SignedRequest | Promise<SignedRequest> {
    const signing = this.#login.signing()
    if (signing === null) throw this.#unsupported(op)
    return signing instanceof Promise ? signing.then(make) : make(signing)
  }

  #unsupported(op: string): StorageError {
    return failureOf('unsupported', { provider: 's3', op })
  }

  /** Sorted by name, as the signature wants it. */
  #listQuery(query: ListQuery): string {
    const { token, delimiter, after, prefix } = query
    const entriesMax = Math.min(query.entriesMax ?? usual.list_page_max, this.#sizes.sizeOf(query))
    let text = token === undefined ? '' : `continuation-token=${encodeSegment(token)}&`
    if (delimiter !== undefined) text += `delimiter=${encodeSegment(delimiter)}&`
    text += `encoding-type=url&list-type=2&max-keys=${entriesMax}&prefix=${encodeSegment(prefix)}`
    // A token goes on where the page before ended; with both, `after` only serves to check the answer.
    if (after !== undefined && token === undefined) text += `&start-after=${encodeBytes(after)}`
    return text
  }
}

/** Never longer than the keys live that sign it: an address dies with their session, whatever it says (§4.3 of the safety design). */
function ttlOf(seconds: number, restMs: number): number {
  return Math.max(1, Math.floor(Math.min(seconds, usual.sign_max_seconds, restMs / 1000)))
}

/** Signatures count from whole seconds. */
function expiry(nowMs: number, ttlSeconds: number): number {
  return Math.floor(nowMs / 1000) * 1000 + ttlSeconds * 1000
}
