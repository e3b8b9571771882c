import type { Db } from '#db/connect.ts'
import type { Deps } from '../deps.ts'

/** How long a notification is kept after its last change. */
const KEPT_DAYS = 30
/** Rows removed a statement: a lock of well under a second. */
const SWEEP_ROWS = 5_000

/** For the clockwork: removes notifications that nothing happened to for 30 days, with what people did with them. Answers how many. */
export async function sweepNotifications(deps: Pick<Deps, 'clock'> & { readonly db: Db }): Promise<number> {
  let removed = 0
  for (;;) {
    const { rowCount } = await deps.db.query(
      `delete from notification where notification_no in (
         select notification_no from notification where updated_at < to_timestamp($1::float8 / 1000) - make_interval(days => $2) limit $3)`,
      [deps.clock.now(), KEPT_DAYS, SWEEP_ROWS],
    )
    removed += rowCount ?? 0
    if ((rowCount ?? 0) < SWEEP_ROWS) return removed
  }
}
