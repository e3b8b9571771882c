import type { DatasetQuery, datasetRoutes } from '#contract/datasets.ts'
import {
  changeSchema,
  compileDatasetFilter,
  deleteDatasetLater,
  describeDeletion,
  getDataset,
  getSchema,
  listDatasets,
  listDeletedDatasets,
  removeDataset,
  restoreDataset,
  sortDatasets,
  unlockDataset,
  updateDataset,
} from '#core/datasets/datasets.ts'
import { cancelDatasetSyncs, createSyncedDataset } from '#core/sync/sync.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import { pageOf } from '#lib/page.ts'
import type { Handlers } from '../handler.ts'
import { renderCommand } from './commands.ts'

/** Datasets. */
export const datasetHandlers: Handlers<typeof datasetRoutes> = {
  createDataset: async (deps, { caller, body, access, baseUrl }) => {
    const datasetNo = await createSyncedDataset(
      deps,
      caller,
      {
        name: body.name,
        projectId: access.projectId!,
        driverId: body.driver ?? null,
        indexDriver: body.indexDriver ?? undefined,
        expirationOptions: body.expirationOptions ?? undefined,
        isReadonly: body.readonly ?? undefined,
        hasDefaultRecipe: body.createDefaultRecipe ?? undefined,
      },
      body.sync,
    )
    return getDataset(deps, datasetNo, baseUrl)
  },
  queryDatasets: async (deps, { caller, body, baseUrl }) => {
    const matches = compileDatasetFilter(body.filter)
    const all = await listDatasets(deps, caller, {
      projectIds: projectsOf(body),
      withSystem: body.systemSpace === true,
      baseUrl,
    })
    const found = sortDatasets(all.filter(matches), body.sort ?? {})
    return pageOf(found, body)
  },
  getDataset: (deps, { access, baseUrl }) => getDataset(deps, access.datasetNo!, baseUrl),
  updateDataset: async (deps, { caller, body, query, access, baseUrl }) => {
    await updateDataset(deps, caller, access.datasetNo!, {
      name: body.name,
      metadata: body.metadata,
      withSystem: query.system === 'true',
      isReadonly: body.readonly,
      knownAt: body.updatedAt,
      expirationOptions: body.expirationOptions,
    })
    return getDataset(deps, access.datasetNo!, baseUrl)
  },
  unlockDataset: async (deps, { caller, access, baseUrl }) => {
    await unlockDataset(deps, caller, access.datasetNo!)
    return getDataset(deps, access.datasetNo!, baseUrl)
  },
  getSchema: (deps, { access }) => getSchema(deps.db, access.datasetNo!),
  updateSchema: async (deps, { caller, body, access, baseUrl }) =>
    renderCommand(await changeSchema(deps, caller, access.datasetNo!, body.unsearchablePaths), baseUrl),
  deleteDataset: async (deps, { caller, params, query, access }) => {
    const isForced = query.force === 'true'
    if (query.targetDate === undefined) {
      await removeDataset(deps, access.datasetNo!, isForced ? 'any' : 'shown')
      return { id: params.datasetId, deletesAt: null }
    }
    if (isForced) {
      const message = 'A deletion that is forced is one at once: leave out the date, or force.'
      throw new AppError('request.invalid', { message, details: [{ path: 'query.force', message }] })
    }
    const atMs = Date.parse(query.targetDate)
    await deleteDatasetLater(deps, caller, access.datasetNo!, atMs)
    await cancelDatasetSyncs(deps, access.datasetNo!)
    return { id: params.datasetId, deletesAt: toIso(atMs) }
  },
  describeDatasetDeletion: (deps, { access }) => describeDeletion(deps.db, access.datasetNo!),
  restoreDataset: async (deps, { caller, body, access, baseUrl }) => {
    await restoreDataset(deps, caller, access.datasetNo!, body.name)
    return getDataset(deps, access.datasetNo!, baseUrl)
  },
  listDeletedDatasets: (deps, { params }) => listDeletedDatasets(deps.db, params.projectId),
}

/** The vendor's suite puts project ids under `context.datasets` in one raw request and means projects (contract §6). */
function projectsOf(query: DatasetQuery): string[] | undefined {
  const given = [...(query.context.projects ?? []), ...(query.context.datasets ?? [])]
  return given.length > 0 ? given : undefined
}
