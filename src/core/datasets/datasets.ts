import type { Dataset } from '#contract/datasets.ts'
import { type Db, type DbPool, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { requireUsableDriver } from '../drivers/drivers.ts'
import { releaseDataPoints } from '../quota/quota.ts'

export { compileDatasetFilter } from './filter.ts'
export { type DatasetKind, requireWritable, type WritableDataset } from './writable.ts'

/** Name of the job that removes the rows of a deleted dataset. */
export const SWEEP_JOB = 'dataset.sweep'
/** Rows removed a statement: a lock of well under a second. */
const SWEEP_ROWS = 20_000

/** What a dataset is made of. */
export interface NewDataset {
  readonly name: string
  readonly projectId: string
  readonly driverId: string | null
  readonly indexDriver?: string | undefined
  readonly expirationOptions?: { readonly itemMaxDays: number | null } | undefined
}

interface Row {
  id: string
  dataset_no: number
  name: string
  project_id: string
  driver_id: string | null
  kind: string
  is_readonly: boolean
  metadata: { system?: Record<string, unknown>; user?: Record<string, unknown> }
  options: { indexDriver?: string; expirationOptions?: { itemMaxDays: number | null } }
  creator: string
  updater: string
  created_at: Date
  updated_at: Date
  is_syncing: boolean
  items: number
}

const select = `
  select d.id, d.dataset_no, d.name, d.project_id, d.driver_id, d.kind, d.is_readonly, d.metadata, d.options, c.email as creator, u.email as updater,
         d.created_at, d.updated_at, coalesce(r.deep_items, 0) as items,
         exists (select 1 from sync_run s where s.dataset_no = d.dataset_no and s.state in ('queued', 'running')) as is_syncing
    from dataset d
    join user_account c on c.id = d.creator_id
    join user_account u on u.id = d.updater_id
    left join dir r on r.dataset_no = d.dataset_no and r.dir_no = 1`

/** Makes an empty dataset in the given transaction; answers its number. The driver must be of the same project and have passed its check. */
export async function createDatasetIn(deps: Deps, tx: Db, caller: Caller, dataset: NewDataset): Promise<number> {
  if (dataset.driverId !== null) await requireUsableDriver(tx, dataset.projectId, dataset.driverId)
  const options = {
    indexDriver: dataset.indexDriver ?? 'v1',
    ...(dataset.expirationOptions && { expirationOptions: dataset.expirationOptions }),
  }
  const { rows } = await tx.query<{ dataset_no: number }>(
    `insert into dataset (id, project_id, driver_id, name, metadata, options, creator_id, updater_id)
     values ($1, $2, $3, $4, '{"system": {}}', $5, $6, $6)
     on conflict (project_id, name) do nothing returning dataset_no`,
    [
      newId(deps.clock.now()),
      dataset.projectId,
      dataset.driverId,
      dataset.name,
      JSON.stringify(options),
      caller.userId,
    ],
  )
  const datasetNo = rows[0]?.dataset_no
  if (datasetNo === undefined) throw new AppError('dataset.name_taken')
  await tx.query('insert into dataset_numbers (dataset_no) values ($1)', [datasetNo])
  // The root has number 1 and is its own parent, so that no child listing ever shows it.
  await tx.query(`insert into dir (dataset_no, dir_no, parent_no, path, name) values ($1, 1, 0, '', '')`, [datasetNo])
  return datasetNo
}

/** A dataset as the API shows it. `baseUrl` is where this API is reached. */
export async function getDataset(db: Db, datasetNo: number, baseUrl: string): Promise<Dataset> {
  const { rows } = await db.query<Row>(`${select} where d.dataset_no = $1`, [datasetNo])
  if (!rows[0]) throw new AppError('dataset.not_found')
  return render(rows[0], baseUrl)
}

/** Datasets of those of the given projects that the caller is in (of all of theirs when none is given), oldest first; hidden ones on request. */
export async function listDatasets(
  db: Db,
  caller: Caller,
  options: {
    readonly projectIds?: readonly string[] | undefined
    readonly withSystem: boolean
    readonly baseUrl: string
  },
): Promise<Dataset[]> {
  const { rows } = await db.query<Row>(
    `${select}
      join project_member m on m.project_id = d.project_id and m.user_id = $1
     where ($2::text[] is null or d.project_id = any($2)) and ($3 or not d.is_system)
     order by d.dataset_no`,
    [caller.userId, options.projectIds ?? null, options.withSystem],
  )
  return rows.map((row) => render(row, options.baseUrl))
}

/** Changes name and metadata; each part of the metadata that is given replaces the old one. */
export async function updateDataset(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  change: {
    readonly name?: string | undefined
    readonly metadata?: Readonly<Record<string, unknown>> | undefined
    readonly withSystem: boolean
  },
): Promise<void> {
  const metadata: Record<string, unknown> = {}
  for (const part of change.withSystem ? ['user', 'system'] : ['user']) {
    const given = change.metadata?.[part]
    if (given !== undefined && given !== null) metadata[part] = given
  }
  try {
    await deps.db.query(
      `update dataset set name = coalesce($2, name), metadata = metadata || $3::jsonb, updater_id = $4, updated_at = now() where dataset_no = $1`,
      [datasetNo, change.name ?? null, JSON.stringify(metadata), caller.userId],
    )
  } catch (error) {
    if ((error as { code?: unknown }).code === '23505') throw new AppError('dataset.name_taken', { cause: error })
    throw error
  }
}

/**
 * Deletes a dataset: it is gone at once, also for a sync that runs on it; its rows are removed by a job. Nothing in any bucket is touched,
 * whatever the switches (reading 2.7). Its data points are free at once.
 *
 * Whoever writes items of a dataset holds its row of `sync_run` or its own row in `dataset` while they commit: so nothing is added after the
 * count that is given back here. Locks are taken in the order sync_run, dataset, …, data_points, as a sync does.
 */
export async function removeDataset(deps: Deps, datasetNo: number): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    await tx.query('select 1 from sync_run where dataset_no = $1 order by run_no for update', [datasetNo])
    const { rows } = await tx.query<{ org_id: string }>(
      `delete from dataset d using project p where d.dataset_no = $1 and p.id = d.project_id returning p.org_id`,
      [datasetNo],
    )
    await deps.queue.enqueue(tx, SWEEP_JOB, { datasetNo }, { key: `sweep:${datasetNo}` })
    if (rows[0]) await releaseDataPoints(tx, rows[0].org_id, await countItems(tx, datasetNo))
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

/** For the job: removes rows of a deleted dataset until none is left or it is to stop; answers whether it is finished. */
export async function sweepDataset(db: DbPool, datasetNo: number, signal: AbortSignal): Promise<boolean> {
  const { rows } = await db.query('select 1 from dataset where dataset_no = $1', [datasetNo])
  if (rows.length > 0) throw new Error(`dataset ${datasetNo} is not deleted`)
  for (const table of ['item', 'dir', 'dir_segment', 'skipped', 'removed']) {
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

/** When a dataset's storage was last synced with success. */
export async function findLastSync(db: Db, datasetNo: number): Promise<Date | null> {
  const { rows } = await db.query<{ last_synced_at: Date | null }>(
    'select last_synced_at from dataset where dataset_no = $1',
    [datasetNo],
  )
  return rows[0]?.last_synced_at ?? null
}

function render(row: Row, baseUrl: string): Dataset {
  const url = `${baseUrl}/api/v1/datasets/${row.id}`
  return {
    id: row.id,
    name: row.name,
    projects: [row.project_id],
    creator: row.creator,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    updatedBy: row.updater,
    driver: row.driver_id,
    readonly: row.is_readonly,
    isSyncing: row.is_syncing,
    itemsCount: row.items,
    annotated: 0,
    annotationsCount: 0,
    metadata: { ...row.metadata, system: row.metadata.system ?? {} },
    accessLevel: 'public',
    readableType: row.kind,
    indexDriver: row.options.indexDriver ?? 'v1',
    ...(row.options.expirationOptions && { expirationOptions: row.options.expirationOptions }),
    url,
    items: `${url}/items`,
    directoryTree: `${url}/directoryTree`,
  }
}
