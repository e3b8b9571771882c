import type { hintRoutes } from '#contract/hints.ts'
import { markDriverKeys } from '#core/hints/hints.ts'
import type { Handlers } from '../handler.ts'

/** Hints that files of a bucket have changed. */
export const hintHandlers: Handlers<typeof hintRoutes> = {
  markKeys: async (deps, { params, body }) => {
    const { marked, ignored } = await markDriverKeys(deps, params.driverId, body.keys, body.removed ?? false)
    return { marked, ignored: [...ignored] }
  },
}
