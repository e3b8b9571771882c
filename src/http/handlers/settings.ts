import type { settingRoutes } from '#contract/settings.ts'
import {
  compileSettingFilter,
  createSetting,
  getSetting,
  listSettings,
  removeSetting,
  resolveSettings,
  sortSettings,
  updateSetting,
} from '#core/settings/settings.ts'
import type { Handlers } from '../handler.ts'

/** Settings. */
export const settingHandlers: Handlers<typeof settingRoutes> = {
  createSetting: (deps, { caller, body }) => createSetting(deps, caller, body),
  getSetting: (deps, { caller, params }) => getSetting(deps, caller, params.settingId),
  updateSetting: (deps, { caller, params, body }) => updateSetting(deps, caller, params.settingId, body),
  deleteSetting: (deps, { caller, params }) => removeSetting(deps, caller, params.settingId),
  querySettings: async (deps, { caller, body }) => {
    const matches = compileSettingFilter(body.filter)
    const found = sortSettings((await listSettings(deps, caller)).filter(matches), body.sort ?? {})
    const { page, pageSize } = body
    return {
      totalItemsCount: found.length,
      totalPagesCount: pageSize === 0 ? 0 : Math.ceil(found.length / pageSize),
      hasNextPage: pageSize > 0 && (page + 1) * pageSize < found.length,
      items: found.slice(page * pageSize, (page + 1) * pageSize),
    }
  },
  resolveSettings: (deps, { caller, body }) => resolveSettings(deps, caller, body),
}
