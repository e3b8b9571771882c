import type { computeRoutes } from '#contract/compute.ts'
import { getIntegration } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'

/** Answers the routes that give registries' credentials to services, of which this server runs none: what is wrong with the request comes first. */
export const computeHandlers: Handlers<typeof computeRoutes> = {
  async applyRegistry(deps, { params }) {
    const { type } = await getIntegration(deps, params.orgId, params.integrationId)
    throw type === 'private-registry' ? new AppError('compute.not_set_up') : notRegistry()
  },

  async withdrawRegistry(deps, { params }) {
    const { type } = await getIntegration(deps, params.orgId, params.integrationId)
    throw type === 'private-registry' ? new AppError('compute.not_set_up') : notRegistry()
  },
}

function notRegistry(): AppError {
  return new AppError('integration.invalid', { message: 'This integration holds no credentials of a registry.' })
}
