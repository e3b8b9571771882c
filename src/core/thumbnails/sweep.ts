import type { Deps } from '#core/deps.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import { deleteItems } from '#core/items/items.ts'
import { parseItemId } from '#lib/ids.ts'
import { findPresent, type Kept, listKept } from './queries.ts'

/** Thumbnails looked at in one statement. */
const BATCH = 2_000
const first = { datasetNo: 0, itemNo: '0' }

/**
 * For the clockwork: removes thumbnails whose item is gone or has another file by now, row and bytes; where the driver may not delete, the bytes stay in the hidden
 * folder of the bucket. Answers how many.
 */
export async function sweepThumbnails(deps: Deps, signal: AbortSignal): Promise<number> {
  let swept = 0
  let after: Pick<Kept, 'datasetNo' | 'itemNo'> = first
  while (!signal.aborted) {
    const kept = await listKept(deps.db, `${deps.config.hiddenFolder}/thumbnails/`, after, BATCH)
    const last = kept.at(-1)
    if (last === undefined) break
    after = last
    for (const [datasetNo, gone] of await findGone(deps, kept)) {
      const numbers = gone.map(({ itemNo }) => itemNo)
      swept += await deleteItems(deps, { userId: 'sweep', email: '' }, datasetNo, numbers)
      for (const thumbnail of gone) await removeFromBucket(deps, thumbnail)
    }
  }
  return swept
}

/** Those whose file is not there any more, by their dataset. What does not say what it is of is somebody's own file. */
async function findGone(deps: Deps, kept: readonly Kept[]): Promise<Map<number, Kept[]>> {
  const claims = kept.flatMap((thumbnail) => {
    const of = thumbnail.of as { itemId?: unknown; identity?: unknown } | null
    const item = typeof of?.itemId === 'string' ? parseItemId(of.itemId) : null
    if (item === null || !('itemNo' in item) || typeof of?.identity !== 'string') return []
    return [{ thumbnail, file: { ...item, identity: of.identity } }]
  })
  const present = await findPresent(
    deps.db,
    claims.map(({ file }) => file),
  )
  const gone = new Map<number, Kept[]>()
  for (const [at, { thumbnail }] of claims.entries()) {
    if (present.has(at)) continue
    gone.set(thumbnail.datasetNo, [...(gone.get(thumbnail.datasetNo) ?? []), thumbnail])
  }
  return gone
}

/** The bytes of a thumbnail that lay in a user's bucket. Those in the platform's own store are removed as every object that nobody refers to. */
async function removeFromBucket(deps: Deps, { driverId, objectKey }: Kept): Promise<void> {
  if (driverId === null || objectKey === null) return
  try {
    const { driver, storage } = await openDriver(deps, driverId)
    if (!driver.allowDelete) return
    const [outcome] = await storage.remove([objectKey])
    if (outcome?.ok === false) throw outcome.error
  } catch (error) {
    deps.log.info({ err: error, driverId }, 'a thumbnail that nobody needs could not be removed from its bucket')
  }
}
