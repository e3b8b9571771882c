import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'
import { createOrg } from './orgs.ts'

/** Whether a user runs this server: an owner of its first organization. The vendor calls them superusers. */
export async function isOperator(db: Db, caller: Caller): Promise<boolean> {
  const { rows } = await db.query<{ is_owner: boolean }>(
    `select exists (select 1 from org_member m where m.user_id = $1 and m.role = 'owner'
                       and m.org_id = (select id from org order by created_at, id limit 1)) as is_owner`,
    [caller.userId],
  )
  return rows[0]?.is_owner === true
}

/** Makes an organization owned by the caller, who must run this server: each has data points of its own. */
export async function foundOrg(deps: Deps, caller: Caller, name: string): Promise<string> {
  if (!(await isOperator(deps.db, caller))) {
    throw new AppError('access.forbidden', { message: 'Only who runs this server makes organizations.' })
  }
  const { dataPointsMax } = deps.config
  return await withTransaction(deps.db, (tx) =>
    createOrg(tx, { name, creatorId: caller.userId, nowMs: deps.clock.now(), dataPointsMax }),
  )
}

/** Sets the plan of an organization. It is a label that scripts read back: nothing is limited by it. */
export async function setPlan(deps: Deps, orgId: string, plan: 'freemium' | 'premium'): Promise<void> {
  await deps.db.query('update org set plan = $2, updated_at = now() where id = $1', [orgId, plan])
}

/**
 * Deletes an organization with its members, integrations and settings.
 *
 * Refused while it has projects (`org.not_empty`), and for the first organization of the server (`org.first_stays`): its owners run the server.
 */
export async function removeOrg(deps: Deps, orgId: string): Promise<void> {
  await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query('select 1 from org where id = $1 for update', [orgId])
    if (rows.length === 0) throw new AppError('org.not_found')
    const first = await tx.query<{ id: string }>('select id from org order by created_at, id limit 1')
    if (first.rows[0]?.id === orgId) throw new AppError('org.first_stays')
    const projects = await tx.query<{ id: string; name: string }>(
      'select id, name from project where org_id = $1 order by id limit 50',
      [orgId],
    )
    if (projects.rows.length > 0) throw new AppError('org.not_empty')
    await tx.query('update command set org_id = null where org_id = $1', [orgId])
    await tx.query('delete from integration where org_id = $1', [orgId])
    await tx.query('delete from source where org_id = $1', [orgId])
    await tx.query('delete from org where id = $1', [orgId])
  })
}
