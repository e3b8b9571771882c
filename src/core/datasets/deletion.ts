import type { DatasetDeletion, DeletedDataset } from '#contract/datasets.ts'
import { type Db, type DbPool, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import type { Caller, Deps } from '../deps.ts'
import { releaseDataPoints } from '../quota/quota.ts'
import { pointsOfItems } from './writable.ts'

/** Name of the job that removes the rows of a deleted dataset. */
export const SWEEP_JOB = 'dataset.sweep'
/** Rows removed a statement: a lock of well under a second. */
const SWEEP_ROWS = 20_000
/** Longest time between asking for a deletion and the deletion, in milliseconds: a year. */
export const DELETE_AHEAD_MS_MAX = 366 * 86_400_000
/** Names of other datasets that are told to who is about to delete one. */
const OTHERS_MAX = 100

/** Which datasets `removeDataset` may delete: `shown` none that awaits its deletion at a later time, `due` only one whose time has come. */
export type Removable = 'any' | 'shown' | 'due'

/**
 * Deletes a dataset: it is gone at once, also for a sync that runs on it; its rows are removed by a job. Nothing in any bucket is touched,
 * whatever the switches (reading 2.7). Its data points are free at once. Throws `dataset.awaits_deletion` where only one that is shown was meant.
 *
 * Whoever writes items of a dataset holds its row of `sync_run` or its own row in `dataset` while they commit: so nothing is added after the
 * count that is given back here. Locks are taken in the order sync_run, dataset, …, data_points, as a sync does.
 */
export async function removeDataset(deps: Deps, datasetNo: number, which: Removable = 'any'): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    await tx.query('select 1 from sync_run where dataset_no = $1 order by run_no for update', [datasetNo])
    const { rows: found } = await tx.query<{ delete_at: Date | null }>(
      'select delete_at from dataset where dataset_no = $1 for update',
      [datasetNo],
    )
    const deleteAt = found[0]?.delete_at ?? null
    if (which === 'shown' && deleteAt !== null) throw awaitsDeletion(deleteAt)
    // It was restored meanwhile, or somebody else was faster.
    if (which === 'due' && (deleteAt === null || deleteAt.getTime() > deps.clock.now())) return
    const { rows } = await tx.query<{ org_id: string; points: number; isSystem: boolean }>(
      `delete from dataset d using project p where d.dataset_no = $1 and p.id = d.project_id
       returning p.org_id, d.annotation_points as points, d.is_system as "isSystem"`,
      [datasetNo],
    )
    await deps.queue.enqueue(tx, SWEEP_JOB, { datasetNo }, { key: `sweep:${datasetNo}` })
    if (rows[0] === undefined) return
    const items = pointsOfItems(rows[0], await countItems(tx, datasetNo))
    await releaseDataPoints(tx, rows[0].org_id, rows[0].points + items)
  })
}

function awaitsDeletion(deleteAt: Date): AppError {
  return new AppError('dataset.awaits_deletion', {
    message: `This dataset is deleted already and will be gone on ${deleteAt.toISOString()}. Restore it, or send force=true to have it gone at once.`,
    details: { deletesAt: deleteAt.toISOString() },
  })
}

/** Rows of items in a dataset, by its root folder's counter. */
async function countItems(tx: Db, datasetNo: number): Promise<number> {
  const { rows } = await tx.query<{ items: number }>(
    'select deep_items as items from dir where dataset_no = $1 and dir_no = 1',
    [datasetNo],
  )
  return rows[0]?.items ?? 0
}

/**
 * Deletes a dataset at a later time (DS-08). Until then nobody sees it, nothing can be written into it, no sync, schedule or event reaches it, and it can be
 * restored as it is. It keeps its data points and its driver so long: what can come back has to fit.
 * Errors: `request.invalid` for a time that is not within a year from now, `dataset.awaits_deletion`, `dataset.system_stays`, `dataset.not_found`.
 */
export async function deleteDatasetLater(deps: Deps, caller: Caller, datasetNo: number, atMs: number): Promise<void> {
  const nowMs = deps.clock.now()
  if (!(atMs > nowMs && atMs <= nowMs + DELETE_AHEAD_MS_MAX)) {
    const message = 'must be a time in the future, within a year from now'
    throw new AppError('request.invalid', { details: [{ path: 'query.targetDate', message }] })
  }
  await withTransaction(deps.db, async (tx) => {
    await tx.query('select 1 from sync_run where dataset_no = $1 order by run_no for update', [datasetNo])
    const { rows } = await tx.query<{ delete_at: Date | null; is_system: boolean }>(
      'select delete_at, is_system from dataset where dataset_no = $1 for update',
      [datasetNo],
    )
    if (rows[0] === undefined) throw new AppError('dataset.not_found')
    if (rows[0].delete_at !== null) throw awaitsDeletion(rows[0].delete_at)
    if (rows[0].is_system) throw new AppError('dataset.system_stays')
    // Read-only is what keeps every writer out, those that look at no name of a dataset too: hints, schedules, work that is under way.
    await tx.query(
      `update dataset set delete_at = $2, deleted_at = $3, deleter_id = $4, was_readonly = is_readonly, is_readonly = true where dataset_no = $1`,
      [datasetNo, toIso(atMs), toIso(nowMs), caller.userId],
    )
  })
  deps.log.warn({ datasetNo, deletesAt: toIso(atMs), userId: caller.userId }, 'dataset will be deleted')
}

/**
 * Takes a deletion at a later time back: the dataset is what it was, with its items, annotations and settings; under another name where one is given.
 * Errors: `dataset.not_deleted`, `dataset.name_taken` when its name was given to another one meanwhile, `dataset.not_found`.
 */
export async function restoreDataset(deps: Deps, caller: Caller, datasetNo: number, name?: string): Promise<void> {
  try {
    await withTransaction(deps.db, async (tx) => {
      const { rows } = await tx.query<{ is_deleted: boolean }>(
        'select delete_at is not null as is_deleted from dataset where dataset_no = $1 for update',
        [datasetNo],
      )
      if (rows[0] === undefined) throw new AppError('dataset.not_found')
      if (!rows[0].is_deleted) throw new AppError('dataset.not_deleted')
      await tx.query(
        `update dataset set delete_at = null, deleted_at = null, deleter_id = null, is_readonly = was_readonly, was_readonly = null, name = coalesce($2, name)
          where dataset_no = $1`,
        [datasetNo, name ?? null],
      )
    })
  } catch (error) {
    if ((error as { code?: unknown }).code === '23505') throw new AppError('dataset.name_taken', { cause: error })
    throw error
  }
  deps.log.info({ datasetNo, userId: caller.userId }, 'dataset restored')
}

/** The datasets of a project that await their deletion and can be restored, those that go first foremost. */
export async function listDeletedDatasets(db: Db, projectId: string): Promise<DeletedDataset[]> {
  const { rows } = await db.query<{
    id: string
    name: string
    items: number
    annotations: number
    deleted_at: Date
    delete_at: Date
    deleter: string | null
  }>(
    `select d.id, d.name, coalesce(r.deep_items, 0) as items, d.annotations, d.deleted_at, d.delete_at, u.email as deleter
       from dataset d
       left join dir r on r.dataset_no = d.dataset_no and r.dir_no = 1
       left join user_account u on u.id = d.deleter_id
      where d.project_id = $1 and d.delete_at is not null order by d.delete_at, d.dataset_no`,
    [projectId],
  )
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    itemsCount: row.items,
    annotationsCount: row.annotations,
    deletedAt: row.deleted_at.toISOString(),
    deletedBy: row.deleter,
    deletesAt: row.delete_at.toISOString(),
  }))
}

/**
 * What who is about to delete a dataset, or files in its storage, has to know (DS-09): what goes with it, and which other datasets read the same storage. Those
 * of its own driver are named, as they are in its project; others, whose drivers reach into its part of the bucket, are only counted.
 */
export async function describeDeletion(db: Db, datasetNo: number): Promise<DatasetDeletion> {
  const { rows } = await db.query<{
    id: string
    name: string
    driver_id: string | null
    items: number
    annotations: number
    points: number
    delete_at: Date | null
    clones: number
    overlapping: number
  }>(
    `select d.id, d.name, d.driver_id, coalesce(r.deep_items, 0) as items, d.annotations, coalesce(r.deep_items, 0) + d.annotation_points as points, d.delete_at,
            (select count(*) from dataset c where c.origin_dataset_no = d.dataset_no) as clones,
            (select count(*) from dataset o join driver w on w.id = o.driver_id
              where w.source_no = v.source_no and w.id <> v.id and (starts_with(w.folder, v.folder) or starts_with(v.folder, w.folder))) as overlapping
       from dataset d
       left join dir r on r.dataset_no = d.dataset_no and r.dir_no = 1
       left join driver v on v.id = d.driver_id
      where d.dataset_no = $1`,
    [datasetNo],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('dataset.not_found')
  const others = await db.query<{ id: string; name: string; awaits: boolean; total: number }>(
    `select id, name, delete_at is not null as awaits, count(*) over () as total from dataset
      where driver_id = $1 and dataset_no <> $2 order by dataset_no limit $3`,
    [row.driver_id, datasetNo, OTHERS_MAX],
  )
  return {
    id: row.id,
    name: row.name,
    itemsCount: row.items,
    annotationsCount: row.annotations,
    dataPoints: row.points,
    clonesCount: row.clones,
    driver: row.driver_id,
    otherDatasetsCount: others.rows[0]?.total ?? 0,
    otherDatasets: others.rows.map(({ id, name, awaits }) => ({ id, name, awaitsDeletion: awaits })),
    overlappingDatasetsCount: row.overlapping,
    deletesAt: row.delete_at?.toISOString() ?? null,
  }
}

/** For the clockwork: deletes the datasets whose time has come. Answers how many; in several processes at once it does no harm. */
export async function removeDueDatasets(deps: Deps): Promise<number> {
  const { rows } = await deps.db.query<{ no: number }>(
    'select dataset_no as no from dataset where delete_at <= $1 order by delete_at',
    [toIso(deps.clock.now())],
  )
  for (const { no } of rows) await removeDataset(deps, no, 'due')
  return rows.length
}

/** For the job: removes rows of a deleted dataset until none is left or it is to stop; answers whether it is finished. */
export async function sweepDataset(db: DbPool, datasetNo: number, signal: AbortSignal): Promise<boolean> {
  const { rows } = await db.query('select 1 from dataset where dataset_no = $1', [datasetNo])
  if (rows.length > 0) throw new Error(`dataset ${datasetNo} is not deleted`)
  for (const table of ['item', 'annotation', 'dir', 'dir_segment', 'skipped', 'removed', 'feature_vector']) {
    for (;;) {
      if (signal.aborted) return false
      const { rowCount } = await db.query(
        `delete from ${table} where dataset_no = $1 and ctid = any(array(select ctid from ${table} where dataset_no = $1 limit $2))`,
        [datasetNo, SWEEP_ROWS],
      )
      if (rowCount === 0) break
    }
  }
  return true
}
