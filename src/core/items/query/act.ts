import type { Caller, Deps } from '#core/deps.ts'
import { updateItemsMetadata } from '../change.ts'
import { viewDataset } from '../dataset-view.ts'
import { deleteItems } from '../remove.ts'
import { deleteFolderFor, findFolder } from '../remove-folder.ts'
import { annotationsFrom } from './annotations.ts'
import { bounded } from './budget.ts'
import { compileFilter } from './compile.ts'
import { type Fragment, raw, sql } from './fragment.ts'
import { type ParsedQuery, parseQuery, refuse } from './parse.ts'
import { dirsFrom, itemOrder, itemsFrom, needsDir, planItems } from './plan.ts'

/** Rows that are changed before the next are looked for. */
export const ACT_CHUNK = 2_000

/** Longest that one step deletes folders, in milliseconds. */
const FOLDERS_MS = 5_000
const NO_FOLDERS = { count: 0, isDone: true }

/** What later parts of the core do to annotations. */
export interface AnnotationActs {
  deleteAnnotations(deps: Deps, caller: Caller, datasetNo: number, annotationNos: readonly string[]): Promise<number>
}

/** What a query is about, and whether it changes it; for whoever has to ask for a higher role first. Throws `query.invalid`. */
export function queryPurpose(body: Readonly<Record<string, unknown>>): Pick<ParsedQuery, 'resource'> & {
  isChange: boolean
} {
  const { resource, action } = parseQuery(body)
  return { resource, isChange: action !== null }
}

/** How far a change is: rows up to `cursor` are done. */
export interface Progress {
  readonly cursor: string
  readonly count: number
  readonly isDone: boolean
}

/** Reads a query that changes something; refuses what cannot be done. */
export function parseChange(body: Readonly<Record<string, unknown>>): ParsedQuery {
  const query = parseQuery(body)
  if (query.action === null) refuse('update', 'say what is to be done')
  if (query.resource === 'annotations' && query.action.kind === 'update')
    refuse('update', 'annotations are changed one by one')
  return query
}

/**
 * Deletes or updates the next rows behind `cursor`, in the order of their numbers, so that no row is met twice and what was changed need not be found again.
 * Errors: `dataset.readonly`, `dataset.locked`, `query.invalid`, `query.too_slow`.
 */
export async function actOnNext(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  query: ParsedQuery,
  cursor: string,
  acts: AnnotationActs,
): Promise<Progress> {
  const statement = await nextRows(deps, datasetNo, query, cursor)
  const rows = statement === null ? [] : await bounded<{ no: string }>(deps.db, statement)
  const numbers = rows.map((row) => row.no)
  const count = numbers.length === 0 ? 0 : await act(deps, caller, datasetNo, query, numbers, acts)
  const isDone = numbers.length < ACT_CHUNK
  const folders =
    isDone && query.resource === 'items' ? await deleteFolders(deps, caller, datasetNo, query) : NO_FOLDERS
  return { cursor: numbers.at(-1) ?? cursor, count: count + folders.count, isDone: isDone && folders.isDone }
}

async function act(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  query: ParsedQuery,
  numbers: readonly string[],
  acts: AnnotationActs,
): Promise<number> {
  const { resource, action } = query
  if (resource === 'annotations') return await acts.deleteAnnotations(deps, caller, datasetNo, numbers)
  if (action?.kind !== 'update') return await deleteItems(deps, caller, datasetNo, numbers)
  const { metadata } = action.update
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return 0
  const change = { metadata: metadata as Record<string, unknown>, withSystem: action.isSystem }
  return await updateItemsMetadata(deps, caller, datasetNo, numbers, change)
}

async function nextRows(deps: Deps, datasetNo: number, query: ParsedQuery, cursor: string): Promise<Fragment | null> {
  const view = await viewDataset(deps.db, datasetNo)
  const limit = sql`limit ${ACT_CHUNK}::int`
  if (query.resource === 'annotations') {
    const from = annotationsFrom(datasetNo, compileFilter(query.filter, 'annotation', view))
    if (from === null) return null
    return sql`select a.annotation_no::text as no ${from} and a.annotation_no > ${cursor}::bigint order by a.annotation_no ${limit}`
  }
  const plan = await planItems(deps.db, datasetNo, compileFilter(query.filter, 'item', view))
  if (plan === null) return null
  const order = itemOrder(plan, [{ field: 'id', isDescending: false }])
  return sql`select i.item_no::text as no ${itemsFrom(plan, needsDir(plan))} and i.item_no > ${cursor}::bigint ${order} ${limit}`
}

/**
 * Deletes folders with all that is in them, where a query asks for folders and nothing else. One that speaks of files as well means files: a condition that
 * folders happen to fulfil must not take along what is in them. As many as fit the time; those that are left are found again.
 */
async function deleteFolders(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  query: ParsedQuery,
): Promise<{ count: number; isDone: boolean }> {
  if (query.action?.kind !== 'delete') return NO_FOLDERS
  const view = await viewDataset(deps.db, datasetNo)
  if (!compileFilter(query.filter, 'item', view).some((test) => test.where === false)) return NO_FOLDERS
  const dirs = dirsFrom(datasetNo, compileFilter(query.filter, 'dir', view))
  if (dirs === null) return NO_FOLDERS
  // A folder before those inside it, which go with it.
  const rows = await bounded<{ dir_no: number; path: string }>(
    deps.db,
    sql`select d.dir_no, d.path ${dirs} ${raw('order by d.path')}`,
  )
  const untilMs = deps.clock.now() + FOLDERS_MS
  let gone: string | null = null
  for (const [count, { dir_no: dirNo, path }] of rows.entries()) {
    if (gone !== null && path.startsWith(gone)) continue
    const leftMs = untilMs - deps.clock.now()
    if (count > 0 && leftMs <= 0) return { count, isDone: false }
    const folder = await findFolder(deps, datasetNo, dirNo)
    // Somebody else was faster.
    if (folder === null) continue
    const { isDone } = await deleteFolderFor(deps, caller, datasetNo, folder, leftMs)
    if (!isDone) return { count, isDone }
    gone = path
  }
  return { count: rows.length, isDone: true }
}
