/** The read side of the catalog, and work on many of its items: what other parts of the core and the edges may use of it. */
export { type FolderPage, getItem, getItemByPath, listFolderItems, listFolders } from './browse.ts'
export { type Counts, countItems, displayKey, listSkipped } from './counts.ts'
export {
  cancelItemTask,
  continueItemTask,
  ITEM_TASK_JOB,
  reviveItemTasks,
  type Wanted,
  type Worked,
  workOnItems,
} from './item-task.ts'
export { queryItems } from './query/query.ts'
export { listRemoved, type RemovedPage, sweepRemoved } from './removed.ts'
export { type StreamAnswer, type StreamRequest, streamItem } from './stream.ts'
export { directoryTree } from './tree.ts'
