// Tells of made-up syncs, as a sync does: in a transaction, from wherever it runs.
import { type Notice, notify } from '#core/notifications/notifications.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import type { TestApi } from './api.ts'

/** Tells of a sync of dataset “birds” in the owner's project unless the parts say otherwise; in a transaction of its own unless one is given. */
export async function tell(
  api: TestApi,
  parts: Partial<Notice> & { readonly projectId: string },
  options: { readonly nowMs?: number; readonly tx?: Db } = {},
): Promise<void> {
  const notice: Notice = {
    code: 'sync.started',
    orgId: api.orgId,
    resource: { type: 'dataset', id: 'a'.repeat(24), name: 'birds', action: 'sync' },
    text: 'The sync of “birds” has begun.',
    groupKey: 'sync:1',
    ...parts,
  }
  const nowMs = options.nowMs ?? api.deps.clock.now()
  if (options.tx) await notify(options.tx, notice, nowMs)
  else await withTransaction(api.deps.db, (tx) => notify(tx, notice, nowMs))
}
