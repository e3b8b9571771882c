import { Readable } from 'node:stream'
import type { Secret } from '#lib/secret.ts'
import { type Egress, openEgress } from '../egress.ts'
import { type ListedObject, pageOf, selectPage } from '../entry-page.ts'
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
  SkippedEntry,
  Storage,
} from '../port.ts'
import { checkRegistry } from './check.ts'
import { RegistryClient } from './client.ts'
import { type EcrKey, ecrAccounts } from './ecr.ts'
import { Exchanger } from './exchange.ts'
import { registryError, toRegistryError, toTimedError } from './failures.ts'
import type { AllowedRealm } from './hosts.ts'
import { type AccountSource, Login } from './login.ts'
import type { Part } from './manifest.ts'
import { addressOf } from './names.ts'
import { READ_AHEAD, RegistryTree } from './tree.ts'

/** Who logs in to a registry: user and password, or an AWS key from which those are made. */
export type RegistryAccount =
  | { readonly kind: 'password'; readonly username: string; readonly password: Secret }
  | { readonly kind: 'ecr'; readonly key: EcrKey }

/** How a registry is reached. */
export interface RegistryConnection {
  /** `http(s)://host[:port]`, as `registryOrigin` gives it. */
  readonly origin: string
  /** Null: nobody logs in. */
  readonly account: RegistryAccount | null
  /** Token services besides the known ones, by the operator's choice. */
  readonly allowedRealms?: readonly AllowedRealm[] | undefined
  /** What connections go through; nothing is guarded unless given. */
  readonly egress?: Egress | undefined
}

/** A registry, or some repositories of it. */
export interface RegistryOptions extends RegistryConnection {
  /** The only repositories there are to be; empty: all that the registry lists. */
  readonly repositories: readonly string[]
}

const CONNECTIONS_MAX = 16

const capabilities: Capabilities = {
  list_after: true,
  // Below a folder nothing is cheaper to ask for, and a single key is cheaper to look at than to list.
  list_below: false,
  list_page_max: 1000,
  list_order: 'utf8',
  read_range: true,
  write: false,
  write_if_absent: false,
  write_if_match: false,
  remove_if_match: false,
  remove_batch_max: 0,
  sign_read: false,
  sign_write: false,
  sign_max_seconds: 0,
}

/**
 * The driver of container registries (OCI distribution), to read from: `<repository>/<tag>/` is a folder, in which every manifest and blob that the tag leads to
 * is a file with its digest as etag. Nothing is connected before the first call; nothing is ever written, removed or signed.
 */
export function createRegistryStorage(options: RegistryOptions): Storage {
  return new RegistryStorage(options)
}

/** Longest trial of one registry, so that its caller gets a reason before the SDK gives up (120 s). */
const TRY_MS = 20_000

/** Does a registry's handshake, for trying credentials (RG-10); resolves when it accepts them, throws what is wrong otherwise. */
export async function tryRegistry(connection: RegistryConnection, longestMs = TRY_MS): Promise<void> {
  const { client, exchanger } = connect(connection)
  const clock = AbortSignal.timeout(longestMs)
  try {
    await client.ping({ signal: clock })
  } catch (error) {
    throw toTimedError(error, { op: 'login' }, clock)
  } finally {
    exchanger.close()
  }
}

/** User and password that pull from a registry now: those of the account, or the ones AWS makes for a key. For docker configurations. */
export async function pullingAccount(
  account: RegistryAccount,
  egress: Egress,
): Promise<{ readonly username: string; readonly password: Secret }> {
  const exchanger = new Exchanger(egress, 1)
  try {
    const found = await accountsOf(account, exchanger).get()
    if (found === null) throw registryError('bad-credentials', { op: 'login' })
    return found
  } finally {
    exchanger.close()
  }
}

function connect({ origin, account, allowedRealms = [], egress = openEgress }: RegistryConnection) {
  const url = new URL(origin)
  const exchanger = new Exchanger(egress, CONNECTIONS_MAX)
  const login = new Login({ origin: url, accounts: accountsOf(account, exchanger), allowedRealms, exchanger })
  return { client: new RegistryClient(url, login, exchanger), exchanger }
}

function accountsOf(account: RegistryAccount | null, exchanger: Exchanger): AccountSource {
  if (account?.kind === 'ecr') return ecrAccounts(account.key, exchanger)
  return { get: async () => account, renew: () => false }
}

type Signalled = { readonly signal?: AbortSignal | undefined }

class RegistryStorage implements Storage {
  readonly provider = 'registry'
  readonly can = capabilities
  readonly #client: RegistryClient
  readonly #exchanger: Exchanger
  readonly #tree: RegistryTree

  constructor(options: RegistryOptions) {
    const { client, exchanger } = connect(options)
    this.#client = client
    this.#exchanger = exchanger
    this.#tree = new RegistryTree(client, options.repositories)
  }

  async list(query: ListQuery): Promise<ListPage> {
    const pageMax = Math.min(query.entriesMax ?? capabilities.list_page_max, capabilities.list_page_max)
    const prefix = Buffer.from(query.prefix)
    const treeQuery = { prefix, readAheadMax: Math.min(READ_AHEAD, pageMax), signal: query.signal }
    try {
      query.signal?.throwIfAborted()
      const skipped: SkippedEntry[] = []
      for (let asked = query; ; ) {
        const selection = await selectPage(asked, pageMax, (start) => this.#tree.from(start, treeQuery))
        const objects: ListedObject[] = []
        for (const { key, part, skippedFor } of selection.found) {
          if (part !== null)
            objects.push({ key, etag: part.digest, sizeBytes: part.sizeBytes, modifiedMs: part.modifiedMs })
          if (skippedFor !== null) skipped.push({ key, reason: skippedFor })
        }
        const isEmpty = objects.length === 0 && selection.prefixes.length === 0
        // A page of nothing with more behind it would look like a storage gone wrong: look further instead.
        if (!isEmpty || selection.token === undefined) return pageOf(objects, selection, skipped)
        asked = { ...asked, token: selection.token }
      }
    } catch (error) {
      throw toRegistryError(error, { op: 'list' }, query.signal)
    }
  }

  async stat(key: Key, { signal }: Signalled = {}): Promise<Entry | null> {
    const found = await this.#find(key, 'stat', signal)
    return found === null ? null : entryOf(key, found.part)
  }

  async read(key: Key, { range, ifMatch, signal }: ReadOptions = {}): Promise<Opened> {
    const where = { op: 'read', key }
    const found = await this.#find(key, 'read', signal)
    if (found === null) throw registryError('not-found', where)
    const { part, repository } = found
    const { digest, sizeBytes, bytes } = part
    if (ifMatch !== undefined && ifMatch !== digest) throw registryError('precondition-failed', where)
    const start = range?.start ?? 0
    const end = Math.min(range?.end ?? sizeBytes - 1, sizeBytes - 1)
    if (start > 0 && start >= sizeBytes) {
      throw registryError('invalid', where, { message: 'The range begins behind the end of the blob.' })
    }
    const entry = entryOf(key, part)
    if (bytes !== null || sizeBytes === 0) {
      const body = (bytes ?? Buffer.alloc(0)).subarray(start, end + 1)
      return { entry, body: Readable.from(body.length === 0 ? [] : [body]), bodyBytes: body.length }
    }
    const isWhole = start === 0 && end === sizeBytes - 1
    const opened = await this.#client.blob(repository, part, {
      key,
      signal,
      range: isWhole ? undefined : { start, end },
    })
    return { entry, ...opened }
  }

  async write(key: Key): Promise<never> {
    addressableKey(key, { provider: 'registry', op: 'write' })
    throw readOnly('write', 'takes no files')
  }

  async remove(keys: readonly Key[]): Promise<never> {
    for (const key of keys) addressableKey(key, { provider: 'registry', op: 'remove' })
    throw readOnly('remove', 'deletes nothing')
  }

  signRead(): never {
    throw readOnly('signRead', 'signs no addresses; the server streams its files')
  }

  signWrite(): never {
    throw readOnly('signWrite', 'takes no files')
  }

  check(options: CheckOptions): Promise<CheckReport> {
    return checkRegistry(this, this.#client, options)
  }

  async close(): Promise<void> {
    this.#exchanger.close()
  }

  /** The part a key stands for, looked up anew: tags move. */
  async #find(
    key: Key,
    op: string,
    signal: AbortSignal | undefined,
  ): Promise<{ part: Part; repository: string } | null> {
    const address = addressOf(addressableKey(key, { provider: 'registry', op }))
    try {
      signal?.throwIfAborted()
      if (address === null) return null
      const { repository, tag, file } = address
      const artifact = await this.#tree.artifact(repository, tag, signal)
      const part = artifact?.parts.find((one) => one.file === file)
      return part === undefined ? null : { part, repository }
    } catch (error) {
      throw toRegistryError(error, { op, key }, signal)
    }
  }
}

function entryOf(key: Key, { digest, sizeBytes, modifiedMs, mediaType }: Part): Entry {
  return { key, sizeBytes, etag: digest, modifiedMs, contentType: mediaType }
}

function readOnly(op: string, what: string) {
  return registryError('unsupported', { op }, { message: `A registry is read only here: it ${what}.` })
}
