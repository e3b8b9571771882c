import type { Item } from '#contract/items.ts'
import {
  EXCLUDED,
  FLAG_ARCHIVED,
  FLAG_CHANGED,
  FLAG_HIDDEN,
  FLAG_UNADDRESSABLE,
  MISSING,
} from '#core/catalog/catalog.ts'
import { toIso } from '#lib/clock.ts'
import { unpackEtag } from '#lib/etag.ts'
import { dirId, itemCreatedMs } from '#lib/ids.ts'
import type { DatasetView } from './dataset-view.ts'
import { UNKNOWN_TYPE } from './media-types.ts'
import { dirText, parentPath } from './paths.ts'
import { itemMissingMs } from './query/marks.ts'
import { itemModifiedMs, itemUpdatedMs } from './query/sql.ts'

/** SQL of what `renderItem` needs of an item row `i`, besides its folder's path; columns in the shape of `ItemRow`. */
export const itemColumns = `lpad(to_hex(i.dataset_no), 8, '0') || lpad(to_hex(i.item_no), 16, '0') as id, i.dir_no, i.name,
  i.size_bytes, i.type_no, i.state, i.flags, i.etag, i.object_key, i.object_driver_id, i.metadata, i.description, i.annotations,
  (select u.email from user_account u where u.id = i.creator_id) as creator, (select u.email from user_account u where u.id = i.updater_id) as updater,
  case when i.origin_item_no is not null then lpad(to_hex(i.origin_dataset_no), 8, '0') || lpad(to_hex(i.origin_item_no), 16, '0') end as origin,
  ${itemUpdatedMs} as updated_ms, ${itemModifiedMs} as modified_ms, ${itemMissingMs} as missing_ms`

/** An item as the database gives it. */
export interface ItemRow {
  id: string
  dir_no: number
  name: string
  size_bytes: number
  type_no: number
  state: number
  flags: number
  etag: Buffer
  object_key: string | null
  object_driver_id: string | null
  metadata: Record<string, unknown> | null
  description: string | null
  /** How many it has; null: none. */
  annotations: number | null
  /** Who brought it in; null: whoever made the dataset, by a sync. */
  creator: string | null
  updater: string | null
  /** Id of the item it was cloned from. */
  origin: string | null
  updated_ms: number
  modified_ms: number | null
  missing_ms: number | null
}

/** SQL that is true of a folder row `d` that is shown: something is in it, or somebody made it. */
export const isShownFolderSql = '(d.deep_items > 0 or d.is_kept)'

/** SQL of what `renderDir` needs of a folder row `d`. */
export const dirColumns = 'd.dir_no, d.path, d.name, d.is_hidden, d.items, d.bytes, d.deep_items, d.deep_bytes'

/** A folder as the database gives it. */
export interface DirRow {
  dir_no: number
  path: string
  name: string
  is_hidden: boolean
  items: number
  bytes: number
  deep_items: number
  deep_bytes: number
}

/** What is the same for every item of an answer. */
export interface RenderContext {
  readonly view: DatasetView
  /** Where this API is reached, without a slash at the end. */
  readonly baseUrl: string
  readonly mediaTypes: ReadonlyMap<number, string>
}

/** The key in the bucket of an item row in the folder `path`. */
export function keyOf(view: DatasetView, path: string, row: { name: string; object_key: string | null }): string {
  return row.object_key ?? `${view.folder}${path}${row.name}`
}

/** How an item stands to its object. */
function stateOf(row: { state: number; flags: number }): 'available' | 'missing' | 'archived' | 'excluded' {
  if (row.state === MISSING) return 'missing'
  if (row.state === EXCLUDED) return 'excluded'
  return (row.flags & FLAG_ARCHIVED) === 0 ? 'available' : 'archived'
}

/**
 * An item as the API shows it, with exactly the keys that the vendor's SDK compares.
 *
 * `metadata.system` is assembled: what storage tells comes from columns and wins; what people or programs added comes from the item's document.
 */
export function renderItem(row: ItemRow, path: string, context: RenderContext): Item {
  const { view, mediaTypes } = context
  const document = row.metadata
  const added = (document?.system as Record<string, unknown> | undefined) ?? undefined
  const dir = dirText(path)
  const system = {
    ...added,
    originalname: row.name,
    size: row.size_bytes,
    encoding: '7bit',
    mimetype: mediaTypes.get(row.type_no) ?? UNKNOWN_TYPE,
    storage: {
      driverId: row.object_driver_id ?? view.driverId,
      bucket: row.object_driver_id === null || row.object_driver_id === view.driverId ? view.bucket : null,
      key: keyOf(view, path, row),
      etag: unpackEtag(row.etag),
      modified: row.modified_ms === null ? null : toIso(row.modified_ms),
      state: stateOf(row),
      addressable: row.object_key !== null || (row.flags & FLAG_UNADDRESSABLE) === 0,
      ...(row.state === MISSING && row.missing_ms !== null && { missingSince: toIso(row.missing_ms) }),
      ...((row.flags & FLAG_CHANGED) !== 0 && { changedInStorage: true as const }),
    },
  }
  return {
    id: row.id,
    name: row.name,
    dir,
    filename: `/${path}${row.name}`,
    type: 'file',
    hidden: (row.flags & FLAG_HIDDEN) !== 0,
    metadata: document === null ? { system } : { ...document, system },
    creator: row.creator ?? view.creator,
    createdAt: toIso(itemCreatedMs(BigInt(`0x${row.id.slice(8)}`))),
    updatedAt: toIso(row.updated_ms),
    ...shared(row.id, context),
    updatedBy: row.updater ?? row.creator ?? view.creator,
    annotated: (row.annotations ?? 0) > 0,
    annotationsCount: row.annotations ?? 0,
    ...(row.description !== null && { description: row.description }),
    ...(row.origin !== null && { srcItem: row.origin }),
  }
}

/** A folder as the API shows it where it stands among items. */
export function renderDir(row: DirRow, context: RenderContext): Item {
  const parent = parentPath(row.path)
  const filename = dirText(row.path)
  return {
    id: dirId(context.view.datasetNo, row.dir_no),
    name: parent === null ? '/' : row.name,
    dir: parent === null ? '/' : dirText(parent),
    filename,
    type: 'dir',
    hidden: row.is_hidden,
    metadata: { system: { items: row.items, bytes: row.bytes, deepItems: row.deep_items, deepBytes: row.deep_bytes } },
    creator: context.view.creator,
    createdAt: toIso(context.view.createdMs),
    updatedAt: toIso(context.view.createdMs),
    ...shared(dirId(context.view.datasetNo, row.dir_no), context),
  }
}

function shared(id: string, { view, baseUrl }: RenderContext) {
  const url = `${baseUrl}/api/v1/items/${id}`
  const dataset = `${baseUrl}/api/v1/datasets/${view.datasetId}`
  return {
    datasetId: view.datasetId,
    annotated: false,
    annotationsCount: 0,
    updatedBy: view.creator,
    url,
    stream: `${url}/stream`,
    thumbnail: `${url}/thumbnail`,
    annotations: `${dataset}/items/${id}/annotations`,
    dataset,
  }
}
