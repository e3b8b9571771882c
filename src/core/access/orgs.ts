import type { User } from '#contract/auth.ts'
import type { Org } from '#contract/orgs.ts'
import type { OrgRole } from '#contract/route.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { ensureUsers, renderUser, type UserRow, userColumns } from './users.ts'

interface OrgRow {
  readonly id: string
  readonly name: string
  readonly creator: string
  readonly plan: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly role: OrgRole
}

type MemberRow = UserRow & { readonly role: OrgRole; readonly org_id: string; readonly org_name: string }

/**
 * Makes an organization with its creator as owner; inside the caller's transaction. `dataPointsMax` is how many data points it may use, null for no
 * limit: the setting of the server unless there is a reason.
 */
export async function createOrg(
  db: Db,
  given: { name: string; creatorId: string; nowMs: number; dataPointsMax: number | null },
): Promise<string> {
  const id = newId(given.nowMs)
  await db.query('insert into org (id, name, creator_id) values ($1, $2, $3)', [id, given.name, given.creatorId])
  await db.query(`insert into org_member (org_id, user_id, role) values ($1, $2, 'owner')`, [id, given.creatorId])
  await db.query('insert into data_points (org_id, points_max) values ($1, $2)', [id, given.dataPointsMax])
  return id
}

/** The organizations a user is in, oldest first; one of them where `orgId` is given. */
export async function listOrgs(deps: Deps, caller: Caller, orgId?: string): Promise<Org[]> {
  const { rows } = await deps.db.query<OrgRow>(
    `select o.id, o.name, u.email as creator, o.plan, o.created_at, o.updated_at, m.role
     from org_member m join org o on o.id = m.org_id join user_account u on u.id = o.creator_id
     where m.user_id = $1 and ($2::text is null or o.id = $2) order by o.id`,
    [caller.userId, orgId ?? null],
  )
  // RO-01: a worker sees no list of members, neither at its own address nor in here.
  const open = rows.filter((row) => row.role !== 'worker').map((row) => row.id)
  const members = await membersOf(deps.db, open)
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    members: members.get(row.id) ?? [],
    groups: [],
    account: { id: row.id },
    owner: row.creator,
    creator: row.creator,
    plan: row.plan,
    logoUrl: null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }))
}

/** The members of an organization, in the order they came. */
export async function listOrgMembers(deps: Deps, orgId: string): Promise<User[]> {
  return (await membersOf(deps.db, [orgId])).get(orgId) ?? []
}

/**
 * Adds people by e-mail address, or changes the role of those who are in already; answers them as members.
 *
 * `by` is the role of whoever asks: only owners make owners.
 */
export async function addOrgMembers(
  deps: Deps,
  given: { orgId: string; by: OrgRole; emails: readonly string[]; role: OrgRole },
): Promise<User[]> {
  return await changeMembers(deps, given.orgId, async (db, creatorId) => {
    const ids = await ensureUsers(db, given.emails, deps.clock.now())
    for (const userId of ids) {
      const before = await roleOf(db, given.orgId, userId)
      checkChange({ by: given.by, isCreator: userId === creatorId, before, after: given.role })
      await db.query(
        `insert into org_member (org_id, user_id, role) values ($1, $2, $3)
         on conflict (org_id, user_id) do update set role = excluded.role`,
        [given.orgId, userId, given.role],
      )
    }
    const members = (await membersOf(db, [given.orgId])).get(given.orgId) ?? []
    return members.filter((member) => ids.includes(member.id))
  })
}

/** Changes the role of a member, named by id or e-mail address. */
export async function updateOrgMember(
  deps: Deps,
  given: { orgId: string; by: OrgRole; member: string; role: OrgRole },
): Promise<User> {
  return await changeMembers(deps, given.orgId, async (db, creatorId) => {
    const member = await findMember(db, given.orgId, given.member)
    checkChange({ by: given.by, isCreator: member.id === creatorId, before: member.role as OrgRole, after: given.role })
    await db.query('update org_member set role = $3 where org_id = $1 and user_id = $2', [
      given.orgId,
      member.id,
      given.role,
    ])
    return { ...member, role: given.role }
  })
}

/** Removes a member from an organization and all its projects; refused while a project would be left without an owner. */
export async function removeOrgMember(
  deps: Deps,
  given: { orgId: string; by: OrgRole; member: string },
): Promise<User> {
  return await changeMembers(deps, given.orgId, async (db, creatorId) => {
    const member = await findMember(db, given.orgId, given.member)
    checkChange({ by: given.by, isCreator: member.id === creatorId, before: member.role as OrgRole, after: undefined })
    // The projects' rows are locked, as whoever changes a project's members does: two removals at once cannot both be the last but one.
    await db.query('select 1 from project where org_id = $1 order by id for update', [given.orgId])
    const { rows } = await db.query<{ id: string; name: string }>(
      `select p.id, p.name from project p join project_member m on m.project_id = p.id and m.user_id = $2 and m.role = 'owner'
       where p.org_id = $1 and not exists (select 1 from project_member o join user_account u on u.id = o.user_id and u.kind = 'user'
                                            where o.project_id = p.id and o.role = 'owner' and o.user_id <> $2)`,
      [given.orgId, member.id],
    )
    if (rows.length > 0) throw new AppError('project.last_owner', { details: { projects: rows } })
    await db.query(
      'delete from project_member where user_id = $2 and project_id in (select id from project where org_id = $1)',
      [given.orgId, member.id],
    )
    await db.query('delete from org_member where org_id = $1 and user_id = $2', [given.orgId, member.id])
    await db.query('update user_account set chosen_org_id = null where id = $2 and chosen_org_id = $1', [
      given.orgId,
      member.id,
    ])
    return member
  })
}

/** Chooses the organization that a user's new projects go to. */
export async function chooseOrg(deps: Deps, caller: Caller, orgId: string): Promise<void> {
  const { rowCount } = await deps.db.query(
    `update user_account set chosen_org_id = $2 where id = $1 and exists (select 1 from org_member where user_id = $1 and org_id = $2)`,
    [caller.userId, orgId],
  )
  if (rowCount === 0) throw new AppError('org.not_found')
}

/** Who may make whom what: the creator stays owner (RO-01), and only owners touch the role of owner. */
function checkChange(change: {
  by: OrgRole
  isCreator: boolean
  before: OrgRole | undefined
  after: OrgRole | undefined
}): void {
  if (change.before === change.after) return
  if (change.isCreator) throw new AppError('org.creator_stays')
  if (change.by !== 'owner' && (change.before === 'owner' || change.after === 'owner')) {
    throw new AppError('access.forbidden', { message: 'Only an owner of the organization may make or lower an owner.' })
  }
}

async function changeMembers<T>(
  deps: Deps,
  orgId: string,
  change: (db: Db, creatorId: string) => Promise<T>,
): Promise<T> {
  return await withTransaction(deps.db, async (db) => {
    const { rows } = await db.query<{ creator_id: string }>('select creator_id from org where id = $1 for update', [
      orgId,
    ])
    const org = rows[0]
    if (org === undefined) throw new AppError('org.not_found')
    return await change(db, org.creator_id)
  })
}

async function membersOf(db: Db, orgIds: readonly string[]): Promise<Map<string, User[]>> {
  const members = new Map<string, User[]>()
  if (orgIds.length === 0) return members
  const { rows } = await db.query<MemberRow>(
    `select ${userColumns}, m.role, m.org_id, o.name as org_name
     from org_member m join user_account u on u.id = m.user_id join org o on o.id = m.org_id
     where m.org_id = any($1) order by m.created_at, u.id`,
    [orgIds],
  )
  for (const row of rows) {
    const list = members.get(row.org_id) ?? []
    list.push(renderUser(row, row.role, { id: row.org_id, name: row.org_name }))
    members.set(row.org_id, list)
  }
  return members
}

async function findMember(db: Db, orgId: string, idOrEmail: string): Promise<User> {
  const { rows } = await db.query<MemberRow>(
    `select ${userColumns}, m.role, m.org_id, o.name as org_name
     from org_member m join user_account u on u.id = m.user_id join org o on o.id = m.org_id
     where m.org_id = $1 and (u.id = $2 or lower(u.email) = lower($2))`,
    [orgId, idOrEmail],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('member.not_found')
  return renderUser(row, row.role, { id: row.org_id, name: row.org_name })
}

async function roleOf(db: Db, orgId: string, userId: string): Promise<OrgRole | undefined> {
  const { rows } = await db.query<{ role: OrgRole }>('select role from org_member where org_id = $1 and user_id = $2', [
    orgId,
    userId,
  ])
  return rows[0]?.role
}
