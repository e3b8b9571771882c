import type { SkipReason } from '#contract/skip-reasons.ts'
import { StorageError, type StorageErrorKind } from '../storage-error.ts'
import { type Artifact, nullIfUnknown, readArtifact } from './artifacts.ts'
import type { RegistryClient } from './client.ts'
import { registryError } from './failures.ts'
import type { Part } from './manifest.ts'

/** Something with a key; either a part of an artifact or what is skipped. */
export interface TreeEntry {
  readonly key: Buffer
  readonly part: Part | null
  readonly skippedFor: SkipReason | null
}

/** Tags that are read ahead of the one whose files are being given. */
export const READ_AHEAD = 8

/** What one page asks for. */
export interface TreeQuery {
  readonly prefix: Buffer
  /** Most tags to read ahead: no more than entries are wanted. */
  readonly readAheadMax: number
  readonly signal: AbortSignal | undefined
}

/** The names that one page has asked the registry for. */
interface PageNames {
  readonly repositories: readonly string[]
  /** Whether each of them has to be there, because somebody named it. */
  readonly isNamed: boolean
}

/** The ways in which registries say that they give no catalog, or none to these credentials. */
const catalogRefusals: ReadonlySet<StorageErrorKind> = new Set([
  'forbidden',
  'unsupported',
  'unknown-bucket',
  'bad-credentials',
  'not-a-storage',
])

/**
 * The registry as a tree of folders: repositories, their tags, and what those hold; in the order of the keys' bytes.
 *
 * Every page asks anew for the lists it needs: what it says about a key, its silence included, must have been true after it was asked for (D12).
 */
export class RegistryTree {
  readonly #client: RegistryClient
  readonly #named: readonly string[]

  /** `named`: the only repositories there are to be; empty: those of the catalog. */
  constructor(client: RegistryClient, named: readonly string[]) {
    this.#client = client
    this.#named = named
  }

  /** What a tag holds; null where it does not exist, or its repository is none of the driver's. */
  async artifact(repository: string, tag: string, signal: AbortSignal | undefined): Promise<Artifact | null> {
    const isOurs = this.#named.length === 0 || this.#named.includes(repository)
    return isOurs ? readArtifact(this.#client, { repository, tag }, signal) : null
  }

  /** Everything at or after a key; of what is behind the prefix nothing is asked. */
  async *from(start: Buffer, query: TreeQuery): AsyncGenerator<TreeEntry> {
    const names = await this.#names(query.signal)
    const root = { path: '', repositories: names.repositories, artifact: null }
    yield* new Descent(this.#client, start, query, names.isNamed).folder(root)
  }

  async #names(signal: AbortSignal | undefined): Promise<PageNames> {
    if (this.#named.length > 0) return { repositories: this.#named, isNamed: true }
    try {
      return { repositories: await this.#client.repositories({ signal }), isNamed: false }
    } catch (error) {
      if (!(error instanceof StorageError && catalogRefusals.has(error.kind))) throw error
      // Whether it is the catalog alone that is refused, or everything. Nothing else takes its place: what was seen with it would look gone without.
      await this.#client.ping({ signal })
      const message =
        'This registry does not list its repositories to these credentials; name them in the driver (repositories).'
      throw registryError('forbidden', { op: 'list' }, { message, cause: error })
    }
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

/** One way down the tree, from one key on. */
class Descent {
  readonly #client: RegistryClient
  readonly #start: Buffer
  readonly #query: TreeQuery
  readonly #isNamed: boolean

  constructor(client: RegistryClient, start: Buffer, query: TreeQuery, isNamed: boolean) {
    this.#client = client
    this.#start = start
    this.#query = query
    this.#isNamed = isNamed
  }

  async *folder({ path, repositories, artifact }: Folder): AsyncGenerator<TreeEntry> {
    const repository = path.slice(0, -1)
    const tags = repositories.includes(repository) ? await this.#tagsOf(repository) : new Set<string>()
    const below = partsBelow(path, repositories)
    // Names of repositories and tags are ASCII, where the order of characters is that of bytes.
    const folders = Array.from(new Set([...tags, ...below.keys()]), (name) => `${name}/`).sort()
    const first = folders.findIndex((name) => this.#isWanted(Buffer.from(path + name), true))
    const files = filesOf(path, artifact).filter(({ key }) => this.#isWanted(key, false))
    const reading = new Map<string, Promise<Artifact | null>>()
    for (let at = first === -1 ? folders.length : first; at < folders.length; at++) {
      const name = folders[at]!.slice(0, -1)
      const key = Buffer.from(`${path}${name}/`)
      // A folder stands among the files where its slash does.
      while (files.length > 0 && Buffer.compare(files[0]!.key, key) < 0) yield files.shift()!
      if (!this.#isWanted(key, true)) break
      if (tags.has(name)) this.#readAhead(repository, folders, at, tags, reading)
      const held = (await reading.get(name)) ?? null
      reading.delete(name)
      yield* this.folder({ path: key.toString(), repositories: below.get(name) ?? [], artifact: held })
    }
    yield* files
  }

  #readAhead(
    repository: string,
    folders: readonly string[],
    at: number,
    tags: ReadonlySet<string>,
    reading: Map<string, Promise<Artifact | null>>,
  ): void {
    for (const folder of folders.slice(at, at + this.#query.readAheadMax)) {
      const name = folder.slice(0, -1)
      if (!tags.has(name) || reading.has(name) || !this.#isWanted(Buffer.from(`${repository}/${name}/`), true)) continue
      const promise = readArtifact(this.#client, { repository, tag: name }, this.#query.signal)
      // It may never be waited for, when the page is full before.
      promise.catch(() => {})
      reading.set(name, promise)
    }
  }

  async #tagsOf(repository: string): Promise<ReadonlySet<string>> {
    const asked = this.#client.tags(repository, { signal: this.#query.signal })
    // A repository that somebody named has to be there.
    if (this.#isNamed) return new Set(await asked)
    return new Set((await asked.catch((error: unknown) => nullIfUntagged(error, repository))) ?? [])
  }

  /** Whether a key, or something in a folder, can be at or after the start and in the prefix. */
  #isWanted(key: Buffer, isFolder: boolean): boolean {
    const { prefix } = this.#query
    if (key.compare(this.#start) < 0 && !(isFolder && startsWith(this.#start, key))) return false
    return startsWith(key, prefix) || (isFolder && startsWith(prefix, key))
  }
}

/** In a catalog may also stand what has no tags any more. What it lists and denies must not look like nothing. */
function nullIfUntagged(error: unknown, repository: string): null {
  if (!(error instanceof StorageError) || error.kind !== 'forbidden') return nullIfUnknown(error)
  const message = `The registry lists ${repository} and denies it to these credentials; name the repositories to take in the driver (repositories).`
  throw registryError('forbidden', { op: 'list', key: repository }, { message, cause: error })
}

function filesOf(path: string, artifact: Artifact | null): TreeEntry[] {
  if (artifact === null) return []
  const parts = artifact.parts.map((part) => ({ key: Buffer.from(path + part.file), part, skippedFor: null }))
  const skipped = artifact.skipped.map(({ file, reason }) => ({
    key: Buffer.from(path + file),
    part: null,
    skippedFor: reason,
  }))
  return [...parts, ...skipped].sort((a, b) => Buffer.compare(a.key, b.key))
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
