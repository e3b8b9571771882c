import type { cloneRoutes } from '#contract/clones.ts'
import { grant } from '#core/access/access.ts'
import { startClone, startItemClone, startMerge } from '#core/clones/clones.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'
import type { Handlers } from '../handler.ts'
import { renderStarted } from './commands.ts'

/** Clones and merges. */
export const cloneHandlers: Handlers<typeof cloneRoutes> = {
  cloneDataset: async (deps, { caller, body, access, baseUrl }) => {
    const params = body.cloneDatasetParams ?? {}
    const targetId = params.targetDatasetId ?? null
    const command = await startClone(deps, caller, access.datasetNo!, {
      ...wishesOf(params),
      name: targetId === null ? (body.name ?? null) : null,
      targetNo: targetId === null ? null : await writableDataset(deps, caller, targetId),
      filter: body.filter ?? null,
      targetDirectory: params.targetDirectory ?? null,
      stripsFolders: params.stripFolders === true,
    })
    return renderStarted(deps, command, baseUrl)
  },
  cloneItem: async (deps, { caller, body, params, access, baseUrl }) => {
    const item = parseItemId(params.itemId)
    if (item === null || !('itemNo' in item)) throw new AppError('item.not_found')
    const { targetDatasetId: targetId } = body
    const command = await startItemClone(deps, caller, item, {
      ...wishesOf(body.cloneDatasetParams ?? {}),
      targetNo:
        targetId === null || targetId === undefined ? access.datasetNo! : await writableDataset(deps, caller, targetId),
      filename: body.remoteFileName ?? null,
      metadata: body.metadata ?? null,
      allowMany: body.allowMany === true,
    })
    return renderStarted(deps, command, baseUrl)
  },
  mergeDatasets: async (deps, { caller, body, baseUrl }) => {
    const datasetNos: number[] = []
    for (const datasetId of new Set(body.datasetsIds)) datasetNos.push(await writableDataset(deps, caller, datasetId))
    const { name, datasetsIds, projectIds } = body
    const command = await startMerge(deps, caller, datasetNos, {
      ...wishesOf(body.mergeDatasetParams ?? {}),
      name,
      shown: { name, datasetsIds, ...(projectIds && { projectIds }) },
    })
    return renderStarted(deps, command, baseUrl)
  },
}

interface Params {
  readonly withItemsAnnotations?: boolean | null | undefined
  readonly withMetadata?: boolean | null | undefined
  readonly withTaskAnnotationsStatus?: boolean | null | undefined
}

function wishesOf(params: Params) {
  return {
    withAnnotations: params.withItemsAnnotations ?? true,
    withMetadata: params.withMetadata ?? true,
    withStatus: params.withTaskAnnotationsStatus ?? true,
  }
}

/** The number of a dataset in whose project the caller is a developer; clones need that on both sides (CM-12). */
async function writableDataset(deps: Deps, caller: Caller, datasetId: string): Promise<number> {
  return (await grant(deps, caller, 'dataset', datasetId, 'engineer')).datasetNo!
}
