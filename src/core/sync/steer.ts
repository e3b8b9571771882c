import { type DbClient, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Deps } from '../deps.ts'
import { forgetRun } from './queries.ts'
import { enqueueSlice } from './slice-job.ts'

/** Asks the run of a command to stop for good; what it has committed stays. Nothing happens when it has ended already. */
export async function cancelSync(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (client) => {
    const { rows } = await client.query<{ run_no: number; lease_until: Date | null }>(
      `update sync_run set cancel_asked = true where command_id = $1 and state in ('queued', 'running', 'paused', 'parked')
       returning run_no, lease_until`,
      [commandId],
    )
    const run = rows[0]
    if (!run || run.lease_until !== null) return
    // Nobody works on it: it ends here.
    await client.query(
      `update sync_run set state = 'canceled', finished_at = now() where run_no = $1 and state in ('queued', 'running', 'paused', 'parked')`,
      [run.run_no],
    )
    await forgetRun(client, run.run_no)
    await client.query(`update command set status = 'canceled', updated_at = now() where id = $1`, [commandId])
  })
}

/** Asks every run of a dataset to stop for good. */
export async function cancelDatasetSyncs(deps: Deps, datasetNo: number): Promise<void> {
  const { rows } = await deps.db.query<{ id: string }>(
    `select command_id as id from sync_run where dataset_no = $1 and state in ('queued', 'running', 'paused', 'parked') order by run_no`,
    [datasetNo],
  )
  for (const { id } of rows) await cancelSync(deps, id)
}

/** Asks a run to stop for now; it goes on where it was when it is resumed. Throws `sync.not_found` when it does not run. */
export async function pauseSync(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (client) => {
    const { rows } = await client.query<{ run_no: number; lease_until: Date | null }>(
      `update sync_run set pause_asked = true where command_id = $1 and state in ('queued', 'running') returning run_no, lease_until`,
      [commandId],
    )
    const run = rows[0]
    if (!run) throw new AppError('sync.not_found')
    if (run.lease_until !== null) return
    await client.query(`update sync_run set state = 'paused', pause_asked = false where run_no = $1`, [run.run_no])
  })
}

/**
 * Lets a paused run go on, or one that was refused by the storage and has fresh credentials now; at its cursors. Throws `sync.not_paused`; one that
 * waits for approval is approved instead.
 */
export async function resumeSync(deps: Deps, commandId: string): Promise<void> {
  await withTransaction(deps.db, async (client) => {
    const { rows } = await client.query<{ run_no: number }>(
      `update sync_run set state = 'queued', pause_asked = false, attempts = 0, error = null, error_code = null
        where command_id = $1 and (state = 'paused' or (state = 'parked' and error_code <> 'sync.parked'))
       returning run_no`,
      [commandId],
    )
    if (!rows[0]) throw new AppError('sync.not_paused')
    await goOn(deps, client, rows[0].run_no, commandId)
  })
}

/**
 * Approves what a parked run would mark or remove: exactly the set that is named, as its report shows it. Throws `sync.not_parked`, and
 * `sync.set_changed` when the set is another.
 */
export async function approveSync(deps: Deps, datasetNo: number, commandId: string, set: string): Promise<void> {
  await withTransaction(deps.db, async (client) => {
    const { rows } = await client.query<{ run_no: number; set: string | null; brake: string | null }>(
      `select run_no, report->'absent'->>'set' as set, report->'absent'->>'brake' as brake from sync_run
        where dataset_no = $1 and command_id = $2 and state = 'parked' and error_code = 'sync.parked' for update`,
      [datasetNo, commandId],
    )
    const run = rows[0]
    if (!run) throw new AppError('sync.not_parked')
    if (run.set !== set) throw new AppError('sync.set_changed')
    await client.query(
      `update sync_run set state = 'queued', options = options || jsonb_build_object('approved', $2::text), error = null, error_code = null
        where run_no = $1`,
      [run.run_no, set],
    )
    // The bucket is vouched for: it gets a mark of its own when the run has ended.
    if (run.brake === 'other-bucket')
      await client.query(
        'update driver v set mark = null from dataset d where d.dataset_no = $1 and v.id = d.driver_id',
        [datasetNo],
      )
    await goOn(deps, client, run.run_no, commandId)
  })
}

async function goOn(deps: Deps, client: DbClient, runNo: number, commandId: string): Promise<void> {
  await client.query(
    `update command set status = 'in-progress', error = null, error_code = null, updated_at = now() where id = $1`,
    [commandId],
  )
  await enqueueSlice(deps, client, runNo)
}
