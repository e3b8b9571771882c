/** Clones and merges, which are rows and never bytes, and other long work over the items of a dataset. */
export { type CloneRequest, type ItemCloneRequest, startClone, startItemClone, startMerge } from './copy-start.ts'
export {
  startCollect,
  startCollectionDelete,
  startMetadataUpdate,
  startSplit,
  startUncollect,
} from './edit-start.ts'
export { CLONE_FOLLOW_JOB, followClones, followMaster } from './follow.ts'
export { cancelDatasetTask, continueDatasetTask, reviveDatasetTasks } from './run.ts'
export { DATASET_TASK_JOB } from './task-rows.ts'
