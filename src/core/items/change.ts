import type { Item } from '#contract/items.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'
import { getItem } from './browse.ts'
import { type Document, descriptionText, mergeDocument } from './document.ts'
import { requirePath } from './item-paths.ts'
import { moveIn, renameFolder } from './move.ts'
import { type Writing, writeItems } from './writing.ts'

/** Items changed in one transaction. */
const CHANGE_CHUNK = 2_000

/** A change of one item; what is left out stays. */
export interface ItemChange {
  /** Merged into what is there; null takes a name away. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  /** Whether `metadata.system` may be changed. */
  readonly withSystem: boolean
  /** Empty or null: none. */
  readonly description?: string | null | undefined
  /** Full path: renames or moves. */
  readonly filename?: string | undefined
}

/**
 * Changes an item by its id; a folder can only be given another path. Answers it as it is then.
 * Errors: `item.not_found`, `item.path_invalid`, `item.exists`, `item.bound_to_storage`, `dataset.readonly`, `dataset.locked`.
 */
export async function updateItem(
  deps: Deps,
  caller: Caller,
  id: string,
  change: ItemChange,
  baseUrl: string,
): Promise<Item> {
  const numbers = parseItemId(id)
  if (numbers === null) throw new AppError('item.not_found')
  const { datasetNo } = numbers
  if ('dirNo' in numbers) {
    if (change.filename !== undefined) await renameFolder(deps, datasetNo, numbers.dirNo, change.filename)
    return getItem(deps, id, baseUrl)
  }
  const { metadata, description, withSystem } = change
  const place = change.filename === undefined ? undefined : requirePath(change.filename)
  await writeItems(deps, datasetNo, async (writing) => {
    if (place !== undefined) await moveIn(writing, numbers.itemNo, place, caller)
    const count = await patchIn(writing, caller, [numbers.itemNo], { metadata, description, withSystem })
    if (count === 0) throw new AppError('item.not_found')
  })
  return getItem(deps, id, baseUrl)
}

/**
 * Merges the same metadata into many items of a dataset, in transactions of 2,000. Numbers that are no items are passed over. Answers how many were changed.
 * Errors: `dataset.not_found`, `dataset.readonly`, `dataset.locked`.
 */
export async function updateItemsMetadata(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  itemNos: readonly string[],
  change: { readonly metadata: Readonly<Record<string, unknown>>; readonly withSystem: boolean },
): Promise<number> {
  let count = 0
  for (let from = 0; from < itemNos.length; from += CHANGE_CHUNK) {
    const chunk = itemNos.slice(from, from + CHANGE_CHUNK)
    count += await writeItems(deps, datasetNo, (writing) => patchIn(writing, caller, chunk, change))
  }
  return count
}

/** The same, and a description, in a transaction of `writeItems`. */
export async function patchIn(
  { tx, dataset, nowMs }: Writing,
  caller: Caller,
  itemNos: readonly string[],
  change: Omit<ItemChange, 'filename'>,
): Promise<number> {
  const { rows } = await tx.query<{ no: string; metadata: Document | null; description: string | null }>(
    'select item_no::text as no, metadata, description from item where dataset_no = $1 and item_no = any($2::bigint[]) order by item_no for no key update',
    [dataset.datasetNo, [...itemNos]],
  )
  if (rows.length === 0) return 0
  const { metadata, description, withSystem } = change
  const mimetype = withSystem ? mimetypeOf(metadata?.system) : null
  const documents = rows.map((row) =>
    metadata === undefined ? row.metadata : mergeDocument(row.metadata, metadata, withSystem),
  )
  const descriptions = rows.map((row) => (description === undefined ? row.description : descriptionText(description)))
  if (mimetype !== null)
    await tx.query('insert into media_type (name) values ($1) on conflict (name) do nothing', [mimetype])
  await tx.query(
    `update item i
        set metadata = u.metadata, description = u.description, updater_id = $5, updated_at = to_timestamp($6::float8 / 1000),
            type_no = coalesce((select m.type_no from media_type m where m.name = $7), i.type_no)
       from unnest($2::bigint[], $3::jsonb[], $4::text[]) u (item_no, metadata, description)
      where i.dataset_no = $1 and i.item_no = u.item_no`,
    [
      dataset.datasetNo,
      rows.map((row) => row.no),
      documents.map((document) => (document === null ? null : JSON.stringify(document))),
      descriptions,
      caller.userId,
      nowMs,
      mimetype,
    ],
  )
  return rows.length
}

/** A content type that somebody corrects; what is none is ignored, as everything that cannot be changed is. */
function mimetypeOf(system: unknown): string | null {
  const given = (system as { mimetype?: unknown } | null | undefined)?.mimetype
  return typeof given === 'string' && /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(given) ? given : null
}
