import type { Dataset } from '#contract/datasets.ts'
import { type DatasetKind, isLockedSql } from './writable.ts'

/** A dataset as the database gives it to whoever shows it. */
export interface DatasetRow {
  readonly id: string
  readonly dataset_no: number
  readonly name: string
  readonly project_id: string
  readonly driver_id: string | null
  readonly kind: DatasetKind
  readonly is_readonly: boolean
  readonly is_locked: boolean
  readonly is_syncing: boolean
  readonly metadata: Readonly<Record<string, unknown>>
  readonly options: {
    readonly indexDriver?: string
    readonly expirationOptions?: { readonly itemMaxDays: number | null }
  }
  readonly origin_id: string | null
  readonly creator: string
  readonly updater: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly items: number
  readonly annotated: number
  readonly annotations: number
}

/**
 * SQL that selects `DatasetRow`s, up to its `where`; the dataset is `d`. `$1` is the path of the platform's own folder: what is in it is hidden from every
 * count. Counters alone are read, so a dataset of ten million items costs what an empty one does.
 */
export const selectDatasets = `
  select d.id, d.dataset_no, d.name, d.project_id, d.driver_id, d.kind, d.is_readonly, ${isLockedSql} as is_locked, d.metadata, d.options, s.id as origin_id,
         c.email as creator, u.email as updater, d.created_at, d.updated_at, d.annotated, d.annotations,
         coalesce(r.deep_items, 0) - coalesce(own.deep_items, 0) as items,
         exists (select 1 from sync_run x where x.dataset_no = d.dataset_no and x.state in ('queued', 'running')) as is_syncing
    from dataset d
    join user_account c on c.id = d.creator_id
    join user_account u on u.id = d.updater_id
    left join dataset s on s.dataset_no = d.origin_dataset_no
    left join dir r on r.dataset_no = d.dataset_no and r.dir_no = 1
    left join dir own on own.dataset_no = d.dataset_no and own.path = $1`

/** A dataset as the API shows it, with exactly the keys that the vendor's SDK compares. `baseUrl` is where this API is reached. */
export function renderDataset(row: DatasetRow, baseUrl: string): Dataset {
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
    readonly: row.is_readonly || row.is_locked,
    isSyncing: row.is_syncing,
    itemsCount: row.items,
    annotated: row.annotated,
    annotationsCount: row.annotations,
    metadata: { ...row.metadata, system: objectOr(row.metadata.system) },
    accessLevel: 'public',
    readableType: row.kind,
    indexDriver: row.options.indexDriver ?? 'v1',
    ...(row.options.expirationOptions && { expirationOptions: row.options.expirationOptions }),
    ...(row.origin_id !== null && { srcDataset: row.origin_id }),
    url,
    items: `${url}/items`,
    directoryTree: `${url}/directoryTree`,
  }
}

function objectOr(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
