import { advanceCommand, type Command, createCommand, endCommand } from '#core/commands/commands.ts'
import type { Caller, Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'

/** Name of the job that does a stretch of long work over the items of datasets. */
export const DATASET_TASK_JOB = 'dataset.task'
/** A worker that is silent for so long is taken to be dead. */
const LEASE_SECONDS = 60

/** Kinds of long work over items of datasets. */
export type TaskKind =
  | 'clone'
  | 'clone-item'
  | 'merge'
  | 'split'
  | 'metadata'
  | 'collect'
  | 'uncollect'
  | 'drop-collection'

/** What each kind is called where people see commands. */
const commandTypes: Readonly<Record<TaskKind, string>> = {
  clone: 'datasetClone',
  'clone-item': 'itemClone',
  merge: 'datasetMerge',
  split: 'datasetSplit',
  metadata: 'itemsMetadataUpdate',
  collect: 'collectionsBulkAdd',
  uncollect: 'collectionsBulkRemove',
  'drop-collection': 'collectionDelete',
}

/** Why work ended without success, for people and for programs. */
export interface Failure {
  readonly message?: string
  readonly code?: string
}

/** Long work that is under way; `spec` is what was asked, `state` how far it is. */
export interface Task<Spec = unknown, State = unknown> {
  readonly commandId: string
  readonly kind: TaskKind
  readonly datasetNo: number | null
  readonly caller: Caller
  readonly spec: Spec
  readonly state: State
  /** Why it is being taken back; null while it goes forward. */
  readonly undo: ({ readonly status: 'failed' | 'canceled' } & Failure) | null
  readonly revision: number
}

/** Another worker, or whoever cancels, was quicker: what this one did is not committed. */
export class StaleTask extends Error {}

/** Puts long work on record with its command, in the transaction of whoever asks for it. */
export async function putTask(
  deps: Deps,
  tx: Db,
  task: {
    readonly kind: TaskKind
    readonly caller: Caller
    readonly datasetNo: number | null
    readonly place: { readonly orgId: string; readonly projectId: string }
    readonly spec: unknown
    /** What callers see of it; `datasetId` says who may stop it. */
    readonly shown: { readonly datasetId: string } & Readonly<Record<string, unknown>>
  },
): Promise<Command> {
  const { kind, caller, place } = task
  const command = await createCommand(deps, tx, {
    type: commandTypes[kind],
    spec: task.shown,
    orgId: place.orgId,
    projectId: place.projectId,
    creatorId: caller.userId,
  })
  await tx.query(
    `insert into dataset_task (command_id, kind, dataset_no, creator_id, spec, lease_until)
     values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
    [command.id, kind, task.datasetNo, caller.userId, JSON.stringify(task.spec), LEASE_SECONDS],
  )
  await enqueueTask(deps, tx, command.id)
  return command
}

/** Puts the next stretch into the queue; one waits at a time. */
export async function enqueueTask(deps: Deps, tx: Db, commandId: string, delayMs = 0): Promise<void> {
  await deps.queue.enqueue(tx, DATASET_TASK_JOB, { commandId }, { key: `dataset-task:${commandId}`, delayMs })
}

/** Reads a task as it stands; null when it has ended. */
export async function readTask(db: Db, commandId: string): Promise<Task | null> {
  const { rows } = await db.query<Omit<Task, 'caller'> & { userId: string; email: string }>(
    `select t.command_id as "commandId", t.kind, t.dataset_no as "datasetNo", t.spec, t.state, t.undo, t.revision, u.id as "userId", u.email
       from dataset_task t join user_account u on u.id = t.creator_id where t.command_id = $1`,
    [commandId],
  )
  if (rows[0] === undefined) return null
  const { userId, email, ...task } = rows[0]
  return { ...task, caller: { userId, email } }
}

/** Says how far a task is, in the transaction that brought it there. Throws `StaleTask` where somebody else has changed it since it was read. */
export async function saveTask(
  tx: Db,
  task: Task,
  progress: { readonly state: unknown; readonly percent: number; readonly datasetNo?: number },
): Promise<void> {
  const { rowCount } = await tx.query(
    `update dataset_task
        set state = $3, dataset_no = coalesce($4, dataset_no), revision = revision + 1, attempts = 0, lease_until = now() + make_interval(secs => $5)
      where command_id = $1 and revision = $2`,
    [task.commandId, task.revision, JSON.stringify(progress.state), progress.datasetNo ?? null, LEASE_SECONDS],
  )
  if (rowCount === 0) throw new StaleTask()
  await advanceCommand(tx, task.commandId, progress.percent)
}

/** Ends a task with success, in the transaction that did the last of it; `result` is added to what its command shows. */
export async function finishTask(tx: Db, task: Task, result: Readonly<Record<string, unknown>>): Promise<void> {
  await dropTask(tx, task)
  await endCommand(tx, task.commandId, 'success', { spec: result })
}

/** Ends a task otherwise. */
export async function giveUpTask(
  tx: Db,
  task: Task,
  status: 'failed' | 'canceled',
  failure: Failure | null = null,
): Promise<void> {
  await dropTask(tx, task)
  await endCommand(tx, task.commandId, status, { failure: failure?.message === undefined ? null : failure })
}

async function dropTask(tx: Db, task: Task): Promise<void> {
  const { rowCount } = await tx.query('delete from dataset_task where command_id = $1 and revision = $2', [
    task.commandId,
    task.revision,
  ])
  if (rowCount === 0) throw new StaleTask()
}
