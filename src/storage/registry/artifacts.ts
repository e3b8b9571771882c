import { StorageError } from '../storage-error.ts'
import type { RegistryClient } from './client.ts'
import type { Descriptor, Manifest, Part } from './manifest.ts'
import { PartNames } from './manifest.ts'
import { digestName, MANIFEST, MANIFEST_ENDING } from './names.ts'

/** What a tag holds: every manifest and blob it leads to, each once, in the order of their names' bytes. */
export interface Artifact {
  readonly parts: readonly Part[]
  /** Files of it that are no part of the registry, and why. */
  readonly skipped: readonly { readonly file: string; readonly reason: 'foreign-layer' | 'artifact-incomplete' }[]
}

/** Most manifests of one tag, its own included; an index has one for each platform, and as many attestations. */
const MANIFESTS_MAX = 1_000
/** How deep indexes may lie in indexes. */
const DEPTH_MAX = 4
/** Manifests of one index that are fetched at once. */
const FETCHED_AT_ONCE = 8
/** Verified manifests that are kept, by bytes: what a digest stands for never changes. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024

/** Reads what tags hold. */
export class Artifacts {
  readonly #client: RegistryClient
  readonly #kept = new Map<string, Manifest>()
  #keptBytes = 0

  constructor(client: RegistryClient) {
    this.#client = client
  }

  /** What a tag holds now; null where there is no such tag or repository, said by the registry in so many words. */
  async read(repository: string, tag: string, signal: AbortSignal | undefined): Promise<Artifact | null> {
    const root = await this.#client.manifest(repository, tag, { signal }).catch(nullIfUnknown)
    if (root === null) return null
    const gathering = new Gathering(root)
    let level: readonly Descriptor[] = root.manifests
    for (let depth = 1; level.length > 0; depth++) {
      const wanted = level.filter((one) => gathering.wants(one, depth))
      const found: Descriptor[] = []
      for (let at = 0; at < wanted.length; at += FETCHED_AT_ONCE) {
        const some = wanted.slice(at, at + FETCHED_AT_ONCE)
        const manifests = await Promise.all(some.map((one) => this.#byDigest(repository, one, signal)))
        for (const [i, manifest] of manifests.entries()) found.push(...gathering.add(some[i]!, manifest))
      }
      level = found
    }
    return gathering.artifact()
  }

  /** Null where the registry does not have it: an index may name more than was ever pushed. */
  async #byDigest(
    repository: string,
    { digest }: Descriptor,
    signal: AbortSignal | undefined,
  ): Promise<Manifest | null> {
    // Of one repository only: who may read one need not be allowed to read another.
    const key = `${repository}@${digest}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const manifest = await this.#client.manifest(repository, digest, { signal }).catch(nullIfUnknown)
    if (manifest === null) return null
    this.#kept.set(key, manifest)
    this.#keptBytes += manifest.bytes.length
    for (const [oldKey, old] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES_MAX) break
      this.#kept.delete(oldKey)
      this.#keptBytes -= old.bytes.length
    }
    return manifest
  }
}

/** Collects the parts of one tag. */
class Gathering {
  readonly #names = new PartNames()
  readonly #parts: Part[] = []
  readonly #skipped: Artifact['skipped'][number][] = []
  readonly #createdMs: number
  #manifests = 1

  constructor(root: Manifest) {
    this.#createdMs = root.createdMs
    this.#parts.push(this.#manifestPart(MANIFEST, root))
    this.#addBlobs(root)
  }

  /** Whether to fetch a manifest; one that is too many is told as skipped. */
  wants(one: Descriptor, depth: number): boolean {
    if (depth <= DEPTH_MAX && ++this.#manifests <= MANIFESTS_MAX) return true
    this.#skip(one, 'artifact-incomplete', MANIFEST_ENDING)
    return false
  }

  /** Answers the manifests it leads to. */
  add(one: Descriptor, manifest: Manifest | null): readonly Descriptor[] {
    if (manifest === null) {
      this.#skip(one, 'artifact-incomplete', MANIFEST_ENDING)
      return []
    }
    const name = this.#names.nameManifest(one, MANIFEST_ENDING)
    if (name === null) return []
    this.#parts.push(this.#manifestPart(name, manifest))
    this.#addBlobs(manifest)
    return manifest.manifests
  }

  artifact(): Artifact {
    const inOrder = (a: { file: string }, b: { file: string }) =>
      Buffer.compare(Buffer.from(a.file), Buffer.from(b.file))
    return { parts: this.#parts.sort(inOrder), skipped: this.#skipped.sort(inOrder) }
  }

  #manifestPart(file: string, { digest, bytes, mediaType }: Manifest): Part {
    return { file, digest, sizeBytes: bytes.length, mediaType, modifiedMs: this.#createdMs, bytes }
  }

  #addBlobs({ blobs }: Manifest): void {
    for (const blob of blobs) {
      if (blob.isForeign) {
        this.#skip(blob, 'foreign-layer', '')
        continue
      }
      const file = this.#names.nameBlob(blob)
      if (file === null) continue
      const { digest, sizeBytes, mediaType } = blob
      this.#parts.push({ file, digest, sizeBytes, mediaType, modifiedMs: this.#createdMs, bytes: null })
    }
  }

  #skip({ digest, mediaType }: Descriptor, reason: Artifact['skipped'][number]['reason'], ending: string): void {
    const file = ending === '' ? digestName(digest, mediaType) : `${digest.replace(':', '-')}${ending}`
    if (!this.#skipped.some((one) => one.file === file)) this.#skipped.push({ file, reason })
  }
}

/** A 404 with the registry's own code says that something is not there; every other failure says nothing of the kind. */
export function nullIfUnknown(error: unknown): null {
  if (error instanceof StorageError && (error.kind === 'not-found' || error.kind === 'unknown-bucket')) return null
  throw error
}
