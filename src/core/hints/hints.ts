/** Keys that have to be read again: marked by whoever has a doubt or a hint, read and written by the resolver. The public file of this folder. */

export { type IgnoredHint, type MarkedHints, markDriverKeys } from './door.ts'
export { DRAIN_JOB, type DrainReport, drainHints, drainSource, wakeDrains } from './drain.ts'
export { markDirty } from './mark.ts'
export { observeKeys, type Reading, readKeys } from './observe.ts'
export { findWatchedDatasets, findWatchedFolders, type WatchedDataset, type WatchedFolder } from './watched.ts'
