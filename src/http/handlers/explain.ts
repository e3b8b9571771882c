import type { explainRoutes } from '#contract/explain.ts'
import { explainKey } from '#core/explain/explain.ts'
import type { Handlers } from '../handler.ts'

/** Why is my file not here? */
export const explainHandlers: Handlers<typeof explainRoutes> = {
  explainKey: (deps, { access, query }) => explainKey(deps, access.datasetNo!, query.key),
}
