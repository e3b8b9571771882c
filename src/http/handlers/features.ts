import type { featureRoutes } from '#contract/features.ts'
import {
  countFeatureVectors,
  createFeatureSet,
  createFeatureVectors,
  deleteFeatureSet,
  deleteFeatureVector,
  getFeatureSet,
  getFeatureVector,
  queryFeatureSets,
  queryFeatureVectors,
  updateFeatureSet,
} from '#core/features/features.ts'
import type { Handlers } from '../handler.ts'

/** Feature sets and feature vectors. */
export const featureHandlers: Handlers<typeof featureRoutes> = {
  createFeatureSet: async (deps, { caller, access, body, baseUrl }) => [
    await createFeatureSet(deps, caller, access.projectId!, body, baseUrl),
  ],
  queryFeatureSets: (deps, { caller, body, baseUrl }) => queryFeatureSets(deps, caller, body, baseUrl),
  getFeatureSet: (deps, { caller, params, baseUrl }) => getFeatureSet(deps, caller, params.featureSetId, baseUrl),
  updateFeatureSet: (deps, { caller, params, body, baseUrl }) => {
    const { name, type, modelId } = body
    const change = { ...(name !== undefined && { name }), type, modelId }
    return updateFeatureSet(deps, caller, params.featureSetId, change, baseUrl)
  },
  deleteFeatureSet: async (deps, { caller, params }) => {
    await deleteFeatureSet(deps, caller, params.featureSetId)
    return { id: params.featureSetId }
  },
  createFeatureVectors: (deps, { caller, body, baseUrl }) => createFeatureVectors(deps, caller, body, baseUrl),
  queryFeatureVectors: (deps, { caller, body, baseUrl }) => queryFeatureVectors(deps, caller, body, baseUrl),
  countFeatureVectors: (deps, { access, body }) =>
    countFeatureVectors(deps, access.projectId!, body.datasetIds ?? null),
  getFeatureVector: (deps, { caller, params, baseUrl }) => getFeatureVector(deps, caller, params.featureId, baseUrl),
  deleteFeatureVector: async (deps, { caller, params }) => {
    await deleteFeatureVector(deps, caller, params.featureId)
    return { id: params.featureId }
  },
}
