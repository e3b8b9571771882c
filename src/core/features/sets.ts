import type { FeatureQuery, FeatureSet } from '#contract/features.ts'
import { type ProjectRole, projectRoles } from '#contract/route.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { isId, newId } from '#lib/ids.ts'
import { placeOfPage } from '#lib/page.ts'
import type { Caller, Deps } from '../deps.ts'
import { compileFilter, compileSort, numberField, textField, timeField, wrong } from './filter.ts'

/** Name of the job that removes the vectors of a deleted feature set. */
export const FEATURE_SWEEP_JOB = 'feature.sweep'
/** Rows removed a statement: a lock of well under a second. */
const SWEEP_ROWS = 5_000

/** A feature set as the database holds it, with what its caller is in its project. */
export interface SetRow {
  readonly set_no: number
  readonly id: string
  readonly project_id: string
  readonly name: string
  readonly type: string | null
  readonly entity_type: string | null
  readonly size: number
  readonly org_id: string | null
  readonly model_id: string | null
  readonly creator: string
  readonly updater: string
  readonly created_at: Date
  readonly role: ProjectRole
}

const from = `from feature_set s
  join project_member m on m.project_id = s.project_id and m.user_id = $1
  join user_account c on c.id = s.creator_id join user_account u on u.id = s.updater_id`
const columns = `s.*, c.email as creator, u.email as updater, m.role`

const fields = {
  id: textField('s.id'),
  name: textField('s.name'),
  type: textField('s.type'),
  entityType: textField('s.entity_type'),
  size: numberField('s.size'),
  project: textField('s.project_id'),
  projectId: textField('s.project_id'),
  modelId: textField('s.model_id'),
  org: textField('s.org_id'),
  creator: textField('c.email'),
  updatedBy: textField('u.email'),
  createdAt: timeField('(extract(epoch from s.created_at) * 1000)'),
  updatedAt: timeField('(extract(epoch from s.updated_at) * 1000)'),
}

/** What a feature set is made of. */
export interface NewFeatureSet {
  readonly name: string
  readonly size: number
  readonly type?: string | null | undefined
  readonly entityType?: string | null | undefined
  readonly modelId?: string | null | undefined
  readonly org?: string | null | undefined
}

/** Makes a feature set in a project whose developer the caller is (for the guard to see to). A name comes once in a project: `feature_set.name_taken`. */
export async function createFeatureSet(
  deps: Deps,
  caller: Caller,
  projectId: string,
  given: NewFeatureSet,
  baseUrl: string,
): Promise<FeatureSet> {
  const id = newId(deps.clock.now())
  const { rowCount } = await deps.db.query(
    `insert into feature_set (id, project_id, name, type, entity_type, size, org_id, model_id, creator_id, updater_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict (project_id, name) do nothing`,
    [
      id,
      projectId,
      given.name,
      given.type ?? null,
      given.entityType ?? null,
      given.size,
      given.org ?? null,
      given.modelId ?? null,
      caller.userId,
    ],
  )
  if (rowCount === 0) throw new AppError('feature_set.name_taken')
  return renderSet(await requireSet(deps.db, caller, id, 'annotator'), baseUrl)
}

/** A feature set of one of the caller's projects. */
export async function getFeatureSet(deps: Deps, caller: Caller, id: string, baseUrl: string): Promise<FeatureSet> {
  return renderSet(await requireSet(deps.db, caller, id, 'annotator'), baseUrl)
}

/** A page of the feature sets of the caller's projects that fit a filter. */
export async function queryFeatureSets(deps: Deps, caller: Caller, query: FeatureQuery, baseUrl: string) {
  refuseJoins(query)
  const values: unknown[] = [caller.userId, query.context?.projects ?? null]
  const where = `($2::text[] is null or s.project_id = any($2)) and ${compileFilter(query.filter, fields, values)}`
  const order = compileSort(query.sort, fields, 's.set_no')
  const { page, pageSize } = query
  const counted = await deps.db.query<{ total: number }>(`select count(*) as total ${from} where ${where}`, values)
  const { rows } = await deps.db.query<SetRow>(
    `select ${columns} ${from} where ${where} order by ${order} limit ${pageSize} offset ${page * pageSize}`,
    values,
  )
  return pageOf(
    query,
    counted.rows[0]!.total,
    rows.map((row) => renderSet(row, baseUrl)),
  )
}

/** Changes a feature set's name, type and model; what is not given stays. */
export async function updateFeatureSet(
  deps: Deps,
  caller: Caller,
  id: string,
  change: Partial<NewFeatureSet>,
  baseUrl: string,
): Promise<FeatureSet> {
  const row = await requireSet(deps.db, caller, id, 'engineer')
  try {
    await deps.db.query(
      `update feature_set set name = $2, type = $3, model_id = $4, updater_id = $5, updated_at = now() where set_no = $1`,
      [
        row.set_no,
        change.name ?? row.name,
        change.type === undefined ? row.type : change.type,
        change.modelId === undefined ? row.model_id : change.modelId,
        caller.userId,
      ],
    )
  } catch (error) {
    if ((error as { code?: unknown }).code === '23505') throw new AppError('feature_set.name_taken', { cause: error })
    throw error
  }
  return await getFeatureSet(deps, caller, id, baseUrl)
}

/** Deletes a feature set: it and its vectors are gone at once, their rows are removed by a job. */
export async function deleteFeatureSet(deps: Deps, caller: Caller, id: string): Promise<void> {
  const { set_no: setNo } = await requireSet(deps.db, caller, id, 'engineer')
  await withTransaction(deps.db, async (tx) => {
    await tx.query('delete from feature_set where set_no = $1', [setNo])
    await deps.queue.enqueue(tx, FEATURE_SWEEP_JOB, { setNo }, { key: `feature-sweep:${setNo}` })
  })
}

/** For the job: removes vectors of a deleted set until none is left or it is to stop; answers whether it is finished. */
export async function sweepFeatureSet(db: Db, setNo: number, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    if (signal.aborted) return false
    const { rowCount } = await db.query(
      `delete from feature_vector where set_no = $1 and not exists (select 1 from feature_set where set_no = $1)
          and ctid = any(array(select ctid from feature_vector where set_no = $1 limit $2))`,
      [setNo, SWEEP_ROWS],
    )
    if (rowCount === 0) return true
  }
}

/** The feature set, where the caller holds at least `least` in its project; who is not in it is told that there is none. */
export async function requireSet(db: Db, caller: Caller, id: string, least: ProjectRole): Promise<SetRow> {
  if (!isId(id)) throw new AppError('feature_set.not_found')
  const { rows } = await db.query<SetRow>(`select ${columns} ${from} where s.id = $2`, [caller.userId, id])
  const row = rows[0]
  if (row === undefined) throw new AppError('feature_set.not_found')
  requireAtLeast(row.role, least)
  return row
}

/** Refuses with `access.forbidden` a role that is lower than the least one. */
export function requireAtLeast(role: ProjectRole, least: ProjectRole): void {
  if (projectRoles.indexOf(role) > projectRoles.indexOf(least)) throw new AppError('access.forbidden')
}

/** Refuses what a query of the language may have and these two do not know, instead of answering too much. */
export function refuseJoins(query: FeatureQuery): void {
  for (const name of ['join', 'intersect', 'except', 'references', 'update', 'delete']) {
    if (query[name] !== undefined && query[name] !== null) throw wrong(name, 'is not known here')
  }
}

/** A page in the shape the SDK reads. */
export function pageOf<T>(query: FeatureQuery, total: number, items: T[]) {
  return { ...placeOfPage(total, query), items }
}

function renderSet(row: SetRow, baseUrl: string): FeatureSet {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    entityType: row.entity_type,
    size: row.size,
    project: row.project_id,
    modelId: row.model_id,
    ...(row.org_id !== null && { org: row.org_id }),
    creator: row.creator,
    createdAt: row.created_at.toISOString(),
    updatedBy: row.updater,
    url: `${baseUrl}/api/v1/features/sets/${row.id}`,
  }
}
