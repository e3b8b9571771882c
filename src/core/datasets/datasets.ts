import type { Dataset } from '#contract/datasets.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { requireUsableDriver } from '../drivers/drivers.ts'
import { createDefaultRecipe } from '../recipes/recipes.ts'
import type { Collections } from './collections.ts'
import { type DatasetRow, renderDataset, selectDatasets } from './rows.ts'
import type { DatasetKind } from './writable.ts'

export {
  addCollection,
  COLLECTIONS_MAX,
  type Collections,
  ensureCollections,
  listCollections,
  removeCollection,
  renameCollection,
} from './collections.ts'
export {
  DELETE_AHEAD_MS_MAX,
  deleteDatasetLater,
  describeDeletion,
  listDeletedDatasets,
  type Removable,
  removeDataset,
  removeDueDatasets,
  restoreDataset,
  SWEEP_JOB,
  sweepDataset,
} from './deletion.ts'
export { compileDatasetFilter, sortDatasets } from './filter.ts'
export { changeSchema, getSchema } from './schema.ts'
export { type DatasetChange, unlockDataset, updateDataset } from './update.ts'
export { type DatasetKind, isLockedSql, pointsOfItems, requireWritable, type WritableDataset } from './writable.ts'

/** What a dataset is made of. */
export interface NewDataset {
  readonly name: string
  readonly projectId: string
  readonly driverId: string | null
  readonly indexDriver?: string | undefined
  readonly expirationOptions?: { readonly itemMaxDays: number | null } | undefined
  readonly isReadonly?: boolean | undefined
  /** Whether a recipe with an ontology is made for it. */
  readonly hasDefaultRecipe?: boolean | undefined
  /** Hidden from lists unless they ask for it: the platform's own files of a project. */
  readonly isSystem?: boolean | undefined
  /** What it is a copy of; a master unless said. */
  readonly origin?: DatasetOrigin | undefined
}

/** What clones and merges bring along from the datasets they are made of. */
export interface DatasetOrigin {
  readonly kind: Exclude<DatasetKind, 'master'>
  /** The dataset a clone was made of. */
  readonly datasetNo: number | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly collections: Collections
}

/** Makes an empty dataset in the given transaction; answers its number. The driver must be of the same project and have passed its check. */
export async function createDatasetIn(deps: Deps, tx: Db, caller: Caller, dataset: NewDataset): Promise<number> {
  const { origin } = dataset
  // A copy reads what its origin reads, whatever the storage says at the moment.
  if (dataset.driverId !== null && origin === undefined)
    await requireUsableDriver(tx, dataset.projectId, dataset.driverId)
  const options = {
    indexDriver: dataset.indexDriver ?? 'v1',
    ...(dataset.expirationOptions && { expirationOptions: dataset.expirationOptions }),
    ...(origin && { collections: origin.collections }),
  }
  const { rows } = await tx.query<{ dataset_no: number }>(
    `insert into dataset (id, project_id, driver_id, name, metadata, options, creator_id, updater_id, is_readonly, is_system, kind, origin_dataset_no)
     values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11)
     on conflict (project_id, name) where delete_at is null do nothing returning dataset_no`,
    [
      newId(deps.clock.now()),
      dataset.projectId,
      dataset.driverId,
      dataset.name,
      JSON.stringify(origin?.metadata ?? { system: {} }),
      JSON.stringify(options),
      caller.userId,
      dataset.isReadonly ?? false,
      dataset.isSystem ?? false,
      origin?.kind ?? 'master',
      origin?.datasetNo ?? null,
    ],
  )
  const datasetNo = rows[0]?.dataset_no
  if (datasetNo === undefined) throw new AppError('dataset.name_taken')
  if (dataset.hasDefaultRecipe === true) {
    const { projectId, name } = dataset
    const recipeId = await createDefaultRecipe(deps, tx, caller, { projectId, datasetName: name })
    await tx.query(
      `update dataset set metadata = jsonb_set(metadata, '{system,recipes}', jsonb_build_array($2::text)) where dataset_no = $1`,
      [datasetNo, recipeId],
    )
  }
  await tx.query('insert into dataset_numbers (dataset_no) values ($1)', [datasetNo])
  // The root has number 1 and is its own parent, so that no child listing ever shows it.
  await tx.query(`insert into dir (dataset_no, dir_no, parent_no, path, name) values ($1, 1, 0, '', '')`, [datasetNo])
  return datasetNo
}

/** A dataset as the API shows it. `baseUrl` is where this API is reached. */
export async function getDataset(deps: Deps, datasetNo: number, baseUrl: string): Promise<Dataset> {
  const { rows } = await deps.db.query<DatasetRow>(`${selectDatasets} where d.dataset_no = $2`, [
    ownFolder(deps),
    datasetNo,
  ])
  if (!rows[0]) throw new AppError('dataset.not_found')
  return renderDataset(rows[0], baseUrl)
}

/**
 * Datasets of those of the given projects that the caller is in (of all of theirs when none is given), oldest first; hidden ones on request. Those that await
 * their deletion are not among them.
 */
export async function listDatasets(
  deps: Deps,
  caller: Caller,
  options: {
    readonly projectIds?: readonly string[] | undefined
    readonly withSystem: boolean
    readonly baseUrl: string
  },
): Promise<Dataset[]> {
  const { rows } = await deps.db.query<DatasetRow>(
    `${selectDatasets}
      join project_member m on m.project_id = d.project_id and m.user_id = $2
     where ($3::text[] is null or d.project_id = any($3)) and ($4 or not d.is_system) and d.delete_at is null
     order by d.dataset_no`,
    [ownFolder(deps), caller.userId, options.projectIds ?? null, options.withSystem],
  )
  return rows.map((row) => renderDataset(row, options.baseUrl))
}

/** Path of the platform's own folder, as the table of folders has it. */
function ownFolder({ config }: Deps): string {
  return `${config.hiddenFolder}/`
}

/** When a dataset's storage was last synced with success. */
export async function findLastSync(db: Db, datasetNo: number): Promise<Date | null> {
  const { rows } = await db.query<{ last_synced_at: Date | null }>(
    'select last_synced_at from dataset where dataset_no = $1',
    [datasetNo],
  )
  return rows[0]?.last_synced_at ?? null
}
