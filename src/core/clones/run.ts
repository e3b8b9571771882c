import { keepEstimates } from '#core/catalog/catalog.ts'
import type { Deps } from '#core/deps.ts'
import { withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { stepCopy, undoCopy } from './copy-task.ts'
import { stepEdit } from './edit-task.ts'
import { enqueueTask, giveUpTask, readTask, StaleTask, type Task, type TaskKind } from './task-rows.ts'

/** A job ends by itself after this, so that others get their turn. */
const SLICE_MS_MAX = 30_000
/** Failures in a row, with delays that double from a second, after which the work is given up. */
const ATTEMPTS_MAX = 6

interface Steps {
  step(deps: Deps, task: Task): Promise<void>
  /** Takes back a stretch of what was done; null: what is done stays. */
  readonly undo: ((deps: Deps, task: Task) => Promise<void>) | null
}

const copying: Steps = { step: stepCopy, undo: undoCopy }
const editing: Steps = { step: stepEdit, undo: null }
const steps: Readonly<Record<TaskKind, Steps>> = {
  clone: copying,
  'clone-item': copying,
  merge: copying,
  split: editing,
  metadata: editing,
  collect: editing,
  uncollect: editing,
  'drop-collection': editing,
}

/**
 * For the job: does step after step until the work has ended, the time is up or it is to stop; then it puts itself into the queue again. How far it is is
 * committed with each step, so whatever kills the process, the next worker goes on there, and two at once do nothing twice.
 */
export async function continueDatasetTask(deps: Deps, commandId: string, signal: AbortSignal): Promise<void> {
  const untilMs = deps.clock.now() + SLICE_MS_MAX
  for (let task = await readTask(deps.db, commandId); task !== null; task = await readTask(deps.db, commandId)) {
    if (signal.aborted || deps.clock.now() >= untilMs) return enqueueTask(deps, deps.db, commandId)
    const { step, undo } = steps[task.kind]
    try {
      await (task.undo !== null && undo !== null ? undo(deps, task) : step(deps, task))
      if (task.datasetNo !== null) await keepEstimates(deps, task.datasetNo)
    } catch (error) {
      if (error instanceof StaleTask) continue
      if (await noteFailure(deps, task, error)) return
    }
  }
}

/** What a failure leads to; answers whether the job is over for now: it is tried again later, or has ended. */
async function noteFailure(deps: Deps, task: Task, error: unknown): Promise<boolean> {
  const refusal = error instanceof AppError && error.status < 500 ? error : null
  if (refusal === null) deps.log.error({ command: task.commandId, err: error }, 'work on a dataset failed')
  return withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ attempts: number }>(
      'update dataset_task set attempts = attempts + 1 where command_id = $1 and revision = $2 returning attempts',
      [task.commandId, task.revision],
    )
    const attempts = rows[0]?.attempts
    if (attempts === undefined) return false
    if (refusal === null && attempts < ATTEMPTS_MAX) {
      await enqueueTask(deps, tx, task.commandId, 1000 * 2 ** (attempts - 1))
      return true
    }
    const { message, code } = refusal ?? new AppError('server.internal')
    if (steps[task.kind].undo === null || task.undo !== null) {
      await giveUpTask(tx, task, 'failed', { message, code })
      return true
    }
    await turnBack(tx, task.commandId, { status: 'failed', message, code })
    return false
  })
}

async function turnBack(
  tx: { query(text: string, values: readonly unknown[]): Promise<unknown> },
  commandId: string,
  undo: NonNullable<Task['undo']>,
): Promise<void> {
  await tx.query(
    'update dataset_task set undo = $2, revision = revision + 1, attempts = 0 where command_id = $1 and undo is null',
    [commandId, JSON.stringify(undo)],
  )
  await tx.query(
    `update command set status = 'cleaning-up', updated_at = now() where id = $1 and status in ('created', 'in-progress')`,
    [commandId],
  )
}

/**
 * Stops the work of a command. A clone or merge is taken back, because half of one is of no use; of other work what is done stays. Nothing happens when it
 * has ended, or is other work.
 */
export async function cancelDatasetTask(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    await tx.query('select 1 from dataset_task where command_id = $1 for update', [commandId])
    const task = await readTask(tx, commandId)
    if (task === null) return
    if (steps[task.kind].undo === null) return giveUpTask(tx, task, 'canceled')
    await turnBack(tx, commandId, { status: 'canceled' })
    await enqueueTask(deps, tx, commandId)
  })
}

/** For the clockwork: puts work whose worker was killed into the queue again. */
export async function reviveDatasetTasks(deps: Deps): Promise<void> {
  const { rows } = await deps.db.query<{ id: string }>(
    `update dataset_task set lease_until = now() + interval '60 seconds' where lease_until < now() returning command_id as id`,
  )
  for (const { id } of rows) await enqueueTask(deps, deps.db, id)
}
