import type { User } from '#contract/auth.ts'
import type { Project } from '#contract/projects.ts'
import type { OrgRole, ProjectRole } from '#contract/route.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { addBotIn, retireBotsIn } from './bots.ts'
import { forgetUsers } from './tokens.ts'
import { renderUser, type UserRow, userColumns } from './users.ts'

interface ProjectRow {
  readonly id: string
  readonly name: string
  readonly org_id: string
  readonly org_name: string
  readonly creator: string
  readonly role: ProjectRole
  readonly created_at: Date
  readonly updated_at: Date
}

/** Exactly the characters that the vendor's test suite wants accepted. */
const namePattern = /^[A-Za-z0-9 !@#$%^&*()_+\-[\]|.,]{1,255}$/

/** Which of the caller's projects are wanted; all of them where nothing is given. */
export interface ProjectFilter {
  readonly id?: string
  readonly name?: string
  readonly orgId?: string
}

/** The projects a user is in, oldest first. `baseUrl` is where this API is reached. */
export async function listProjects(
  deps: Deps,
  caller: Caller,
  baseUrl: string,
  filter: ProjectFilter = {},
): Promise<Project[]> {
  const { rows } = await deps.db.query<ProjectRow>(
    `select p.id, p.name, p.org_id, o.name as org_name, c.email as creator, m.role, p.created_at, p.updated_at
     from project_member m
     join project p on p.id = m.project_id
     join org o on o.id = p.org_id
     join user_account c on c.id = p.creator_id
     where m.user_id = $1 and ($2::text is null or p.id = $2) and ($3::text is null or p.name = $3) and ($4::text is null or p.org_id = $4)
     order by p.id`,
    [caller.userId, filter.id ?? null, filter.name ?? null, filter.orgId ?? null],
  )
  const members = await membersOf(
    deps.db,
    rows.map((row) => row.id),
  )
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    org: { id: row.org_id, name: row.org_name },
    role: row.role,
    creator: row.creator,
    contributors: members.get(row.id) ?? [],
    account: { id: row.org_id },
    archived: false,
    isBlocked: false,
    featureConstraints: [],
    url: `${baseUrl}/api/v1/projects/${row.id}`,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }))
}

/**
 * Makes a project whose owner is the caller, with its first bot, and gives its id. `fill` adds what later folders know of, in the same transaction: a
 * project is there with all that belongs to it, or not at all.
 *
 * It goes to `orgId`, else to the organization the caller chose, else to their oldest one where they are more than a worker: workers make no projects (RO-01).
 */
export async function createProject(
  deps: Deps,
  caller: Caller,
  given: { name: string; orgId?: string | undefined },
  fill: (tx: Db, projectId: string) => Promise<void>,
): Promise<string> {
  checkName(given.name, 'create')
  const orgId = await orgForProject(deps, caller, given.orgId)
  const id = newId(deps.clock.now())
  await withTransaction(deps.db, async (db) => {
    const { rowCount } = await db.query(
      'insert into project (id, org_id, name, creator_id) values ($1, $2, $3, $4) on conflict (org_id, name) do nothing',
      [id, orgId, given.name, caller.userId],
    )
    if (rowCount === 0) throw nameTaken('create')
    await db.query(`insert into project_member (project_id, user_id, role) values ($1, $2, 'owner')`, [
      id,
      caller.userId,
    ])
    await addBotIn(db, { projectId: id, name: 'default bot', passwordHash: null })
    await fill(db, id)
  }).catch((error: unknown) => {
    // The organization was deleted meanwhile.
    if ((error as { constraint?: unknown }).constraint === 'project_org_id_fkey') {
      throw new AppError('org.not_found', { cause: error })
    }
    throw error
  })
  return id
}

/** Gives a project another name. */
export async function renameProject(deps: Deps, projectId: string, name: string): Promise<void> {
  checkName(name, 'update')
  try {
    await deps.db.query('update project set name = $2, updated_at = now() where id = $1 and name <> $2', [
      projectId,
      name,
    ])
  } catch (error) {
    if ((error as { code?: unknown }).code === '23505') throw nameTaken('update')
    throw error
  }
}

/** The numbers of a project's datasets, hidden ones too: whoever deletes the project drops these first. */
export async function projectDatasets(db: Db, projectId: string): Promise<number[]> {
  const { rows } = await db.query<{ dataset_no: number }>(
    'select dataset_no from dataset where project_id = $1 order by 1',
    [projectId],
  )
  return rows.map((row) => row.dataset_no)
}

/**
 * Deletes a project with its members, bots, commands and storage drivers; nothing in any bucket is touched.
 *
 * Refused with `project.not_empty` while it has datasets: dropping those is the datasets' own affair and comes first.
 */
export async function removeProject(deps: Deps, projectId: string): Promise<void> {
  const botIds = await withTransaction(deps.db, async (db) => {
    await lockProject(db, projectId)
    const { rows } = await db.query('select 1 from dataset where project_id = $1 limit 1', [projectId])
    if (rows.length > 0) throw new AppError('project.not_empty')
    await db.query('delete from driver where project_id = $1', [projectId])
    await db.query('delete from command where project_id = $1', [projectId])
    const bots = await db.query<{ id: string }>('select id from user_account where project_id = $1', [projectId])
    const ids = bots.rows.map((bot) => bot.id)
    await retireBotsIn(deps, db, ids)
    await db.query('delete from project where id = $1', [projectId])
    return ids
  })
  forgetUsers(deps, botIds)
}

/** The members of a project, in the order they came. */
export async function listProjectMembers(deps: Deps, projectId: string): Promise<User[]> {
  return (await membersOf(deps.db, [projectId])).get(projectId) ?? []
}

/**
 * Adds a person, named by id or e-mail address, to a project, or changes their role in it.
 *
 * Who is not in the organization joins it as a member, which is for its owners and admins to allow (RO-01); `byOrgRole` is the caller's role there.
 */
export async function addProjectMember(
  deps: Deps,
  given: { projectId: string; orgId: string; byOrgRole: OrgRole | undefined; userId: string; role: ProjectRole },
): Promise<User> {
  return await withTransaction(deps.db, async (db) => {
    await lockProject(db, given.projectId)
    // A bot has no place in an organization of its own: its project's counts.
    const { rows } = await db.query<{ kind: string; is_in: boolean }>(
      `select u.kind, exists (select 1 from org_member where org_id = $1 and user_id = u.id)
                   or exists (select 1 from project p where p.id = u.project_id and p.org_id = $1) as is_in
         from user_account u where u.id = $2 and u.deleted_at is null`,
      [given.orgId, given.userId],
    )
    const user = rows[0]
    if (user === undefined || (user.kind === 'bot' && !user.is_in)) throw new AppError('user.not_found')
    if (!user.is_in) {
      if (given.byOrgRole !== 'owner' && given.byOrgRole !== 'admin') {
        throw new AppError('access.forbidden', {
          message: 'This person is not in the organization; ask one of its owners or admins to add them.',
        })
      }
      await db.query(`insert into org_member (org_id, user_id, role) values ($1, $2, 'member')`, [
        given.orgId,
        given.userId,
      ])
    }
    await db.query(
      `insert into project_member (project_id, user_id, role) values ($1, $2, $3)
       on conflict (project_id, user_id) do update set role = excluded.role`,
      [given.projectId, given.userId, given.role],
    )
    await checkOwnerLeft(db, given.projectId)
    return await findMember(db, given.projectId, given.userId)
  })
}

/** Changes the role of a member, named by id or e-mail address. */
export async function updateProjectMember(
  deps: Deps,
  given: { projectId: string; member: string; role: ProjectRole },
): Promise<User> {
  return await withTransaction(deps.db, async (db) => {
    await lockProject(db, given.projectId)
    const member = await findMember(db, given.projectId, given.member)
    await db.query('update project_member set role = $3 where project_id = $1 and user_id = $2', [
      given.projectId,
      member.id,
      given.role,
    ])
    await checkOwnerLeft(db, given.projectId)
    return { ...member, role: given.role }
  })
}

/** Removes a member, named by id or e-mail address, from a project; a bot of this project is deleted by that. */
export async function removeProjectMember(deps: Deps, given: { projectId: string; member: string }): Promise<User> {
  const removed = await withTransaction(deps.db, async (db) => {
    await lockProject(db, given.projectId)
    const member = await findMember(db, given.projectId, given.member)
    const { rows } = await db.query('select 1 from user_account where id = $1 and project_id = $2', [
      member.id,
      given.projectId,
    ])
    if (rows.length > 0) await retireBotsIn(deps, db, [member.id])
    await db.query('delete from project_member where project_id = $1 and user_id = $2', [given.projectId, member.id])
    await checkOwnerLeft(db, given.projectId)
    return member
  })
  if (removed.type === 'bot') forgetUsers(deps, [removed.id])
  return removed
}

function checkName(name: string, doing: 'create' | 'update'): void {
  if (namePattern.test(name) && name.trim() !== '') return
  throw new AppError('project.invalid', {
    message: `Failed to ${doing} project: a name has 1 to 255 letters, digits, spaces and !@#$%^&*()_+-[]|., and is not only spaces.`,
  })
}

function nameTaken(doing: 'create' | 'update'): AppError {
  return new AppError('project.invalid', {
    message: `Failed to ${doing} project: the organization has a project of this name already.`,
  })
}

async function orgForProject(deps: Deps, caller: Caller, wanted: string | undefined): Promise<string> {
  const { rows } = await deps.db.query<{ org_id: string; role: OrgRole }>(
    `select m.org_id, m.role from org_member m join user_account u on u.id = m.user_id
     where m.user_id = $1 and ($2::text is null or m.org_id = $2)
     order by (m.org_id is not distinct from u.chosen_org_id) desc, m.role = 'worker', m.created_at, m.org_id limit 1`,
    [caller.userId, wanted ?? null],
  )
  const org = rows[0]
  if (org === undefined) throw new AppError('org.not_found')
  if (org.role === 'worker') throw new AppError('access.forbidden')
  return org.org_id
}

async function lockProject(db: Db, projectId: string): Promise<void> {
  const { rows } = await db.query('select 1 from project where id = $1 for update', [projectId])
  if (rows.length === 0) throw new AppError('project.not_found')
}

async function checkOwnerLeft(db: Db, projectId: string): Promise<void> {
  // A person: nobody can log in as a bot to hand the project on.
  const { rows } = await db.query(
    `select 1 from project_member m join user_account u on u.id = m.user_id and u.kind = 'user'
      where m.project_id = $1 and m.role = 'owner' limit 1`,
    [projectId],
  )
  if (rows.length === 0) throw new AppError('project.last_owner')
}

type MemberRow = UserRow & { role: ProjectRole; project_id: string; org_id: string; org_name: string }
const memberSelect = `select ${userColumns}, m.role, m.project_id, p.org_id, o.name as org_name
  from project_member m join user_account u on u.id = m.user_id join project p on p.id = m.project_id join org o on o.id = p.org_id`

async function membersOf(db: Db, projectIds: readonly string[]): Promise<Map<string, User[]>> {
  const members = new Map<string, User[]>()
  if (projectIds.length === 0) return members
  const { rows } = await db.query<MemberRow>(
    `${memberSelect} where m.project_id = any($1) order by m.created_at, u.id`,
    [projectIds],
  )
  for (const row of rows) {
    const list = members.get(row.project_id) ?? []
    list.push(renderUser(row, row.role, { id: row.org_id, name: row.org_name }))
    members.set(row.project_id, list)
  }
  return members
}

async function findMember(db: Db, projectId: string, idOrEmail: string): Promise<User> {
  const { rows } = await db.query<MemberRow>(
    `${memberSelect} where m.project_id = $1 and (u.id = $2 or lower(u.email) = lower($2))`,
    [projectId, idOrEmail],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('member.not_found')
  return renderUser(row, row.role, { id: row.org_id, name: row.org_name })
}
