import { randomUUID } from 'node:crypto'
import { createCommand, endCommand } from '#core/commands/commands.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { type AnnotationActs, actOnNext, type Progress, parseChange } from './act.ts'

/** Name of the job that goes on with an update or deletion by query. */
export const QUERY_WORK_JOB = 'query.work'
/** A job ends by itself after this, so that others get their turn. */
const SLICE_MS_MAX = 30_000
/** A worker that is silent for so long is taken to be dead. */
const LEASE_SECONDS = 120
/** Failures in a row, with delays that double from a second, after which the work is given up. */
const ATTEMPTS_MAX = 6

type Body = Readonly<Record<string, unknown>>

interface Work {
  readonly datasetNo: number
  readonly query: Body
  readonly cursor: string
  readonly done: number
  readonly caller: Caller
}

/** Leaves the rest of an update or deletion to a job; answers the id of its command. */
export async function leaveToJob(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  body: Body,
  progress: Progress,
): Promise<string> {
  return await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ datasetId: string; projectId: string; orgId: string }>(
      `select d.id as "datasetId", d.project_id as "projectId", p.org_id as "orgId"
         from dataset d join project p on p.id = d.project_id where d.dataset_no = $1 for key share of d`,
      [datasetNo],
    )
    if (rows[0] === undefined) throw new AppError('dataset.not_found')
    const { datasetId, projectId, orgId } = rows[0]
    const type = body.delete === true ? 'queryDelete' : 'queryUpdate'
    const spec = { datasetId, count: progress.count }
    const { id } = await createCommand(deps, tx, { type, spec, orgId, projectId, creatorId: caller.userId })
    await tx.query(
      `insert into query_work (command_id, dataset_no, query, cursor, done, lease_until) values ($1, $2, $3, $4, $5, now() + interval '5 seconds')`,
      [id, datasetNo, JSON.stringify(body), progress.cursor, progress.count],
    )
    await enqueue(deps, tx, id)
    return id
  })
}

async function enqueue(deps: Deps, tx: Db, commandId: string, delayMs = 0): Promise<void> {
  await deps.queue.enqueue(tx, QUERY_WORK_JOB, { commandId }, { key: `query-work:${commandId}`, delayMs })
}

/**
 * For the job: works on chunk after chunk until nothing is left, the time is up or it is to stop; then it puts itself into the queue again. A chunk that was
 * done but not noted is done again, which changes nothing: what is deleted is gone, and the same is merged twice.
 */
export async function continueQueryWork(
  deps: Deps,
  commandId: string,
  signal: AbortSignal,
  acts: AnnotationActs,
): Promise<void> {
  const untilMs = deps.clock.now() + SLICE_MS_MAX
  const holder = randomUUID()
  try {
    for (;;) {
      const work = await take(deps, commandId, holder)
      if (work === null) {
        await endOrphan(deps, commandId)
        return
      }
      const next = await actOnNext(deps, work.caller, work.datasetNo, parseChange(work.query), work.cursor, acts)
      if (await note(deps, commandId, holder, work, next)) return
      if (signal.aborted || deps.clock.now() >= untilMs) {
        await release(deps, commandId, holder)
        await enqueue(deps, deps.db, commandId)
        return
      }
    }
  } catch (error) {
    await noteFailure(deps, commandId, error)
  }
}

/** The work, held for this worker; null where it has ended or another worker is at it. */
async function take(deps: Deps, commandId: string, holder: string): Promise<Work | null> {
  const { rows } = await deps.db.query<{
    dataset_no: number
    query: Body
    cursor: string
    done: number
    id: string
    email: string
  }>(
    `update query_work w set holder = $2, lease_until = now() + make_interval(secs => $3)
       from command c join user_account u on u.id = c.creator_id
      where w.command_id = $1 and c.id = w.command_id and (w.holder is null or w.holder = $2 or w.lease_until < now())
      returning w.dataset_no, w.query, w.cursor::text as cursor, w.done, u.id, u.email`,
    [commandId, holder, LEASE_SECONDS],
  )
  const row = rows[0]
  if (row === undefined) return null
  const { dataset_no: datasetNo, query, cursor, done, id: userId, email } = row
  return { datasetNo, query, cursor, done, caller: { userId, email } }
}

/** The dataset was deleted, and its work with it. */
async function endOrphan(deps: Deps, commandId: string): Promise<void> {
  const { rows } = await deps.db.query('select 1 from query_work where command_id = $1', [commandId])
  if (rows.length === 0) await endCommand(deps.db, commandId, 'canceled')
}

/** Writes down how far the work is; answers whether it is over. */
async function note(deps: Deps, commandId: string, holder: string, work: Work, next: Progress): Promise<boolean> {
  return await withTransaction(deps.db, async (tx) => {
    const count = work.done + next.count
    if (next.isDone) {
      await tx.query('delete from query_work where command_id = $1', [commandId])
      await endCommand(tx, commandId, 'success', { spec: { count } })
      return true
    }
    const { rowCount } = await tx.query(
      'update query_work set cursor = $3::bigint, done = $4, attempts = 0 where command_id = $1 and holder = $2',
      [commandId, holder, next.cursor, count],
    )
    await tx.query(
      `update command set status = 'in-progress', spec = spec || jsonb_build_object('count', $2::bigint), updated_at = now()
        where id = $1 and status in ('created', 'in-progress')`,
      [commandId, count],
    )
    return rowCount === 0
  })
}

async function release(deps: Deps, commandId: string, holder: string): Promise<void> {
  await deps.db.query(
    `update query_work set holder = null, lease_until = now() + interval '5 seconds' where command_id = $1 and holder = $2`,
    [commandId, holder],
  )
}

/** What a failure leads to: the end where trying again is no use, otherwise another try later. */
async function noteFailure(deps: Deps, commandId: string, error: unknown): Promise<void> {
  const refusal = error instanceof AppError && error.status < 500 ? error : null
  if (refusal === null) deps.log.error({ command: commandId, err: error }, 'change by query failed')
  await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ attempts: number; done: number }>(
      'update query_work set attempts = attempts + 1, holder = null where command_id = $1 returning attempts, done',
      [commandId],
    )
    const work = rows[0]
    if (work === undefined) return
    if (refusal === null && work.attempts < ATTEMPTS_MAX) {
      await enqueue(deps, tx, commandId, 1000 * 2 ** (work.attempts - 1))
      return
    }
    await tx.query('delete from query_work where command_id = $1', [commandId])
    const failure = refusal ?? new AppError('server.internal')
    await endCommand(tx, commandId, 'failed', { spec: { count: work.done }, failure })
  })
}

/** For the clockwork: puts work whose worker was killed into the queue again. */
export async function reviveQueryWork(deps: Deps): Promise<void> {
  const { rows } = await deps.db.query<{ id: string }>(
    `update query_work set lease_until = now() + make_interval(secs => $1), holder = null where lease_until < now() returning command_id as id`,
    [LEASE_SECONDS],
  )
  for (const { id } of rows) await enqueue(deps, deps.db, id)
}

/** Stops the work of a command; what is done stays. Nothing happens when it has ended, or is other work. */
export async function cancelQueryWork(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ done: number }>('delete from query_work where command_id = $1 returning done', [
      commandId,
    ])
    if (rows[0] !== undefined) await endCommand(tx, commandId, 'canceled', { spec: { count: rows[0].done } })
  })
}
