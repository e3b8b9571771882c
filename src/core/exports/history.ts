import type { Caller, Deps } from '#core/deps.ts'

/** Types of the commands that exports are. The first is the one that makes the vendor's SDK tell its progress. */
export const EXPORT_FILE = 'ExportDatasetAsJson'
export const EXPORT_PARTS = 'ExportDatasetV3'

/** Which exports are listed, and in which order. */
export interface HistoryQuery {
  readonly projects: readonly string[] | null
  readonly datasetId: string | null
  readonly sortBy: string | null
  readonly sortOrder: string | null
}

/** An export as it is listed. */
export interface ExportRecord {
  readonly id: string
  readonly type: string
  readonly datasetId: string
  readonly projectId: string
  readonly status: string
  readonly progress: number
  readonly error: string | null
  readonly outputItemId: string | null
  readonly creator: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

const sortColumns: Readonly<Record<string, string>> = {
  createdAt: 'c.created_at',
  updatedAt: 'c.updated_at',
  status: 'c.status',
}

/** Exports of those of the caller's projects, newest first unless said; 1,000 at most. What cannot be sorted by is not. */
export async function listExports(deps: Deps, caller: Caller, query: HistoryQuery): Promise<ExportRecord[]> {
  const column = sortColumns[query.sortBy ?? 'createdAt'] ?? 'c.created_at'
  const direction = /^asc/i.test(query.sortOrder ?? 'desc') ? 'asc' : 'desc'
  const { rows } = await deps.db.query<ExportRecord>(
    `select c.id, c.type, c.spec ->> 'datasetId' as "datasetId", c.project_id as "projectId", c.status, c.progress, c.error,
            c.spec ->> 'outputItemId' as "outputItemId", u.email as creator, c.created_at as "createdAt", c.updated_at as "updatedAt"
       from command c
       join user_account u on u.id = c.creator_id
       join project_member m on m.project_id = c.project_id and m.user_id = $1
      where c.type = any($2::text[]) and ($3::text[] is null or c.project_id = any($3)) and ($4::text is null or c.spec ->> 'datasetId' = $4)
      order by ${column} ${direction}, c.id ${direction} limit 1000`,
    [caller.userId, [EXPORT_FILE, EXPORT_PARTS], query.projects, query.datasetId],
  )
  return rows
}
