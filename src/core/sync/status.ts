import { type SyncCount, syncCounts } from '#contract/syncs.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { RunOptions, RunPhase } from './run.ts'

/** A run as people see it: how far it is, what it met and what it waits for. */
export interface SyncStatus {
  readonly commandId: string
  readonly state: 'queued' | 'running' | 'paused' | 'parked' | 'success' | 'failed' | 'canceled'
  readonly phase: RunPhase
  readonly options: RunOptions
  readonly counts: Readonly<Record<SyncCount, number>>
  /** Samples and sets of what was found; of a plan also what it would need. */
  readonly report: Readonly<Record<string, unknown>>
  readonly error: string | null
  readonly errorCode: string | null
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

const counts = syncCounts.map((name) => `'${name}', ${name === 'overQuota' ? 'over_quota' : name}`).join(', ')

const columns = `command_id as "commandId", state, phase, options, report, error, error_code as "errorCode", created_at as "createdAt",
  started_at as "startedAt", finished_at as "finishedAt", json_build_object(${counts}) as counts`

/** The last runs of a dataset, newest first; at most 100. */
export async function listSyncs(db: Db, datasetNo: number): Promise<SyncStatus[]> {
  const { rows } = await db.query<SyncStatus>(
    `select ${columns} from sync_run where dataset_no = $1 order by run_no desc limit 100`,
    [datasetNo],
  )
  return rows
}

/** One run of a dataset by its command; `sync.not_found` otherwise. */
export async function getSync(db: Db, datasetNo: number, commandId: string): Promise<SyncStatus> {
  const { rows } = await db.query<SyncStatus>(
    `select ${columns} from sync_run where dataset_no = $1 and command_id = $2`,
    [datasetNo, commandId],
  )
  if (!rows[0]) throw new AppError('sync.not_found')
  return rows[0]
}
