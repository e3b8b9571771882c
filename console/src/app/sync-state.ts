import type { SyncRun } from '#contract/syncs.ts'

/** Whether a run may still change by itself. */
export function isWorking({ state }: Pick<SyncRun, 'state'>): boolean {
  return state === 'queued' || state === 'running'
}
