import type { Readable } from 'node:stream'
import { FLAG_UNADDRESSABLE, MISSING } from '#core/catalog/catalog.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { locateObject, type OpenStore } from '#core/objects/objects.ts'
import { AppError } from '#lib/app-error.ts'
import { unpackEtag } from '#lib/etag.ts'
import { parseItemId } from '#lib/ids.ts'
import type { Entry } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import { findItem, type LocatedItem } from './browse.ts'
import { type DatasetView, viewDataset } from './dataset-view.ts'
import { LINKS_MAX, linkTarget, linkUrl, requireReadable } from './links.ts'
import { mediaTypeNames, UNKNOWN_TYPE } from './media-types.ts'
import { type Presentation, presentationOf } from './presentation.ts'
import { sql } from './query/fragment.ts'
import { readRange } from './range.ts'
import { SignedAddresses } from './signed-addresses.ts'

/** Life of a signed address in seconds; the SDK collects addresses first and pulls them late. */
export const SIGNED_TTL_SECONDS = 3600
/** Most bytes that somebody gets through the server where an address could be signed: enough to read, too little to carry files. */
const PART_BYTES_MAX = 1024 * 1024

/** What a request for a file's bytes may say. */
export interface StreamRequest {
  /** `HEAD`: facts only. A signed address is good for GET alone, so it never redirects. */
  readonly isHead: boolean
  /** Somebody asked for a file to save, not to look at. */
  readonly isDownload?: boolean
  /** A part of the file is to come through the server also where an address can be signed; `PART_BYTES_MAX` of it at most. */
  readonly isThroughServer?: boolean
  readonly range: string | undefined
  /** Ends the read of the storage when the client has gone. */
  readonly signal: AbortSignal
}

/** How a file's bytes are given. */
export type StreamAnswer =
  | { readonly kind: 'redirect'; readonly url: string; readonly maxAgeSeconds: number }
  | {
      readonly kind: 'bytes'
      readonly presentation: Presentation
      readonly etag: string
      readonly modifiedMs: number
      /** Size of the whole file. */
      readonly sizeBytes: number
      /** Both ends inclusive; null for the whole file. */
      readonly part: { readonly start: number; readonly end: number } | null
      /** Null for `HEAD`. */
      readonly body: Readable | null
    }

// By pool: that is what all the Deps of one process share, however often they are spread.
const addressesByPool = new WeakMap<object, SignedAddresses>()

/**
 * Opens a file for its user: a signed address of the storage where that can be made, else the bytes through this server. A link gives what it leads to.
 *
 * The same object gets the same address for up to five minutes, so that browsers' caches hit. A file that is marked missing is looked for again, because it
 * may have come back.
 * Errors: `item.not_found` (also for folders), `item.missing_in_storage`, `item.unaddressable`, `item.range_not_satisfiable`, `item.link_broken`, `dataset.disconnected`,
 * and the storage's own codes.
 */
export async function streamItem(
  deps: Deps,
  caller: Caller,
  id: string,
  request: StreamRequest,
  linksLeft = LINKS_MAX,
): Promise<StreamAnswer> {
  const numbers = parseItemId(id)
  if (numbers === null || !('itemNo' in numbers)) throw new AppError('item.not_found')
  const { datasetNo, itemNo } = numbers
  const [view, item] = await Promise.all([
    viewDataset(deps.db, datasetNo),
    findItem(deps, sql`i.dataset_no = ${datasetNo}::int and i.item_no = ${itemNo}::bigint`),
  ])
  if (item === null) throw new AppError('item.not_found')
  const link = linkTarget(item.metadata)
  if (link?.kind === 'url') return { kind: 'redirect', url: linkUrl(link.url), maxAgeSeconds: 0 }
  if (link?.kind === 'item') {
    if (linksLeft === 0) throw new AppError('item.link_broken')
    await requireReadable(deps, caller, link.itemId)
    return streamItem(deps, caller, link.itemId, request, linksLeft - 1)
  }
  return streamObject(deps, view, item, request)
}

async function streamObject(
  deps: Deps,
  view: DatasetView,
  item: LocatedItem,
  request: StreamRequest,
): Promise<StreamAnswer> {
  if (item.object_key === null && (item.flags & FLAG_UNADDRESSABLE) !== 0) throw new AppError('item.unaddressable')
  const { opened, key } = await locateObject(deps, view, item.path, item)
  const types = await mediaTypeNames(deps.db, [item.type_no])
  const presentation = presentationOf(types.get(item.type_no) ?? UNKNOWN_TYPE, item.name, request.isDownload)
  try {
    if (opened.isProxied || request.isHead || request.isThroughServer)
      return await throughServer(opened, key, presentation, request)
    if (item.state === MISSING && (await opened.storage.stat(key, { signal: request.signal })) === null) throw gone()
    return await redirect(deps, opened, view, item, key, presentation)
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'not-found') throw gone(error)
    throw error
  }
}

function gone(cause?: unknown): AppError {
  return new AppError('item.missing_in_storage', { cause })
}

async function redirect(
  deps: Deps,
  { driver, storage }: OpenStore,
  view: DatasetView,
  item: LocatedItem,
  key: string,
  presentation: Presentation,
): Promise<StreamAnswer> {
  const ttlSeconds = Math.min(SIGNED_TTL_SECONDS, storage.can.sign_max_seconds)
  // Credentials and settings are part of it: an address signed with a key that was rotated must not outlive the rotation here.
  const facts = [
    view.datasetId,
    driver?.id,
    driver?.epoch,
    driver?.integrationVersion,
    unpackEtag(item.etag),
    presentation.disposition,
    key,
  ]
  const signed = await addressesOf(deps).get(facts.join('\0'), deps.clock.now(), async () =>
    storage.signRead(key, {
      ttlSeconds,
      contentType: presentation.contentType,
      contentDisposition: presentation.disposition,
    }),
  )
  return { kind: 'redirect', ...signed }
}

function addressesOf(deps: Deps): SignedAddresses {
  let addresses = addressesByPool.get(deps.db)
  if (addresses === undefined) {
    addresses = new SignedAddresses()
    addressesByPool.set(deps.db, addresses)
  }
  return addresses
}

async function throughServer(
  opened: OpenStore,
  key: string,
  presentation: Presentation,
  { isHead, range, signal, isThroughServer }: StreamRequest,
): Promise<StreamAnswer> {
  const isLimited = isThroughServer === true && !opened.isProxied
  const { storage } = opened
  const describe = (entry: Entry) => ({
    kind: 'bytes' as const,
    presentation,
    etag: entry.etag,
    modifiedMs: entry.modifiedMs,
    sizeBytes: entry.sizeBytes,
  })
  if (isHead || range !== undefined || isLimited) {
    const entry = await storage.stat(key, { signal })
    if (entry === null) throw gone()
    const asked = isHead ? ({ kind: 'all' } as const) : askedPart(range, entry.sizeBytes, isLimited)
    if (asked.kind === 'unsatisfiable') {
      throw new AppError('item.range_not_satisfiable', { details: { sizeBytes: entry.sizeBytes } })
    }
    if (isHead) return { ...describe(entry), part: null, body: null }
    if (asked.kind === 'part') {
      // Held to the file that was measured, or the range might be another one's.
      const part = { start: asked.start, end: asked.end }
      const { body } = await storage.read(key, { range: part, ifMatch: entry.etag, signal })
      return { ...describe(entry), part, body }
    }
  }
  const { entry, body } = await storage.read(key, { signal })
  return { ...describe(entry), part: null, body }
}

function askedPart(range: string | undefined, sizeBytes: number, isLimited: boolean): ReturnType<typeof readRange> {
  const asked = readRange(range, sizeBytes)
  if (!isLimited || asked.kind === 'unsatisfiable') return asked
  if (asked.kind === 'part') return { ...asked, end: Math.min(asked.end, asked.start + PART_BYTES_MAX - 1) }
  return sizeBytes <= PART_BYTES_MAX ? asked : { kind: 'part', start: 0, end: PART_BYTES_MAX - 1 }
}
