/** Which files of a folder become items of a dataset, and when its storage is looked at again. The public file of this folder. */
export {
  type CompiledPatterns,
  compilePatterns,
  type PatternRule,
  type PatternSettings,
} from './compile.ts'
export { previewPatterns } from './preview.ts'
export { type DueRescan, withDueRescans } from './rescan.ts'
export { getSyncSettings, type SyncSettingsChange, syncSettingsOf, updateSyncSettings } from './settings.ts'
