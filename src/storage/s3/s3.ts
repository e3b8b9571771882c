import { systemClock } from '#lib/clock.ts'
import type { Secret } from '#lib/secret.ts'
import { checkStorage } from '../check.ts'
import { type Egress, openEgress } from '../egress.ts'
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
  RemoveOutcome,
  SignedRequest,
  SignReadOptions,
  SignWriteOptions,
  Storage,
  WriteOptions,
} from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { type BucketAddress, bucketAddress, encodeBytes, encodeSegment } from './address.ts'
import { listFailure } from './errors.ts'
import { openListPage } from './list-page.ts'
import { S3Objects } from './objects.ts'
import { Signer } from './sigv4.ts'

/** A bucket of AWS S3 or of anything that speaks like it, with one set of credentials. */
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
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken?: Secret | undefined
  /** Class for what is written; the bucket's default unless said. */
  readonly storageClass?: string | undefined
  /** Most listing requests at once; 64 unless said. */
  readonly connectionsMax?: number | undefined
  /** What connections go through; nothing is guarded unless given. */
  readonly egress?: Egress | undefined
}

const capabilities: Capabilities = {
  list_after: true,
  list_below: true,
  list_page_max: 1000,
  list_order: 'utf8',
  read_range: true,
  write_if_absent: true,
  write_if_match: false,
  // Some S3-compatible storages read the condition of a DELETE over; until a probe has shown otherwise it counts as missing.
  remove_if_match: false,
  remove_batch_max: 1000,
  sign_read: true,
  sign_write: true,
  sign_max_seconds: 7 * 24 * 3600,
}

/** Pages whose memory waits to be used again, 350 KB each; a burst beyond that is given back to the collector. */
const PAGES_KEPT_MAX = 32

const rights = { list: 's3:ListBucket', read: 's3:GetObject', write: 's3:PutObject', delete: 's3:DeleteObject' }

/**
 * The S3 driver. Nothing is connected before the first call; `close()` ends all connections.
 *
 * Throws `TypeError` for an endpoint that is no address: the driver's settings are checked before.
 * Calls made: ListObjectsV2, GetObject, PutObject, DeleteObject(s), HEAD of objects; no others (PM-07).
 */
export function createS3Storage(options: S3Options): Storage {
  return new S3Storage(options)
}

class S3Storage implements Storage {
  readonly provider = 's3'
  readonly can = capabilities
  readonly #bucket: string
  readonly #address: BucketAddress
  readonly #browserAddress: BucketAddress
  readonly #signer: Signer
  readonly #connections: Connections
  readonly #pages: PagePool
  readonly #objects: S3Objects
  readonly #egress: Egress

  constructor(options: S3Options) {
    const { bucket, endpoint, accessKeyId, secretAccessKey, sessionToken, storageClass } = options
    const region = options.region || 'us-east-1'
    const connectionsMax = options.connectionsMax ?? 64
    const egress = options.egress ?? openEgress
    this.#egress = egress
    const key = { accessKeyId, secretAccessKey, sessionToken, region }
    const addressOf = (base: string | undefined) =>
      bucketAddress({ bucket, region, endpoint: base, isPathStyle: options.pathStyle })
    this.#bucket = bucket
    this.#address = addressOf(endpoint)
    this.#browserAddress = options.browserEndpoint ? addressOf(options.browserEndpoint) : this.#address
    this.#signer = new Signer(key)
    this.#connections = createConnections(this.#address.origin, connectionsMax, egress)
    this.#pages = new PagePool(Math.min(PAGES_KEPT_MAX, 2 * connectionsMax))
    const isPathStyle = this.#address.host === new URL(endpoint ?? this.#address.origin).host && endpoint !== undefined
    this.#objects = new S3Objects({
      bucket,
      key,
      endpoint,
      isPathStyle: isPathStyle || this.#address.rootPath !== '/',
      storageClass,
      connectionsMax,
      egress,
    })
  }

  async list(query: ListQuery): Promise<ListPage> {
    let memory: PageMemory | undefined
    const take = () => {
      memory = this.#pages.take()
      return memory
    }
    try {
      const { rootPath, host } = this.#address
      const text = this.#listQuery(query)
      const length = await getInto(take, {
        connections: this.#connections,
        target: `${rootPath}?${text}`,
        headers: this.#signer.headers('GET', host, rootPath, text, systemClock.now()),
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
    return this.#objects.stat(addressableKey(key, { provider: 's3', op: 'stat' }), options)
  }

  async read(key: Key, options?: ReadOptions): Promise<Opened> {
    return this.#objects.read(addressableKey(key, { provider: 's3', op: 'read' }), options)
  }

  async write(key: Key, body: Parameters<Storage['write']>[1], options: WriteOptions): Promise<Entry> {
    return this.#objects.write(addressableKey(key, { provider: 's3', op: 'write' }), body, options)
  }

  async remove(
    keys: readonly Key[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly RemoveOutcome[]> {
    if (keys.length > capabilities.remove_batch_max) {
      throw new StorageError('unsupported', 'Too many keys to remove at once.', { provider: 's3', op: 'remove' })
    }
    for (const key of keys) addressableKey(key, { provider: 's3', op: 'remove' })
    return this.#objects.remove(keys, options)
  }

  signRead(key: Key, options: SignReadOptions): SignedRequest {
    return this.#signReadAt(this.#browserAddress, key, options)
  }

  signWrite(key: Key, options: SignWriteOptions): SignedRequest {
    const { contentType } = options
    const nowMs = systemClock.now()
    const ttlSeconds = ttlOf(options.ttlSeconds)
    const url = this.#signer.presign({
      method: 'PUT',
      address: this.#browserAddress,
      key: addressableKey(key, { provider: 's3', op: 'signWrite' }),
      ttlSeconds,
      nowMs,
      contentType,
    })
    const headers = contentType === undefined ? {} : { 'content-type': contentType }
    return { url, headers, expiresAtMs: expiry(nowMs, ttlSeconds) }
  }

  check(options: CheckOptions): Promise<CheckReport> {
    return checkStorage(this, options, {
      rights,
      egress: this.#egress,
      // Browsers may reach an address that the server does not: then the signature itself is tried where the server gets to.
      signedReadHere: (key, ttlSeconds) => this.#signReadAt(this.#address, key, { ttlSeconds }),
    })
  }

  async close(): Promise<void> {
    this.#connections.close()
    this.#objects.close()
  }

  #signReadAt(address: BucketAddress, key: Key, options: SignReadOptions): SignedRequest {
    const { contentType, contentDisposition } = options
    const nowMs = systemClock.now()
    const ttlSeconds = ttlOf(options.ttlSeconds)
    const query: Record<string, string> = {}
    if (contentDisposition !== undefined) query['response-content-disposition'] = contentDisposition
    if (contentType !== undefined) query['response-content-type'] = contentType
    const url = this.#signer.presign({
      method: 'GET',
      address,
      key: addressableKey(key, { provider: 's3', op: 'signRead' }),
      ttlSeconds,
      nowMs,
      query,
    })
    return { url, headers: {}, expiresAtMs: expiry(nowMs, ttlSeconds) }
  }

  /** Sorted by name, as the signature wants it. */
  #listQuery(query: ListQuery): string {
    const { token, delimiter, after, prefix } = query
    const entriesMax = Math.min(query.entriesMax ?? capabilities.list_page_max, capabilities.list_page_max)
    let text = token === undefined ? '' : `continuation-token=${encodeSegment(token)}&`
    if (delimiter !== undefined) text += `delimiter=${encodeSegment(delimiter)}&`
    text += `encoding-type=url&list-type=2&max-keys=${entriesMax}&prefix=${encodeSegment(prefix)}`
    // A token goes on where the page before ended; with both, `after` only serves to check the answer.
    if (after !== undefined && token === undefined) text += `&start-after=${encodeBytes(after)}`
    return text
  }
}

function ttlOf(seconds: number): number {
  return Math.max(1, Math.min(Math.floor(seconds), capabilities.sign_max_seconds))
}

/** Signatures count from whole seconds. */
function expiry(nowMs: number, ttlSeconds: number): number {
  return Math.floor(nowMs / 1000) * 1000 + ttlSeconds * 1000
}
