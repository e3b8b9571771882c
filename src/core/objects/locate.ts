import type { Deps } from '#core/deps.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import { AppError } from '#lib/app-error.ts'
import { type OpenStore, platformStore } from './platform-store.ts'

/** What of an item says where its object is. */
export interface ObjectPlace {
  readonly name: string
  /** Null: folder + path + name in the dataset's own bucket. */
  readonly object_key: string | null
  /** The driver that reaches the key when that is not the dataset's own. */
  readonly object_driver_id: string | null
}

/**
 * Opens where an item's object is and gives its key there: the one place that knows the rule (0009_platform.sql).
 *
 * `path` is the item's folder as the table has it. Throws `dataset.disconnected` for an item without an object of either kind, and what `openDriver` throws.
 */
export async function locateObject(
  deps: Deps,
  view: { readonly driverId: string | null },
  path: string,
  row: ObjectPlace,
): Promise<{ opened: OpenStore; key: string }> {
  const driverId = row.object_driver_id ?? view.driverId
  if (driverId === null) {
    if (row.object_key === null) throw new AppError('dataset.disconnected')
    const opened = await platformStore(deps)
    return { opened, key: `${opened.prefix}${row.object_key}` }
  }
  const opened = await openDriver(deps, driverId)
  return { opened, key: row.object_key ?? `${opened.prefix}${path}${row.name}` }
}
