import { setTimeout } from 'node:timers/promises'
import { type Command, createCommand, endCommand } from '#core/commands/commands.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { makeFile, makeFiles, type ReadExport } from './finish.ts'
import { EXPORT_FILE, EXPORT_PARTS } from './history.ts'
import { findBase } from './marks.ts'
import { dropParts } from './parts.ts'
import { readPart } from './read.ts'
import type { ExportPlan } from './request.ts'
import { countRows } from './rows.ts'
import {
  closeTask,
  EXPORT_JOB,
  type ExportTask,
  findTask,
  holdTask,
  KEPT_DAYS,
  LEASE_SECONDS,
  releaseLock,
  takeLock,
} from './task.ts'

/** A job ends by itself after this, so that others get their turn. */
const SLICE_MS_MAX = 30_000
/** Failures in a row, with delays that double from a second, after which the work is given up. */
const ATTEMPTS_MAX = 8
/** A dataset is held at least so long, so that whoever looks right after asking sees that it is. The SDK looks for the export after two seconds. */
const LOCK_MS_MIN = 1_200
/** Longest that a dataset is held when nobody says. */
const LOCK_SECONDS = 3_600
/** How long an export can be named as the one that another is compared with: 28 bytes an item are kept for it. */
const COMPARED_DAYS = 90

/** Whether and how long an export keeps others from writing into the dataset. */
export interface Lock {
  readonly isAsked: boolean
  readonly seconds: number | null
}

/**
 * Starts an export: a command that a worker carries out. The rows are read in slices and kept in the platform's own store, so that any worker can go on after
 * any crash and no dataset is ever in memory; the file or files are made of them at the end.
 * Errors: `dataset.not_found`, `query.invalid`, `query.too_slow`, `export.version_unknown`.
 */
export async function startExport(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  plan: ExportPlan,
  lock: Lock,
): Promise<Command> {
  const total = await countRows(deps, datasetNo, plan)
  return withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ id: string; projectId: string; orgId: string; version: number }>(
      `update dataset_numbers n set last_export_no = last_export_no + 1
         from dataset d join project p on p.id = d.project_id
        where n.dataset_no = $1 and d.dataset_no = $1 returning d.id, d.project_id as "projectId", p.org_id as "orgId", n.last_export_no as version`,
      [datasetNo],
    )
    const dataset = rows[0]
    if (dataset === undefined) throw new AppError('dataset.not_found')
    if (plan.mode === 'diff' && plan.fromVersion !== null && plan.fromVersion >= dataset.version)
      throw new AppError('export.version_unknown')
    const base = plan.mode === 'diff' ? await findBase(tx, datasetNo, plan) : null
    const command = await createCommand(deps, tx, {
      type: plan.form === 'parts' ? EXPORT_PARTS : EXPORT_FILE,
      spec: {
        datasetId: dataset.id,
        exportType: plan.form === 'list' ? 'json' : plan.form === 'tree' ? 'zip' : 'ndjson',
      },
      orgId: dataset.orgId,
      projectId: dataset.projectId,
      creatorId: caller.userId,
    })
    const seconds = lock.isAsked ? (lock.seconds ?? LOCK_SECONDS) : null
    await tx.query(
      `insert into export_task (command_id, dataset_no, version, request, total, lease_until, lock_until, is_marked, base_id, base_version)
       values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), now() + make_interval(secs => $7), $8, $9, $10)`,
      [
        command.id,
        datasetNo,
        dataset.version,
        JSON.stringify(plan),
        total,
        LEASE_SECONDS,
        seconds,
        plan.form === 'parts',
        base?.commandId ?? null,
        base?.version ?? null,
      ],
    )
    if (seconds !== null) await takeLock(tx, datasetNo, seconds)
    await enqueue(deps, tx, command.id)
    return command
  })
}

async function enqueue(deps: Deps, tx: Db, commandId: string, delayMs = 0): Promise<void> {
  await deps.queue.enqueue(tx, EXPORT_JOB, { commandId }, { key: `export:${commandId}`, delayMs })
}

/** For the job: reads part after part until all is read, the time is up or it is to stop; then makes the files and ends the command. */
export async function continueExport(deps: Deps, commandId: string, signal: AbortSignal): Promise<void> {
  const untilMs = deps.clock.now() + SLICE_MS_MAX
  try {
    for (;;) {
      const task = await findTask(deps.db, commandId)
      if (task === null) return
      if (task.datasetId === null) throw new AppError('dataset.not_found')
      await holdTask(deps.db, commandId)
      const heldMs = deps.clock.now() - task.createdMs
      if (task.isRead && task.isLocking && heldMs >= 0 && heldMs < LOCK_MS_MIN)
        // Shorter than the queue's own rhythm, so it is waited for here; a stop ends it, and the next worker goes on.
        await setTimeout(LOCK_MS_MIN - heldMs, undefined, { signal })
      if (task.isRead) return await finish(deps, task)
      await readPart(deps, task)
      if (signal.aborted || deps.clock.now() >= untilMs) return await enqueue(deps, deps.db, commandId)
    }
  } catch (error) {
    if (signal.aborted) return await enqueue(deps, deps.db, commandId)
    await noteFailure(deps, commandId, error)
  }
}

/** Makes what was asked for of the rows and ends the command with it. */
async function finish(deps: Deps, task: ExportTask): Promise<void> {
  const { commandId, datasetNo, plan, records } = task
  // What is read is read: nobody need wait for the files.
  await withTransaction(deps.db, (tx) => releaseLock(tx, commandId))
  const done: ReadExport = {
    commandId,
    datasetId: task.datasetId!,
    projectId: task.projectId,
    caller: { userId: task.userId, email: task.email },
    plan,
    records,
  }
  const beat = setInterval(() => void holdTask(deps.db, commandId).catch(() => {}), (LEASE_SECONDS * 1000) / 4)
  try {
    const spec =
      plan.form === 'parts' ? await partsSpec(deps, task, done) : { outputItemId: await makeFile(deps, done) }
    const summary = plan.withSummary ? { summary: { itemsCount: records } } : {}
    await withTransaction(deps.db, async (tx) => {
      // The dataset may have been deleted meanwhile: its export must not succeed.
      const { rows } = await tx.query('select 1 from dataset where dataset_no = $1 for key share', [datasetNo])
      if (rows.length === 0) throw new AppError('dataset.not_found')
      if (!(await closeTask(tx, commandId))) return
      await dropParts(tx, commandId, 'rows')
      await endCommand(tx, commandId, 'success', { spec: { ...spec, ...summary } })
    })
  } finally {
    clearInterval(beat)
  }
}

async function partsSpec(deps: Deps, { version, plan, base }: ExportTask, done: ReadExport) {
  await makeFiles(deps, done)
  const url = `${plan.baseUrl}/api/v1/datasets/${done.datasetId}/exports/${done.commandId}/manifest`
  return {
    exportResult: {
      exportId: done.commandId,
      // The SDK takes null for an export that gave nothing at all; that nothing changed is an answer, with a version to go on from.
      manifestUrl: done.records === 0 && base === null ? null : url,
      totalRecords: done.records,
      fromVersion: base?.version ?? null,
      toVersion: version,
      // Where there was nothing to compare with, everything was given, and that is said.
      mode: base === null ? 'full' : plan.mode,
    },
  }
}

/** What a failure leads to: the end where trying again is no use, otherwise another try later. */
async function noteFailure(deps: Deps, commandId: string, error: unknown): Promise<void> {
  const refusal = error instanceof AppError && error.status < 500 ? error : null
  if (refusal === null) deps.log.error({ command: commandId, err: error }, 'an export failed')
  await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ attempts: number }>(
      'update export_task set attempts = attempts + 1 where command_id = $1 and lease_until is not null returning attempts',
      [commandId],
    )
    if (rows[0] === undefined) return
    const { attempts } = rows[0]
    if (refusal !== null || attempts >= ATTEMPTS_MAX) {
      await closeTask(tx, commandId)
      await dropParts(tx, commandId)
      await endCommand(tx, commandId, 'failed', { failure: refusal ?? new AppError('server.internal') })
      return
    }
    const delayMs = 1000 * 2 ** (attempts - 1)
    await tx.query('update export_task set lease_until = now() + make_interval(secs => $2) where command_id = $1', [
      commandId,
      delayMs / 1000 + LEASE_SECONDS,
    ])
    await enqueue(deps, tx, commandId, delayMs)
  })
}

/** Stops an export; nothing of it stays. Nothing happens when it has ended, or is other work. */
export async function cancelExport(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    if (!(await closeTask(tx, commandId))) return
    await dropParts(tx, commandId)
    await endCommand(tx, commandId, 'canceled')
  })
}

/** For the clockwork: puts exports whose worker was killed into the queue again. */
export async function reviveExports(deps: Deps): Promise<void> {
  const { rows } = await deps.db.query<{ id: string }>(
    'select command_id as id from export_task where lease_until < now()',
  )
  for (const { id } of rows) await enqueue(deps, deps.db, id)
}

/** For the clockwork: forgets exports that ended a week ago, or whose dataset is gone, with their files; of those that others may be compared with, their marks are kept for longer. Answers how many. */
export async function sweepExports(deps: Deps): Promise<number> {
  const { rows } = await deps.db.query<{ id: string }>(
    `select t.command_id as id from export_task t
      where t.lease_until is null and not exists (select 1 from export_task later where later.base_id = t.command_id and later.lease_until is not null)
        and (t.created_at < now() - make_interval(days => case when t.is_marked then $2::int else $1 end)
             or not exists (select 1 from dataset d where d.dataset_no = t.dataset_no))`,
    [KEPT_DAYS, COMPARED_DAYS],
  )
  const { rows: files } = await deps.db.query<{ id: string }>(
    `select t.command_id as id from export_task t
      where t.lease_until is null and t.is_marked and t.created_at < now() - make_interval(days => $1)
        and exists (select 1 from export_part p where p.command_id = t.command_id and p.kind = 'file')`,
    [KEPT_DAYS],
  )
  for (const { id } of files) await dropParts(deps.db, id, 'file')
  for (const { id } of rows) {
    await withTransaction(deps.db, async (tx) => {
      await dropParts(tx, id)
      await tx.query('delete from export_task where command_id = $1', [id])
    })
  }
  return rows.length
}
