/** Small pictures of items, made when somebody first asks. The public file of this folder. */
import { Readable } from 'node:stream'
import type { Caller, Deps } from '#core/deps.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import { locateObject, receive } from '#core/objects/objects.ts'
import { QuotaExceeded } from '#core/quota/quota.ts'
import { uploadFile } from '#core/uploads/uploads.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'
import { describePicture, PICTURE_BYTES_MAX } from '#lib/pictures.ts'
import { collect, makeThumbnail, type Thumbnail } from './picture.ts'
import {
  describeSource,
  findHiddenDataset,
  findWide,
  isThumbnailOf,
  pointAt,
  readSource,
  type Source,
} from './queries.ts'
import { Turns } from './turns.ts'

export { sweepThumbnails } from './sweep.ts'

/** A thumbnail: the id of the hidden item that holds it, or the bytes where it could not be stored. */
export type Found = { readonly itemId: string } | { readonly unstored: Thumbnail }

/** Widths of which a thumbnail is kept; others are made each time, so that nobody fills the store by asking for all of them. */
const KEPT_WIDTHS: readonly number[] = [64, 128, 256, 512, 1024, 2048]

/** Two at once leave a small machine time for everybody else; a page of the console shows a hundred, so some may wait. */
const turns = new Turns<Found>({ atOnce: 2, waitingMax: 200 })

/**
 * Finds the thumbnail of an item, and makes it where there is none or the file is another one by now; for the console and for `metadata.system.thumbnailId`.
 *
 * It is an item of the project's hidden dataset, so that lists, counts and syncs of the item's own do not meet it; its bytes are in `.dataloop/thumbnails` of the
 * dataset's own storage where that may be written, else in the platform's store. Width, height and the turn of the picture are written to the item with it.
 * Errors: `item.not_found`, `thumbnail.not_available` (no picture, damaged, too large), `thumbnail.busy`, `dataset.disconnected`, the storage's own.
 */
export async function findThumbnail(deps: Deps, caller: Caller, id: string, width: number | null): Promise<Found> {
  const numbers = parseItemId(id)
  if (numbers === null || !('itemNo' in numbers)) throw new AppError('item.not_found')
  const source = await readSource(deps.db, numbers.datasetNo, numbers.itemNo)
  if (source === null) throw new AppError('item.not_found')
  if (width !== null) {
    const kept = await findWide(deps.db, source, width, folderOf(deps, source))
    if (kept !== null) return { itemId: kept }
    return turns.run(`${source.id} ${source.identity} ${width}`, () => make(deps, caller, source, width))
  }
  const known = (source.metadata?.system as { thumbnailId?: unknown } | undefined)?.thumbnailId
  const stored = typeof known === 'string' ? parseItemId(known) : null
  if (stored !== null && 'itemNo' in stored && (await isThumbnailOf(deps.db, stored, source)))
    return { itemId: known as string }
  return turns.run(`${source.id} ${source.identity}`, () => make(deps, caller, source, null))
}

async function make(deps: Deps, caller: Caller, source: Source, width: number | null): Promise<Found> {
  if (!source.type.startsWith('image/') || source.sizeBytes > PICTURE_BYTES_MAX)
    throw new AppError('thumbnail.not_available')
  const { opened, key } = await locateObject(deps, source, source.path, source)
  const file = await opened.storage.read(key, {})
  const thumbnail = await makeThumbnail(await collect(file.body, PICTURE_BYTES_MAX), width)
  const seen = describePicture(thumbnail)
  if (width !== null && !KEPT_WIDTHS.includes(width)) return { unstored: thumbnail }
  const itemId = await store(deps, caller, source, thumbnail, width)
  if (width === null) await describeSource(deps.db, source, itemId === null ? seen : { ...seen, thumbnailId: itemId })
  return itemId === null ? { unstored: thumbnail } : { itemId }
}

/** Stores a thumbnail; null where the project has no place for it or no data point is left, which must keep nobody from looking at it. */
async function store(
  deps: Deps,
  caller: Caller,
  source: Source,
  thumbnail: Thumbnail,
  width: number | null,
): Promise<string | null> {
  const datasetNo = await findHiddenDataset(deps.db, source.projectId)
  if (datasetNo === null) return null
  const name = `${source.id}${width === null ? '' : `-w${width}`}.${thumbnail.contentType === 'image/png' ? 'png' : 'jpg'}`
  const upload = {
    path: `/${folderOf(deps, source)}${name}`,
    contentType: thumbnail.contentType,
    metadata: { system: { thumbnailOf: { itemId: source.id, identity: source.identity, width } } },
    mode: 'overwrite' as const,
    arrived: await receive(deps, Readable.from([thumbnail.bytes])),
  }
  try {
    const { item } = await uploadFile(deps, caller, datasetNo, upload, '')
    if (source.driverId !== null) await moveToBucket(deps, source.driverId, item.id, name, thumbnail)
    return item.id
  } catch (error) {
    if (error instanceof QuotaExceeded) return null
    throw error
  }
}

/** The folder of a dataset's thumbnails in the project's hidden dataset. */
function folderOf(deps: Deps, source: Source): string {
  return `${deps.config.hiddenFolder}/thumbnails/${source.datasetId}/`
}

/** Puts a thumbnail beside the user's own files, below the hidden folder, where the driver may write (GF-01); else it stays in the platform's store. */
async function moveToBucket(
  deps: Deps,
  driverId: string,
  itemId: string,
  name: string,
  { bytes, contentType }: Thumbnail,
): Promise<void> {
  const { storage, prefix } = await openDriver(deps, driverId)
  if (!storage.can.write) return
  const key = `${prefix}${deps.config.hiddenFolder}/thumbnails/${name}`
  try {
    await storage.write(key, Readable.from([bytes]), { sizeBytes: bytes.length, contentType })
  } catch (error) {
    deps.log.info({ err: error, driverId }, 'the storage takes no thumbnail; it stays in the platform’s own store')
    return
  }
  const numbers = parseItemId(itemId)
  if (numbers !== null && 'itemNo' in numbers) await pointAt(deps.db, numbers, { driverId, key })
}
