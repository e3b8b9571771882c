/** The write side of the catalog: what keeps items, folders, counters and fingerprints in agreement. */
export { type Applied, applyObservation, type ObservationTarget, type Sighting } from './apply.ts'
export { keepEstimates } from './estimates.ts'
export { fingerprintColumns, fingerprintText, hashObserved, type Observed, RowHash } from './fingerprint.ts'
export { FolderChanges } from './folder-counters.ts'
export { ensureFolder, findFolder } from './folders.ts'
export { type Annotated, countAnnotated, givenColumns, objectColumns, ofRow } from './given.ts'
export {
  clearChanged,
  clearMissing,
  dropItems,
  EXCLUDED,
  excludeItems,
  FLAG_CHANGED,
  LIVE,
  type LockedItem,
  lockItems,
  type MarkTarget,
  MISSING,
  markFound,
  markMissing,
  REMOVED_KEPT_MS,
  type RemovalReason,
  removeItems,
  restoreItems,
  toggleFingerprint,
} from './marks.ts'
export { MediaTypes } from './media-types.ts'
export {
  FLAG_ARCHIVED,
  FLAG_HIDDEN,
  FLAG_UNADDRESSABLE,
  PART_BYTES_MAX,
  type Place,
  placeOf,
  STORAGE_FLAGS,
} from './place.ts'
export { dropSegments, findSegments, isBorder, type Segment, saveSegments } from './segments.ts'
export { isAboveFloor, takeTicket } from './tickets.ts'
