import { systemClock } from '#lib/clock.ts'
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
  RemoveOptions,
  RemoveOutcome,
  SignedRequest,
  SignReadOptions,
  SignWriteOptions,
  Storage,
  WriteOptions,
} from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { encodeBytes, encodePart, type GoogleAddresses, googleAddresses } from './addresses.ts'
import { type Caller, createCaller } from './call.ts'
import { listFailure } from './errors.ts'
import { openListPage } from './list-page.ts'
import { type GcsLogin, openLogin } from './login.ts'
import { GcsObjects } from './objects.ts'
import { LIST_FIELDS } from './scan.ts'
import type { TokenSource } from './tokens.ts'
import { presign, type SigningIdentity } from './v4.ts'

/** A bucket of Google Cloud Storage, with one log-in. */
export interface GcsOptions {
  readonly bucket: string
  readonly login: GcsLogin
  /** `http(s)://host[:port]` of another storage that speaks Google's JSON API; Google's own unless said. */
  readonly endpoint?: string | undefined
  /** The operator's stand-in for all of Google's addresses. */
  readonly standIn?: string | undefined
  /** Class for what is written; the bucket's default unless said. */
  readonly storageClass?: string | undefined
  /** Most listing requests at once; 64 unless said. */
  readonly connectionsMax?: number | undefined
  /** What connections go through; nothing is guarded unless given. */
  readonly egress?: Egress | undefined
}

const PAGE_MAX = 1000
/** Pages without an entry that are gone over before somebody must look: Google gives such pages where much was deleted. */
const EMPTY_PAGES_MAX = 1000
/** Pages whose memory waits to be used again, 350 KB each; a burst beyond that is given back to the collector. */
const PAGES_KEPT_MAX = 32
const WEEK_SECONDS = 7 * 24 * 3600
/** What Google signs for others ends with its own key, which it changes twice a day. https://cloud.google.com/storage/docs/access-control/signed-urls */
const KEYLESS_SECONDS = 12 * 3600

/** The rights' names, as Google calls them in roles. */
const rights = {
  list: 'storage.objects.list',
  read: 'storage.objects.get',
  // Overwriting wants the right to delete as well. https://cloud.google.com/storage/docs/access-control/iam-permissions
  write: 'storage.objects.create',
  delete: 'storage.objects.delete',
}

/** Where Google signs, it is the account's own right that may lack (PM-18). */
const rightsOf = (isKeyless: boolean) => (isKeyless ? { ...rights, sign: 'iam.serviceAccounts.signBlob' } : rights)

/**
 * The Google Cloud Storage driver. Nothing is connected before the first call; `close()` ends all connections.
 *
 * Calls made: objects list, get, insert and delete; the token endpoint; for log-ins without a key `generateAccessToken` and `signBlob`. No others (PM-07).
 */
export function createGcsStorage(options: GcsOptions): Storage {
  return new GcsStorage(options)
}

class GcsStorage implements Storage {
  readonly provider = 'gcs'
  readonly can: Capabilities
  readonly #bucket: string
  readonly #addresses: GoogleAddresses
  readonly #isKeyless: boolean
  readonly #egress: Egress
  readonly #connections: Connections
  readonly #caller: Caller
  readonly #pages: PagePool
  readonly #tokens: TokenSource
  readonly #identity: SigningIdentity | null
  readonly #objects: GcsObjects

  constructor(options: GcsOptions) {
    const { bucket, login, storageClass } = options
    const connectionsMax = options.connectionsMax ?? 64
    const egress = options.egress ?? openEgress
    this.#bucket = bucket
    this.#addresses = googleAddresses(options.endpoint, options.standIn)
    const origin = this.#addresses.storage
    this.#connections = createConnections(origin, connectionsMax, egress)
    this.#caller = createCaller(egress, connectionsMax)
    this.#pages = new PagePool(Math.min(PAGES_KEPT_MAX, 2 * connectionsMax))
    const { tokens, identity, isKeyless } = openLogin(login, { caller: this.#caller, addresses: this.#addresses })
    this.#isKeyless = isKeyless
    this.#egress = egress
    this.#tokens = tokens
    this.#identity = identity
    this.#objects = new GcsObjects({ caller: this.#caller, tokens, origin, bucket, storageClass })
    this.can = {
      list_after: true,
      list_below: true,
      list_page_max: PAGE_MAX,
      list_order: 'utf8',
      read_range: true,
      write: true,
      // Google heeds conditions; of another that speaks its API nobody knows, and fake-gcs-server reads them over.
      write_if_absent: this.#addresses.isTrusted,
      write_if_match: false,
      remove_if_match: this.#addresses.isTrusted,
      remove_batch_max: 1000,
      sign_read: identity !== null,
      sign_write: identity !== null,
      sign_max_seconds: isKeyless ? KEYLESS_SECONDS : WEEK_SECONDS,
    }
  }

  async list(query: ListQuery): Promise<ListPage> {
    let { token } = query
    for (let pages = 1; ; pages++) {
      const page = await this.#authorizedPage({ ...query, token })
      if (page.count > 0 || page.prefixes.length > 0 || !page.isTruncated) {
        await this.#refuseShort(query, page)
        return page
      }
      page.release()
      if (pages === EMPTY_PAGES_MAX)
        throw this.#failure('invalid', 'list', 'The storage says that more follows, and gives nothing.')
      token = page.token
    }
  }

  async stat(key: Key, options?: { readonly signal?: AbortSignal | undefined }): Promise<Entry | null> {
    return this.#objects.stat(nameableKey(key, 'stat'), options)
  }

  async read(key: Key, options?: ReadOptions): Promise<Opened> {
    return this.#objects.read(nameableKey(key, 'read'), options)
  }

  async write(key: Key, body: Parameters<Storage['write']>[1], options: WriteOptions): Promise<Entry> {
    if (Buffer.isBuffer(body) && body.length !== options.sizeBytes) {
      throw this.#failure('invalid', 'write', 'The body is not as long as it was said to be.')
    }
    if (options.ifAbsent === true && !this.can.write_if_absent) {
      throw this.#failure('unsupported', 'write', 'This storage is not known to keep what is there.')
    }
    return this.#objects.write(nameableKey(key, 'write'), body, options)
  }

  async remove(keys: readonly Key[], options: RemoveOptions = {}): Promise<readonly RemoveOutcome[]> {
    if (keys.length > this.can.remove_batch_max) {
      throw this.#failure('unsupported', 'remove', 'Too many keys to remove at once.')
    }
    if (options.ifMatch !== undefined && (!this.can.remove_if_match || keys.length !== 1)) {
      throw this.#failure(
        'unsupported',
        'remove',
        'A removal of one version is of one key, where the storage heeds it.',
      )
    }
    for (const key of keys) nameableKey(key, 'remove')
    return this.#objects.remove(keys, options)
  }

  signRead(key: Key, options: SignReadOptions): SignedRequest | Promise<SignedRequest> {
    const { contentType, contentDisposition } = options
    const query: Record<string, string> = {}
    if (contentDisposition !== undefined) query['response-content-disposition'] = contentDisposition
    if (contentType !== undefined) query['response-content-type'] = contentType
    return this.#sign('GET', key, options.ttlSeconds, { query })
  }

  signWrite(key: Key, options: SignWriteOptions): SignedRequest | Promise<SignedRequest> {
    return this.#sign('PUT', key, options.ttlSeconds, { contentType: options.contentType })
  }

  check(options: CheckOptions): Promise<CheckReport> {
    const rights = rightsOf(this.#isKeyless)
    return checkStorage(this, options, { rights, egress: this.#egress, isOverwritingDeleting: true })
  }

  async close(): Promise<void> {
    this.#connections.close()
    this.#caller.close()
  }

  /**
   * Throws where more follows a full page that says it is the last. Google never does that; fake-gcs-server ends every listing at the largest page, and a
   * bucket would pass for a shorter one.
   */
  async #refuseShort({ prefix, delimiter, entriesMax, signal }: ListQuery, page: ListPage): Promise<void> {
    const isFull = entriesMax === undefined && delimiter === undefined && page.count >= PAGE_MAX - 1
    if (this.#addresses.isTrusted || page.isTruncated || !isFull || page.lastKey === null) return
    try {
      const next = await this.#authorizedPage({ prefix, after: page.lastKey, signal })
      const { count } = next
      next.release()
      if (count > 0)
        throw this.#failure('invalid', 'list', 'The storage says that nothing follows, and something does.')
    } catch (error) {
      page.release()
      throw error
    }
  }

  /** One page; once more with a new token where Google does not take the one at hand any more. */
  async #authorizedPage(query: ListQuery): Promise<ListPage> {
    for (let attempt = 1; ; attempt++) {
      const bearer = await this.#tokens.get({ op: 'list' }, query.signal)
      try {
        return await this.#page(query, bearer)
      } catch (error) {
        const isStale = error instanceof StorageError && error.kind === 'expired-credentials'
        if (!isStale || attempt === 2) throw error
        this.#tokens.forget(bearer)
      }
    }
  }

  async #page(query: ListQuery, bearer: string): Promise<ListPage> {
    let memory: PageMemory | undefined
    const take = () => {
      memory = this.#pages.take()
      return memory
    }
    try {
      const length = await getInto(take, {
        connections: this.#connections,
        target: `/storage/v1/b/${encodePart(this.#bucket)}/o?${this.#listQuery(query)}`,
        headers: { authorization: `Bearer ${bearer}` },
        signal: query.signal,
        where: { provider: 'gcs', op: 'list' },
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

  #listQuery({ token, delimiter, after, prefix, entriesMax = PAGE_MAX }: ListQuery): string {
    let text = `fields=${LIST_FIELDS}&maxResults=${Math.min(entriesMax, PAGE_MAX)}&prettyPrint=false&projection=noAcl`
    if (prefix !== '') text += `&prefix=${encodePart(prefix)}`
    if (delimiter !== undefined) text += `&delimiter=${encodePart(delimiter)}`
    // A token goes on where the page before ended; with both, `after` only serves to check the answer.
    if (token !== undefined) return `${text}&pageToken=${encodePart(token)}`
    return after === undefined || after.length === 0 ? text : `${text}&startOffset=${encodeBytes(after)}`
  }

  #sign(
    method: 'GET' | 'PUT',
    key: Key,
    seconds: number,
    more: { query?: Readonly<Record<string, string>>; contentType?: string | undefined },
  ): SignedRequest | Promise<SignedRequest> {
    const identity = this.#identity
    if (identity === null) {
      throw this.#failure('unsupported', 'sign', 'A log-in without a service account signs no addresses.')
    }
    nameableKey(key, method === 'GET' ? 'signRead' : 'signWrite')
    const nowMs = systemClock.now()
    const ttlSeconds = Math.max(1, Math.min(Math.floor(seconds), this.can.sign_max_seconds))
    const origin = this.#addresses.storage
    const url = presign(identity, { method, origin, bucket: this.#bucket, key, ttlSeconds, nowMs, ...more })
    const signed = (address: string): SignedRequest => ({
      url: address,
      headers: more.contentType === undefined ? {} : { 'content-type': more.contentType },
      // Signatures count from whole seconds.
      expiresAtMs: Math.floor(nowMs / 1000) * 1000 + ttlSeconds * 1000,
    })
    return typeof url === 'string' ? signed(url) : url.then(signed)
  }

  #failure(kind: StorageError['kind'], op: string, message: string): StorageError {
    return new StorageError(kind, message, { provider: 'gcs', op })
  }
}

/** A key that may be addressed and that Google lets be made: no line breaks, and not where certificates are asked for. https://cloud.google.com/storage/docs/objects#naming */
function nameableKey(key: Key, op: string): Key {
  const where = { provider: 'gcs', op } as const
  const named = addressableKey(key, where)
  if (!/[\r\n]/.test(named) && !named.startsWith('.well-known/acme-challenge/')) return named
  throw new StorageError('unaddressable', 'Cloud Storage takes no object of this name.', where)
}
