import { buffer } from 'node:stream/consumers'
import type { Deps } from '#core/deps.ts'
import { locateObject } from '#core/objects/objects.ts'
import { AppError } from '#lib/app-error.ts'
import { unpackEtag } from '#lib/etag.ts'
import type { Storage } from '#storage/port.ts'
import { type Descriptor, type Manifest, parseManifest } from '#storage/registry/manifest.ts'
import { isDigest, MANIFEST, MANIFEST_ENDING } from '#storage/registry/names.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { LocatedItem } from './browse.ts'
import type { DatasetView } from './dataset-view.ts'

/** What a registry says of an item, assembled into `metadata.system.artifact`. Sizes are bytes. */
export interface ArtifactFacts {
  readonly digest: string
  readonly mediaType: string
  /** Of a manifest: of all it is made of. */
  readonly size: number
  /** Configuration and layers of a manifest. */
  readonly layers?: readonly PartFacts[]
  /** The manifests of an index. */
  readonly manifests?: readonly PartFacts[]
}

interface PartFacts {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  readonly title?: string
  readonly platform?: string
}

/** Longest wait for a registry; an item is shown without these facts rather than late. */
const WAIT_MS = 3_000
/** Facts that are kept by each process; those of one digest under one key never change. */
const KEPT_MAX = 2_000

// By pool: that is what all the Deps of one process share, however often they are spread.
const keptByPool = new WeakMap<object, Map<string, ArtifactFacts>>()

/**
 * What the registry says of an item; null for items of other storages, where the registry does not answer, and where it holds something else there by now.
 *
 * Only a registry's etags are digests, so nothing is asked of other storages.
 */
export async function artifactFacts(deps: Deps, view: DatasetView, item: LocatedItem): Promise<ArtifactFacts | null> {
  const digest = unpackEtag(item.etag)
  if (!isDigest(digest)) return null
  const kept = keptByPool.get(deps.db) ?? new Map<string, ArtifactFacts>()
  keptByPool.set(deps.db, kept)
  try {
    const { opened, key } = await locateObject(deps, view, item.path, item)
    if (opened.storage.provider !== 'registry') return null
    const keptKey = `${opened.driver?.id} ${digest} ${key}`
    const known = kept.get(keptKey) ?? (await askFacts(opened.storage, key, digest))
    if (known === null) return null
    kept.delete(keptKey)
    kept.set(keptKey, known)
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!)
    return known
  } catch (error) {
    if (!(error instanceof StorageError) && !(error instanceof AppError)) throw error
    deps.log.debug({ itemId: item.id, err: error }, 'the registry says nothing of an item')
    return null
  }
}

async function askFacts(storage: Storage, key: string, digest: string): Promise<ArtifactFacts | null> {
  const signal = AbortSignal.timeout(WAIT_MS)
  const name = key.slice(key.lastIndexOf('/') + 1)
  if (name !== MANIFEST && !name.endsWith(MANIFEST_ENDING)) {
    const entry = await storage.stat(key, { signal })
    if (entry === null || entry.etag !== digest) return null
    return { digest, mediaType: entry.contentType ?? '', size: entry.sizeBytes }
  }
  const { entry, body } = await storage.read(key, { ifMatch: digest, signal })
  const bytes = await buffer(body)
  const manifest = parseManifest(bytes, digest, entry.contentType ?? '')
  if (manifest === null) return { digest, mediaType: entry.contentType ?? '', size: bytes.length }
  return factsOf(manifest)
}

function factsOf({ digest, mediaType, bytes, blobs, manifests }: Manifest): ArtifactFacts {
  const parts = [...blobs, ...manifests]
  return {
    digest,
    mediaType,
    size: parts.length === 0 ? bytes.length : parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ...(blobs.length > 0 && { layers: blobs.map(partOf) }),
    ...(manifests.length > 0 && { manifests: manifests.map(partOf) }),
  }
}

function partOf({ digest, mediaType, sizeBytes, title, platform }: Descriptor): PartFacts {
  return {
    digest,
    mediaType,
    size: sizeBytes,
    ...(title !== null && { title }),
    ...(platform !== null && { platform }),
  }
}
