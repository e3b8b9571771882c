import type { Db } from '#db/connect.ts'

/**
 * Adds to what is used if that stays within the limit; answers whether it did. Either way the row is locked afterwards.
 *
 * An organization without a row has no limit; the row comes with its first data points.
 */
export async function tryAddUsed(tx: Db, orgId: string, n: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into data_points as p (org_id, used) values ($1, $2)
     on conflict (org_id) do update set used = p.used + excluded.used
      where p.points_max is null or p.used + excluded.used <= p.points_max`,
    [orgId, n],
  )
  return rowCount === 1
}

/**
 * Takes from what is used, but never below nothing: a wrong counter must not keep anybody from deleting; the audit finds it.
 */
export async function subtractUsed(tx: Db, orgId: string, n: number): Promise<void> {
  await tx.query('update data_points set used = greatest(0, used - $2) where org_id = $1', [orgId, n])
}

/** What is used and allowed; `max` null: no limit. */
export async function readDataPoints(db: Db, orgId: string): Promise<{ used: number; max: number | null }> {
  const { rows } = await db.query<{ used: number; max: number | null }>(
    'select used, points_max as max from data_points where org_id = $1',
    [orgId],
  )
  return rows[0] ?? { used: 0, max: null }
}

/** Sets the limit. */
export async function saveLimit(db: Db, orgId: string, max: number | null): Promise<void> {
  await db.query(
    `insert into data_points (org_id, points_max) values ($1, $2)
     on conflict (org_id) do update set points_max = excluded.points_max`,
    [orgId, max],
  )
}

/** Locks the organization's row until the transaction ends; makes it where there is none. */
export async function lockDataPoints(tx: Db, orgId: string): Promise<void> {
  await tx.query('insert into data_points (org_id) values ($1) on conflict do nothing', [orgId])
  await tx.query('select 1 from data_points where org_id = $1 for update', [orgId])
}

/**
 * What each organization's datasets use, counted one by one: one for every row of item but those of projects' hidden datasets, and what the annotations of those items use; 0 where there are none.
 * Reads every item and annotation: for the doctor, not for requests.
 */
export async function countPoints(db: Db, orgId?: string): Promise<{ orgId: string; used: number; counted: number }[]> {
  const { rows } = await db.query<{ orgId: string; used: number; counted: number }>(
    `select o.id as "orgId", coalesce(max(q.used), 0) as used, coalesce(sum(c.n + a.n), 0)::bigint as counted
       from org o
       left join data_points q on q.org_id = o.id
       left join project p on p.org_id = o.id
       left join dataset d on d.project_id = p.id
       left join lateral (select count(*) as n from item i where i.dataset_no = d.dataset_no and not d.is_system) c on true
       left join lateral (
         select coalesce(sum(a.points), 0) as n from annotation a join item i on i.dataset_no = a.dataset_no and i.item_no = a.item_no
          where a.dataset_no = d.dataset_no
       ) a on true
      where $1::text is null or o.id = $1
      group by o.id order by o.id`,
    [orgId ?? null],
  )
  return rows
}

/** Sets what is used, under the lock of `lockDataPoints`. */
export async function saveUsed(tx: Db, orgId: string, used: number): Promise<void> {
  await tx.query('update data_points set used = $2 where org_id = $1', [orgId, used])
}
