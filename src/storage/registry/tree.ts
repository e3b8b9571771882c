import type { SkipReason } from '#contract/skip-reasons.ts'
import { type Artifact, Artifacts, nullIfUnknown } from './artifacts.ts'
import type { RegistryClient } from './client.ts'
import { registryError } from './failures.ts'
import type { Part } from './manifest.ts'

/** Something with a key; either a part of an artifact or what is skipped. */
export interface TreeEntry {
  readonly key: Buffer
  readonly part: Part | null
  readonly skippedFor: SkipReason | null
}

/** How long lists of names serve the later pages of a listing; its first page always asks anew. */
const LISTS_MS = 5 * 60_000
/** Tags that are read ahead of the one whose files are being given. */
export const READ_AHEAD = 8

interface Names {
  readonly names: readonly string[]
  readonly atMs: number
}

/** What one page asks for. */
export interface TreeQuery {
  readonly prefix: Buffer
  /** Whether it goes on where another page ended, so that lists which that page asked for will do. */
  readonly isLater: boolean
  /** Most tags to read ahead: no more than entries are wanted. */
  readonly readAheadMax: number
  readonly signal: AbortSignal | undefined
}

/** The registry as a tree of folders: repositories, their tags, and what those hold; in the order of the keys' bytes. */
export class RegistryTree {
  readonly #client: RegistryClient
  readonly #artifacts: Artifacts
  readonly #named: readonly string[]
  readonly #fallback: string | null
  readonly #now: () => number
  #catalog: Names | undefined
  #isCatalogRefused = false
  readonly #tags = new Map<string, Names>()

  constructor(
    client: RegistryClient,
    options: {
      /** The only repositories there are to be; empty: those of the catalog. */
      readonly named: readonly string[]
      /** The repository to look at where the registry gives no catalog; null: none. */
      readonly fallback: string | null
      readonly now: () => number
    },
  ) {
    this.#client = client
    this.#artifacts = new Artifacts(client)
    this.#named = options.named
    this.#fallback = options.fallback
    this.#now = options.now
  }

  /** Whether a repository belongs to the driver at all. */
  has(repository: string): boolean {
    return this.#named.length === 0 || this.#named.includes(repository)
  }

  /** What a tag holds; null where it does not exist. */
  async artifact(repository: string, tag: string, signal: AbortSignal | undefined): Promise<Artifact | null> {
    return this.has(repository) ? this.#artifacts.read(repository, tag, signal) : null
  }

  /** Everything at or after a key. */
  async *from(start: Buffer, query: TreeQuery): AsyncGenerator<TreeEntry> {
    if (!query.isLater) this.#tags.clear()
    yield* this.#folder({ path: '', repositories: await this.#repositories(query), artifact: null }, start, query)
  }

  async *#folder({ path, repositories, artifact }: Folder, start: Buffer, query: TreeQuery): AsyncGenerator<TreeEntry> {
    const repository = path.slice(0, -1)
    const tags = repositories.includes(repository) ? await this.#tagsOf(repository, query) : new Set<string>()
    const below = partsBelow(path, repositories)
    const folders = new Set([...tags, ...below.keys()])
    const reading = new Map<string, Promise<Artifact | null>>()
    const nodes = nodesOf(path, folders, artifact).filter(({ key, entry }) =>
      isWanted(key, entry === null, start, query),
    )
    const tagsAhead = nodes.flatMap(({ name }) => (tags.has(name) ? [name] : []))
    for (const { key, name, entry } of nodes) {
      if (entry !== null) {
        yield entry
        continue
      }
      const place = tagsAhead.indexOf(name)
      if (place !== -1) {
        for (const ahead of tagsAhead.slice(place, place + query.readAheadMax)) {
          if (reading.has(ahead)) continue
          const promise = this.#artifacts.read(repository, ahead, query.signal)
          promise.catch(() => {})
          reading.set(ahead, promise)
        }
      }
      const held = place === -1 ? null : await reading.get(name)!
      reading.delete(name)
      yield* this.#folder({ path: key.toString(), repositories: below.get(name) ?? [], artifact: held }, start, query)
    }
  }

  async #repositories(query: TreeQuery): Promise<readonly string[]> {
    if (this.#named.length > 0) return this.#named
    const known = this.#catalog
    if (query.isLater && known !== undefined && this.#now() - known.atMs < LISTS_MS) return known.names
    const names = await this.#client.repositories({ signal: query.signal }).catch((error: unknown) => {
      const kind = (error as { kind?: string }).kind
      // These are the ways in which registries say that there is no catalog, or none for these credentials.
      const isRefusal =
        kind === 'forbidden' ||
        kind === 'unsupported' ||
        kind === 'unknown-bucket' ||
        kind === 'bad-credentials' ||
        kind === 'not-a-storage'
      if (!isRefusal) throw error
      return this.#withoutCatalog(error)
    })
    this.#catalog = { names, atMs: this.#now() }
    return names
  }

  /** Without a catalog the folder may be a repository; otherwise somebody has to say which there are. */
  async #withoutCatalog(refusal: unknown): Promise<string[]> {
    // Whether it is the catalog alone that is refused, or everything.
    await this.#client.ping()
    this.#isCatalogRefused = true
    if (this.#fallback !== null) return [this.#fallback]
    const message =
      'This registry does not list its repositories to these credentials; name them in the driver (repositories).'
    throw registryError('forbidden', { op: 'list' }, { message, cause: refusal })
  }

  async #tagsOf(repository: string, query: TreeQuery): Promise<ReadonlySet<string>> {
    const known = this.#tags.get(repository)
    if (query.isLater && known !== undefined && this.#now() - known.atMs < LISTS_MS) return new Set(known.names)
    const asked = this.#client.tags(repository, { signal: query.signal })
    // In a catalog may also stand what has no tags any more; a repository that somebody named has to be there.
    const isNamed = this.#named.length > 0 || this.#isCatalogRefused
    const names = isNamed ? await asked : ((await asked.catch(nullIfUnknown)) ?? [])
    this.#tags.set(repository, { names, atMs: this.#now() })
    return new Set(names)
  }
}

interface Folder {
  /** Empty, or with a slash at the end. */
  readonly path: string
  /** Those in it, itself included. */
  readonly repositories: readonly string[]
  /** What it holds as a tag of the repository above it. */
  readonly artifact: Artifact | null
}

interface Node {
  readonly key: Buffer
  readonly name: string
  /** Null: a folder. */
  readonly entry: TreeEntry | null
}

/** Files and folders in one folder, in the order of their keys: a folder stands where its slash does. */
function nodesOf(path: string, folders: ReadonlySet<string>, artifact: Artifact | null): Node[] {
  const nodes: Node[] = []
  for (const name of folders) nodes.push({ key: Buffer.from(`${path}${name}/`), name, entry: null })
  for (const part of artifact?.parts ?? []) {
    const key = Buffer.from(path + part.file)
    nodes.push({ key, name: part.file, entry: { key, part, skippedFor: null } })
  }
  for (const { file, reason } of artifact?.skipped ?? []) {
    const key = Buffer.from(path + file)
    nodes.push({ key, name: file, entry: { key, part: null, skippedFor: reason } })
  }
  return nodes.sort((a, b) => Buffer.compare(a.key, b.key))
}

/** Whether a key, or something in a folder, can be at or after the start and in the prefix. */
function isWanted(key: Buffer, isFolder: boolean, start: Buffer, { prefix }: TreeQuery): boolean {
  if (key.compare(start) < 0 && !(isFolder && startsWith(start, key))) return false
  return startsWith(key, prefix) || (isFolder && startsWith(prefix, key))
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}

/** The next path part of every repository below a path, with the repositories it leads to. */
function partsBelow(path: string, repositories: readonly string[]): Map<string, string[]> {
  const parts = new Map<string, string[]>()
  for (const repository of repositories) {
    if (!repository.startsWith(path)) continue
    const slash = repository.indexOf('/', path.length)
    const part = repository.slice(path.length, slash === -1 ? undefined : slash)
    const same = parts.get(part)
    if (same === undefined) parts.set(part, [repository])
    else same.push(repository)
  }
  return parts
}
