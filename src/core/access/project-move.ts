import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Deps } from '../deps.ts'

/** A project that goes from one organization to another with so many data points of its items and their annotations. */
export interface Move {
  readonly fromOrgId: string
  readonly toOrgId: string
  readonly points: number
}

/**
 * Moves a project to another organization; its people become members there. The caller must be allowed to add members to it.
 *
 * Refused while the project has storage drivers: they use the integrations and the buckets of the organization they were made in. `count` moves the data
 * points, which a later folder keeps; it is called last, because organizations' counters stay locked until the end.
 */
export async function moveProject(
  deps: Deps,
  given: { projectId: string; toOrgId: string },
  count: (tx: Db, move: Move) => Promise<void>,
): Promise<void> {
  const { projectId, toOrgId } = given
  await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ org_id: string; name: string }>(
      'select org_id, name from project where id = $1 for update',
      [projectId],
    )
    const project = rows[0]
    if (project === undefined) throw new AppError('project.not_found')
    if (project.org_id === toOrgId) return
    const drivers = await tx.query('select 1 from driver where project_id = $1 limit 1', [projectId])
    if (drivers.rows.length > 0) throw new AppError('project.has_drivers')
    const taken = await tx.query('select 1 from project where org_id = $1 and name = $2', [toOrgId, project.name])
    if (taken.rows.length > 0) {
      throw new AppError('project.invalid', {
        message: 'Failed to move project: the other organization has a project of this name already.',
      })
    }
    const points = await countPoints(tx, projectId)
    await tx.query('update project set org_id = $2, updated_at = now() where id = $1', [projectId, toOrgId])
    await tx.query('update command set org_id = $2 where project_id = $1', [projectId, toOrgId])
    await tx.query(
      `insert into org_member (org_id, user_id, role)
       select $2, m.user_id, 'member' from project_member m join user_account u on u.id = m.user_id and u.kind = 'user'
        where m.project_id = $1 on conflict do nothing`,
      [projectId, toOrgId],
    )
    // Bots of other projects of the organization that is left have no business here any more.
    await tx.query(
      `delete from project_member m using user_account u
        where m.project_id = $1 and u.id = m.user_id and u.kind = 'bot' and u.project_id is distinct from $1`,
      [projectId],
    )
    await count(tx, { fromOrgId: project.org_id, toOrgId, points })
  })
}

/**
 * What the items in a project's datasets and their annotations use, by the counters of the datasets and their root folders. Whoever adds any holds the
 * dataset's row, so none comes meanwhile.
 */
async function countPoints(tx: Db, projectId: string): Promise<number> {
  const { rows } = await tx.query<{ dataset_no: number; points: number }>(
    'select dataset_no, annotation_points as points from dataset where project_id = $1 order by dataset_no for update',
    [projectId],
  )
  const counted = await tx.query<{ items: number }>(
    'select coalesce(sum(r.deep_items), 0)::bigint as items from dir r join dataset d using (dataset_no) where r.dataset_no = any($1) and r.dir_no = 1 and not d.is_system',
    [rows.map((row) => row.dataset_no)],
  )
  return rows.reduce((sum, row) => sum + row.points, counted.rows[0]?.items ?? 0)
}
