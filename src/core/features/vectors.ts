import type { FeatureQuery, FeatureVector, NewFeatureVector } from '#contract/features.ts'
import type { ProjectRole } from '#contract/route.ts'
import { type Db, type DbClient, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { ITEM_NO_SEQUENCE_BITS, isId, itemCreatedMs, parseItemId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { compileFilter, compileSort, type Field, lookupField, textField, timeField } from './filter.ts'
import { pageOf, refuseJoins, requireAtLeast, requireSet, type SetRow } from './sets.ts'

/** Time a page may take; a query that needs more is refused with what to do. */
const PAGE_BUDGET_MS = 20_000

interface Row {
  /** Decimal text: it does not fit a number. */
  readonly vector_no: string
  readonly dataset_no: number
  readonly set_id: string
  readonly project_id: string
  readonly entity_id: string
  readonly version: string | null
  readonly parent_id: string | null
  readonly org_id: string | null
  readonly value: number[]
  readonly creator: string
  readonly role: ProjectRole
}

/** No join: it would be made for every row that is counted. */
const creatorSql = '(select u.email from user_account u where u.id = v.creator_id)'
const from = `from feature_vector v
  join feature_set s on s.set_no = v.set_no
  join project_member m on m.project_id = s.project_id and m.user_id = $1
  join dataset d on d.dataset_no = v.dataset_no and d.delete_at is null`
const columns = `v.vector_no::text, v.dataset_no, s.id as set_id, s.project_id, v.entity_id, v.version, v.parent_id, v.org_id, v.value, ${creatorSql} as creator, m.role`

const idField: Field = {
  sql: 'v.vector_no',
  type: 'bigint',
  read: (value) => (typeof value === 'string' ? parseVectorId(value) : null),
}
const fields = {
  id: idField,
  featureSetId: lookupField('v.set_no', 'feature_set', 'set_no'),
  entityId: textField('v.entity_id'),
  datasetId: lookupField('v.dataset_no', 'dataset', 'dataset_no'),
  project: textField('s.project_id'),
  projectId: textField('s.project_id'),
  version: textField('v.version'),
  parentId: textField('v.parent_id'),
  org: textField('v.org_id'),
  creator: textField(creatorSql),
  createdAt: timeField(`(v.vector_no >> ${ITEM_NO_SEQUENCE_BITS})`),
}
/** Numbers carry the time, so that ordering by it is ordering by them, which the index gives. */
const sortFields = { ...fields, createdAt: idField }

/** The public id: seconds of creation in 4 bytes, as in every other id, and the number in 8; both grow together, so ids order as created. */
export function vectorId(vectorNo: bigint): string {
  const seconds = Math.floor(itemCreatedMs(vectorNo) / 1000)
  return seconds.toString(16).padStart(8, '0') + vectorNo.toString(16).padStart(16, '0')
}

/** The number in a public id, as decimal text; null for a text that is no id. */
export function parseVectorId(id: string): string | null {
  if (!isId(id)) return null
  const number = BigInt(`0x${id.slice(8)}`)
  return number < 1n << 63n ? number.toString() : null
}

/**
 * Makes vectors, all or none, in their order.
 *
 * An entity has one vector in a set for each version and parent. The very same one again answers the one that is there, because the SDK repeats requests whose
 * answer was lost; another one is refused with `feature.exists`. Errors besides: `feature_set.not_found`, `feature.wrong_size`, `dataset.not_found`.
 */
export async function createFeatureVectors(
  deps: Deps,
  caller: Caller,
  given: readonly NewFeatureVector[],
  baseUrl: string,
): Promise<FeatureVector[]> {
  return await withTransaction(deps.db, async (tx) => {
    const sets = new Map<string, SetRow>()
    for (const id of new Set(given.map(({ featureSetId }) => featureSetId))) {
      sets.set(id, await requireSet(tx, caller, id, 'engineer'))
    }
    for (const [n, vector] of given.entries()) checkVector(vector, sets.get(vector.featureSetId)!, n)
    const datasetNos = await datasetsOf(tx, given, sets)
    await insertVectors(tx, caller, given, sets, datasetNos)
    const { rows } = await tx.query<Row & { n: number }>(
      `select ${columns}, t.n from unnest($2::int[], $3::text[], $4::int[], $5::text[], $6::text[]) with ordinality as t (dataset_no, entity_id, set_no, version, parent_id, n)
         join feature_vector v on v.dataset_no = t.dataset_no and v.entity_id = t.entity_id and v.set_no = t.set_no
          and coalesce(v.version, '') = t.version and coalesce(v.parent_id, '') = t.parent_id
         join feature_set s on s.set_no = v.set_no
         join project_member m on m.project_id = s.project_id and m.user_id = $1
        order by t.n`,
      [caller.userId, ...keysOf(given, sets, datasetNos)],
    )
    // A set that is deleted at this moment takes its vectors with it.
    if (rows.length < given.length) throw new AppError('feature_set.not_found')
    for (const [n, row] of rows.entries()) {
      if (!isSame(row.value, given[n]!.value)) {
        throw new AppError('feature.exists', {
          details: [{ path: `body.${n}.entityId`, message: 'has a vector in this set already' }],
        })
      }
    }
    return rows.map((row) => renderVector(row, baseUrl))
  })
}

/** A vector of one of the caller's projects. */
export async function getFeatureVector(
  deps: Deps,
  caller: Caller,
  id: string,
  baseUrl: string,
): Promise<FeatureVector> {
  return renderVector(await requireVector(deps.db, caller, id, 'annotator'), baseUrl)
}

/** Deletes a vector. */
export async function deleteFeatureVector(deps: Deps, caller: Caller, id: string): Promise<void> {
  const row = await requireVector(deps.db, caller, id, 'engineer')
  await deps.db.query('delete from feature_vector where dataset_no = $1 and vector_no = $2', [
    row.dataset_no,
    row.vector_no,
  ])
}

/** A page of the vectors of the caller's projects that fit a filter. */
export async function queryFeatureVectors(deps: Deps, caller: Caller, query: FeatureQuery, baseUrl: string) {
  refuseJoins(query)
  const values: unknown[] = [caller.userId, query.context?.projects ?? null]
  const where = `($2::text[] is null or s.project_id = any($2)) and ${compileFilter(query.filter, fields, values)}`
  const order = compileSort(query.sort, sortFields, 'v.vector_no')
  const { page, pageSize } = query
  return await withTransaction(deps.db, async (tx) => {
    try {
      await tx.query(`set local statement_timeout = ${PAGE_BUDGET_MS}`)
      const counted = await tx.query<{ total: number }>(`select count(*) as total ${from} where ${where}`, values)
      const { rows } = await tx.query<Row>(
        `select ${columns} ${from} where ${where} order by ${order} limit ${pageSize} offset ${page * pageSize}`,
        values,
      )
      return pageOf(
        query,
        counted.rows[0]!.total,
        rows.map((row) => renderVector(row, baseUrl)),
      )
    } catch (error) {
      if ((error as { code?: unknown }).code === '57014') throw new AppError('query.too_slow', { cause: error })
      throw error
    }
  })
}

/** How many vectors each set of a project has, in the given datasets or in all; sets without any are left out. */
export async function countFeatureVectors(
  deps: Deps,
  projectId: string,
  datasetIds: readonly string[] | null,
): Promise<{ featureSetId: string; count: number }[]> {
  const { rows } = await deps.db.query<{ featureSetId: string; count: number }>(
    `select s.id as "featureSetId", sum(v.count)::bigint as count
       from dataset d
       join lateral (select set_no, count(*) as count from feature_vector where dataset_no = d.dataset_no group by set_no) v on true
       join feature_set s on s.set_no = v.set_no and s.project_id = $1
      where d.project_id = $1 and d.delete_at is null and ($2::text[] is null or d.id = any($2))
      group by s.set_no, s.id order by s.set_no`,
    [projectId, datasetIds],
  )
  return rows
}

function checkVector(vector: NewFeatureVector, set: SetRow, n: number): void {
  if (vector.value.length !== set.size) {
    throw new AppError('feature.wrong_size', {
      message: `The feature set “${set.name}” has vectors of ${set.size} numbers; this one has ${vector.value.length}.`,
      details: [{ path: `body.${n}.value`, message: `must have ${set.size} numbers` }],
    })
  }
  if (vector.project != null && vector.project !== set.project_id) {
    throw new AppError('request.invalid', {
      message: 'The feature set is not in this project.',
      details: [{ path: `body.${n}.project`, message: 'is not the project of the feature set' }],
    })
  }
}

/** The number of the dataset each vector's entity is in; all must be of the project of the vector's set. */
async function datasetsOf(
  tx: Db,
  given: readonly NewFeatureVector[],
  sets: ReadonlyMap<string, SetRow>,
): Promise<number[]> {
  // The ids of items and annotations begin with their dataset's number; a dataset's own id does not.
  const wanted = given.map(({ datasetId, entityId }) => datasetId ?? entityId)
  const numbers = given.map(
    ({ datasetId, entityId }) => (datasetId == null ? parseItemId(entityId)?.datasetNo : null) ?? -1,
  )
  const { rows } = await tx.query<{ id: string; no: number; project: string }>(
    // Held until the transaction ends, so that a dataset that is deleted meanwhile does not leave vectors behind.
    `select id, dataset_no as no, project_id as project from dataset where (id = any($1) or dataset_no = any($2)) and delete_at is null order by dataset_no for key share`,
    [[...new Set(wanted)], [...new Set(numbers)]],
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const byNo = new Map(rows.map((row) => [row.no, row]))
  return wanted.map((id, n) => {
    const dataset = byId.get(id) ?? byNo.get(numbers[n]!)
    if (dataset === undefined || dataset.project !== sets.get(given[n]!.featureSetId)!.project_id) {
      throw new AppError('dataset.not_found', {
        details: [{ path: `body.${n}.datasetId`, message: 'no dataset of the feature set’s project' }],
      })
    }
    return dataset.no
  })
}

function keysOf(given: readonly NewFeatureVector[], sets: ReadonlyMap<string, SetRow>, datasetNos: readonly number[]) {
  return [
    datasetNos,
    given.map(({ entityId }) => entityId),
    given.map(({ featureSetId }) => sets.get(featureSetId)!.set_no),
    given.map(({ version }) => version ?? ''),
    given.map(({ parentId }) => parentId ?? ''),
  ]
}

async function insertVectors(
  tx: DbClient,
  caller: Caller,
  given: readonly NewFeatureVector[],
  sets: ReadonlyMap<string, SetRow>,
  datasetNos: readonly number[],
): Promise<void> {
  await tx.query(
    `insert into feature_vector (dataset_no, entity_id, set_no, version, parent_id, org_id, value, creator_id)
     select dataset_no, entity_id, set_no, nullif(version, ''), nullif(parent_id, ''), org_id, value::float8[], $1
       from unnest($2::int[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[])
            with ordinality as t (dataset_no, entity_id, set_no, version, parent_id, org_id, value, n)
      order by n
     on conflict do nothing`,
    [
      caller.userId,
      ...keysOf(given, sets, datasetNos),
      given.map(({ org }) => org ?? null),
      given.map(({ value }) => `{${value.join(',')}}`),
    ],
  )
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((number, n) => number === b[n])
}

async function requireVector(db: Db, caller: Caller, id: string, least: ProjectRole): Promise<Row> {
  const vectorNo = parseVectorId(id)
  if (vectorNo === null) throw new AppError('feature.not_found')
  const { rows } = await db.query<Row>(`select ${columns} ${from} where v.vector_no = $2`, [caller.userId, vectorNo])
  const row = rows[0]
  if (row === undefined || vectorId(BigInt(row.vector_no)) !== id) throw new AppError('feature.not_found')
  requireAtLeast(row.role, least)
  return row
}

function renderVector(row: Row, baseUrl: string): FeatureVector {
  const id = vectorId(BigInt(row.vector_no))
  return {
    id,
    featureSetId: row.set_id,
    entityId: row.entity_id,
    project: row.project_id,
    ...(row.org_id !== null && { org: row.org_id }),
    version: row.version,
    ...(row.parent_id !== null && { parentId: row.parent_id }),
    value: row.value,
    creator: row.creator,
    createdAt: new Date(itemCreatedMs(BigInt(row.vector_no))).toISOString(),
    url: `${baseUrl}/api/v1/features/vectors/${id}`,
  }
}
