import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'

/** What whoever writes into a dataset needs to know of it. */
export interface WritableDataset {
  readonly datasetNo: number
  readonly datasetId: string
  readonly projectId: string
  readonly orgId: string
  /** Null on the platform's own storage. */
  readonly driverId: string | null
  readonly kind: DatasetKind
  /** The project's hidden dataset. */
  readonly isSystem: boolean
}

/** Data points that items of a dataset use: none where the platform keeps what it makes itself, thumbnails and files of exports (GF-13). */
export function pointsOfItems(dataset: Pick<WritableDataset, 'isSystem'>, items: number): number {
  return dataset.isSystem ? 0 : items
}

/** What a dataset is made of: a storage or uploads, another dataset, or several. */
export type DatasetKind = 'master' | 'clone' | 'merge'

/** SQL that is true of a dataset row `d` while an export holds it. */
export const isLockedSql = '(d.locked_until is not null and d.locked_until > now())'

/**
 * For every writer of items and annotations, at the start of its transaction: refuses where the dataset may not be changed, and keeps it from being
 * deleted until the transaction ends, so that what is written is on the counters that its deletion gives back.
 *
 * Writers do not wait for each other here. Errors: `dataset.not_found`, `dataset.readonly`, `dataset.locked`.
 */
export async function requireWritable(tx: Db, datasetNo: number): Promise<WritableDataset> {
  const { rows } = await tx.query<WritableDataset & { isReadonly: boolean; isLocked: boolean }>(
    `select d.dataset_no as "datasetNo", d.id as "datasetId", d.project_id as "projectId", p.org_id as "orgId", d.driver_id as "driverId", d.kind, d.is_system as "isSystem",
            d.is_readonly as "isReadonly", ${isLockedSql} as "isLocked"
       from dataset d join project p on p.id = d.project_id where d.dataset_no = $1 for key share of d`,
    [datasetNo],
  )
  if (rows[0] === undefined) throw new AppError('dataset.not_found')
  const { isReadonly, isLocked, ...dataset } = rows[0]
  if (isReadonly) throw new AppError('dataset.readonly')
  if (isLocked) throw new AppError('dataset.locked')
  return dataset
}
