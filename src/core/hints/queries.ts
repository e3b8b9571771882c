import type { Db, DbClient } from '#db/connect.ts'

/** SQL: whether the key `$2` lies in the folder of driver `v`; as bytes, and the folder itself does not. */
const holdsKey = `octet_length($2::bytea) > octet_length(v.folder)
  and substring($2::bytea from 1 for octet_length(v.folder)) = convert_to(v.folder, 'UTF8')`

/** A way to a source. */
export interface Door {
  readonly driverId: string
  readonly folder: Buffer
}

/** The connected drivers of a source, those that passed their last check first, then by how much they reach. */
export async function findDoors(db: Db, sourceNo: number): Promise<Door[]> {
  const { rows } = await db.query<Door>(
    `select id as "driverId", convert_to(folder, 'UTF8') as folder from driver
      where source_no = $1 and state <> 'disconnected' order by state = 'ready' desc, octet_length(folder), id`,
    [sourceNo],
  )
  return rows
}

/** A dataset that a key belongs to. */
export interface KeyDataset {
  readonly datasetNo: number
  readonly id: string
  readonly name: string
  readonly projectId: string
  readonly orgId: string
  readonly options: Readonly<Record<string, unknown>>
  readonly folderBytes: number
  /** It has an unfinished sync. */
  readonly hasRun: boolean
}

/**
 * The datasets that a key belongs to, each with its unfinished sync, if it has one, and its own row locked: so a page of that sync and this reading of the
 * key come one after the other, and the later one sees what the earlier one did (docs/adr/0008). In the order of their numbers.
 */
export async function lockDatasets(tx: DbClient, sourceNo: number, key: Buffer): Promise<KeyDataset[]> {
  const from = `from dataset d
       join project p on p.id = d.project_id
       join driver v on v.id = d.driver_id
      where v.source_no = $1 and ${holdsKey} and d.kind = 'master' and not d.is_readonly and v.state <> 'disconnected'`
  const runs = await tx.query<{ dataset_no: number }>(
    `select r.dataset_no from sync_run r
      where r.dataset_no = any(array(select d.dataset_no ${from})) and r.state in ('queued', 'running', 'paused', 'parked')
      order by r.run_no for update of r`,
    [sourceNo, key],
  )
  const running = new Set(runs.rows.map((row) => row.dataset_no))
  const { rows } = await tx.query<Omit<KeyDataset, 'hasRun'>>(
    `select d.dataset_no as "datasetNo", d.id, d.name, d.project_id as "projectId", p.org_id as "orgId", d.options,
            octet_length(v.folder) as "folderBytes"
       ${from} order by d.dataset_no for key share of d`,
    [sourceNo, key],
  )
  return rows.map((row) => ({ ...row, hasRun: running.has(row.datasetNo) }))
}

/** Whether any dataset takes the key; without, nobody needs to read it. */
export async function hasDatasets(db: Db, sourceNo: number, key: Buffer): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select exists (select 1 from dataset d join driver v on v.id = d.driver_id
                     where v.source_no = $1 and ${holdsKey} and d.kind = 'master' and not d.is_readonly and v.state <> 'disconnected') as found`,
    [sourceNo, key],
  )
  return rows[0]!.found
}

/** From now on loads of these datasets compare: a key of theirs was read by somebody else. The caller has their runs locked. */
export async function endLoads(tx: DbClient, datasetNos: readonly number[]): Promise<void> {
  await tx.query(
    `update sync_run set mode = 'compare'
      where dataset_no = any($1::int[]) and mode = 'load' and state in ('queued', 'running', 'paused', 'parked')`,
    [[...datasetNos]],
  )
}

/** Keeps a key that cannot be an item while it is in the storage, with its reason; forgets it when it is gone. Run 0: found by a hint. */
export async function keepSkipped(
  tx: DbClient,
  target: { readonly datasetNo: number; readonly nowMs: number },
  key: Buffer,
  skipped: { readonly reason: string; readonly sizeBytes: number } | null,
): Promise<void> {
  if (skipped === null) {
    await tx.query('delete from skipped where dataset_no = $1 and key_sha256 = sha256($2)', [target.datasetNo, key])
    return
  }
  await tx.query(
    `insert into skipped (dataset_no, key_sha256, key, reason, size_bytes, found_at, run_no)
     values ($1, sha256($2), $2, $3, $4, to_timestamp($5::float8 / 1000), 0)
     on conflict (dataset_no, key_sha256) do update
        set reason = excluded.reason, size_bytes = excluded.size_bytes, found_at = excluded.found_at, run_no = excluded.run_no`,
    [target.datasetNo, key, skipped.reason, skipped.sizeBytes, target.nowMs],
  )
}
