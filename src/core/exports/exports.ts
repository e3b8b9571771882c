/** Exports: a dataset's items and annotations written into files. The public file of this folder. */
export { type ExportRecord, type HistoryQuery, listExports } from './history.ts'
export { getManifest, openExportFile } from './manifest.ts'
export { type ExportPlan, planFile, planParts } from './request.ts'
export { EXPORT_JOB } from './task.ts'
export { cancelExport, continueExport, type Lock, reviveExports, startExport, sweepExports } from './work.ts'
