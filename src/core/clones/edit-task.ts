import { createHash } from 'node:crypto'
import { ensureCollections, removeCollection } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import { type Writing, writeItems } from '#core/items/items.ts'
import { withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { mergePatch } from '#lib/merge-patch.ts'
import { type ItemsQuery, lastItemNo, nextItemNos } from './selecting.ts'
import { finishTask, saveTask, type Task } from './task-rows.ts'

/** Items changed in one transaction. */
const CHUNK_ITEMS = 5_000

type Json = Readonly<Record<string, unknown>>

/** What is asked of a bulk change of items' metadata; `patch` is a merge patch of each item's document. */
export interface EditSpec {
  readonly query: ItemsQuery
  readonly patch?: Json
  /** Names of the collections of `collect`; those that do not exist are made. */
  readonly collections?: readonly string[]
  /** Keys of the collections of `uncollect` and `drop-collection`. */
  readonly keys?: readonly string[]
  /** Percent of the items by subset, of `split`. */
  readonly subsets?: Readonly<Record<string, number>>
}

interface EditState {
  readonly upTo: string
  readonly cursor: string
  readonly done: number
  /** Items that were found before any is changed; null while they are counted. */
  readonly total: number | null
  readonly counted: number
  /** Keys of the collections. */
  readonly keys: readonly string[]
  /** Of each subset, how many items it still gets. */
  readonly left: Readonly<Record<string, number>>
}

type EditTask = Task<EditSpec, EditState>

/** Does the next step of a bulk change: looks at what there is to do, or changes a chunk of items in one transaction. */
export async function stepEdit(deps: Deps, given: Task): Promise<void> {
  const task = given as EditTask
  const { datasetNo, spec } = task
  if (datasetNo === null) throw new AppError('dataset.not_found')
  if (task.state.upTo === undefined) return begin(deps, task, datasetNo)
  if (task.state.total === null) return countOn(deps, task, datasetNo)
  const { upTo, cursor } = task.state
  const itemNos = await nextItemNos(deps, datasetNo, spec.query, { after: cursor, upTo }, CHUNK_ITEMS)
  await writeItems(deps, datasetNo, async (writing) => {
    const { state } = task
    const { change, left } = changeOf(task, itemNos)
    await changeItems(writing, task, itemNos, change)
    const done = state.done + itemNos.length
    if (itemNos.length === CHUNK_ITEMS) {
      const next = { ...state, cursor: itemNos.at(-1)!, done, left }
      const percent = (100 * done) / Math.max(1, state.total ?? 1)
      return saveTask(writing.tx, task, { state: next, percent })
    }
    if (task.kind === 'drop-collection')
      for (const key of spec.keys!) await removeCollection(writing.tx, datasetNo, key)
    return finishTask(writing.tx, task, { count: done })
  })
}

async function begin(deps: Deps, task: EditTask, datasetNo: number): Promise<void> {
  const upTo = await lastItemNo(deps, datasetNo)
  await withTransaction(deps.db, async (tx) => {
    const names = task.spec.collections ?? []
    const keys = task.kind === 'collect' ? await ensureCollections(tx, datasetNo, names) : (task.spec.keys ?? [])
    const state: EditState = { upTo, cursor: '0', done: 0, total: null, counted: 0, keys, left: {} }
    await saveTask(tx, task, { state, percent: 0 })
  })
}

/** Counts what a query finds, exactly: the shares of a split are of that number. */
async function countOn(deps: Deps, task: EditTask, datasetNo: number): Promise<void> {
  const { state, spec } = task
  const { upTo, cursor } = state
  const limit = 10 * CHUNK_ITEMS
  const itemNos = await nextItemNos(deps, datasetNo, spec.query, { after: cursor, upTo }, limit)
  const counted = state.counted + itemNos.length
  await withTransaction(deps.db, async (tx) => {
    const next: EditState =
      itemNos.length === limit
        ? { ...state, counted, cursor: itemNos.at(-1)! }
        : { ...state, counted, cursor: '0', total: counted, left: sharesOf(counted, spec.subsets ?? {}) }
    await saveTask(tx, task, { state: next, percent: 0 })
  })
}

/** How many of so many items each subset gets: whole numbers that add up, as near to the percentages as can be. */
export function sharesOf(total: number, percents: Readonly<Record<string, number>>): Record<string, number> {
  const sum = Object.values(percents).reduce((a, b) => a + b, 0)
  if (sum === 0) return {}
  const exact = Object.entries(percents).map(([name, percent]) => ({ name, share: (total * percent) / sum }))
  const shares = Object.fromEntries(exact.map(({ name, share }) => [name, Math.floor(share)]))
  let rest = total - Object.values(shares).reduce((a, b) => a + b, 0)
  const byRest = [...exact].sort((a, b) => (b.share % 1) - (a.share % 1))
  for (const { name } of byRest) if (rest-- > 0) shares[name]!++
  return shares
}

/** A change of one item's document, by the item's place in the chunk. */
type Change = (document: Json, index: number) => unknown

function changeOf(task: EditTask, itemNos: readonly string[]): { change: Change; left: EditState['left'] } {
  const { kind, spec, state } = task
  const always =
    (patch: Json): Change =>
    (document) =>
      mergePatch(document, patch)
  const inCollections = (keys: readonly string[], value: true | null) =>
    always({ system: { collections: Object.fromEntries(keys.map((key) => [key, value])) } })
  if (kind === 'collect') return { change: inCollections(state.keys, true), left: state.left }
  if (kind === 'uncollect' || kind === 'drop-collection')
    return { change: inCollections(state.keys, null), left: state.left }
  if (kind === 'metadata') return { change: always(spec.patch!), left: state.left }
  const { subsets, left } = drawSubsets(task.commandId, itemNos, state.left)
  const names = Object.keys(spec.subsets ?? {})
  const change: Change = (document, index) =>
    mergePatch(document, {
      system: { tags: Object.fromEntries(names.map((name) => [name, name === subsets[index] ? true : null])) },
    })
  return { change, left }
}

/**
 * Draws a subset for each item so that in the end every subset has exactly its number: the chance of a subset is its share of what is still to be given. By
 * the item and the command, so that a chunk that is done again comes out the same.
 */
export function drawSubsets(
  seed: string,
  itemNos: readonly string[],
  before: Readonly<Record<string, number>>,
): { subsets: (string | null)[]; left: Record<string, number> } {
  const left = { ...before }
  const names = Object.keys(left)
  const subsets = itemNos.map((itemNo) => {
    const rest = names.reduce((sum, name) => sum + left[name]!, 0)
    if (rest === 0) return null
    const digest = createHash('sha256').update(`${seed}:${itemNo}`).digest()
    let at = digest.readUIntBE(0, 6) % rest
    const drawn = names.find((name) => {
      at -= left[name]!
      return at < 0
    })!
    left[drawn]!--
    return drawn
  })
  return { subsets, left }
}

async function changeItems(
  { tx, nowMs }: Writing,
  task: EditTask,
  itemNos: readonly string[],
  change: Change,
): Promise<void> {
  const { rows } = await tx.query<{ no: string; metadata: Json | null }>(
    `select item_no::text as no, metadata from item where dataset_no = $1 and item_no = any($2::bigint[]) order by item_no for update`,
    [task.datasetNo, [...itemNos]],
  )
  const places = new Map(itemNos.map((no, index) => [no, index]))
  const changed = rows.flatMap(({ no, metadata }) => {
    const before = metadata ?? {}
    const after = withoutEmpty(change(before, places.get(no)!), before)
    return JSON.stringify(after) === JSON.stringify(before) ? [] : [{ no, metadata: after }]
  })
  if (changed.length === 0) return
  await tx.query(
    `update item i set metadata = r.metadata, updater_id = $3, updated_at = to_timestamp($4::float8 / 1000)
       from json_to_recordset($2) r (no bigint, metadata jsonb) where i.dataset_no = $1 and i.item_no = r.no`,
    [task.datasetNo, JSON.stringify(changed), task.caller.userId, nowMs],
  )
}

/** Without the empty objects that a removal of what is not there would leave behind. */
function withoutEmpty(after: unknown, before: unknown): unknown {
  if (!isObject(after)) return after
  const known = isObject(before) ? before : {}
  const parts = Object.entries(after).map(([name, value]) => [name, withoutEmpty(value, known[name])] as const)
  return Object.fromEntries(
    parts.filter(([name, value]) => name in known || !isObject(value) || Object.keys(value).length > 0),
  )
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
