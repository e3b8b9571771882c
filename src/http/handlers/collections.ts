import type { collectionRoutes } from '#contract/collections.ts'
import {
  startCollect,
  startCollectionDelete,
  startMetadataUpdate,
  startSplit,
  startUncollect,
} from '#core/clones/clones.ts'
import { addCollection, listCollections, renameCollection } from '#core/datasets/datasets.ts'
import { withTransaction } from '#db/connect.ts'
import type { Handlers } from '../handler.ts'
import { renderStarted } from './commands.ts'

/** Collections and subsets. */
export const collectionHandlers: Handlers<typeof collectionRoutes> = {
  listCollections: async (deps, { access }) =>
    Object.assign(
      {},
      ...Object.entries(await listCollections(deps.db, access.datasetNo!)).map(([key, name]) => shown(key, name)),
    ),
  createCollection: (deps, { body, access }) =>
    withTransaction(deps.db, async (tx) => shown(await addCollection(tx, access.datasetNo!, body.name), body.name)),
  updateCollection: (deps, { body, params, access }) =>
    withTransaction(deps.db, async (tx) =>
      shown(await renameCollection(tx, access.datasetNo!, params.name, body.name), body.name),
    ),
  deleteCollection: async (deps, { caller, params, access, baseUrl }) =>
    renderStarted(deps, await startCollectionDelete(deps, caller, access.datasetNo!, params.name), baseUrl),
  addToCollections: async (deps, { caller, body, access, baseUrl }) =>
    renderStarted(deps, await startCollect(deps, caller, access.datasetNo!, body), baseUrl),
  removeFromCollections: async (deps, { caller, body, access, baseUrl }) =>
    renderStarted(deps, await startUncollect(deps, caller, access.datasetNo!, body), baseUrl),
  splitDataset: async (deps, { caller, body, access, baseUrl }) => {
    const request = { query: body.itemsQuery, subsets: body.MLSplitList }
    return renderStarted(deps, await startSplit(deps, caller, access.datasetNo!, request), baseUrl)
  },
  bulkUpdateMetadata: async (deps, { caller, body, access, baseUrl }) => {
    const { update, systemSpace } = body.updateQuery
    const request = { query: body.query, metadata: update.metadata, withSystem: systemSpace === true }
    return renderStarted(deps, await startMetadataUpdate(deps, caller, access.datasetNo!, request), baseUrl)
  },
}

/** A collection under the place where its items say that they are in it. */
function shown(key: string, name: string): Record<string, { name: string }> {
  return { [`metadata.system.collections.${key}`]: { name } }
}
