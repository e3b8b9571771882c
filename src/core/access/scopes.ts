import type { ErrorCode } from '#contract/errors.ts'
import {
  type OrgRole,
  type OrgScope,
  orgRoles,
  type ProjectRole,
  type ProjectScope,
  projectRoles,
} from '#contract/route.ts'
import { AppError } from '#lib/app-error.ts'
import { isId, parseItemId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'

/** What the guard found out about a request: where it happens and what the caller is there. Empty on routes that need no role. */
export interface Granted {
  readonly orgId?: string
  readonly orgRole?: OrgRole
  readonly projectId?: string
  readonly projectRole?: ProjectRole
  /** On routes of the scopes `dataset`, `item` and `annotation`. */
  readonly datasetNo?: number
}

interface ScopeRow {
  readonly org_id: string
  readonly org_role: OrgRole | null
  readonly project_id: string | null
  readonly project_role: ProjectRole | null
  readonly dataset_no: number | null
}

const notFound: Readonly<Record<ProjectScope | OrgScope, ErrorCode>> = {
  org: 'org.not_found',
  project: 'project.not_found',
  driver: 'driver.not_found',
  dataset: 'dataset.not_found',
  item: 'item.not_found',
  annotation: 'annotation.not_found',
}

const roles = `left join org_member om on om.org_id = p.org_id and om.user_id = $2
  left join project_member pm on pm.project_id = p.id and pm.user_id = $2`
const columns = 'p.org_id, om.role as org_role, p.id as project_id, pm.role as project_role'

// $3: whether a dataset that awaits its deletion, which nobody sees any more, is meant too.
const inSight = '(d.delete_at is null or $3::boolean)'
const ofDatasetNo = `select ${columns}, d.dataset_no from dataset d join project p on p.id = d.project_id ${roles} where d.dataset_no = $1 and ${inSight}`

/** One statement a scope: from the id in the request to organization, project and the caller's roles there. $1 is the id, $2 the caller, $3 see above. */
const statements: Readonly<Record<ProjectScope | OrgScope, string>> = {
  org: `select o.id as org_id, om.role as org_role, null as project_id, null as project_role, null::int as dataset_no
    from org o left join org_member om on om.org_id = o.id and om.user_id = $2 where o.id = $1 and $3::boolean is not null`,
  project: `select ${columns}, null::int as dataset_no from project p ${roles} where p.id = $1 and $3::boolean is not null`,
  driver: `select ${columns}, null::int as dataset_no from driver d join project p on p.id = d.project_id ${roles} where d.id = $1 and $3::boolean is not null`,
  dataset: `select ${columns}, d.dataset_no from dataset d join project p on p.id = d.project_id ${roles} where d.id = $1 and ${inSight}`,
  // Ids of items and annotations begin with their dataset's number, so their own rows need not be touched to know whose it is.
  item: ofDatasetNo,
  annotation: ofDatasetNo,
}

/**
 * The one policy: whether the caller holds at least `least` in the thing that `id` names.
 *
 * Who has no role there gets the same 404 as for an id that does not exist; who has too low a role gets 403. A role in the organization is none in its
 * projects (RO-03). One SQL statement; a text that is no id asks nothing of the database. `evenDeleted`: also in a dataset that awaits its deletion, which
 * is not there for anything but restoring it or having it gone.
 */
export async function grant(
  deps: Deps,
  caller: Caller,
  scope: ProjectScope | OrgScope,
  id: string,
  least: OrgRole | ProjectRole,
  evenDeleted = false,
): Promise<Granted> {
  const key = keyOf(scope, id)
  if (key === undefined) throw new AppError(notFound[scope])
  const { rows } = await deps.db.query<ScopeRow>(statements[scope], [key, caller.userId, evenDeleted])
  const row = rows[0]
  const role = scope === 'org' ? row?.org_role : row?.project_role
  if (row === undefined || role === null || role === undefined) throw new AppError(notFound[scope])
  const order: readonly string[] = scope === 'org' ? orgRoles : projectRoles
  if (order.indexOf(role) > order.indexOf(least)) throw new AppError('access.forbidden')
  return {
    orgId: row.org_id,
    ...(row.org_role === null ? {} : { orgRole: row.org_role }),
    ...(row.project_id === null ? {} : { projectId: row.project_id }),
    ...(row.project_role === null ? {} : { projectRole: row.project_role }),
    ...(row.dataset_no === null ? {} : { datasetNo: row.dataset_no }),
  }
}

function keyOf(scope: ProjectScope | OrgScope, id: string): string | number | undefined {
  // A body may have led here with something that is no text at all; that is no id either.
  if (typeof id !== 'string' || !isId(id)) return undefined
  return scope === 'item' || scope === 'annotation' ? parseItemId(id)?.datasetNo : id
}
