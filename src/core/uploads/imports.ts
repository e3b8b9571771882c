import type { Item } from '#contract/items.ts'
import { type MediaTypes, type Sighting, takeTicket } from '#core/catalog/catalog.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { type OpenDriver, openDriver } from '#core/drivers/drivers.ts'
import { getItem, requirePath, viewDataset, writeItems } from '#core/items/items.ts'
import { sightObject } from '#core/objects/objects.ts'
import { AppError } from '#lib/app-error.ts'
import { itemId } from '#lib/ids.ts'
import { type ItemOp, lockItemAt, placeItem, requireTakenPath } from './place-item.ts'
import { findTarget, mediaTypes, type UploadTarget } from './target.ts'

/** Objects that are looked at in the storage at once. */
const AT_ONCE = 16

/** An object of the dataset's bucket that is to become an item. */
export interface Import {
  /** Full path of the item; null, left out or the whole key: what follows the driver's folder. */
  readonly filename?: string | null | undefined
  /** `bucket:key`, a bare key, or what the SDK makes of a key: its first slash as a colon. */
  readonly storageId: string
}

/** What became of one import: its item, or why there is none. */
export type Imported =
  | { readonly ok: true; readonly item: Item; readonly op: ItemOp }
  | { readonly ok: false; readonly error: AppError }

/**
 * Makes items of objects that are in the dataset's bucket already, without a copy. One that is indexed is looked at again, so importing twice does no harm. Each is
 * judged by itself; the answers come in the order of what was asked.
 *
 * Errors: `dataset.not_external`, `dataset.readonly`, `dataset.locked`, those of opening the storage; of single objects also `storage.not_found`, `item.path_invalid`,
 * `item.reserved_path`, `item.excluded_path`, `quota.exceeded`.
 */
export async function importObjects(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  imports: readonly Import[],
  baseUrl: string,
): Promise<Imported[]> {
  const target = await findTarget(deps, datasetNo)
  if (target.driverId === null) throw new AppError('dataset.not_external')
  const [opened, { bucket }, types] = await Promise.all([
    openDriver(deps, target.driverId),
    viewDataset(deps.db, datasetNo),
    mediaTypes(deps),
  ])
  const outcomes: Imported[] = []
  for (let from = 0; from < imports.length; from += AT_ONCE) {
    const some = imports.slice(from, from + AT_ONCE)
    const done = some.map(async (one): Promise<Imported> => {
      try {
        const { itemNo, op } = await importOne(deps, caller, { target, opened, bucket, types }, one)
        return { ok: true, op, item: await getItem(deps, itemId(datasetNo, BigInt(itemNo)), baseUrl) }
      } catch (error) {
        if (error instanceof AppError) return { ok: false, error }
        throw error
      }
    })
    outcomes.push(...(await Promise.all(done)))
  }
  return outcomes
}

interface Source {
  readonly target: UploadTarget
  readonly opened: OpenDriver
  readonly bucket: string | null
  readonly types: MediaTypes
}

async function importOne(
  deps: Deps,
  caller: Caller,
  { target, opened, bucket, types }: Source,
  asked: Import,
): Promise<{ itemNo: string; op: ItemOp }> {
  // Before anything is read: the ticket has to be older than what is read.
  const ticket = await takeTicket(deps.db)
  const { key, sighting } = await findObject(opened, bucket, asked.storageId)
  const below = key.slice(opened.prefix.length)
  // Programs that keep directories send the whole key as the path; items are relative to the driver's folder all the same (LK-01).
  const isWholeKey = asked.filename === undefined || asked.filename === null || asked.filename === `/${key}`
  const place = requirePath(isWholeKey ? `/${below}` : asked.filename!)
  requireTakenPath(place, target.options, deps.config.hiddenFolder)
  if (below.split('/').slice(0, -1).includes(deps.config.hiddenFolder)) throw new AppError('item.reserved_path')
  const isOwn = target.kind === 'master' && place.path + place.name === below
  const objectKey = isOwn ? null : key
  return writeItems(
    deps,
    target.datasetNo,
    async (writing) => {
      const there = await lockItemAt(writing, place)
      // Another file has this path.
      if (there !== null && there.objectKey !== objectKey) return { itemNo: there.no, op: 'exist' as const }
      return placeItem(writing, caller, types, { place, sighting, objectKey, mimetype: null, isForeign: true })
    },
    ticket,
  )
}

/** Finds the object that a storage id means; of what it may mean, the first that is there. */
async function findObject(
  { storage, prefix }: OpenDriver,
  bucket: string | null,
  storageId: string,
): Promise<{ key: string; sighting: Sighting }> {
  for (const key of keysOf(storageId, bucket, prefix)) {
    const sighting = await sightObject(storage, key)
    if (sighting !== null) return { key, sighting }
  }
  throw new AppError('storage.not_found', {
    message: 'There is no such object in the folder of the dataset’s storage driver.',
    details: { storageId },
  })
}

/** The keys that a storage id may mean, likeliest first; those outside the driver's folder are none of ours. */
export function keysOf(storageId: string, bucket: string | null, prefix: string): string[] {
  const colon = storageId.indexOf(':')
  const found = new Set<string>()
  if (colon > 0 && storageId.slice(0, colon) === bucket) found.add(storageId.slice(colon + 1))
  found.add(storageId)
  if (colon >= 0) found.add(`${storageId.slice(0, colon)}/${storageId.slice(colon + 1)}`)
  const inside = [...found].filter((key) => key.startsWith(prefix) && key.length > prefix.length)
  // Last, the same as seen from the driver's folder.
  if (prefix !== '') inside.push(...[...found].map((key) => `${prefix}${key}`))
  return inside
}
