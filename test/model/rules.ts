/**
 * When the source's floor rises for a run.
 *
 * - `start`: together with taking the start ticket, before anything is listed.
 * - `end`: when the run is finished.
 * - `end and dirty`: as `end`, and rows that were written during the run with an older ticket become dirty.
 * - `never`: there is no floor.
 */
export type FloorRule = 'start' | 'end' | 'end and dirty' | 'never'

/** Every rule of convergence that the model can be run with or without. A mutant is the design with one of them broken. */
export interface Rules {
  readonly floor: FloorRule

  // Hints and the resolver.
  /** A hint's own content is never applied; its key is read again. */
  readonly hintsAreReadAgain: boolean
  /** A hint on a key that is dirty already raises its mark. */
  readonly newHintRaisesMark: boolean
  /** A resolver takes its ticket before it reads. */
  readonly resolverTicketFirst: boolean
  /** A resolver clears a dirty key only where its mark is older than the resolver's ticket. */
  readonly clearsOlderMarksOnly: boolean
  /** A resolver whose ticket is not above the floor applies nothing and puts the key back with a new mark. */
  readonly resolverObeysFloor: boolean
  /** A resolver below the floor reads again under a new ticket; without, it tries to commit the same reading again. */
  readonly belowFloorReadsAgain: boolean
  /** A resolver writes the rows of all datasets and clears the dirty key in one transaction; without, dataset by dataset, the key with the last. */
  readonly resolverCommitsAtOnce: boolean
  /** A resolver applies its reading only to rows with a smaller ticket. */
  readonly resolverObeysRowTicket: boolean
  /** A resolver that lost its lease does nothing. */
  readonly resolverFence: boolean
  /** Numbers of fences may be met again: a resolver that lost its lease may pass for the present one while the key is dirty. */
  readonly fenceMayRepeat: boolean
  /** A resolver that reads what the row says already still moves the row's ticket. */
  readonly equalIsStamped: boolean
  /** When a key that has no row is found absent, a tombstone is left for it. */
  readonly bareTombstone: 'always' | 'while the dataset has a run' | 'never'

  // A run's pages.
  /** A run takes its ticket before it reads its first page. */
  readonly runTicketFirst: boolean
  /**
   * When a page is compared with the rows, by a run that is not a load.
   *
   * - `under lock`: in the transaction that writes, with resolvers of the dataset kept out.
   * - `before, checked again`: before; what it wants to write is written under the lock and only where it is still right.
   * - `before`: before; while writing only the tickets of items are looked at, not tombstones.
   */
  readonly pageCompares: 'under lock' | 'before, checked again' | 'before'
  /** A page writes only over rows with a ticket below the run's. */
  readonly pageObeysRowTicket: boolean
  /** The same for tombstones. */
  readonly pageObeysTombstone: boolean
  /** A page that differs from a row with a later ticket makes its key dirty. */
  readonly conflictIsDirty: boolean
  /** A page's rows and the run's cursor become true together. */
  readonly cursorWithPage: boolean
  /** A worker that lost the run's lease writes nothing for it. */
  readonly runFence: boolean

  // Absence.
  /** What a listing does not show is only a candidate, to be confirmed by a reading of its own. */
  readonly absenceIsConfirmed: boolean
  /** Candidates become true together with the page that lacks them. */
  readonly candidatesWithPage: boolean
  /** A confirmation reads the key; it does not go by what the page showed. */
  readonly confirmReads: boolean
  /** A confirmation takes its ticket before it reads. */
  readonly confirmTicketFirst: boolean
  /** A confirmation whose ticket is not above the floor is begun again. */
  readonly confirmObeysFloor: boolean
  /** A confirmation applies only to rows with a smaller ticket. */
  readonly confirmObeysRowTicket: boolean

  // First sync.
  /** A page is inserted without looking only while the run is still in load mode. */
  readonly loadChecksMode: boolean
  /** A resolver that applies anything to a dataset in load mode turns its run to comparing. */
  readonly resolverEndsLoad: boolean

  // Tombstones.
  /** A tombstone is collected only when its ticket is not above the floor. */
  readonly tombstoneOutlivesFloor: boolean
  /** A tombstone is not collected while its dataset has a run that began before it. */
  readonly tombstoneOutlivesRuns: boolean
  /** A missing item that a user clears leaves a tombstone with its ticket. */
  readonly clearedLeavesTombstone: boolean
}

/** The rules as the product follows them (ADR 8). */
export const design: Rules = {
  floor: 'start',
  hintsAreReadAgain: true,
  newHintRaisesMark: true,
  resolverTicketFirst: true,
  clearsOlderMarksOnly: true,
  resolverObeysFloor: true,
  belowFloorReadsAgain: true,
  resolverCommitsAtOnce: true,
  resolverObeysRowTicket: true,
  resolverFence: true,
  fenceMayRepeat: false,
  equalIsStamped: true,
  bareTombstone: 'while the dataset has a run',
  runTicketFirst: true,
  pageCompares: 'before, checked again',
  pageObeysRowTicket: true,
  pageObeysTombstone: true,
  conflictIsDirty: true,
  cursorWithPage: true,
  runFence: true,
  absenceIsConfirmed: true,
  candidatesWithPage: true,
  confirmReads: true,
  confirmTicketFirst: true,
  confirmObeysFloor: true,
  confirmObeysRowTicket: true,
  loadChecksMode: true,
  resolverEndsLoad: true,
  tombstoneOutlivesFloor: true,
  tombstoneOutlivesRuns: true,
  clearedLeavesTombstone: true,
}
