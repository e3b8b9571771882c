import type { Folder, Item } from '#contract/items.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { dirId, parseItemId } from '#lib/ids.ts'
import { artifactFacts } from './artifact.ts'
import { type DatasetView, viewDataset } from './dataset-view.ts'
import { mediaTypeNames } from './media-types.ts'
import { dirText, parentPath, pathOfDir, splitFilename } from './paths.ts'
import { run } from './query/budget.ts'
import { type Fragment, raw, sql } from './query/fragment.ts'
import {
  type DirRow,
  dirColumns,
  type ItemRow,
  isShownFolderSql,
  itemColumns,
  type RenderContext,
  renderDir,
  renderItem,
} from './render.ts'

/** A page of one folder's content: `after` is the cursor of the page before, `limit` the most entries. */
export interface FolderPage {
  readonly dir: string
  readonly after?: string | undefined
  readonly limit: number
  /** Whether names that start with a dot are shown. */
  readonly withHidden: boolean
}

/** Gets an item or folder by its id; throws `item.not_found`. */
export async function getItem(deps: Deps, id: string, baseUrl: string): Promise<Item> {
  const numbers = parseItemId(id)
  if (numbers === null) throw new AppError('item.not_found')
  const view = await viewDataset(deps.db, numbers.datasetNo)
  if ('dirNo' in numbers) {
    const dir = await findDir(deps, sql`d.dataset_no = ${numbers.datasetNo}::int and d.dir_no = ${numbers.dirNo}::int`)
    if (dir === null) throw new AppError('item.not_found')
    return renderDir(dir, { view, baseUrl, mediaTypes: new Map() })
  }
  const found = await findItem(
    deps,
    sql`i.dataset_no = ${numbers.datasetNo}::int and i.item_no = ${numbers.itemNo}::bigint`,
  )
  if (found === null) throw new AppError('item.not_found')
  return showOne(deps, view, found, baseUrl)
}

/** One item with everything that is known of it. */
async function showOne(deps: Deps, view: DatasetView, found: LocatedItem, baseUrl: string): Promise<Item> {
  const item = renderItem(found, found.path, await contextFor(deps, view, baseUrl, [found]))
  const artifact = await artifactFacts(deps, view, found)
  if (artifact !== null) item.metadata.system.artifact = { ...artifact }
  return item
}

/** Gets the file with exactly this full path, or the folder when there is no such file; throws `item.not_found`. */
export async function getItemByPath(deps: Deps, datasetNo: number, filename: string, baseUrl: string): Promise<Item> {
  const view = await viewDataset(deps.db, datasetNo)
  const { path, name } = splitFilename(filename)
  const inFolder = sql`(select f.dir_no from dir f where f.dataset_no = ${datasetNo}::int and f.path = ${path}::text)`
  const found = await findItem(
    deps,
    sql`i.dataset_no = ${datasetNo}::int and i.dir_no = ${inFolder} and i.name = ${name}::text`,
  )
  if (found !== null) return showOne(deps, view, found, baseUrl)
  const dir = await findDirByText(deps, datasetNo, filename)
  if (dir === null) throw new AppError('item.not_found', { message: 'There is no file or folder with this path.' })
  return renderDir(dir, { view, baseUrl, mediaTypes: new Map() })
}

/** Lists the files of one folder by name: a range of the index on (folder, name), however big the folder is. */
export async function listFolderItems(
  deps: Deps,
  datasetNo: number,
  page: FolderPage,
  baseUrl: string,
): Promise<{ items: Item[]; next: string | null }> {
  const view = await viewDataset(deps.db, datasetNo)
  const dir = await requireDir(deps, datasetNo, page.dir)
  const rows = await run<ItemRow>(
    deps.db,
    sql`select ${raw(itemColumns)} from item i
        where i.dataset_no = ${datasetNo}::int and i.dir_no = ${dir.dir_no}::int ${namesAfter('i.name', page)}
        order by i.name limit ${page.limit + 1}::int`,
  )
  const shown = rows.slice(0, page.limit)
  const context = await contextFor(deps, view, baseUrl, shown)
  return { items: shown.map((row) => renderItem(row, dir.path, context)), next: nextCursor(rows, page.limit) }
}

/** Lists the folders directly in a folder by name, with the counters their writers keep; folders that hold nothing are left out. */
export async function listFolders(
  deps: Deps,
  datasetNo: number,
  page: FolderPage,
): Promise<{ folder: Folder; folders: Folder[]; next: string | null }> {
  const dir = await requireDir(deps, datasetNo, page.dir)
  // The root is its own parent in the table.
  const rows = await run<DirRow>(
    deps.db,
    sql`select ${raw(dirColumns)} from dir d
        where d.dataset_no = ${datasetNo}::int and d.parent_no = ${dir.dir_no}::int and d.dir_no > 1 and ${raw(isShownFolderSql)} ${namesAfter('d.name', page)}
        order by d.name limit ${page.limit + 1}::int`,
  )
  return {
    folder: folderOf(datasetNo, dir),
    folders: rows.slice(0, page.limit).map((row) => folderOf(datasetNo, row)),
    next: nextCursor(rows, page.limit),
  }
}

function namesAfter(column: string, page: FolderPage): Fragment {
  const after =
    page.after === undefined ? raw('') : sql`and ${raw(column)} > ${readCursor(page.after)}::text collate "C"`
  return page.withHidden ? after : sql`${after} and not starts_with(${raw(column)}, '.')`
}

function nextCursor(rows: readonly { name: string }[], limit: number): string | null {
  return rows.length > limit ? Buffer.from(rows[limit - 1]!.name).toString('base64url') : null
}

function readCursor(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url')
  const name = bytes.toString('utf8')
  if (name.includes('\0') || Buffer.from(name).toString('base64url') !== cursor) {
    throw new AppError('request.invalid', {
      details: [{ path: 'query.after', message: 'is not a cursor of this list' }],
    })
  }
  return name
}

function folderOf(datasetNo: number, row: DirRow): Folder {
  const parent = parentPath(row.path)
  return {
    id: dirId(datasetNo, row.dir_no),
    name: parent === null ? '/' : row.name,
    dir: dirText(parent ?? ''),
    filename: dirText(row.path),
    hidden: row.is_hidden,
    items: row.items,
    bytes: row.bytes,
    deepItems: row.deep_items,
    deepBytes: row.deep_bytes,
  }
}

/** The folder as the API writes it; throws `item.not_found`. */
export async function requireDir(deps: Deps, datasetNo: number, text: string): Promise<DirRow> {
  const dir = await findDirByText(deps, datasetNo, text)
  if (dir === null) throw new AppError('item.not_found', { message: 'There is no such folder.' })
  return dir
}

/** The folder as the API writes it; if there is none, the same without a slash at its end. A dataset without rows still has its root. */
async function findDirByText(deps: Deps, datasetNo: number, text: string): Promise<DirRow | null> {
  const byPath = (path: string) => findDir(deps, sql`d.dataset_no = ${datasetNo}::int and d.path = ${path}::text`)
  const path = pathOfDir(text)
  const found = await byPath(path)
  if (found !== null) return found
  if (path === '') return emptyRoot
  return text.endsWith('/') ? await byPath(path.slice(0, -1)) : null
}

const emptyRoot: DirRow = {
  dir_no: 1,
  path: '',
  name: '',
  is_hidden: false,
  items: 0,
  bytes: 0,
  deep_items: 0,
  deep_bytes: 0,
}

/** A folder that holds nothing (any more) is none, as in a bucket, unless somebody made it; the root is always there. */
async function findDir(deps: Deps, where: Fragment): Promise<DirRow | null> {
  const rows = await run<DirRow>(
    deps.db,
    sql`select ${raw(dirColumns)} from dir d where ${where} and (${raw(isShownFolderSql)} or d.dir_no = 1)`,
  )
  return rows[0] ?? null
}

/** One item with its folder's path. */
export type LocatedItem = ItemRow & { path: string }

/** The one item that a condition on `i` holds for, or null. */
export async function findItem(deps: Deps, where: Fragment): Promise<LocatedItem | null> {
  const rows = await run<LocatedItem>(
    deps.db,
    sql`select ${raw(itemColumns)}, d.path from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no where ${where}`,
  )
  return rows[0] ?? null
}

async function contextFor(
  deps: Deps,
  view: DatasetView,
  baseUrl: string,
  rows: readonly { type_no: number }[],
): Promise<RenderContext> {
  return {
    view,
    baseUrl,
    mediaTypes: await mediaTypeNames(
      deps.db,
      rows.map((row) => row.type_no),
    ),
  }
}
