/** What of a sync is already so; these tests demand it from the day it is. Nothing here may stay `false`. */
export const does = {
  /** A key that was skipped and is gone from the bucket is no longer told as skipped. */
  forgetSkippedKeysThatAreGone: true,
  /** A run whose worker dies after it has given the run back and before it has queued the next slice is taken up like any other. */
  reviveRunsThatWereGivenBack: true,
  /** A reconcile removes what former syncs have marked missing, and not only what it finds gone itself. */
  removeGhostsOfFormerSyncs: true,
  /** A kill makes one page of a range be read again, not as many as four batches hold. */
  repeatOnePageARange: true,
}
