import type { KeyObject } from 'node:crypto'
import { systemClock } from '#lib/clock.ts'
import { checkStorage } from '../check.ts'
import { type Egress, openEgress } from '../egress.ts'
import { type Connections, createConnections, getInto } from '../http/http.ts'
import { type PageMemory, PagePool } from '../http/page-memory.ts'
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
  Storage,
  WriteOptions,
} from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { type AccountAddress, accountAddress, pathOf } from './address.ts'
import { type Authorizer, authorizerOf } from './authorize.ts'
import type { AzureCredentials } from './credentials.ts'
import { Delegation } from './delegation.ts'
import { listFailure } from './errors.ts'
import { openBlobPage } from './list-page.ts'
import { azureKey } from './names.ts'
import { BlobObjects } from './objects.ts'
import { type SasKey, signedBlobUrl, signingKeyOf } from './sas.ts'
import { TokenSource } from './tokens.ts'

/** A container of an Azure storage account, flat or hierarchical, with one set of credentials. */
export interface AzureOptions {
  readonly account: string
  readonly container: string
  /** `http(s)://host[:port]` of another cloud, or of something that speaks like Azure; the public cloud's own unless said. */
  readonly endpoint?: string | undefined
  readonly credentials: AzureCredentials
  /** Access tier of what is written; the account's default unless said. */
  readonly tier?: string | undefined
  /** Most requests at once; 16 unless said. */
  readonly connectionsMax?: number | undefined
  /** Streams longer than this are sent in blocks; 256 MiB unless said. */
  readonly oneRequestBytesMax?: number | undefined
  /** What connections go through; nothing is guarded unless given. */
  readonly egress?: Egress | undefined
}

const capabilities: Capabilities = {
  // Azure's own place to begin at (`startFrom`) is young and its order is not that of bytes: a listing begins at the beginning, or at a live marker.
  list_after: false,
  list_below: true,
  list_page_max: 5000,
  list_order: 'none',
  read_range: true,
  write: true,
  write_if_absent: true,
  write_if_match: false,
  remove_if_match: true,
  remove_batch_max: 256,
  sign_read: true,
  // A signature binds neither type nor length of what is uploaded, so none is given out.
  sign_write: false,
  sign_max_seconds: 7 * 24 * 3600,
}

/** Longest life of an address signed by a key that was given for a day. */
const DELEGATED_SECONDS_MAX = 22 * 3600
/** Pages whose memory waits to be used again; a walk has two at once. */
const PAGES_KEPT_MAX = 4

const roles = {
  list: 'the role “Storage Blob Data Reader”',
  read: 'the role “Storage Blob Data Reader”',
  write: 'the role “Storage Blob Data Contributor”',
  delete: 'the role “Storage Blob Data Contributor”',
  sign: 'the action generateUserDelegationKey (in the role “Storage Blob Delegator” on the storage account)',
}
const sasRights = {
  list: 'the permission List (l) on the container',
  read: 'the permission Read (r)',
  write: 'the permissions Write (w) and Create (c)',
  delete: 'the permission Delete (d)',
}

/**
 * The driver of Azure Blob Storage and Data Lake Storage Gen2. Nothing is connected before the first call; `close()` ends all connections.
 *
 * Directories of hierarchical accounts are listed as markers: without bytes, with a slash at the end.
 * Calls made: List Blobs, Get Blob, Get Blob Properties, Put Blob, Put Block and Put Block List, Delete Blob, Get User Delegation Key, and a log-in at
 * Entra; no others (PM-07).
 */
export function createAzureStorage(options: AzureOptions): Storage {
  return new AzureStorage(options)
}

class AzureStorage implements Storage {
  readonly provider = 'azure'
  readonly can: Capabilities
  readonly #container: string
  readonly #address: AccountAddress
  readonly #credentials: AzureCredentials
  readonly #authorizer: Authorizer
  readonly #accountKey: KeyObject | undefined
  readonly #delegation: Delegation | undefined
  readonly #connections: Connections
  readonly #pages = new PagePool(PAGES_KEPT_MAX)
  readonly #objects: BlobObjects
  readonly #egress: Egress
  #pageMax = capabilities.list_page_max

  constructor(options: AzureOptions) {
    const { account, container, credentials, tier } = options
    const connectionsMax = options.connectionsMax ?? 16
    this.#egress = options.egress ?? openEgress
    this.#container = container
    this.#credentials = credentials
    this.#address = accountAddress(account, options.endpoint)
    const tokens = credentials.kind === 'token' ? new TokenSource(credentials.login, this.#egress) : undefined
    this.#authorizer = authorizerOf(this.#address, credentials, tokens)
    this.#connections = createConnections(this.#address.origin, connectionsMax, this.#egress)
    this.#objects = new BlobObjects({
      address: this.#address,
      container,
      credentials,
      tokens,
      tier,
      connectionsMax,
      egress: this.#egress,
      oneRequestBytesMax: options.oneRequestBytesMax,
    })
    if (credentials.kind === 'account-key') this.#accountKey = signingKeyOf(credentials.accountKey.reveal())
    if (credentials.kind === 'token') this.#delegation = new Delegation(this.#objects)
    this.can = {
      ...capabilities,
      sign_read: credentials.kind !== 'sas',
      sign_max_seconds: credentials.kind === 'token' ? DELEGATED_SECONDS_MAX : capabilities.sign_max_seconds,
    }
  }

  async list(query: ListQuery): Promise<ListPage> {
    if (query.after !== undefined) throw this.#unsupported('list', 'A listing of Azure cannot begin behind a key.')
    try {
      return await this.#listPage(query, this.#pageMax)
    } catch (error) {
      // Blobs may carry 8 KiB of metadata each: a page of 5,000 of them is more than is ever read at once.
      const isTooLarge = error instanceof StorageError && error.facts.providerCode === 'AnswerTooLarge'
      if (!isTooLarge || this.#pageMax === PAGE_SMALL) throw error
      this.#pageMax = PAGE_SMALL
      return this.#listPage(query, PAGE_SMALL)
    }
  }

  async stat(key: Key, options?: { readonly signal?: AbortSignal | undefined }): Promise<Entry | null> {
    return this.#objects.stat(azureKey(key, 'stat'), options)
  }

  async read(key: Key, options?: ReadOptions): Promise<Opened> {
    return this.#objects.read(azureKey(key, 'read'), options)
  }

  async write(key: Key, body: Parameters<Storage['write']>[1], options: WriteOptions): Promise<Entry> {
    return this.#objects.write(azureKey(key, 'write'), body, options)
  }

  async remove(keys: readonly Key[], options?: RemoveOptions): Promise<readonly RemoveOutcome[]> {
    if (keys.length > capabilities.remove_batch_max) {
      throw this.#unsupported('remove', 'Too many keys to remove at once.')
    }
    for (const key of keys) azureKey(key, 'remove')
    return this.#objects.remove(keys, options)
  }

  async signRead(key: Key, options: SignReadOptions): Promise<SignedRequest> {
    if (!this.can.sign_read) {
      throw this.#unsupported('signRead', 'A shared access signature cannot sign addresses of its own.')
    }
    const name = azureKey(key, 'signRead')
    const nowMs = systemClock.now()
    const ttlSeconds = Math.max(1, Math.min(Math.floor(options.ttlSeconds), this.can.sign_max_seconds))
    const expiresAtMs = Math.floor(nowMs / 1000) * 1000 + ttlSeconds * 1000
    const sasKey: SasKey =
      this.#accountKey === undefined
        ? { delegation: await this.#delegation!.keyUntil(expiresAtMs) }
        : { accountKey: this.#accountKey }
    const { contentType, contentDisposition } = options
    const address = this.#address
    const url = signedBlobUrl(
      { address, container: this.#container, key: name, expiresAtMs, contentType, contentDisposition },
      sasKey,
    )
    return { url, headers: {}, expiresAtMs }
  }

  async signWrite(): Promise<SignedRequest> {
    throw this.#unsupported('signWrite', 'Azure binds neither type nor length of an upload to a signed address.')
  }

  check(options: CheckOptions): Promise<CheckReport> {
    const rights = this.#credentials.kind === 'sas' ? sasRights : roles
    return checkStorage(this, options, { rights, egress: this.#egress })
  }

  async close(): Promise<void> {
    this.#connections.close()
    this.#objects.close()
  }

  async #listPage(query: ListQuery, pageMax: number): Promise<ListPage> {
    let memory: PageMemory | undefined
    const take = () => {
      memory = this.#pages.take()
      return memory
    }
    const where = { provider: 'azure', op: 'list' } as const
    try {
      if (query.signal?.aborted) throw new StorageError('aborted', 'The work was stopped.', where)
      const path = pathOf(this.#address, this.#container)
      const { target, told, headers } = await this.#authorizer.authorize({
        path,
        parameters: listParameters(query, pageMax),
      })
      const length = await getInto(take, {
        connections: this.#connections,
        target,
        told,
        headers,
        signal: query.signal,
        where,
        explain: listFailure,
      })
      const question = {
        container: this.#container,
        prefix: Buffer.from(query.prefix),
        token: query.token,
        isDelimited: query.delimiter !== undefined,
      }
      return openBlobPage(memory!, length, question, (given) => this.#pages.give(given))
    } catch (error) {
      if (memory) this.#pages.give(memory)
      throw error
    }
  }

  #unsupported(op: string, message: string): StorageError {
    return new StorageError('unsupported', message, { provider: 'azure', op })
  }
}

/** Blobs of a page where those of full pages are too large to be read. */
const PAGE_SMALL = 1000

/** Sorted by name, as the signature wants it. Metadata is asked for because only it tells the folders that some tools make in flat accounts. */
function listParameters(query: ListQuery, pageMax: number): [string, string][] {
  const { token, delimiter, prefix } = query
  const parameters: [string, string][] = [['comp', 'list']]
  if (delimiter !== undefined) parameters.push(['delimiter', delimiter])
  parameters.push(['include', 'metadata'])
  if (token !== undefined) parameters.push(['marker', token])
  parameters.push(['maxresults', String(Math.min(query.entriesMax ?? pageMax, pageMax))])
  if (prefix !== '') parameters.push(['prefix', prefix])
  parameters.push(['restype', 'container'])
  return parameters
}
