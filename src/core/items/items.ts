/** The read side of the catalog: what other parts of the core and the edges may use of it. */
export { type FolderPage, getItem, getItemByPath, listFolderItems, listFolders } from './browse.ts'
export { type Counts, countItems, displayKey, listSkipped } from './counts.ts'
export { queryItems } from './query/query.ts'
export { type StreamAnswer, type StreamRequest, streamItem } from './stream.ts'
export { directoryTree } from './tree.ts'
