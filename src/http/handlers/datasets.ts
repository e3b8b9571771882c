import type { DatasetQuery, datasetRoutes } from '#contract/datasets.ts'
import {
  compileDatasetFilter,
  getDataset,
  listDatasets,
  removeDataset,
  updateDataset,
} from '#core/datasets/datasets.ts'
import { createSyncedDataset } from '#core/sync/sync.ts'
import type { Handlers } from '../handler.ts'

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
      },
      body.sync,
    )
    return getDataset(deps.db, datasetNo, baseUrl)
  },
  queryDatasets: async (deps, { caller, body, baseUrl }) => {
    const matches = compileDatasetFilter(body.filter)
    const all = await listDatasets(deps.db, caller, {
      projectIds: projectsOf(body),
      withSystem: body.systemSpace === true,
      baseUrl,
    })
    const found = all.filter(matches)
    for (const [field, direction] of Object.entries(body.sort ?? {}).reverse()) {
      const value = (dataset: (typeof found)[number]) =>
        String((dataset as unknown as Record<string, unknown>)[field] ?? '')
      const sign = direction === 'descending' ? -1 : 1
      found.sort((a, b) => (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0))
    }
    const { page, pageSize } = body
    return {
      totalItemsCount: found.length,
      totalPagesCount: pageSize === 0 ? 0 : Math.ceil(found.length / pageSize),
      hasNextPage: pageSize > 0 && (page + 1) * pageSize < found.length,
      items: found.slice(page * pageSize, (page + 1) * pageSize),
    }
  },
  getDataset: (deps, { access, baseUrl }) => getDataset(deps.db, access.datasetNo!, baseUrl),
  updateDataset: async (deps, { caller, body, query, access, baseUrl }) => {
    await updateDataset(deps, caller, access.datasetNo!, {
      name: body.name,
      metadata: body.metadata,
      withSystem: query.system === 'true',
    })
    return getDataset(deps.db, access.datasetNo!, baseUrl)
  },
  deleteDataset: async (deps, { params, access }) => {
    await removeDataset(deps, access.datasetNo!)
    return { id: params.datasetId }
  },
}

/** The vendor's suite puts project ids under `context.datasets` in one raw request and means projects (contract §6). */
function projectsOf(query: DatasetQuery): string[] | undefined {
  const given = [...(query.context.projects ?? []), ...(query.context.datasets ?? [])]
  return given.length > 0 ? given : undefined
}
