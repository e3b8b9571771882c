import type { Db } from '#db/connect.ts'
import { bounded } from './budget.ts'
import type { Compiled } from './compiled.ts'
import { type ItemFieldKind, itemField } from './fields.ts'
import { allOf, type Fragment, join, type Predicate, raw, sql } from './fragment.ts'
import { countIndexed } from './index-count.ts'
import type { SortKey } from './parse.ts'
import { itemModifiedMs, itemUpdatedMs } from './sql.ts'

/** Most folders that are named one by one in a statement; more are joined. */
const FOLDERS_MAX = 2_000
/** Up to so many items are gathered from their folders and sorted; for more, the items are walked in the order of their ids. */
const GATHER_MAX = 20_000
/**
 * The same of items that are found by their document, each of which has to be looked at: three microseconds an item, and as many pages of the table. Where a
 * hundredth of a million has a value, a walk meets a thousand of them in less time than it takes to gather all.
 */
const GATHER_DOCUMENTS_MAX = 10_000

/** Folders a query is limited to. */
export interface FolderScope {
  /** Each folder's path by its number; null when there are more than are worth naming. */
  readonly paths: ReadonlyMap<number, string> | null
  /** Live items directly in these folders, by their counters. */
  readonly items: number
  readonly where: Fragment
}

/** How the items of a query are found. */
export interface ItemPlan {
  readonly datasetNo: number
  /** Null: anywhere in the dataset. */
  readonly folders: FolderScope | null
  /** What is left to test of each item once its folder fits. */
  readonly tests: readonly Compiled[]
  /** At most so many items match, as far as that was counted; Infinity where it was not, or is more than is worth gathering. */
  readonly itemsMax: number
  /** Entries that the index of documents has for the tests it serves, all together; null where it was not asked. */
  readonly indexed: number | null
}

/** How many items have what the tests ask for, as far as indexes tell. */
type Rare = Pick<ItemPlan, 'itemsMax' | 'indexed'>

interface FolderRow {
  dir_no: number
  path: string
  items: number
}

/**
 * Finds the folders a filter speaks about, so that items are found through them; null when nothing can match.
 *
 * Two steps, because the database guesses badly how many items a folder it does not know yet has, and we have counted them. The same for what is rare: the
 * database takes one item in two hundred to have a flag, and would walk a whole dataset by id in the hope to meet one soon.
 */
export async function planItems(db: Db, datasetNo: number, filter: readonly Compiled[]): Promise<ItemPlan | null> {
  if (filter.some((condition) => condition.where === false)) return null
  const where = allOf(filter.map((condition) => condition.folder))
  if (where === false) return null
  const tests = filter.filter((condition) => !condition.isFolderOnly)
  const folders = where === true ? null : await findFolders(db, datasetNo, where)
  if (folders?.paths?.size === 0) return null
  const rare = await countRare(db, datasetNo, tests, folders?.items ?? Number.POSITIVE_INFINITY)
  return rare.itemsMax === 0 ? null : { datasetNo, folders, tests, ...rare }
}

async function findFolders(db: Db, datasetNo: number, where: Fragment): Promise<FolderScope> {
  const from = sql`from dir d where d.dataset_no = ${datasetNo}::int and ${where}`
  const rows = await bounded<FolderRow>(db, sql`select d.dir_no, d.path, d.items ${from} limit ${FOLDERS_MAX + 1}::int`)
  if (rows.length <= FOLDERS_MAX) {
    return { paths: new Map(rows.map((row) => [row.dir_no, row.path])), items: sumOf(rows), where }
  }
  const [total] = await bounded<{ items: number }>(db, sql`select coalesce(sum(d.items), 0)::bigint as items ${from}`)
  return { paths: null, items: total!.items, where }
}

/** How many items of the dataset have what the tests ask for, where an index holds just those; there are `itemsMax` at most anyway. */
async function countRare(db: Db, datasetNo: number, tests: readonly Compiled[], inFolders: number): Promise<Rare> {
  const marked = tests.find((test) => test.rare !== undefined && test.isGathered !== true)
  const few = sql`select 1 from item i where i.dataset_no = ${datasetNo}::int`
  let itemsMax = inFolders
  if (marked !== undefined) {
    // In the order of the index: that of annotated items is by their numbers, those of marks are by folder.
    const order = raw(marked.isAnnotated === true ? 'i.item_no' : 'i.dir_no')
    const count = await countUpTo(db, sql`${few} and ${marked.rare!} order by ${order}`, GATHER_MAX)
    itemsMax = Math.min(itemsMax, count)
  }
  const gathered = tests.filter((test) => test.isGathered === true).map((test) => test.rare!)
  if (gathered.length === 0 || itemsMax <= GATHER_MAX) return { itemsMax, indexed: null }
  // All values at once, and in no order, so that the index of documents is what is cheapest.
  const indexed = await countIndexed(db, datasetNo, gathered)
  const count = indexed ?? (await countUpTo(db, sql`${few} and ${join(gathered, ' and ')}`, GATHER_DOCUMENTS_MAX))
  return { itemsMax: count > GATHER_DOCUMENTS_MAX ? Number.POSITIVE_INFINITY : Math.min(itemsMax, count), indexed }
}

async function countUpTo(db: Db, rows: Fragment, most: number): Promise<number> {
  const [row] = await bounded<{ items: number }>(
    db,
    sql`select count(*) as items from (${rows} limit ${most + 1}::int) few`,
  )
  return row!.items > most ? Number.POSITIVE_INFINITY : row!.items
}

function sumOf(rows: readonly FolderRow[]): number {
  return rows.reduce((sum, row) => sum + row.items, 0)
}

/** `from … where …` for the items of a plan; with `isJoined` the folder is there as `d`. `isAll`: all of them are wanted, in no order. */
export function itemsFrom(plan: ItemPlan, isJoined: boolean, isAll = false): Fragment {
  const folders = plan.folders
  const predicates: Predicate[] = [sql`i.dataset_no = ${plan.datasetNo}::int`]
  if (folders?.paths != null) {
    const numbers = [...folders.paths.keys()]
    predicates.push(numbers.length === 1 ? sql`i.dir_no = ${numbers[0]}::int` : sql`i.dir_no = any(${numbers}::int[])`)
  } else if (folders !== null) predicates.push(folders.where)
  // By the index of documents where items are to be gathered; otherwise in the rows as they come, which is less work for each.
  const isFew = isAll || isWorthGathering(plan)
  predicates.push(...plan.tests.map((test) => (isFew && test.isGathered === true ? test.rare! : test.where)))
  const dir = isJoined ? raw('join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no') : raw('')
  return sql`from item i ${dir} where ${join(predicates as Fragment[], ' and ')}`
}

/** Whether finding or sorting the items needs the folder's row beside each. */
export function needsDir(plan: ItemPlan, sort: readonly SortKey[] = []): boolean {
  if (plan.folders !== null && plan.folders.paths === null) return true
  if (plan.tests.some((test) => test.usesDir)) return true
  return plan.folders?.paths?.size !== 1 && sort.some(({ field }) => field === 'filename' || field === 'dir')
}

/** `order by` for items: what was asked for, made a total order by the id, so that pages never overlap. What is not there comes before what is. */
export function itemOrder(plan: ItemPlan, sort: readonly SortKey[]): Fragment {
  const isOneFolder = plan.folders?.paths?.size === 1
  const keys: Fragment[] = []
  for (const { field: name, isDescending } of sort) {
    const { kind, path } = itemField(name)!
    const direction = raw(isDescending ? ' desc' : '')
    if (kind === 'id' || kind === 'createdAt') {
      keys.push(raw(itemNo(plan, keys.length === 0) + (isDescending ? ' desc' : '')))
      return sql`order by ${join(keys, ', ')}`
    }
    // All items of a query are files.
    if (kind === 'type' || (kind === 'dir' && isOneFolder)) continue
    if (kind === 'document') {
      keys.push(sql`i.metadata #> ${path}::text[]${raw(isDescending ? ' desc nulls last' : ' nulls first')}`)
      continue
    }
    const isName = kind === 'name' || (kind === 'filename' && isOneFolder)
    const isNullable = kind === 'missingSince' || kind === 'description' || kind === 'modified'
    const nulls = raw(isNullable ? (isDescending ? ' nulls last' : ' nulls first') : '')
    keys.push(sql`${isName ? raw('i.name') : raw(sortKeys[kind]!)}${direction}${nulls}`)
    // A name is unique in its folder and a full path in the dataset; without a further key the index on (folder, name) gives the order.
    if ((isName && isOneFolder) || kind === 'filename') return sql`order by ${join(keys, ', ')}`
  }
  return sql`order by ${join([...keys, raw(itemNo(plan, keys.length === 0))], ', ')}`
}

const emailOf = (column: string, whenNull: string) =>
  `(select u.email from user_account u where u.id = coalesce(${column}, ${whenNull})) collate "C"`
const makerOfDataset = '(select s.creator_id from dataset s where s.dataset_no = i.dataset_no)'
/** SQL of what items are sorted by. */
const sortKeys: Readonly<Partial<Record<ItemFieldKind, string>>> = {
  dir: 'd.path',
  filename: '(d.path || i.name)',
  size: 'i.size_bytes',
  updatedAt: itemUpdatedMs,
  modified: itemModifiedMs,
  mimetype: '(select m.name from media_type m where m.type_no = i.type_no)',
  hidden: '(i.flags & 1)',
  state: 'i.state',
  missingSince: 'i.missing_at',
  changedInStorage: '(i.flags & 8)',
  creator: emailOf('i.creator_id', makerOfDataset),
  updatedBy: emailOf('coalesce(i.updater_id, i.creator_id)', makerOfDataset),
  annotated: '(coalesce(i.annotations, 0) > 0)',
  annotationsCount: 'coalesce(i.annotations, 0)',
  description: 'i.description collate "C"',
}

/** Whether all items of a plan may be gathered and sorted; of more, the next ones are walked to in the order of their ids. */
export function isWorthGathering(plan: ItemPlan): boolean {
  const hasDocuments = plan.tests.some((test) => test.isGathered === true)
  return plan.itemsMax <= (hasDocuments ? GATHER_DOCUMENTS_MAX : GATHER_MAX)
}

/** The sum keeps the planner from walking the whole dataset by id in the hope to meet a few items of a small folder, or of a rare kind, soon. */
export function itemNo(plan: ItemPlan, isFirst = true): string {
  return isFirst && isWorthGathering(plan) ? '(i.item_no + 0)' : 'i.item_no'
}

/** `from … where …` for folders shown among items: those that hold something or that somebody made, without the root. */
export function dirsFrom(datasetNo: number, filter: readonly Compiled[]): Fragment | null {
  const where = allOf(filter.map((condition) => condition.where))
  if (where === false) return null
  const base = sql`from dir d where d.dataset_no = ${datasetNo}::int and d.dir_no > 1 and (d.deep_items > 0 or d.is_kept)`
  return where === true ? base : sql`${base} and ${where}`
}

/** `order by` for folders: they have neither size nor times of their own. */
export function dirOrder(sort: readonly SortKey[]): Fragment {
  const keys: string[] = []
  for (const { field, isDescending } of sort) {
    const direction = isDescending ? ' desc' : ''
    if (field === 'id' || field === 'createdAt') return raw(`order by ${[...keys, `d.dir_no${direction}`].join(', ')}`)
    if (field === 'filename' || field === 'dir') keys.push(`d.path${direction}`)
    if (field === 'name') keys.push(`d.name${direction}`)
  }
  return raw(`order by ${[...keys, 'd.dir_no'].join(', ')}`)
}
