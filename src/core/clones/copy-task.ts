import { takeAnnotationNumbers } from '#core/annotations/annotations.ts'
import { takeTicket } from '#core/catalog/catalog.ts'
import { createDatasetIn, type DatasetOrigin, removeDataset, requireWritable } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import { countSelection, deleteItems, writeItems } from '#core/items/items.ts'
import { freeDataPoints, QuotaExceeded } from '#core/quota/quota.ts'
import { withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { itemId } from '#lib/ids.ts'
import { type CopyOptions, copyItems } from './copy.ts'
import { countAnnotationsOf, TooFewNumbers } from './copy-annotations.ts'
import { type ItemsQuery, lastItemNo, nextItemNos } from './selecting.ts'
import { finishTask, giveUpTask, saveTask, type Task } from './task-rows.ts'

/** Items copied in one transaction. */
const CHUNK_ITEMS = 5_000
/** Annotations copied in one transaction, unless a single item has more. */
const CHUNK_ANNOTATIONS = 20_000
/** Tries of a chunk that somebody annotates meanwhile. */
const TRIES_MAX = 5

/** Items of one dataset that are copied: those named, or those a query finds. */
export interface CopySource {
  readonly datasetNo: number
  readonly itemNos?: readonly string[]
  readonly query?: ItemsQuery
}

/** What is asked of a clone or merge. */
export interface CopySpec {
  readonly sources: readonly CopySource[]
  /** The dataset that is made for it; null: it goes into one that is there. */
  readonly made: {
    readonly name: string
    readonly projectId: string
    readonly orgId: string
    readonly driverId: string | null
    readonly origin: DatasetOrigin
  } | null
  readonly options: CopyOptions
  /** What the command shows at its end besides the dataset. */
  readonly shown: Readonly<Record<string, unknown>>
}

/** How far a clone or merge is. */
interface CopyState {
  readonly datasetId: string
  /** Everything that this work inserts carries it. */
  readonly ticket: number
  /** Greatest number that the target had before. */
  readonly before: string
  readonly total: number
  readonly done: number
  /** Of the sources, the one that is being copied; and its items up to here, of those up to there. */
  readonly source: number
  readonly cursor: string
  readonly upTo: string
  /** Ids of the copies, where single items were asked for. */
  readonly ids: readonly string[]
}

type CopyTask = Task<CopySpec, CopyState | Record<string, never>>

/** Does the next step of a clone or merge: begins it, or copies a chunk in one transaction. */
export async function stepCopy(deps: Deps, task: Task): Promise<void> {
  const { state, ...rest } = task as CopyTask
  if (!('ticket' in state)) return begin(deps, task as CopyTask)
  return copyChunk(deps, { ...rest, state: state as CopyState })
}

async function begin(deps: Deps, task: CopyTask): Promise<void> {
  const { sources, made, options } = task.spec
  let total = 0
  let isExact = options.meeting !== 'join'
  for (const source of sources) {
    const count = source.itemNos?.length ?? (await countInTime(deps, source))
    total += count ?? 0
    isExact &&= count !== null
  }
  // Said before anything is written; whoever takes data points meanwhile is met by each chunk.
  if (made !== null && isExact) {
    const free = await freeDataPoints(deps.db, made.orgId)
    if (free !== null && free < total) throw new QuotaExceeded(total, free)
  }
  const upTo = await lastItemNo(deps, sources[0]!.datasetNo)
  await withTransaction(deps.db, async (tx) => {
    const datasetNo = made === null ? task.datasetNo : await createDatasetIn(deps, tx, task.caller, { ...made })
    if (datasetNo === null) throw new AppError('dataset.not_found')
    const { datasetId } = await requireWritable(tx, datasetNo)
    const before = made === null ? await lastItemNo(deps, datasetNo) : '0'
    const state: CopyState = {
      datasetId,
      ticket: await takeTicket(tx),
      before,
      total,
      done: 0,
      source: 0,
      cursor: '0',
      upTo,
      ids: [],
    }
    await saveTask(tx, task, { state, percent: 0, datasetNo })
  })
}

/** How many items a query finds; null where counting takes too long, which is no reason to copy nothing. */
async function countInTime(deps: Deps, { datasetNo, query }: CopySource): Promise<number | null> {
  try {
    return await countSelection(deps, datasetNo, query)
  } catch (error) {
    if (error instanceof AppError && error.code === 'query.too_slow') return null
    throw error
  }
}

async function copyChunk(deps: Deps, task: Task<CopySpec, CopyState>): Promise<void> {
  const { spec, state, datasetNo } = task
  if (datasetNo === null) throw new AppError('dataset.not_found')
  const source = spec.sources[state.source]
  if (source === undefined) {
    await withTransaction(deps.db, (tx) => finishTask(tx, task, resultOf(task)))
    return
  }
  const found = await nextOf(deps, source, state)
  const itemNos = spec.options.withAnnotations ? await fewEnough(deps, source.datasetNo, found) : found
  if (itemNos.length === 0) return nextSource(deps, task)
  for (let tries = 1; ; tries++) {
    const annotations = spec.options.withAnnotations ? await countAnnotationsOf(deps.db, source.datasetNo, itemNos) : 0
    const numbers = annotations === 0 ? [] : await takeAnnotationNumbers(deps, datasetNo, annotations)
    try {
      await writeItems(
        deps,
        datasetNo,
        async (writing) => {
          const { added, targets } = await copyItems(
            writing,
            { datasetNo: source.datasetNo, itemNos },
            numbers,
            task.caller,
            spec.options,
          )
          // A single item that is gone by now makes no clone; of many, those that are left are copied.
          if (source.itemNos !== undefined && targets.size < itemNos.length) throw new AppError('item.not_found')
          const done = state.done + (spec.options.meeting === 'join' ? itemNos.length : added)
          const ids =
            source.itemNos === undefined
              ? []
              : [...state.ids, ...itemNos.map((no) => itemId(datasetNo, BigInt(targets.get(no)!)))]
          const next = { ...state, cursor: itemNos.at(-1)!, done, ids }
          await saveTask(writing.tx, task, { state: next, percent: (100 * done) / Math.max(1, state.total) })
        },
        state.ticket,
      )
      return
    } catch (error) {
      if (!(error instanceof TooFewNumbers) || tries === TRIES_MAX) throw error
    }
  }
}

async function nextOf(deps: Deps, source: CopySource, { cursor, upTo }: CopyState): Promise<readonly string[]> {
  if (source.itemNos === undefined)
    return nextItemNos(deps, source.datasetNo, source.query!, { after: cursor, upTo }, CHUNK_ITEMS)
  return source.itemNos.filter((no) => BigInt(no) > BigInt(cursor)).slice(0, CHUNK_ITEMS)
}

/** So many of the items, from the first, that their annotations are not too many for one transaction. */
async function fewEnough(deps: Deps, datasetNo: number, itemNos: readonly string[]): Promise<readonly string[]> {
  const { rows } = await deps.db.query<{ no: string; annotations: number }>(
    `select item_no::text as no, annotations from item where dataset_no = $1 and item_no = any($2::bigint[]) and annotations > 0`,
    [datasetNo, [...itemNos]],
  )
  const counts = new Map(rows.map((row) => [row.no, row.annotations]))
  let sum = 0
  const end = itemNos.findIndex((no, index) => {
    sum += counts.get(no) ?? 0
    return index > 0 && sum > CHUNK_ANNOTATIONS
  })
  return end < 0 ? itemNos : itemNos.slice(0, end)
}

async function nextSource(deps: Deps, task: Task<CopySpec, CopyState>): Promise<void> {
  const source = task.state.source + 1
  const upcoming = task.spec.sources[source]
  const upTo = upcoming === undefined ? '0' : await lastItemNo(deps, upcoming.datasetNo)
  await withTransaction(deps.db, async (tx) => {
    if (upcoming === undefined) return finishTask(tx, task, resultOf(task))
    const percent = (100 * task.state.done) / Math.max(1, task.state.total)
    await saveTask(tx, task, { state: { ...task.state, source, cursor: '0', upTo }, percent })
  })
}

function resultOf({ kind, spec, state }: Task<CopySpec, CopyState>): Readonly<Record<string, unknown>> {
  const shown = { ...spec.shown, count: state.done, targetDatasetId: state.datasetId }
  if (kind === 'clone-item') return { ...shown, returnedModelId: state.ids }
  if (kind === 'clone') return { ...shown, returnedModelId: state.datasetId }
  return {
    ...shown,
    returnedModelId: state.datasetId,
    mergeDatasetsConfiguration: { ...spec.shown, mergedDatasetId: state.datasetId },
  }
}

/** Takes back what a clone or merge has written, a chunk at a time, and then ends its command: half a clone is of no use to anybody. */
export async function undoCopy(deps: Deps, task: Task): Promise<void> {
  const { spec, state, datasetNo } = task as CopyTask
  const undo = task.undo!
  if (datasetNo !== null && 'ticket' in state) {
    // Its row goes with the dataset; the next step finds that there is nothing left.
    if (spec.made !== null) return removeDataset(deps, datasetNo)
    const { rows } = await deps.db.query<{ no: string }>(
      'select item_no::text as no from item where dataset_no = $1 and item_no > $2 and ticket = $3 order by item.item_no limit $4',
      [datasetNo, state.before, state.ticket, CHUNK_ITEMS],
    )
    if (rows.length > 0) {
      await deleteItems(
        deps,
        task.caller,
        datasetNo,
        rows.map((row) => row.no),
      )
      return
    }
  }
  await withTransaction(deps.db, (tx) => giveUpTask(tx, task, undo.status, undo))
}
