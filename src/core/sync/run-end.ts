import type { ErrorCode } from '#contract/errors.ts'
import type { NoticeCode } from '#contract/notifications.ts'
import { type SyncCount, syncCounts } from '#contract/syncs.ts'
import { notify } from '#core/notifications/notifications.ts'
import { type DbClient, type DbPool, withTransaction } from '#db/connect.ts'
import { grouped } from '#lib/grouped.ts'
import { forgetRun } from './queries.ts'
import type { ClaimedRun } from './run.ts'

/**
 * How a run ended, or why it stops for now. `parked`: it found something that a person has to look at, and goes on when that is approved or mended.
 * `paused`: somebody asked for it.
 */
export type RunEnd =
  | { readonly state: 'success' }
  | { readonly state: 'canceled' }
  | { readonly state: 'paused' }
  | { readonly state: 'failed' | 'parked'; readonly code: ErrorCode; readonly message: string }

const notices: Record<RunEnd['state'], NoticeCode> = {
  success: 'sync.finished',
  canceled: 'sync.canceled',
  paused: 'sync.paused',
  failed: 'sync.failed',
  parked: 'sync.parked',
}

/**
 * Ends a run and its command in one transaction; the dataset's last sync time moves only at success (DS-05). Answers false when the run was not
 * ours any more, and then nothing has changed. `onEnd`: what else belongs to the transaction of a run that may have changed items.
 *
 * A parked run's command fails, because whoever polls it must not wait for a person; when the run goes on, so does the command.
 */
export async function endRun(
  pool: DbPool,
  run: ClaimedRun,
  requests: number,
  end: RunEnd,
  nowMs: number,
  report: Readonly<Record<string, unknown>> = {},
  onEnd: (tx: DbClient) => Promise<void> = async () => {},
): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    const failure = end.state === 'failed' || end.state === 'parked' ? end : null
    const isFinal = end.state !== 'paused' && end.state !== 'parked'
    const { rows } = await client.query<Counts>(
      `update sync_run
          set state = $3, lease_until = null, requests = requests + $4, error_code = $5, error = $6, report = report || $7::jsonb,
              finished_at = case when $8 then now() end, pause_asked = false
        where run_no = $1 and fence = $2 and state = 'running'
        returning ${countColumns}`,
      [
        run.runNo,
        run.fence,
        end.state,
        requests,
        failure?.code ?? null,
        failure?.message ?? null,
        JSON.stringify(report),
        isFinal,
      ],
    )
    const counts = rows[0]
    if (!counts) return false
    if (end.state === 'success' && run.options.dryRun !== true) {
      await client.query('update dataset set last_synced_at = now() where dataset_no = $1', [run.datasetNo])
      await forgetSkipped(client, run)
    }
    if (isFinal) await forgetRun(client, run.runNo)
    if (run.options.dryRun !== true) await onEnd(client)
    if (end.state !== 'paused') await endCommand(client, run, end, counts)
    if (isWorthTelling(run, end, counts)) await notify(client, noticeOf(run, end, counts), nowMs)
    return true
  })
}

type Counts = Record<SyncCount, number>

/** SQL of a run's counters. */
export const countColumns = syncCounts
  .map((name) => (name === 'overQuota' ? 'over_quota as "overQuota"' : name))
  .join(', ')

/** Drops the skipped keys that a complete listing did not show any more; what a hint has found since the run began stays. */
async function forgetSkipped(client: DbClient, run: ClaimedRun): Promise<void> {
  await client.query(
    'delete from skipped where dataset_no = $1 and run_no <> $2 and found_at < to_timestamp($3::float8 / 1000)',
    [run.datasetNo, run.runNo, run.createdMs],
  )
}

async function endCommand(client: DbClient, run: ClaimedRun, end: RunEnd, counts: Counts): Promise<void> {
  const failure = end.state === 'failed' || end.state === 'parked' ? end : null
  await client.query(
    `update command
        set status = $2, progress = case when $2 = 'success' then 100 else progress end, error = $3, error_code = $4,
            spec = spec || $5::jsonb, updated_at = now()
      where id = $1`,
    [
      run.commandId,
      end.state === 'parked' ? 'failed' : end.state,
      failure?.message ?? null,
      failure?.code ?? null,
      JSON.stringify({ datasetId: run.datasetId, counts }),
    ],
  )
}

/** Failures that mean that the storage lets us in no more; a run that meets one waits for new credentials (IS-03). */
export const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'storage.denied',
  'storage.bad_credentials',
  'storage.expired_credentials',
  'storage.role_denied',
  'storage.kms_denied',
])

function noticeCode(end: RunEnd): NoticeCode {
  if (end.state !== 'failed' && end.state !== 'parked') return notices[end.state]
  if (end.code === 'quota.exceeded') return 'quota.exceeded'
  return REFUSALS.has(end.code) ? 'storage.forbidden' : notices[end.state]
}

/** What notices of a run are grouped by: those of a schedule are one notification a dataset. */
export function noticeKey(run: ClaimedRun): string {
  return run.options.scheduled === true ? `rescan:${run.datasetId}` : `sync:${run.commandId}`
}

/** A scheduled sync that found everything as it was is no news. */
function isWorthTelling(run: ClaimedRun, end: RunEnd, counts: Counts): boolean {
  if (run.options.scheduled !== true || end.state !== 'success') return true
  return (['added', 'changed', 'returned', 'moved', 'missing', 'removed'] as const).some((name) => counts[name] > 0)
}

function noticeOf(run: ClaimedRun, end: RunEnd, counts: Counts) {
  const code = noticeCode(end)
  const summary = summaryOf(counts, run.options.dryRun === true)
  const text = end.state === 'failed' || end.state === 'parked' ? end.message : summary
  return {
    code,
    orgId: run.orgId,
    projectId: run.projectId,
    resource: { type: 'dataset', id: run.datasetId, name: run.datasetName, action: 'sync' },
    text,
    groupKey: noticeKey(run),
    progress: { percent: end.state === 'success' ? 100 : null, count: counts.listed, perSecond: 0, secondsLeft: null },
  } as const
}

/** A run's outcome in one sentence; what did not happen is not mentioned, and what a plan would do is not told as done. */
function summaryOf(counts: Counts, isPlan: boolean): string {
  const parts = (['added', 'changed', 'returned', 'moved', 'missing', 'removed', 'excluded', 'skipped'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${grouped(counts[name])} ${name}`)
  const outcome = parts.length === 0 ? 'nothing changed' : parts.join(', ')
  const listed = `${grouped(counts.listed)} files listed`
  return isPlan
    ? `A plan, nothing was changed. ${listed}; a sync would make of it: ${outcome}.`
    : `${listed}: ${outcome}.`
}
