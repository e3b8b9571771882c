import { ensureFolder, FolderChanges, hashObserved, LIVE, RowHash, STORAGE_FLAGS } from '#core/catalog/catalog.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'
import { type ItemPath, requirePath } from './item-paths.ts'
import { afterPrefix } from './paths.ts'
import { type Writing, writeItems } from './writing.ts'

/** Items one request may move: what fits its body. */
export const MOVE_MAX = 100_000
const MOVE_CHUNK = 1_000

interface Moved {
  readonly no: string
  readonly dirNo: number
  readonly path: string
  readonly name: string
  readonly state: number
  readonly flags: number
  readonly sizeBytes: number
  readonly etag: Buffer
  readonly modifiedMs: number | null
  readonly objectKey: string | null
}

/**
 * Moves items of a dataset into a folder of it, keeping their names; no object is touched. All or none of a thousand, in the order given.
 * Errors: `item.not_found` (also for a folder's id), `item.exists`, `item.bound_to_storage`, `dataset.readonly`, `dataset.locked`.
 */
export async function moveItems(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  folderId: string,
  itemIds: readonly string[],
): Promise<number> {
  const folder = parseItemId(folderId)
  if (folder === null || !('dirNo' in folder) || folder.datasetNo !== datasetNo) throw new AppError('item.not_found')
  const itemNos = itemIds.map((id) => {
    const item = parseItemId(id)
    if (item === null || !('itemNo' in item) || item.datasetNo !== datasetNo) throw new AppError('item.not_found')
    return item.itemNo
  })
  for (let from = 0; from < itemNos.length; from += MOVE_CHUNK) {
    await writeItems(deps, datasetNo, async (writing) => {
      const { rows } = await writing.tx.query<{ path: string }>(
        'select path from dir where dataset_no = $1 and dir_no = $2',
        [datasetNo, folder.dirNo],
      )
      if (rows[0] === undefined) throw new AppError('item.not_found')
      for (const itemNo of itemNos.slice(from, from + MOVE_CHUNK)) {
        const item = await lockMoved(writing, itemNo)
        await relocate(writing, item, requirePath(`/${rows[0].path}${item.name}`), caller)
      }
    })
  }
  return itemNos.length
}

/** Gives an item another path, in a transaction of `writeItems`. */
export async function moveIn(writing: Writing, itemNo: string, place: ItemPath, caller: Caller): Promise<void> {
  await relocate(writing, await lockMoved(writing, itemNo), place, caller)
}

async function lockMoved({ tx, dataset }: Writing, itemNo: string): Promise<Moved> {
  const { rows } = await tx.query<Moved>(
    `select i.item_no::text as no, i.dir_no as "dirNo", d.path, i.name, i.state, i.flags, i.size_bytes as "sizeBytes", i.etag,
            (extract(epoch from i.modified_at) * 1000)::float8 as "modifiedMs", i.object_key as "objectKey"
       from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
      where i.dataset_no = $1 and i.item_no = $2::bigint for update of i`,
    [dataset.datasetNo, itemNo],
  )
  if (rows[0] === undefined) throw new AppError('item.not_found')
  return rows[0]
}

async function relocate(writing: Writing, item: Moved, place: ItemPath, caller: Caller): Promise<void> {
  const { tx, dataset, nowMs } = writing
  const { datasetNo } = dataset
  if (item.path === place.path && item.name === place.name) return
  // The path is the file's key: another path would be another file (reading 2.1).
  if (item.objectKey === null) throw new AppError('item.bound_to_storage')
  const dirNo = await ensureFolder(tx, { datasetNo }, place.path)
  const { rows } = await tx.query(
    'select 1 from item where dataset_no = $1 and dir_no = $2 and name = $3 union all select 1 from dir where dataset_no = $1 and path = $4 and (deep_items > 0 or is_kept)',
    [datasetNo, dirNo, place.name, `${place.path}${place.name}/`],
  )
  if (rows.length > 0) throw new AppError('item.exists')
  const flags = (item.flags & ~(STORAGE_FLAGS & 3)) | place.flags
  await tx.query(
    `update item set dir_no = $3, name = $4, flags = $5, updater_id = $6, updated_at = to_timestamp($7::float8 / 1000)
      where dataset_no = $1 and item_no = $2::bigint`,
    [datasetNo, item.no, dirNo, place.name, flags, caller.userId, nowMs],
  )
  const changes = new FolderChanges()
  changes.add(item.dirNo, -1, -item.sizeBytes)
  changes.add(dirNo, 1, item.sizeBytes)
  if (item.state === LIVE) {
    const hash = new RowHash(datasetNo)
    for (const [no, name] of [
      [item.dirNo, item.name],
      [dirNo, place.name],
    ] as const) {
      hashObserved(hash, { ...item, name: Buffer.from(name), isArchived: (item.flags & 4) !== 0 })
      changes.flip(no, Buffer.from(name), hash.high, hash.low)
    }
  }
  await changes.write(tx, datasetNo)
}

/**
 * Gives a folder, and with it all below it, another path that is still free. Errors: `item.root_stays`, `item.not_found`, `item.exists`, `item.path_invalid`,
 * and `item.bound_to_storage` where a file of external storage is in it.
 */
export async function renameFolder(deps: Deps, datasetNo: number, dirNo: number, filename: string): Promise<void> {
  if (dirNo === 1) throw new AppError('item.root_stays')
  const { path: above, name } = requirePath(filename.replace(/\/$/, ''))
  const path = `${above}${name}/`
  await writeItems(deps, datasetNo, async ({ tx }) => {
    const { rows } = await tx.query<{ path: string; deepItems: number; deepBytes: number; parentNo: number }>(
      'select path, deep_items as "deepItems", deep_bytes as "deepBytes", parent_no as "parentNo" from dir where dataset_no = $1 and dir_no = $2 for update',
      [datasetNo, dirNo],
    )
    const old = rows[0]
    if (old === undefined) throw new AppError('item.not_found')
    if (old.path === path) return
    if (path.startsWith(old.path)) throw new AppError('item.path_invalid')
    await requireFree(tx, datasetNo, path, above, name)
    const below = [datasetNo, old.path, afterPrefix(old.path)]
    const bound = await tx.query(
      `select 1 from item i where i.dataset_no = $1 and i.object_key is null
          and i.dir_no in (select dir_no from dir where dataset_no = $1 and path >= $2 and ($3::text is null or path < $3)) limit 1`,
      below,
    )
    if (bound.rows.length > 0) throw new AppError('item.bound_to_storage')
    const parentNo = await ensureFolder(tx, { datasetNo }, above)
    await shiftCounters(tx, datasetNo, old.parentNo, -old.deepItems, -old.deepBytes)
    await tx.query(
      `update dir set path = $4 || substr(path, length($2) + 1), name = case when dir_no = $5 then $6 else name end,
              parent_no = case when dir_no = $5 then $7 else parent_no end,
              is_hidden = ('/' || $4 || substr(path, length($2) + 1)) ~ '/\\.'
        where dataset_no = $1 and path >= $2 and ($3::text is null or path < $3)`,
      [...below, path, dirNo, name, parentNo],
    )
    await tx.query(
      `update item i set flags = (i.flags & ~1::smallint) | case when d.is_hidden or starts_with(i.name, '.') then 1 else 0 end
         from dir d where d.dataset_no = $1 and d.path >= $2 and ($3::text is null or d.path < $3) and i.dataset_no = $1 and i.dir_no = d.dir_no
          and (i.flags & 1) <> case when d.is_hidden or starts_with(i.name, '.') then 1 else 0 end`,
      [datasetNo, path, afterPrefix(path)],
    )
    await shiftCounters(tx, datasetNo, parentNo, old.deepItems, old.deepBytes)
  })
}

async function requireFree(
  tx: Writing['tx'],
  datasetNo: number,
  path: string,
  above: string,
  name: string,
): Promise<void> {
  // A folder that holds nothing may still have its row: it gives way.
  const gone = await tx.query<{ isShown: boolean }>(
    `select bool_or(deep_items > 0 or is_kept) as "isShown" from dir where dataset_no = $1 and path >= $2 and ($3::text is null or path < $3)`,
    [datasetNo, path, afterPrefix(path)],
  )
  const file = await tx.query(
    'select 1 from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no where i.dataset_no = $1 and d.path = $2 and i.name = $3',
    [datasetNo, above, name],
  )
  if (gone.rows[0]?.isShown || file.rows.length > 0) throw new AppError('item.exists')
  await tx.query('delete from dir where dataset_no = $1 and path >= $2 and ($3::text is null or path < $3)', [
    datasetNo,
    path,
    afterPrefix(path),
  ])
}

/** Adds to the deep counters of a folder and of those above it. */
async function shiftCounters(
  tx: Writing['tx'],
  datasetNo: number,
  dirNo: number,
  items: number,
  bytes: number,
): Promise<void> {
  await tx.query(
    `with recursive above (dir_no, parent_no) as (
       select dir_no, parent_no from dir where dataset_no = $1 and dir_no = $2
       union all
       select d.dir_no, d.parent_no from above a join dir d on d.dataset_no = $1 and d.dir_no = a.parent_no where a.dir_no > 1
     )
     update dir d set deep_items = d.deep_items + $3, deep_bytes = d.deep_bytes + $4
       from above a where d.dataset_no = $1 and d.dir_no = a.dir_no`,
    [datasetNo, dirNo, items, bytes],
  )
}
