import { type ProjectRole, projectRoles } from '#contract/route.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { isId } from '#lib/ids.ts'
import type { Caller } from '../deps.ts'

/** Projects that one recipe or ontology may belong to. */
const PROJECTS_MAX = 100

/** What may belong to several projects; a role in any of them counts. */
export type Shared = 'recipe' | 'ontology'

/**
 * Lets the caller in when they hold at least `least` in one of the projects of a recipe or ontology.
 *
 * Who is in none of them is told that it does not exist, as the guard of routes does. An ontology's id that is no id is a 400, which the vendor's suite
 * asks for. The guard cannot do this: it knows one project for an id.
 */
export async function requireRole(db: Db, caller: Caller, kind: Shared, id: string, least: ProjectRole): Promise<void> {
  if (!isId(id)) {
    if (kind === 'ontology') throw new AppError('request.invalid', { message: 'This is not the id of an ontology.' })
    throw new AppError('recipe.not_found')
  }
  const { rows } = await db.query<{ role: ProjectRole }>(
    `select m.role from ${kind}_project x join project_member m on m.project_id = x.project_id and m.user_id = $2 where x.${kind}_id = $1`,
    [id, caller.userId],
  )
  if (rows.length === 0) throw new AppError(`${kind}.not_found`)
  if (!rows.some(({ role }) => isAtLeast(role, least))) throw new AppError('access.forbidden')
}

/**
 * Lets the caller put things into these projects: they have to be at least a developer in each of them.
 *
 * A project that does not exist, or that they are not in, is refused alike with 403, as the vendor's suite asks for.
 */
export async function requireDeveloper(db: Db, caller: Caller, projectIds: readonly string[]): Promise<void> {
  if (projectIds.length === 0) throw new AppError('request.invalid', { message: 'projectIds names no project.' })
  if (projectIds.length > PROJECTS_MAX) {
    throw new AppError('request.invalid', { message: `projectIds names more than ${PROJECTS_MAX} projects.` })
  }
  const { rows } = await db.query<{ id: string; role: ProjectRole }>(
    'select project_id as id, role from project_member where user_id = $1 and project_id = any($2)',
    [caller.userId, projectIds],
  )
  const allowed = new Set(rows.filter(({ role }) => isAtLeast(role, 'engineer')).map(({ id }) => id))
  if (projectIds.some((id) => !allowed.has(id))) {
    throw new AppError('access.forbidden', {
      message: 'One of the projects does not exist, or you are not a developer in it.',
    })
  }
}

/** Says which projects a recipe or ontology belongs to, in this order. */
export async function setProjects(db: Db, kind: Shared, id: string, projectIds: readonly string[]): Promise<void> {
  await db.query(`delete from ${kind}_project where ${kind}_id = $1 and not project_id = any($2)`, [id, projectIds])
  await db.query(
    `insert into ${kind}_project (${kind}_id, project_id, position) select $1, p, n from unnest($2::text[]) with ordinality as t (p, n)
     on conflict (${kind}_id, project_id) do update set position = excluded.position`,
    [id, projectIds],
  )
}

function isAtLeast(role: ProjectRole, least: ProjectRole): boolean {
  return projectRoles.indexOf(role) <= projectRoles.indexOf(least)
}
