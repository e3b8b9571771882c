/** Feature sets and feature vectors: what models say of items and annotations. The public file of this folder. */
export {
  createFeatureSet,
  deleteFeatureSet,
  FEATURE_SWEEP_JOB,
  getFeatureSet,
  queryFeatureSets,
  sweepFeatureSet,
  updateFeatureSet,
} from './sets.ts'
export {
  countFeatureVectors,
  createFeatureVectors,
  deleteFeatureVector,
  getFeatureVector,
  queryFeatureVectors,
} from './vectors.ts'
