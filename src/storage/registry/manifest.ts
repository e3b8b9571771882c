import { createHash } from 'node:crypto'
import { digestName, fileNameOf, isDigest, platformName } from './names.ts'

/** What a manifest says of something it is made of. */
export interface Descriptor {
  readonly digest: string
  readonly sizeBytes: number
  readonly mediaType: string
  /** What its maker called it (`org.opencontainers.image.title`). */
  readonly title: string | null
  /** Such as `linux-amd64`; for the manifests of an index. */
  readonly platform: string | null
  /** It lies on another host: the registry only says where, and nobody is sent there (§4.2 of the safety design). */
  readonly isForeign: boolean
}

/** A manifest as it was read and verified. */
export interface Manifest {
  readonly digest: string
  readonly bytes: Buffer
  readonly mediaType: string
  /** Further manifests, where it is an index. */
  readonly manifests: readonly Descriptor[]
  /** Configuration and layers, or the files of an artifact. */
  readonly blobs: readonly Descriptor[]
  /** When its maker says it was made; 0 where nothing is said: registries keep no times. */
  readonly createdMs: number
}

/** Media types of manifests that are asked for. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.artifact.manifest.v1+json',
]

/** Most descriptors of one manifest; an image has some 130 layers at the most. */
const DESCRIPTORS_MAX = 10_000

/** Whether bytes are those of a digest. */
export function isOfDigest(bytes: Buffer, digest: string): boolean {
  const [algorithm, hex] = digest.split(':') as [string, string]
  return createHash(algorithm).update(bytes).digest('hex') === hex
}

/** The sha256 digest of bytes, for manifests of which nobody has told it. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/**
 * Reads what a manifest is made of. Null where the text contradicts itself: no JSON, an unusable digest or size, or far too much; then nothing of it but its
 * bytes is used. Manifests of unknown types are made of nothing.
 */
export function parseManifest(bytes: Buffer, digest: string, contentType: string): Manifest | null {
  const document = objectOf(bytes)
  if (document === null) return null
  const said = document.mediaType
  const mediaType = typeof said === 'string' && isMediaType(said) ? said : contentType
  const isIndex = Array.isArray(document.manifests)
  const lists = isIndex ? [document.manifests] : [document.layers, document.blobs]
  const listed = lists.flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
  const config = isIndex || document.config === undefined || document.config === null ? [] : [document.config]
  if (listed.length + config.length > DESCRIPTORS_MAX) return null
  const descriptors = [...config, ...listed].map(descriptorOf)
  if (!descriptors.every((one) => one !== null)) return null
  return {
    digest,
    bytes,
    mediaType,
    manifests: isIndex ? descriptors : [],
    blobs: isIndex ? [] : descriptors,
    createdMs: createdOf(document.annotations),
  }
}

/** One file of a tag: a manifest or a blob. */
export interface Part {
  readonly file: string
  readonly digest: string
  readonly sizeBytes: number
  readonly mediaType: string
  readonly modifiedMs: number
  /** A manifest's own bytes; null for a blob. */
  readonly bytes: Buffer | null
}

/** Gives the manifests and blobs of a tag their names: titles and platforms where those are free, digests otherwise. What is used twice is one file. */
export class PartNames {
  readonly #byDigest = new Set<string>()
  readonly #names = new Set<string>()

  /** Null where this content has a file already. */
  nameBlob({ digest, mediaType, title }: Descriptor): string | null {
    return this.#take(digest, fileNameOf(title), digestName(digest, mediaType))
  }

  nameManifest({ digest, platform }: Descriptor, ending: string): string | null {
    return this.#take(digest, platform === null ? null : `${platform}${ending}`, `${digest.replace(':', '-')}${ending}`)
  }

  #take(digest: string, wanted: string | null, sure: string): string | null {
    if (this.#byDigest.has(digest)) return null
    const name = wanted !== null && !this.#names.has(wanted) ? wanted : sure
    this.#byDigest.add(digest)
    this.#names.add(name)
    return name
  }
}

function descriptorOf(value: unknown): Descriptor | null {
  if (typeof value !== 'object' || value === null) return null
  const { digest, size, mediaType, annotations, platform, urls } = value as Record<string, unknown>
  if (!isDigest(digest) || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return null
  const type = typeof mediaType === 'string' && isMediaType(mediaType) ? mediaType : 'application/octet-stream'
  const title = (annotations as Record<string, unknown> | null | undefined)?.['org.opencontainers.image.title']
  const isElsewhere = Array.isArray(urls) && urls.length > 0
  return {
    digest,
    sizeBytes: size,
    mediaType: type,
    title: typeof title === 'string' ? title : null,
    platform: platformName(platform),
    isForeign: isElsewhere || /\.foreign\.|nondistributable/.test(type),
  }
}

function isMediaType(text: string): boolean {
  return /^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}$/.test(text)
}

function objectOf(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function createdOf(annotations: unknown): number {
  const text = (annotations as Record<string, unknown> | null | undefined)?.['org.opencontainers.image.created']
  const ms = typeof text === 'string' && text.length < 64 ? Date.parse(text) : Number.NaN
  // Within what a column of times and an HTTP date can say.
  return ms >= 0 && ms < 253_402_300_800_000 ? Math.floor(ms) : 0
}
