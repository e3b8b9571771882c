import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'

/** What of a dataset the read side needs to show its items. */
export interface DatasetView {
  readonly datasetNo: number
  readonly datasetId: string
  /** E-mail address of who made the dataset, shown as creator of what a sync found. */
  readonly creator: string
  readonly createdMs: number
  /** Paths of items' metadata that its schema keeps out of searches. */
  readonly unsearchable: readonly string[]
  /** Null for a dataset on the platform's own storage. */
  readonly driverId: string | null
  /** Bytes every key starts with: the driver's folder, `''` or ending in `/`. */
  readonly folder: string
  /** The bucket's name; null where the storage has none. */
  readonly bucket: string | null
}

interface Row {
  id: string
  email: string
  created_ms: number
  unsearchable: string[] | null
  driver_id: string | null
  folder: string | null
  bucket: string | null
}

/** Reads a dataset for showing its items; throws `dataset.not_found`. */
export async function viewDataset(db: Db, datasetNo: number): Promise<DatasetView> {
  const { rows } = await db.query<Row>(
    `select s.id, u.email, round(date_part('epoch', s.created_at) * 1000)::bigint as created_ms, s.options #> '{schema,unsearchablePaths}' as unsearchable, s.driver_id, r.folder,
            coalesce(r.config ->> 'bucketName', r.config ->> 'bucket', r.config ->> 'containerName') as bucket
     from dataset s join user_account u on u.id = s.creator_id left join driver r on r.id = s.driver_id
     where s.dataset_no = $1`,
    [datasetNo],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('dataset.not_found')
  return {
    datasetNo,
    datasetId: row.id,
    creator: row.email,
    createdMs: row.created_ms,
    unsearchable: row.unsearchable ?? [],
    driverId: row.driver_id,
    folder: row.folder ?? '',
    bucket: row.bucket,
  }
}
