import type { Trust } from '#core/integrations/integrations.ts'
import type { Db } from '#db/connect.ts'
import { toIso } from '#lib/clock.ts'
import type { CheckReport } from '#storage/port.ts'
import type { DriverConfig } from './types.ts'

/** A storage driver as the core knows it. */
export interface Driver {
  readonly id: string
  readonly projectId: string
  readonly orgId: string
  /** Null: none is needed, or it was deleted (then `state` is `disconnected`). */
  readonly integrationId: string | null
  readonly integrationType: string | null
  readonly integrationVersion: number | null
  readonly integrationTrust: Trust | null
  /** The bucket it reaches; tickets and floors belong to that. */
  readonly sourceNo: number
  readonly name: string
  readonly type: string
  /** Prefix of every key: empty, or with a slash at the end. */
  readonly folder: string
  readonly config: DriverConfig
  readonly allowDelete: boolean
  /** Rises whenever what the driver reaches, or how, changes; work begun under an older one must not write. */
  readonly epoch: number
  readonly state: 'ready' | 'failed' | 'disconnected' | 'unsupported'
  readonly stateReason: string | null
  /** The last check, null before the first. */
  readonly report: CheckReport | null
  readonly checkedMs: number | null
  readonly creatorEmail: string
  readonly createdMs: number
  readonly updatedMs: number
}

/** What a check leaves with a driver. */
export type CheckFields = Pick<Driver, 'state' | 'stateReason' | 'report' | 'checkedMs'>

/** What of a driver a change may touch. */
export type DriverFields = CheckFields &
  Pick<Driver, 'integrationId' | 'sourceNo' | 'name' | 'folder' | 'config' | 'allowDelete' | 'epoch'>

interface Row {
  id: string
  project_id: string
  org_id: string
  integration_id: string | null
  integration_type: string | null
  integration_version: number | null
  integration_trust: Trust | null
  source_no: number
  name: string
  type: string
  folder: string
  config: DriverConfig
  allow_delete: boolean
  epoch: number
  state: Driver['state']
  state_reason: string | null
  capabilities: CheckReport | null
  checked_at: Date | null
  creator_email: string
  created_at: Date
  updated_at: Date
}

const select = `
  select d.id, d.project_id, p.org_id, d.integration_id, i.type as integration_type, i.version as integration_version, i.trust as integration_trust,
         d.source_no, d.name, d.type, d.folder, d.config, d.allow_delete, d.epoch, d.state, d.state_reason, d.capabilities, d.checked_at,
         u.email as creator_email, d.created_at, d.updated_at
  from driver d
  join project p on p.id = d.project_id
  join user_account u on u.id = d.creator_id
  left join integration i on i.id = d.integration_id`

/** One driver by its id, whoever asks; the guard has judged that. */
export async function selectDriver(db: Db, id: string): Promise<Driver | null> {
  const { rows } = await db.query<Row>(`${select} where d.id = $1`, [id])
  return rows[0] === undefined ? null : toDriver(rows[0])
}

/** Drivers of a project, oldest first, optionally those of one integration or of exactly one name. */
export async function selectDrivers(
  db: Db,
  filter: { projectId: string; integrationId?: string | undefined; name?: string | undefined },
): Promise<Driver[]> {
  const { rows } = await db.query<Row>(
    `${select} where d.project_id = $1 and ($2::text is null or d.integration_id = $2) and ($3::text is null or d.name = $3)
     order by d.created_at, d.id`,
    [filter.projectId, filter.integrationId ?? null, filter.name ?? null],
  )
  return rows.map(toDriver)
}

/** Drivers that use an integration, in all projects of its organization, oldest first. */
export async function selectDriversOf(db: Db, orgId: string, integrationId: string): Promise<Driver[]> {
  const { rows } = await db.query<Row>(
    `${select} where p.org_id = $1 and d.integration_id = $2 order by d.created_at, d.id`,
    [orgId, integrationId],
  )
  return rows.map(toDriver)
}

function toDriver(row: Row): Driver {
  return {
    id: row.id,
    projectId: row.project_id,
    orgId: row.org_id,
    integrationId: row.integration_id,
    integrationType: row.integration_type,
    integrationVersion: row.integration_version,
    integrationTrust: row.integration_trust,
    sourceNo: row.source_no,
    name: row.name,
    type: row.type,
    folder: row.folder,
    config: row.config,
    allowDelete: row.allow_delete,
    epoch: row.epoch,
    state: row.state,
    stateReason: row.state_reason,
    report: row.capabilities,
    checkedMs: row.checked_at?.getTime() ?? null,
    creatorEmail: row.creator_email,
    createdMs: row.created_at.getTime(),
    updatedMs: row.updated_at.getTime(),
  }
}

/** Names of the datasets that use each of these drivers. */
export async function selectDatasetNames(db: Db, driverIds: readonly string[]): Promise<Map<string, string[]>> {
  const { rows } = await db.query<{ driver_id: string; names: string[] }>(
    'select driver_id, array_agg(name order by name) as names from dataset where driver_id = any($1) group by driver_id',
    [driverIds],
  )
  return new Map(rows.map((row) => [row.driver_id, row.names]))
}

/** The number of a bucket within an organization; makes the row when it is new. */
export async function sourceNumber(
  db: Db,
  source: { orgId: string; provider: string; fingerprint: string },
): Promise<number> {
  // The empty update makes the row visible to `returning` when somebody else made it in the same moment.
  const { rows } = await db.query<{ source_no: number }>(
    `insert into source (org_id, provider, fingerprint) values ($1, $2, $3)
     on conflict (org_id, fingerprint) do update set provider = excluded.provider returning source_no`,
    [source.orgId, source.provider, source.fingerprint],
  )
  return rows[0]!.source_no
}

/** Makes a driver. */
export async function insertDriver(
  db: Db,
  row: DriverFields & { id: string; projectId: string; type: string; creatorId: string; nowMs: number },
): Promise<void> {
  await db.query(
    `insert into driver (id, project_id, type, creator_id, created_at, updated_at, integration_id, source_no, name, folder, config,
                         allow_delete, epoch, state, state_reason, capabilities, checked_at)
     values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [row.id, row.projectId, row.type, row.creatorId, toIso(row.nowMs), ...fieldValues(row)],
  )
}

/** Writes all the fields a change may touch; under the lock of `lockDriver`. */
export async function updateDriverRow(db: Db, id: string, fields: DriverFields, nowMs: number): Promise<void> {
  await db.query(
    `update driver set updated_at = $2, integration_id = $3, source_no = $4, name = $5, folder = $6, config = $7, allow_delete = $8,
            epoch = $9, state = $10, state_reason = $11, capabilities = $12, checked_at = $13
     where id = $1`,
    [id, toIso(nowMs), ...fieldValues(fields)],
  )
}

/** Changes what needs no check and no new epoch: the name, or that nothing may be deleted any more. */
export async function patchDriver(
  db: Db,
  id: string,
  change: { name: string | undefined; allowDelete: false | undefined },
  nowMs: number,
): Promise<void> {
  await db.query(
    'update driver set name = coalesce($2, name), allow_delete = coalesce($3, allow_delete), updated_at = $4 where id = $1',
    [id, change.name ?? null, change.allowDelete ?? null, toIso(nowMs)],
  )
}

/** Keeps the outcome of a check, unless the driver has changed since the epoch that was checked. */
export async function recordCheck(db: Db, id: string, epoch: number, outcome: CheckFields): Promise<void> {
  await db.query(
    `update driver set state = $3, state_reason = $4, capabilities = $5, checked_at = $6
     where id = $1 and epoch = $2 and state <> 'disconnected'`,
    [id, epoch, ...checkValues(outcome)],
  )
}

function fieldValues(fields: DriverFields): unknown[] {
  return [
    fields.integrationId,
    fields.sourceNo,
    fields.name,
    fields.folder,
    JSON.stringify(fields.config),
    fields.allowDelete,
    fields.epoch,
    ...checkValues(fields),
  ]
}

function checkValues(fields: CheckFields): unknown[] {
  return [
    fields.state,
    fields.stateReason,
    fields.report === null ? null : JSON.stringify(fields.report),
    fields.checkedMs === null ? null : toIso(fields.checkedMs),
  ]
}

/** Keeps a driver from being changed or deleted until the end of the transaction; others may do the same. */
export async function holdDriver(tx: Db, id: string): Promise<void> {
  await tx.query('select 1 from driver where id = $1 for share', [id])
}

/** Locks a driver for the rest of the transaction, also against datasets that are about to refer to it; answers when it was last changed. */
export async function lockDriver(db: Db, id: string): Promise<number | null> {
  const { rows } = await db.query<{ updated_at: Date }>('select updated_at from driver where id = $1 for update', [id])
  return rows[0]?.updated_at.getTime() ?? null
}

/** Removes a driver; its bucket's row stays, because tickets and floors of other drivers belong to it. */
export async function deleteDriverRow(db: Db, id: string): Promise<void> {
  await db.query('delete from driver where id = $1', [id])
}
