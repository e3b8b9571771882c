import { createReadStream } from 'node:fs'
import type { Item } from '#contract/items.ts'
import { takeTicket } from '#core/catalog/catalog.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import { getItem, type ItemPath, requirePath, writeItems } from '#core/items/items.ts'
import { type Arrived, keepArrived, newObjectKey, noteUnused, sightObject, writeObject } from '#core/objects/objects.ts'
import { freeDataPoints, QuotaExceeded } from '#core/quota/quota.ts'
import { AppError } from '#lib/app-error.ts'
import { packEtag } from '#lib/etag.ts'
import { itemId } from '#lib/ids.ts'
import { StorageError } from '#storage/storage-error.ts'
import { type Content, examine } from './content.ts'
import { type ItemOp, lockItemAt, type PlacedObject, placeItem, requireTakenPath } from './place-item.ts'
import { findItemAt, findTarget, mediaTypes, type UploadTarget } from './target.ts'

/** A file that has arrived and what its sender says about it. */
export interface Upload {
  /** Full path of the item. */
  readonly path: string
  readonly contentType: string | undefined
  /** Merged into what an item that is there has. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  readonly description?: string | undefined
  /** Whether an item that is there keeps its file, or gets this one. */
  readonly mode: 'skip' | 'overwrite'
  readonly arrived: Arrived
}

/** An item after an upload. */
export interface Uploaded {
  readonly item: Item
  readonly op: ItemOp
}

/**
 * Makes an item of a file, or gives one that is there a new file; it keeps its id, metadata and annotations. The file goes to the platform's own store or, in an
 * external dataset, to the dataset's bucket (reading 2.10). The temporary file is gone afterwards in any case.
 *
 * The item's size in the answer is the number of bytes that were sent, also where the item that was there stays: the SDK deletes an item that shows another.
 * Errors: `item.path_invalid`, `item.reserved_path`, `item.excluded_path`, `item.link_broken`, `dataset.readonly`, `dataset.locked`, `driver.read_only`, `quota.exceeded`, the storage's own.
 */
export async function uploadFile(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  upload: Upload,
  baseUrl: string,
): Promise<Uploaded> {
  const { arrived } = upload
  try {
    const place = requirePath(upload.path)
    const target = await findTarget(deps, datasetNo)
    const found = await findItemAt(deps, datasetNo, place)
    const { itemNo, op } =
      found !== null && upload.mode === 'skip'
        ? { itemNo: found, op: 'exist' as const }
        : await put(deps, caller, target, place, upload, found !== null)
    const item = await getItem(deps, itemId(datasetNo, BigInt(itemNo)), baseUrl)
    const system = { ...item.metadata.system, size: arrived.sizeBytes }
    return { item: { ...item, metadata: { ...item.metadata, system } }, op }
  } finally {
    await arrived.discard()
  }
}

type Put = Promise<{ itemNo: string; op: ItemOp }>

async function put(
  deps: Deps,
  caller: Caller,
  target: UploadTarget,
  place: ItemPath,
  upload: Upload,
  isThere: boolean,
): Put {
  if (target.driverId !== null) requireTakenPath(place, target.options, deps.config.hiddenFolder)
  // Before the bytes are sent anywhere; what counts is said again by the transaction.
  if (!isThere && !target.isSystem && (await freeDataPoints(deps.db, target.orgId)) === 0) throw new QuotaExceeded(1, 0)
  const content = await examine(deps, caller, { ...upload, name: place.name })
  if (target.driverId === null) return putInStore(deps, caller, target, place, upload, content)
  return putInBucket(deps, caller, { ...target, driverId: target.driverId }, place, upload, content, isThere)
}

async function putInStore(
  deps: Deps,
  caller: Caller,
  target: UploadTarget,
  place: ItemPath,
  upload: Upload,
  content: Content,
): Put {
  const { arrived } = upload
  const objectKey = newObjectKey()
  await noteUnused(deps.db, objectKey)
  await keepArrived(deps, objectKey, arrived, content.mimetype ?? upload.contentType)
  const sighting = {
    sizeBytes: arrived.sizeBytes,
    etag: packEtag(arrived.md5),
    modifiedMs: Math.floor(deps.clock.now()),
    isArchived: false,
  }
  return writePlaced(deps, caller, target, upload.mode, { ...described(upload, content), place, sighting, objectKey })
}

/**
 * Writes a file into the dataset's bucket and indexes what is then there. What nobody has indexed yet is not overwritten unasked (UL-04): it is indexed instead.
 * In a clone the file gets a key of its own in the hidden folder, because the key of its path is the master's.
 */
async function putInBucket(
  deps: Deps,
  caller: Caller,
  target: UploadTarget & { readonly driverId: string },
  place: ItemPath,
  upload: Upload,
  content: Content,
  isThere: boolean,
): Put {
  const { storage, prefix } = await openDriver(deps, target.driverId)
  if (!storage.can.write) throw new AppError('driver.read_only')
  const isMaster = target.kind === 'master'
  const own = isMaster ? `${place.path}${place.name}` : `${deps.config.hiddenFolder}/uploads/${newObjectKey()}`
  const key = `${prefix}${own}`
  const options = {
    sizeBytes: upload.arrived.sizeBytes,
    contentType: content.mimetype ?? upload.contentType,
    ifAbsent: isMaster && !isThere && upload.mode === 'skip' && storage.can.write_if_absent,
  }
  let mode = upload.mode
  try {
    const opened = { storage, driverId: target.driverId }
    await writeObject(deps, opened, key, createReadStream(upload.arrived.path), options)
  } catch (error) {
    if (!options.ifAbsent || !(error instanceof StorageError) || !isTaken(error)) throw error
    mode = 'skip'
  }
  // After the write: the ticket has to be older than what is read.
  const ticket = await takeTicket(deps.db)
  const sighting = await sightObject(storage, key)
  if (sighting === null) throw new AppError('storage.conflict')
  const placed = { ...described(upload, content), place, sighting, objectKey: isMaster ? null : key }
  return writePlaced(deps, caller, target, mode, placed, ticket)
}

function isTaken(error: StorageError): boolean {
  return error.kind === 'precondition-failed' || error.kind === 'conflict'
}

function described(upload: Upload, { mimetype, shebang, shownBytes, picture }: Content) {
  const { metadata, description } = upload
  if (shebang === null && picture === undefined) return { mimetype, shownBytes, metadata, description }
  // Nothing stays of the picture before; what the file says itself wins over what its sender says of it.
  const cleared = picture === undefined ? {} : { width: null, height: null, exif: null }
  const said = metadata?.system as Record<string, unknown> | undefined
  const system = { ...cleared, ...said, ...picture, ...(shebang && { shebang }) }
  return { mimetype, shownBytes, metadata: { ...metadata, system }, description }
}

async function writePlaced(
  deps: Deps,
  caller: Caller,
  target: UploadTarget,
  mode: Upload['mode'],
  placed: PlacedObject,
  ticket?: number,
): Put {
  const types = await mediaTypes(deps)
  return writeItems(
    deps,
    target.datasetNo,
    async (writing) => {
      // Somebody else may have been quicker with the same path.
      const there = await lockItemAt(writing, placed.place)
      if (there !== null && mode === 'skip') return { itemNo: there.no, op: 'exist' as const }
      const done = await placeItem(writing, caller, types, placed)
      return { itemNo: done.itemNo, op: there === null ? ('created' as const) : ('overwrite' as const) }
    },
    ticket,
  )
}
