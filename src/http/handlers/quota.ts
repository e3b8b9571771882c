import type { quotaRoutes } from '#contract/quota.ts'
import { getDataPoints, setDataPointsMax } from '#core/quota/quota.ts'
import type { Handlers } from '../handler.ts'

/** Data points of an organization. */
export const quotaHandlers: Handlers<typeof quotaRoutes> = {
  getDataPoints: (deps, { params }) => getDataPoints(deps.db, params.orgId),
  setDataPoints: async (deps, { params, body }) => {
    await setDataPointsMax(deps.db, params.orgId, body.max)
    return getDataPoints(deps.db, params.orgId)
  },
}
