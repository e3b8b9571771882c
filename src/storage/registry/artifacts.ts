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
/**
 * Reads what a tag holds now; null where there is no such tag or repository, said by the registry in so many words. Nothing is kept: a digest always stands for the
 * same bytes, but not for their being there.
 */
export async function readArtifact(
  client: RegistryClient,
  { repository, tag }: { readonly repository: string; readonly tag: string },
  signal: AbortSignal | undefined,
): Promise<Artifact | null> {
  const root = await client.manifest(repository, tag, { signal }).catch(nullIfUnknown)
  if (root === null) return null
  // An index may name more than was ever pushed.
  const fetched = ({ digest }: Descriptor) => client.manifest(repository, digest, { signal }).catch(nullIfUnknown)
  const gathering = new Gathering(root)
  let level: readonly Descriptor[] = root.manifests
  for (let depth = 1; level.length > 0; depth++) {
    const wanted = level.filter((one) => gathering.wants(one, depth))
    const found: Descriptor[] = []
    for (let at = 0; at < wanted.length; at += FETCHED_AT_ONCE) {
      const some = wanted.slice(at, at + FETCHED_AT_ONCE)
      const manifests = await Promise.all(some.map(fetched))
      for (const [i, manifest] of manifests.entries()) found.push(...gathering.add(some[i]!, manifest))
    }
    level = found
  }
  return gathering.artifact()
}

/** Collects the parts of one tag. */
class Gathering {
  readonly #names = new PartNames()
  readonly #parts: Part[] = []
  readonly #skipped: Artifact['skipped'][number][] = []
  readonly #createdMs: number
  readonly #wanted = new Set<string>()
  #manifests = 1

  constructor(root: Manifest) {
    this.#createdMs = root.createdMs
    this.#parts.push(this.#manifestPart(MANIFEST, root))
    this.#addBlobs(root)
  }

  /** Whether to fetch a manifest; one that is too many is told as skipped, one that was fetched before is not fetched again. */
  wants(one: Descriptor, depth: number): boolean {
    if (this.#wanted.has(one.digest)) return false
    this.#wanted.add(one.digest)
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
    const files = new Set(this.#parts.map(({ file }) => file))
    // What is there once is not skipped, though it may be named twice.
    const skipped = this.#skipped.filter(({ file }) => !files.has(file))
    return { parts: this.#parts.sort(inOrder), skipped: skipped.sort(inOrder) }
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
