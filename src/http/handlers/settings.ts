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
import { pageOf } from '#lib/page.ts'
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
    return pageOf(found, body)
  },
  resolveSettings: (deps, { caller, body }) => resolveSettings(deps, caller, body),
}
