import type { Db } from '#db/connect.ts'
import { toIso } from '#lib/clock.ts'
import type { SealedSecret, SecretPlace } from '#vault/vault.ts'

/** How far an integration is with the account that has to trust it (IN-14); nothing of it is secret. */
export interface Trust {
  /** Whom the other account has to trust: an ARN for AWS, an e-mail address for Google Cloud. */
  readonly principal: string
  /** What the other account's role may ask for in addition, so that nobody else reaches it through us; AWS only. */
  readonly externalId?: string
  /** The service account that was proven to trust this server; Google Cloud only. */
  readonly account?: string
  readonly status: 'waiting-for-trust' | 'trust-established'
  /** Why it still waits, for people. */
  readonly reason: string | null
}

/** An integration as the core hands it out: never with its credentials. */
export interface Integration {
  readonly id: string
  readonly orgId: string
  readonly name: string
  readonly type: string
  /** Counts up with every change of the credentials. */
  readonly version: number
  readonly metadata: Readonly<Record<string, unknown>>
  /** Null unless the integration waits for, or has, the trust of another account. */
  readonly trust: Trust | null
  readonly creatorEmail: string
  readonly createdMs: number
  readonly updatedMs: number
  /** When the credentials were last changed. */
  readonly credentialsMs: number
  readonly driversCount: number
}

/** A storage driver that uses an integration, for those who are about to delete it. */
export interface IntegrationUse {
  readonly driverId: string
  readonly driverName: string
  readonly projectId: string
  readonly projectName: string
}

interface Row {
  id: string
  org_id: string
  name: string
  type: string
  version: number
  metadata: Record<string, unknown>
  trust: Trust | null
  creator_email: string
  created_at: Date
  updated_at: Date
  sealed_at: Date | null
  drivers_count: number
}

const select = `
  select i.id, i.org_id, i.name, i.type, i.version, i.metadata, i.trust, u.email as creator_email, i.created_at, i.updated_at,
         s.created_at as sealed_at, (select count(*) from driver d where d.integration_id = i.id) as drivers_count
  from integration i
  join user_account u on u.id = i.creator_id
  left join secret s on s.integration_id = i.id and s.version = i.version`

/** Integrations of an organization, oldest first; with `id` at most that one. */
export async function selectIntegrations(db: Db, orgId: string, id?: string): Promise<Integration[]> {
  const { rows } = await db.query<Row>(
    `${select} where i.org_id = $1 and ($2::text is null or i.id = $2) order by i.created_at, i.id`,
    [orgId, id ?? null],
  )
  return rows.map(toIntegration)
}

function toIntegration(row: Row): Integration {
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    type: row.type,
    version: row.version,
    metadata: row.metadata,
    trust: row.trust,
    creatorEmail: row.creator_email,
    createdMs: row.created_at.getTime(),
    updatedMs: row.updated_at.getTime(),
    credentialsMs: (row.sealed_at ?? row.created_at).getTime(),
    driversCount: row.drivers_count,
  }
}

/** The organization of an integration, if this user belongs to it with more than the worker role; null looks the same for all other cases. */
export async function selectOrgForMember(db: Db, id: string, userId: string): Promise<string | null> {
  const { rows } = await db.query<{ org_id: string }>(
    `select i.org_id from integration i
     join org_member m on m.org_id = i.org_id and m.user_id = $2 and m.role <> 'worker'
     where i.id = $1`,
    [id, userId],
  )
  return rows[0]?.org_id ?? null
}

/** Makes the row; its first secret follows in the same transaction. */
export async function insertIntegration(
  db: Db,
  row: Pick<Integration, 'id' | 'orgId' | 'name' | 'type' | 'metadata' | 'trust'> & {
    readonly creatorId: string
    readonly nowMs: number
  },
): Promise<void> {
  const { id, orgId, name, type, metadata, trust, creatorId, nowMs } = row
  await db.query(
    `insert into integration (id, org_id, name, type, metadata, trust, creator_id, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
    [id, orgId, name, type, JSON.stringify(metadata), asJson(trust), creatorId, toIso(nowMs)],
  )
}

/** How many integrations of a kind an organization has; nobody makes another one before the transaction ends. */
export async function countOfType(tx: Db, orgId: string, type: string): Promise<number> {
  await tx.query('select 1 from org where id = $1 for no key update', [orgId])
  const { rows } = await tx.query<{ count: number }>(
    'select count(*)::int as count from integration where org_id = $1 and type = $2',
    [orgId, type],
  )
  return rows[0]!.count
}

/** Locks an integration for the rest of the transaction, also against drivers that are about to refer to it. */
export async function lockIntegration(
  db: Db,
  orgId: string,
  id: string,
): Promise<Pick<Integration, 'name' | 'type' | 'version' | 'trust'> | null> {
  const { rows } = await db.query<Pick<Integration, 'name' | 'type' | 'version' | 'trust'>>(
    'select name, type, version, trust from integration where org_id = $1 and id = $2 for update',
    [orgId, id],
  )
  return rows[0] ?? null
}

/** Changes what is given and leaves the rest. */
export async function patchIntegration(
  db: Db,
  change: {
    readonly orgId: string
    readonly id: string
    readonly name?: string | undefined
    readonly metadata?: Integration['metadata'] | undefined
    readonly trust?: Trust | undefined
    readonly version: number
    readonly nowMs: number
  },
): Promise<void> {
  const { orgId, id, name, metadata, trust, version, nowMs } = change
  await db.query(
    `update integration
        set name = coalesce($3, name), metadata = coalesce($4, metadata), trust = coalesce($5, trust), version = $6, updated_at = $7
      where org_id = $1 and id = $2`,
    [orgId, id, name ?? null, asJson(metadata), asJson(trust), version, toIso(nowMs)],
  )
}

/** Writes down what a proof of trust came to, unless the credentials are others by now. */
export async function recordTrust(
  db: Db,
  proven: { readonly orgId: string; readonly id: string; readonly version: number; readonly trust: Trust },
): Promise<void> {
  const { orgId, id, version, trust } = proven
  await db.query('update integration set trust = $4 where org_id = $1 and id = $2 and version = $3', [
    orgId,
    id,
    version,
    asJson(trust),
  ])
}

function asJson(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}

/** Stores one version's sealed document. */
export async function insertSecret(db: Db, place: SecretPlace, secret: SealedSecret): Promise<void> {
  await db.query(
    'insert into secret (integration_id, version, org_id, kek_id, wrapped_key, sealed) values ($1, $2, $3, $4, $5, $6)',
    [place.integrationId, place.version, place.orgId, secret.kekId, secret.wrappedKey, secret.sealed],
  )
}

/** One version's sealed document. */
export async function selectSecret(db: Db, place: SecretPlace): Promise<SealedSecret | null> {
  const { rows } = await db.query<{ kek_id: string; wrapped_key: Buffer; sealed: Buffer }>(
    'select kek_id, wrapped_key, sealed from secret where integration_id = $1 and version = $2 and org_id = $3',
    [place.integrationId, place.version, place.orgId],
  )
  const row = rows[0]
  return row === undefined ? null : { kekId: row.kek_id, wrappedKey: row.wrapped_key, sealed: row.sealed }
}

/** Empties every version below this one: number and time stay as the history of rotations, the content is gone (IN-21). */
export async function destroySecretsBefore(db: Db, integrationId: string, version: number): Promise<void> {
  await db.query(`update secret set wrapped_key = '', sealed = '' where integration_id = $1 and version < $2`, [
    integrationId,
    version,
  ])
}

/** The storage drivers that use an integration, oldest first. */
export async function selectUses(db: Db, orgId: string, id: string): Promise<IntegrationUse[]> {
  const { rows } = await db.query<{ id: string; name: string; project_id: string; project_name: string }>(
    `select d.id, d.name, p.id as project_id, p.name as project_name
     from driver d join project p on p.id = d.project_id
     where d.integration_id = $1 and p.org_id = $2 order by d.created_at, d.id`,
    [id, orgId],
  )
  return rows.map((row) => ({
    driverId: row.id,
    driverName: row.name,
    projectId: row.project_id,
    projectName: row.project_name,
  }))
}

/**
 * Deletes an integration with its secrets, and cuts the drivers that used it off.
 *
 * Drivers are a later noun than integrations, yet both must change in one statement's transaction: hence their update stands here. The epoch rises so
 * that work that began with the old credentials cannot write any more.
 */
export async function deleteIntegrationRow(db: Db, orgId: string, id: string, nowMs: number): Promise<void> {
  await db.query(
    `update driver set integration_id = null, state = 'disconnected', state_reason = 'Its integration was deleted.',
            epoch = epoch + 1, updated_at = $2
     where integration_id = $1`,
    [id, toIso(nowMs)],
  )
  await db.query('delete from integration where org_id = $1 and id = $2', [orgId, id])
}
