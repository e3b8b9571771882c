import type { AuditEntry, IntegrationAlerts } from '#contract/audit.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Trust } from './queries.ts'

/** What happened to an integration. `changed`: its metadata. `checked`: its credentials were opened to try a storage, or for a test of the integration. */
export type AuditAction = AuditEntry['action']

/** What is written down, besides what the integration says of itself. */
export interface AuditNote {
  readonly integrationId: string
  /** Null where nobody asked for it: the server's own work. */
  readonly actorId: string | null
  readonly action: AuditAction
  /** Numbers, names and codes that tell more. Never what an option holds. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * Writes down what was done to an integration (IN-21), in the transaction that does it; before the row is deleted, when that is what is done. Nothing is
 * written for an integration that is gone: there is nothing left that could have been done to it.
 */
export async function recordAudit(db: Db, { integrationId, actorId, action, details }: AuditNote): Promise<void> {
  await db.query(
    `insert into audit_entry (org_id, actor_id, action, integration_id, integration_name, integration_type, details)
     select i.org_id, $2, $3, i.id, i.name, i.type, $4 from integration i where i.id = $1`,
    [integrationId, actorId, action, JSON.stringify(details ?? {})],
  )
}

/** Which entries are wanted. */
export interface AuditPage {
  readonly integrationId?: string | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** What was done to the integrations of an organization, the latest first, also to those that are deleted. Throws `request.invalid` for what is no cursor. */
export async function listAudit(
  db: Db,
  orgId: string,
  page: AuditPage,
): Promise<{ entries: AuditEntry[]; next: string | null }> {
  if (page.after !== undefined && !/^\d{1,15}$/.test(page.after)) {
    throw new AppError('request.invalid', {
      details: [{ path: 'query.after', message: 'is not a cursor of this list' }],
    })
  }
  const { rows } = await db.query<{
    no: number
    at: Date
    actor: string | null
    action: AuditAction
    id: string
    name: string
    type: string
    details: Record<string, unknown>
  }>(
    `select e.entry_no as no, e.happened_at as at, u.email as actor, e.action, e.integration_id as id, e.integration_name as name,
            e.integration_type as type, e.details
       from audit_entry e left join user_account u on u.id = e.actor_id
      where e.org_id = $1 and ($2::text is null or e.integration_id = $2) and ($3::bigint is null or e.entry_no < $3)
      order by e.entry_no desc limit $4`,
    [orgId, page.integrationId ?? null, page.after ?? null, page.limit + 1],
  )
  const shown = rows.slice(0, page.limit)
  const entries = shown.map(({ no, at, actor, action, id, name, type, details }) => ({
    id: String(no),
    happenedAt: at.toISOString(),
    actor,
    action,
    integration: { id, name, type },
    details,
  }))
  return { entries, next: rows.length > page.limit ? String(shown.at(-1)!.no) : null }
}

/** The cross-account integrations of an organization whose account does not trust this server (yet), oldest first (IN-15). */
export async function listAlerts(db: Db, orgId: string): Promise<IntegrationAlerts> {
  const { rows } = await db.query<{ id: string; name: string; type: string; trust: Trust }>(
    `select id, name, type, trust from integration
      where org_id = $1 and trust is not null and trust ->> 'status' <> 'trust-established' order by created_at, id`,
    [orgId],
  )
  return {
    count: rows.length,
    integrations: rows.map(({ id, name, type, trust }) => ({ id, name, type, reason: trust.reason })),
  }
}
