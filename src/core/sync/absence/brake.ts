/** Items that may be marked or removed without anybody being asked. */
const ABSENT_FREE = 50
/** Share of the live items of a dataset that may be; whichever is more. */
const ABSENT_SHARE = 0.05

/** What a complete listing came to, as far as the brake is concerned. */
export interface Sighting {
  /** Entries listed that are items, known or new. */
  readonly itemsListed: number
  /** Known items that were listed, changed or not. */
  readonly itemsSeen: number
  /** Known items that were listed exactly as they were. */
  readonly itemsUnchanged: number
  /** Known live items that were not listed, without those whose move was recognised. */
  readonly absent: number
}

/** Why a run must not mark anything by itself. */
export type BrakeReason = 'empty-bucket' | 'too-many-missing' | 'other-bucket'

/**
 * Decides whether a listing may be believed without asking: more than 50 items and 5 % of a dataset gone, or nothing left at all, is more often a
 * wrong folder, key or bucket than somebody's wish. `isMarked` says whether the bucket still carries our mark; null where there never was one.
 *
 * The mark counts only where the files do not speak for themselves: with half of the items just as they were, it is the same bucket.
 */
export function brakeReason(sighting: Sighting, isMarked: boolean | null): BrakeReason | null {
  const { absent, itemsSeen, itemsListed, itemsUnchanged } = sighting
  if (absent === 0) return null
  if (itemsListed === 0) return 'empty-bucket'
  if (absent > absentMax(itemsSeen + absent)) return 'too-many-missing'
  if (isMarked === false && itemsUnchanged * 2 < itemsSeen + absent) return 'other-bucket'
  return null
}

/** How many of so many live items may be gone. */
export function absentMax(items: number): number {
  return Math.max(ABSENT_FREE, Math.floor(items * ABSENT_SHARE))
}
