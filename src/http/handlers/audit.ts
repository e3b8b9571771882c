import type { auditRoutes } from '#contract/audit.ts'
import { listAlerts, listAudit } from '#core/integrations/integrations.ts'
import type { Handlers } from '../handler.ts'

/** What was done to integrations, and which of them want attention. */
export const auditHandlers: Handlers<typeof auditRoutes> = {
  listAudit: (deps, { params, query }) => listAudit(deps.db, params.orgId, query),
  listIntegrationAlerts: (deps, { params }) => listAlerts(deps.db, params.orgId),
}
