import { clearChanged, clearMissing, type MarkTarget, restoreItems, takeTicket } from '#core/catalog/catalog.ts'
import { type Command, createCommand } from '#core/commands/commands.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { type Db, type DbClient, withRepeats, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { viewDataset } from './dataset-view.ts'
import { PAGE_BUDGET_MS, runWithin } from './query/budget.ts'
import type { Fragment } from './query/fragment.ts'
import { deleteFolderChunk, type FolderToDelete } from './remove-folder.ts'
import {
  checkSelected,
  countSelected,
  itemNosOf,
  nextSelected,
  readSelected,
  type Selection,
  type TaskKind,
} from './selection.ts'
import { beginWriting } from './writing.ts'

/** Name of the job that does a stretch of work on many items. */
export const ITEM_TASK_JOB = 'item.task'
/** Items a transaction; up to so many are done while the caller waits. */
export const CHUNK_ITEMS = 5_000
/** A worker that is silent for so long is taken to be dead. */
const LEASE_SECONDS = 30
/** A job ends by itself after this, so that others get their turn. */
const SLICE_MS_MAX = 60_000
/** Failures in a row, with delays that double from a second, after which the work is given up. */
const ATTEMPTS_MAX = 8

/** Which items are meant: all that fit the work, those named (5,000 at most), or those a filter finds. */
export type Wanted =
  | { readonly all: true }
  | { readonly itemIds: readonly string[] }
  | { readonly filter: Readonly<Record<string, unknown>> }

/** What came of work on many items: how many, or, where it is still under way, how many it will be and what to poll. */
export interface Worked {
  readonly count: number
  readonly command: Command | null
}

/** What a task does: something to what is selected, or to what is in a folder. */
type Kind = TaskKind | 'delete-folder'

type Work = (tx: DbClient, target: MarkTarget, itemNos: readonly string[]) => Promise<number>
const works: Readonly<Record<TaskKind, { readonly command: string; readonly work: Work }>> = {
  'clear-missing': { command: 'missingClear', work: clearMissing },
  'clear-changed': { command: 'changedClear', work: clearChanged },
  restore: { command: 'removedRestore', work: restoreItems },
}

/**
 * Clears missing items, takes marks off changed ones, or restores removed ones; no bucket is asked or touched. Up to 5,000 at once in one transaction, more as
 * a command that a worker carries out, a chunk a transaction.
 *
 * Every item is looked at again under its lock: one that is not what it was selected for any more stays as it is, and so does one that was written since.
 * Errors: `dataset.not_found`, `dataset.readonly`, `query.invalid`, `query.too_slow`, `quota.exceeded` (nothing is restored then).
 */
export async function workOnItems(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  kind: TaskKind,
  wanted: Wanted,
): Promise<Worked> {
  const filter = 'filter' in wanted ? wanted.filter : null
  const selection: Selection = { kind, filter, ticket: await takeTicket(deps.db), nowMs: deps.clock.now() }
  const view = await viewDataset(deps.db, datasetNo)
  checkSelected(view, selection)
  const itemNos =
    'itemIds' in wanted
      ? itemNosOf(datasetNo, wanted.itemIds)
      : (await bounded<{ no: string }>(deps, await nextSelected(deps.db, view, selection, '0', CHUNK_ITEMS + 1))).map(
          (row) => row.no,
        )
  if (itemNos.length <= CHUNK_ITEMS) {
    const count = await withRepeats(deps.db, async (tx) => {
      const { orgId } = await holdDataset(tx, datasetNo)
      return works[kind].work(tx, { datasetNo, orgId, ...selection }, itemNos)
    })
    return { count, command: null }
  }
  const [counted] = await bounded<{ count: number }>(deps, await countSelected(deps.db, view, selection))
  const total = counted?.count ?? 0
  const type = works[kind].command
  const command = await withTransaction(deps.db, (tx) =>
    putTask(deps, tx, caller, datasetNo, { ...selection, type, total }),
  )
  return { count: total, command }
}

/**
 * Leaves the rest of a folder that is being deleted to a job; `count` items are gone already. Answers the command, which ends with `spec.count`.
 * Errors: `dataset.not_found`, `dataset.readonly`.
 */
export async function leaveFolderToTask(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  folder: FolderToDelete,
  count: number,
): Promise<Command> {
  return await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ items: number }>(
      'select deep_items as items from dir where dataset_no = $1 and path = $2',
      [datasetNo, folder.path],
    )
    const total = count + (rows[0]?.items ?? 0)
    const work = {
      kind: 'delete-folder',
      filter: { ...folder },
      ticket: 0,
      type: 'folderDelete',
      total,
      done: count,
    } as const
    return await putTask(deps, tx, caller, datasetNo, work)
  })
}

async function bounded<Row extends { no: string } | { count: number }>(
  deps: Deps,
  statement: Fragment | null,
): Promise<Row[]> {
  if (statement === null) return []
  const rows = await runWithin<Row>(deps.db, statement, PAGE_BUDGET_MS)
  if (rows === null) throw new AppError('query.too_slow')
  return rows
}

/** Keeps the dataset from being deleted until the transaction ends: what is written is on the counters that its deletion gives back. */
async function holdDataset(tx: Db, datasetNo: number) {
  const { rows } = await tx.query<{ datasetId: string; projectId: string; orgId: string; isReadonly: boolean }>(
    `select d.id as "datasetId", d.project_id as "projectId", p.org_id as "orgId", d.is_readonly as "isReadonly"
       from dataset d join project p on p.id = d.project_id where d.dataset_no = $1 for key share of d`,
    [datasetNo],
  )
  const dataset = rows[0]
  if (dataset === undefined) throw new AppError('dataset.not_found')
  if (dataset.isReadonly) throw new AppError('dataset.readonly')
  return dataset
}

interface NewTask {
  readonly kind: Kind
  /** Of the command. */
  readonly type: string
  readonly filter: Readonly<Record<string, unknown>> | null
  readonly ticket: number
  readonly total: number
  /** What was done before. */
  readonly done?: number
}

async function putTask(
  deps: Deps,
  tx: DbClient,
  caller: Caller,
  datasetNo: number,
  { kind, type, filter, ticket, total, done = 0 }: NewTask,
): Promise<Command> {
  const { datasetId, orgId, projectId } = await holdDataset(tx, datasetNo)
  const command = await createCommand(deps, tx, {
    type,
    spec: { datasetId, count: total },
    orgId,
    projectId,
    creatorId: caller.userId,
  })
  await tx.query(
    `insert into item_task (command_id, dataset_no, kind, filter, ticket, total, done, lease_until)
     values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))`,
    [command.id, datasetNo, kind, filter === null ? null : JSON.stringify(filter), ticket, total, done, LEASE_SECONDS],
  )
  await enqueueTask(deps, tx, command.id)
  return command
}

async function enqueueTask(deps: Deps, tx: Db, commandId: string, delayMs = 0): Promise<void> {
  await deps.queue.enqueue(tx, ITEM_TASK_JOB, { commandId }, { key: `item-task:${commandId}`, delayMs })
}

/**
 * For the job: works on chunk after chunk until all are done, the time is up or it is to stop; then it puts itself into the queue again. How far it is stands
 * in rows that are committed with each chunk, so whatever kills the process, the next worker goes on there, and two at once do nothing twice.
 */
export async function continueItemTask(deps: Deps, commandId: string, signal: AbortSignal): Promise<void> {
  const untilMs = deps.clock.now() + SLICE_MS_MAX
  try {
    while (await withRepeats(deps.db, (tx) => workChunk(deps, tx, commandId))) {
      if (!signal.aborted && deps.clock.now() < untilMs) continue
      await enqueueTask(deps, deps.db, commandId)
      return
    }
  } catch (error) {
    await withTransaction(deps.db, (tx) => noteFailure(deps, tx, commandId, error))
  }
}

interface Task {
  readonly kind: Kind
  readonly filter: Readonly<Record<string, unknown>> | null
  readonly ticket: number
  readonly cursor: string
  readonly done: number
  readonly total: number
}

/** Does one chunk in the transaction; false when there is nothing left to do. */
async function workChunk(deps: Deps, tx: DbClient, commandId: string): Promise<boolean> {
  const found = await findTask(tx, commandId)
  if (found === null) {
    // Its dataset was deleted, or it was cancelled.
    await endCommand(tx, commandId, 'canceled')
    return false
  }
  // The dataset first, as whoever deletes it does; where items are deleted, its sync before that.
  const { datasetNo } = found
  const writing = found.kind === 'delete-folder' ? await beginWriting(deps, tx, datasetNo) : null
  const { orgId } = writing === null ? await holdDataset(tx, datasetNo) : writing.dataset
  const { rows } = await tx.query<Task>(
    `select kind, filter, ticket, cursor::text, done, total from item_task where command_id = $1 for update`,
    [commandId],
  )
  const task = rows[0]
  if (task === undefined) return true
  const step =
    writing === null
      ? await workSelected(deps, tx, { datasetNo, orgId }, task)
      : { cursor: task.cursor, ...(await deleteFolderChunk(writing, task.filter as unknown as FolderToDelete)) }
  const done = task.done + step.count
  if (step.isDone) {
    await tx.query('delete from item_task where command_id = $1', [commandId])
    await endCommand(tx, commandId, 'success', { count: done })
    return false
  }
  await tx.query(
    `update item_task set cursor = $2::bigint, done = $3, attempts = 0, lease_until = now() + make_interval(secs => $4) where command_id = $1`,
    [commandId, step.cursor, done, LEASE_SECONDS],
  )
  await tx.query(`update command set status = 'in-progress', progress = $2, updated_at = now() where id = $1`, [
    commandId,
    Math.min(99, Math.floor((100 * done) / Math.max(1, task.total))),
  ])
  return true
}

interface Step {
  readonly count: number
  readonly cursor: string
  readonly isDone: boolean
}

async function workSelected(
  deps: Deps,
  tx: DbClient,
  target: { readonly datasetNo: number; readonly orgId: string },
  { kind, filter, ticket, cursor }: Task,
): Promise<Step> {
  if (kind === 'delete-folder') throw new Error('folders are not selected item by item')
  const selection: Selection = { kind, filter, ticket, nowMs: deps.clock.now() }
  const view = await viewDataset(tx, target.datasetNo)
  const itemNos = await readSelected(tx, await nextSelected(tx, view, selection, cursor, CHUNK_ITEMS))
  const count = await works[kind].work(tx, { ...target, ...selection }, itemNos)
  return { count, cursor: itemNos.at(-1) ?? cursor, isDone: itemNos.length < CHUNK_ITEMS }
}

async function findTask(tx: Db, commandId: string): Promise<{ datasetNo: number; kind: Kind } | null> {
  const { rows } = await tx.query<{ datasetNo: number; kind: Kind }>(
    'select dataset_no as "datasetNo", kind from item_task where command_id = $1',
    [commandId],
  )
  return rows[0] ?? null
}

async function endCommand(
  tx: Db,
  commandId: string,
  status: 'success' | 'failed' | 'canceled',
  spec: Readonly<Record<string, unknown>> = {},
  failure: AppError | null = null,
): Promise<void> {
  await tx.query(
    `update command
        set status = $2, progress = case when $2 = 'success' then 100 else progress end, spec = spec || $3::jsonb, error = $4, error_code = $5, updated_at = now()
      where id = $1 and status in ('created', 'in-progress')`,
    [commandId, status, JSON.stringify(spec), failure?.message ?? null, failure?.code ?? null],
  )
}

/** What a failure leads to: the end where trying again is no use, otherwise another try later. */
async function noteFailure(deps: Deps, tx: DbClient, commandId: string, error: unknown): Promise<void> {
  const refusal = error instanceof AppError && error.status < 500 ? error : null
  if (refusal === null) deps.log.error({ command: commandId, err: error }, 'work on items failed')
  const { rows } = await tx.query<{ attempts: number; done: number }>(
    'update item_task set attempts = attempts + 1 where command_id = $1 returning attempts, done',
    [commandId],
  )
  const task = rows[0]
  if (task === undefined) {
    await endCommand(tx, commandId, 'canceled')
    return
  }
  if (refusal !== null || task.attempts >= ATTEMPTS_MAX) {
    await tx.query('delete from item_task where command_id = $1', [commandId])
    await endCommand(tx, commandId, 'failed', { count: task.done }, refusal ?? new AppError('server.internal'))
    return
  }
  const delayMs = 1000 * 2 ** (task.attempts - 1)
  await tx.query('update item_task set lease_until = now() + make_interval(secs => $2) where command_id = $1', [
    commandId,
    delayMs / 1000 + LEASE_SECONDS,
  ])
  await enqueueTask(deps, tx, commandId, delayMs)
}

/** For the clockwork: puts work whose worker was killed into the queue again. */
export async function reviveItemTasks(deps: Deps): Promise<void> {
  const { rows } = await deps.db.query<{ id: string }>(
    'select command_id as id from item_task where lease_until < now()',
  )
  for (const { id } of rows) await enqueueTask(deps, deps.db, id)
}

/** Stops the work of a command; what is done stays. Nothing happens when it has ended, or is other work. */
export async function cancelItemTask(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ done: number }>('delete from item_task where command_id = $1 returning done', [
      commandId,
    ])
    if (rows[0] !== undefined) await endCommand(tx, commandId, 'canceled', { count: rows[0].done })
  })
}
