import type { Db } from '#db/connect.ts'
import type { Deps } from '../deps.ts'

/** How long a notification is kept after its last change. */
const KEPT_DAYS = 30
/** The most that a project keeps, so that hundreds of datasets synced by the minute do not make everybody's bell slow. */
const KEPT_MAX = 5_000
/** Rows removed a statement: a lock of well under a second. */
const SWEEP_ROWS = 5_000

const tooOld = `select notification_no from notification
  where updated_at < to_timestamp($1::float8 / 1000) - make_interval(days => $2) limit $3`
const tooMany = `select notification_no from (
    select notification_no, row_number() over (partition by project_id order by news_no desc) as place from notification
  ) x where place > $1 limit $2`

/**
 * For the clockwork: removes notifications that nothing happened to for 30 days, and of a project those that 5,000 newer ones push out, with what
 * people did with them. Answers how many.
 */
export async function sweepNotifications(deps: Pick<Deps, 'db' | 'clock'>): Promise<number> {
  const old = await removeAll(deps.db, tooOld, [deps.clock.now(), KEPT_DAYS, SWEEP_ROWS])
  return old + (await removeAll(deps.db, tooMany, [KEPT_MAX, SWEEP_ROWS]))
}

async function removeAll(db: Db, which: string, values: readonly number[]): Promise<number> {
  let removed = 0
  for (;;) {
    const { rowCount } = await db.query(`delete from notification where notification_no in (${which})`, values)
    removed += rowCount ?? 0
    if ((rowCount ?? 0) < SWEEP_ROWS) return removed
  }
}
