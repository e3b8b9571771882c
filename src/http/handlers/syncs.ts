import type { SyncRun, syncRoutes } from '#contract/syncs.ts'
import { grant } from '#core/access/access.ts'
import { findLastSync } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import { approveSync, getSync, listSyncs, pauseSync, resumeSync, type SyncStatus, startSync } from '#core/sync/sync.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'
import { renderCommand } from './commands.ts'

/** Syncs of a dataset. */
export const syncHandlers: Handlers<typeof syncRoutes> = {
  syncDataset: async (deps, { caller, access, params, body, baseUrl }) => {
    // Doing such a plan is the approval that the brake would ask an owner for.
    if (body?.apply !== undefined && (await isBraked(deps, access.datasetNo!, body.apply)))
      await grant(deps, caller, 'dataset', params.datasetId, 'owner')
    return renderCommand(await startSync(deps, caller, access.datasetNo!, body ?? {}), baseUrl)
  },
  listSyncs: async (deps, { access }) => ({
    lastSyncedAt: (await findLastSync(deps.db, access.datasetNo!))?.toISOString() ?? null,
    items: (await listSyncs(deps.db, access.datasetNo!)).map(renderRun),
  }),
  getSync: (deps, { access, params }) => render(deps, access.datasetNo!, params.commandId),
  pauseSync: async (deps, { access, params }) => {
    await getSync(deps.db, access.datasetNo!, params.commandId)
    await pauseSync(deps, params.commandId)
    return render(deps, access.datasetNo!, params.commandId)
  },
  resumeSync: async (deps, { access, params }) => {
    await getSync(deps.db, access.datasetNo!, params.commandId)
    await resumeSync(deps, params.commandId)
    return render(deps, access.datasetNo!, params.commandId)
  },
  approveSync: async (deps, { access, params, body }) => {
    await getSync(deps.db, access.datasetNo!, params.commandId)
    await approveSync(deps, access.datasetNo!, params.commandId, body.set)
    return render(deps, access.datasetNo!, params.commandId)
  },
}

/** Whether a plan says that the brake would stop it. Not where there is no such plan, which starting refuses in its own words. */
async function isBraked(deps: Deps, datasetNo: number, commandId: string): Promise<boolean> {
  try {
    return (renderRun(await getSync(deps.db, datasetNo, commandId)).report.absent?.brake ?? null) !== null
  } catch (error) {
    if (error instanceof AppError && error.code === 'sync.not_found') return false
    throw error
  }
}

async function render(deps: Deps, datasetNo: number, commandId: string): Promise<SyncRun> {
  return renderRun(await getSync(deps.db, datasetNo, commandId))
}

function renderRun(run: SyncStatus): SyncRun {
  return {
    ...run,
    options: { ...run.options },
    report: run.report as SyncRun['report'],
    createdAt: run.createdAt.toISOString(),
    startedAt: run.startedAt?.toISOString() ?? null,
    finishedAt: run.finishedAt?.toISOString() ?? null,
  }
}
