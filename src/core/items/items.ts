/** The read side of the catalog, and work on many of its items: what other parts of the core and the edges may use of it. */
export { type FolderPage, getItem, getItemByPath, listFolderItems, listFolders } from './browse.ts'
export { type ItemChange, patchIn, updateItem, updateItemsMetadata } from './change.ts'
export { type Counts, countItems, displayKey, listSkipped } from './counts.ts'
export { viewDataset } from './dataset-view.ts'
export { deleteItem } from './delete-item.ts'
export { type Document, descriptionText, mergeDocument } from './document.ts'
export { folderPath, makeFolder } from './folders.ts'
export { type ItemPath, requirePath } from './item-paths.ts'
export {
  cancelItemTask,
  continueItemTask,
  ITEM_TASK_JOB,
  reviveItemTasks,
  type Wanted,
  type Worked,
  workOnItems,
} from './item-task.ts'
export { LINKS_MAX, linkTarget, requireReadable } from './links.ts'
export { MOVE_MAX, moveItems } from './move.ts'
export { type AnnotationActs, queryPurpose } from './query/act.ts'
export { queryAnnotationRows } from './query/annotations.ts'
export { actOnQuery } from './query/change.ts'
export { queryItems } from './query/query.ts'
export { cancelQueryWork, continueQueryWork, QUERY_WORK_JOB, reviveQueryWork } from './query/work.ts'
export { deleteItems } from './remove.ts'
export { listRemoved, type RemovedPage, sweepRemoved } from './removed.ts'
export { countSelection, selectItems } from './selection.ts'
export { type StreamAnswer, type StreamRequest, streamItem } from './stream.ts'
export { directoryTree } from './tree.ts'
export { type Writing, writeItems } from './writing.ts'
