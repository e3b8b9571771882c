import { z } from 'zod'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ orgId: id('organization') })

/** Something that was done to an integration. What its options hold is in none. */
export const AuditEntry = z.object({
  id: z.string(),
  happenedAt: isoTime,
  actor: z.string().nullable().describe('E-mail address of who did it; null: the server itself.'),
  action: z
    .enum(['created', 'renamed', 'changed', 'rotated', 'deleted', 'checked'])
    .describe(
      '`changed`: its metadata. `rotated`: it has other credentials. `checked`: they were opened to try a storage or the integration.',
    ),
  integration: z.object({ id: z.string(), name: z.string(), type: z.string() }).describe('As it was then.'),
  details: z.record(z.string(), z.unknown()),
})
export type AuditEntry = z.output<typeof AuditEntry>

/** Integrations that wait for the trust of another account. */
export const IntegrationAlerts = z.object({
  count: z.int(),
  integrations: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      type: z.string(),
      reason: z.string().nullable().describe('Why it waits, and what to do.'),
    }),
  ),
})
export type IntegrationAlerts = z.output<typeof IntegrationAlerts>

/** What was done to integrations, and which of them want somebody's attention. */
export const auditRoutes = {
  listAudit: route({
    method: 'GET',
    path: '/orgs/:orgId/audit',
    tag: 'Integrations',
    summary:
      'Lists what was done to the integrations of an organization, the latest first, also to those deleted since.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params,
    query: z.object({
      integrationId: id('integration').optional(),
      after: z.string().optional().describe('`next` of the page before.'),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
    response: z.object({
      entries: z.array(AuditEntry),
      next: z.string().nullable().describe('What `after` takes for the next page; null at the end.'),
    }),
    errors: ['org.not_found'],
  }),
  listIntegrationAlerts: route({
    method: 'GET',
    path: '/orgs/:orgId/integrationAlerts',
    tag: 'Integrations',
    summary: 'Counts and lists the cross-account integrations that the other account does not trust yet.',
    access: { scope: 'org', role: 'member', of: (request) => request.params.orgId },
    params,
    response: IntegrationAlerts,
    errors: ['org.not_found'],
  }),
}
