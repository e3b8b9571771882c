import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { afterPrefix } from './paths.ts'
import { DELETE_CHUNK, deleteIn } from './remove.ts'
import { type Writing, writeItems } from './writing.ts'

/** A folder that is deleted with all that was in it when that was asked: items made later have greater numbers and stay. */
export interface FolderToDelete {
  /** As the table of folders has it. */
  readonly path: string
  /** The last number that an item had by then. */
  readonly lastItemNo: string
}

/** A folder as it is to be deleted now; null where there is none. Throws `item.root_stays`. */
export async function findFolder(deps: Deps, datasetNo: number, dirNo: number): Promise<FolderToDelete | null> {
  if (dirNo === 1) throw new AppError('item.root_stays')
  const { rows } = await deps.db.query<FolderToDelete>(
    `select d.path, n.last_item_no::text as "lastItemNo" from dir d join dataset_numbers n on n.dataset_no = d.dataset_no
      where d.dataset_no = $1 and d.dir_no = $2 and (d.deep_items > 0 or d.is_kept)`,
    [datasetNo, dirNo],
  )
  return rows[0] ?? null
}

/** Deletes what is in a folder, chunk by chunk, until nothing is left or the time is up; the first chunk is always done. Answers how many items. */
export async function deleteFolderFor(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  folder: FolderToDelete,
  budgetMs: number,
): Promise<{ count: number; isDone: boolean }> {
  const untilMs = deps.clock.now() + budgetMs
  let count = 0
  for (;;) {
    const chunk = await writeItems(deps, datasetNo, (writing) => deleteFolderChunk(writing, folder))
    count += chunk.count
    if (!chunk.isDone && deps.clock.now() < untilMs) continue
    deps.log.info({ datasetNo, items: count, isDone: chunk.isDone, userId: caller.userId }, 'folder deleted')
    return { count, isDone: chunk.isDone }
  }
}

/**
 * Deletes the next items of a folder and those below, 5,000 at most, in a transaction of `writeItems`; when none is left, the folders themselves are let go.
 * The folders' own counters lead to the items, so what is done is not looked at again.
 */
export async function deleteFolderChunk(
  writing: Writing,
  { path, lastItemNo }: FolderToDelete,
): Promise<{ count: number; isDone: boolean }> {
  const { tx, dataset } = writing
  const inside = 'dataset_no = $1 and path >= $2 and ($3::text is null or path < $3)'
  const place = [dataset.datasetNo, path, afterPrefix(path)]
  const { rows } = await tx.query<{ no: string }>(
    `select i.item_no::text as no
       from (select dir_no from dir where ${inside} and items > 0 order by path) d
       cross join lateral (
         select item_no from item where dataset_no = $1 and dir_no = d.dir_no and item_no <= $4::bigint limit $5
       ) i
      limit $5`,
    [...place, lastItemNo, DELETE_CHUNK],
  )
  const isDone = rows.length < DELETE_CHUNK
  // Before the items: counters of data points are locked last.
  if (isDone) await tx.query(`update dir set is_kept = false where ${inside} and is_kept`, place)
  const count = await deleteIn(
    writing,
    rows.map((row) => row.no),
  )
  return { count, isDone }
}
