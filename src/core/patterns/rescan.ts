import type { Rescan } from '#contract/sync-settings.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import type { Caller, Deps } from '../deps.ts'

/** Started at one tick at the most, so that after a pause of the server not everything begins at once. */
const STARTS_MAX = 50

/** A dataset whose next sync is due. */
export interface DueRescan {
  readonly datasetNo: number
  readonly mode: Rescan['mode']
  /** In whose name: whoever changed the settings last, or an owner of the project when that person is no longer in it. */
  readonly caller: Caller
}

/**
 * Hands every dataset whose next sync is due to `start`, longest due first; answers how many.
 *
 * Of several processes one does this at a time and the others do nothing: else a second one, still holding what it read before, would start a sync
 * again that the first one's has meanwhile finished. `start` must have started the sync when it resolves, and must not throw.
 */
export async function withDueRescans(deps: Deps, start: (due: DueRescan) => Promise<void>): Promise<number> {
  return await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ mine: boolean }>(
      `select pg_try_advisory_xact_lock(hashtext('sluice.rescan')) as mine`,
    )
    if (!rows[0]!.mine) return 0
    const due = await findDue(tx)
    for (const each of due) await start(each)
    return due.length
  })
}

/**
 * Due: the interval has passed since the last sync was started, however that one ended, and none is waiting, running, paused or parked; plus a tenth
 * of the interval, five minutes at the most, by the dataset's number, so that datasets made together are not synced together for ever.
 * Times are the database's; what cannot be synced is left out.
 */
async function findDue(db: Db): Promise<DueRescan[]> {
  const { rows } = await db.query<{ datasetNo: number; mode: Rescan['mode']; userId: string; email: string }>(
    // Materialized: the planner takes the test for a schedule to hold everywhere, and would otherwise begin with all runs or all members.
    `with scheduled as materialized (
       select * from dataset where options #>> '{sync,rescan,everyMinutes}' is not null and kind = 'master' and not is_readonly
     )
     select d.dataset_no as "datasetNo", d.options #>> '{sync,rescan,mode}' as mode, u.id as "userId", u.email
       from scheduled d
       join driver v on v.id = d.driver_id and v.state = 'ready'
       left join lateral (
         select r.created_at from sync_run r where r.dataset_no = d.dataset_no order by r.run_no desc limit 1
       ) last on true
       cross join lateral (
         select make_interval(mins => (d.options #>> '{sync,rescan,everyMinutes}')::int) as pause
       ) i
       cross join lateral (
         select coalesce(last.created_at, d.created_at) + i.pause
                + least(i.pause / 10, interval '5 minutes') * ((d.dataset_no::bigint * 2654435761 % 1000) / 1000.0) as at
       ) next
       cross join lateral (
         select m.user_id from project_member m
          where m.project_id = d.project_id and (m.user_id = d.options #>> '{sync,editorId}' or m.role = 'owner')
          order by m.user_id = d.options #>> '{sync,editorId}' desc nulls last, m.created_at limit 1
       ) who
       join user_account u on u.id = who.user_id
      where next.at <= now()
        and not exists (
          select 1 from sync_run r where r.dataset_no = d.dataset_no and r.state in ('queued', 'running', 'paused', 'parked')
        )
      order by next.at limit $1`,
    [STARTS_MAX],
  )
  return rows.map(({ datasetNo, mode, userId, email }) => ({ datasetNo, mode, caller: { userId, email } }))
}
