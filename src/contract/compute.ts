import { z } from 'zod'
import { id } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ orgId: id('organization'), integrationId: id('integration') })
const errors = ['org.not_found', 'integration.not_found', 'integration.invalid', 'compute.not_set_up'] as const

/** Giving credentials of container registries to whatever runs an organization's services (RG-08). */
export const computeRoutes = {
  applyRegistry: route({
    method: 'POST',
    path: '/compute/registry/orgs/:orgId/integrations/:integrationId',
    tag: 'Integrations',
    summary:
      'Gives a private registry’s credentials to the organization’s compute. This server runs no services, so it refuses, naming that as the reason.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params,
    errors: [...errors],
  }),
  withdrawRegistry: route({
    method: 'DELETE',
    path: '/compute/registry/orgs/:orgId/integrations/:integrationId',
    tag: 'Integrations',
    summary:
      'Takes a private registry’s credentials from the organization’s compute. This server runs no services, so there are none to take.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params,
    errors: [...errors],
  }),
}
