import type { Db, DbClient } from '#db/connect.ts'
import type { Base } from './marks.ts'
import type { ExportPlan } from './request.ts'

/** Name of the job that does a stretch of an export. */
export const EXPORT_JOB = 'export.slice'
/** A worker that is silent for so long is taken to be dead. */
export const LEASE_SECONDS = 60
/** How long the files of an export in parts, and what is left of others, are kept. */
export const KEPT_DAYS = 7

/** An export that has not ended, with what its work needs. */
export interface ExportTask {
  readonly commandId: string
  readonly datasetNo: number
  readonly datasetId: string | null
  readonly projectId: string
  readonly userId: string
  readonly email: string
  readonly version: number
  readonly plan: ExportPlan
  readonly cursor: string | null
  readonly isRead: boolean
  readonly records: number
  /** Items read so far, whether they came into the export or not. */
  readonly seen: number
  readonly total: number
  /** The export that this one is compared with; null: everything is given. */
  readonly base: Base | null
  readonly attempts: number
  readonly isLocking: boolean
  readonly createdMs: number
}

/** Reads an export that has not ended; null for any other. `datasetId` is null when the dataset was deleted. */
export async function findTask(db: Db, commandId: string): Promise<ExportTask | null> {
  const { rows } = await db.query<ExportTask>(
    `select t.command_id as "commandId", t.dataset_no as "datasetNo", d.id as "datasetId", c.project_id as "projectId", c.creator_id as "userId",
            u.email, t.version, t.request as plan, t.cursor, t.is_read as "isRead", t.records, t.seen, t.total, t.attempts,
            case when b.command_id is not null then jsonb_build_object('commandId', b.command_id, 'version', b.version, 'items', b.request -> 'items') end as base,
            t.lock_until is not null as "isLocking", round(date_part('epoch', t.created_at) * 1000)::bigint as "createdMs"
       from export_task t
       join command c on c.id = t.command_id
       join user_account u on u.id = c.creator_id
       left join dataset d on d.dataset_no = t.dataset_no
       left join export_task b on b.command_id = t.base_id
      where t.command_id = $1 and t.lease_until is not null`,
    [commandId],
  )
  return rows[0] ?? null
}

/** Says that somebody works on it. */
export async function holdTask(db: Db, commandId: string): Promise<void> {
  await db.query(
    'update export_task set lease_until = now() + make_interval(secs => $2) where command_id = $1 and lease_until is not null',
    [commandId, LEASE_SECONDS],
  )
}

/** Marks an export as ended, whatever the outcome; answers whether this call did it. Its lock goes with it. */
export async function closeTask(tx: DbClient, commandId: string): Promise<boolean> {
  const { rows } = await tx.query<{ no: number }>(
    'update export_task set lease_until = null where command_id = $1 and lease_until is not null returning dataset_no as no',
    [commandId],
  )
  if (rows[0] === undefined) return false
  await releaseLock(tx, commandId)
  return true
}

/** Holds the dataset against writes for a while, or longer if it is held already. */
export async function takeLock(tx: Db, datasetNo: number, seconds: number): Promise<void> {
  await tx.query(
    `update dataset set locked_until = greatest(locked_until, now() + make_interval(secs => $2)) where dataset_no = $1`,
    [datasetNo, seconds],
  )
}

/** Lets go of the dataset, unless other exports hold it as well; a lock that a person has ended stays ended. */
export async function releaseLock(tx: DbClient, commandId: string): Promise<void> {
  const { rows } = await tx.query<{ no: number }>(
    'update export_task set lock_until = null where command_id = $1 and lock_until is not null returning dataset_no as no',
    [commandId],
  )
  if (rows[0] === undefined) return
  await tx.query(
    `update dataset d
        set locked_until = greatest(now(), (select max(t.lock_until) from export_task t where t.dataset_no = $1 and t.lease_until is not null))
      where d.dataset_no = $1 and d.locked_until > now()`,
    [rows[0].no],
  )
}
