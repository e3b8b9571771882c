import type { syncSettingsRoutes } from '#contract/sync-settings.ts'
import { getSyncSettings, previewPatterns, updateSyncSettings } from '#core/patterns/patterns.ts'
import type { Handlers } from '../handler.ts'

/** How the syncs of a dataset work. */
export const syncSettingsHandlers: Handlers<typeof syncSettingsRoutes> = {
  getSyncSettings: (deps, { access }) => getSyncSettings(deps.db, access.datasetNo!),
  updateSyncSettings: (deps, { caller, access, body }) => updateSyncSettings(deps, caller, access.datasetNo!, body),
  previewSyncSettings: (deps, { access, body }) => previewPatterns(deps, access.datasetNo!, body),
}
