import type { TreeNode } from '#contract/items.ts'
import type { Deps } from '#core/deps.ts'
import { dirId } from '#lib/ids.ts'
import { dirText, parentPath } from './paths.ts'
import { run } from './query/budget.ts'
import { type Fragment, raw, sql } from './query/fragment.ts'
import { isShownFolderSql } from './render.ts'

/** Most folders of one answer: some 30 MB of JSON. */
export const TREE_FOLDERS_MAX = 100_000

/** The tree of folders; `truncated` with the depth it was cut at where folders deeper than that were left out. */
export interface DirectoryTree extends TreeNode {
  truncated?: true
  depth?: number
}

interface Row {
  dir_no: number
  parent_no: number
  path: string
  name: string
}

/**
 * Builds the tree of the folders that hold something or that somebody made, for `GET /datasets/{id}/directoryTree`.
 *
 * With `depth`, folders at most so many levels below the root. A tree of more than `foldersMax` is cut at the greatest depth that fits (but never above the
 * first level, which the list of child folders pages through).
 */
export async function directoryTree(
  deps: Deps,
  datasetNo: number,
  depthAsked: number | undefined,
  foldersMax = TREE_FOLDERS_MAX,
): Promise<DirectoryTree> {
  let depth = depthAsked ?? null
  let rows = await readFolders(deps, datasetNo, depth, foldersMax)
  if (rows.length > foldersMax) {
    depth = await depthThatFits(deps, datasetNo, foldersMax)
    rows = (await readFolders(deps, datasetNo, depth, foldersMax)).slice(0, foldersMax)
  }
  const root = nodeOf(datasetNo, { dir_no: 1, parent_no: 1, path: '', name: '/' })
  const nodes = new Map<number, TreeNode>([[1, root]])
  // In the order of paths, every folder comes after the one above it.
  for (const row of rows) {
    const node = nodeOf(datasetNo, row)
    nodes.set(row.dir_no, node)
    nodes.get(row.parent_no)?.children.push(node)
  }
  if (depth === null || !(await hasDeeper(deps, datasetNo, depth))) return root
  return { ...root, truncated: true, depth }
}

/** A folder's level below the root is the number of slashes in its path. */
const level: Fragment = sql`(length(d.path) - length(replace(d.path, '/', '')))`

function holding(datasetNo: number): Fragment {
  return sql`from dir d where d.dataset_no = ${datasetNo}::int and d.dir_no > 1 and ${raw(isShownFolderSql)}`
}

async function readFolders(deps: Deps, datasetNo: number, depth: number | null, max: number): Promise<Row[]> {
  const isShallow = depth === null ? sql`true` : sql`${level} <= ${depth}::int`
  return await run<Row>(
    deps.db,
    sql`select d.dir_no, d.parent_no, d.path, d.name ${holding(datasetNo)} and ${isShallow} order by d.path limit ${max + 1}::int`,
  )
}

async function depthThatFits(deps: Deps, datasetNo: number, max: number): Promise<number> {
  const levels = await run<{ level: number; folders: number }>(
    deps.db,
    sql`select ${level} as level, count(*) as folders ${holding(datasetNo)} group by 1 order by 1`,
  )
  let sum = 0
  let depth = 1
  for (const row of levels) {
    sum += row.folders
    if (sum > max) break
    depth = row.level
  }
  return depth
}

async function hasDeeper(deps: Deps, datasetNo: number, depth: number): Promise<boolean> {
  const [row] = await run<{ has: boolean }>(
    deps.db,
    sql`select exists (select 1 ${holding(datasetNo)} and ${level} > ${depth}::int) as has`,
  )
  return row!.has
}

function nodeOf(datasetNo: number, row: Row): TreeNode {
  const parent = parentPath(row.path)
  return {
    value: {
      id: dirId(datasetNo, row.dir_no),
      name: row.name,
      dir: parent === null ? null : dirText(parent),
      filename: dirText(row.path),
      metadata: {},
    },
    children: [],
  }
}
