import type { Rules } from './rules.ts'
import type { scenarios } from './scenarios.ts'

/** The design with a rule broken, and the configuration in which that shows. */
export interface Mutant {
  readonly name: string
  readonly rules: Partial<Rules>
  readonly scenario: keyof typeof scenarios
}

/** Broken designs. Each must lead to a counterexample: a rule that nothing misses is not a rule. */
export const mutants: readonly Mutant[] = [
  // The floor.
  { name: 'there is no floor', rules: { floor: 'never' }, scenario: 'lost events' },
  { name: 'the floor rises at the end of a run', rules: { floor: 'end' }, scenario: 'two pages, lost events' },
  { name: 'resolvers ignore the floor', rules: { resolverObeysFloor: false }, scenario: 'lost events' },
  {
    name: 'a resolver below the floor keeps its reading and tries again',
    rules: { belowFloorReadsAgain: false },
    scenario: 'two pages',
  },

  // Hints and the resolver.
  {
    name: 'what an event says is applied',
    rules: { hintsAreReadAgain: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'what a forged event says is applied',
    rules: { hintsAreReadAgain: false },
    scenario: 'forged events, reconcile',
  },
  { name: 'a hint on a dirty key is dropped', rules: { newHintRaisesMark: false }, scenario: 'events, a run, crashes' },
  {
    name: 'a resolver takes its ticket after reading',
    rules: { resolverTicketFirst: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a resolver clears newer marks too',
    rules: { clearsOlderMarksOnly: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a resolver that lost its lease commits',
    rules: { resolverFence: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'nobody looks at row tickets or fences when resolving',
    rules: { resolverFence: false, resolverObeysRowTicket: false, bareTombstone: 'always' },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a reading that agrees with the row leaves its ticket',
    rules: { equalIsStamped: false },
    scenario: 'two pages',
  },
  {
    name: 'a key without a row that is found absent leaves no tombstone',
    rules: { bareTombstone: 'never' },
    scenario: 'events, a run, crashes',
  },

  // Pages.
  { name: 'a run takes its ticket after its first page', rules: { runTicketFirst: false }, scenario: 'lost events' },
  {
    name: 'a page writes over later observations',
    rules: { pageObeysRowTicket: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a page writes over a later tombstone',
    rules: { pageObeysTombstone: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a page is compared before and its tombstones are not checked again',
    rules: { pageCompares: 'before' },
    scenario: 'two pages',
  },
  {
    name: 'the cursor is saved before the page',
    rules: { cursorWithPage: false },
    scenario: 'first sync of two pages',
  },
  {
    name: 'a worker that lost its run commits',
    rules: { runFence: false },
    scenario: 'canceled runs and their zombies',
  },

  // Absence.
  {
    name: 'what a listing lacks is marked',
    rules: { absenceIsConfirmed: false },
    scenario: 'listings that leave files out',
  },
  { name: 'candidates are kept in memory only', rules: { candidatesWithPage: false }, scenario: 'lost events' },
  {
    name: 'a confirmation does not read again',
    rules: { confirmReads: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a confirmation takes its ticket after reading',
    rules: { confirmTicketFirst: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a confirmation writes over later observations',
    rules: { confirmObeysRowTicket: false },
    scenario: 'events, a run, crashes',
  },

  // First sync.
  {
    name: 'a load does not see that it is no longer one',
    rules: { loadChecksMode: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'a resolver leaves a load as it is',
    rules: { resolverEndsLoad: false },
    scenario: 'events, a run, crashes',
  },

  // Tombstones.
  {
    name: 'tombstones are collected at any time',
    rules: { tombstoneOutlivesFloor: false, tombstoneOutlivesRuns: false },
    scenario: 'events, a run, crashes',
  },
  {
    name: 'tombstones are collected by the floor alone',
    rules: { tombstoneOutlivesRuns: false },
    scenario: 'two datasets',
  },
  {
    name: 'a cleared item leaves no tombstone',
    rules: { clearedLeavesTombstone: false },
    scenario: 'missing items cleared',
  },
]

/** A departure from the design that keeps every promise all the same. */
export interface Variant {
  readonly name: string
  readonly rules: Partial<Rules>
  /** The configurations most likely to tell the difference. */
  readonly scenarios: readonly (keyof typeof scenarios)[]
}

/** What need not be so, or what one of two rules would do alone: the code may choose, and nobody has to wonder later. */
export const variants: readonly Variant[] = [
  {
    name: 'the floor rises at the end, and what was written meanwhile with an older ticket becomes dirty',
    rules: { floor: 'end and dirty' },
    scenarios: ['two pages, lost events', 'lost events'],
  },
  {
    name: 'pages are compared under the lock',
    rules: { pageCompares: 'under lock' },
    scenarios: ['events, a run, crashes', 'two pages'],
  },
  {
    name: 'a resolver commits dataset by dataset',
    rules: { resolverCommitsAtOnce: false },
    scenarios: ['two files, two datasets'],
  },
  {
    name: 'fences of dirty keys start again when a key is dirty again',
    rules: { fenceMayRepeat: true },
    scenarios: ['events, a run, crashes', 'lost events'],
  },
  {
    name: 'tombstones for all absent keys, and resolvers without a fence',
    rules: { bareTombstone: 'always', resolverFence: false },
    scenarios: ['events, a run, crashes', 'lost events'],
  },
  {
    name: 'resolvers trust their fence and do not look at row tickets',
    rules: { resolverObeysRowTicket: false },
    scenarios: ['events, a run, crashes', 'lost events'],
  },
  {
    name: 'confirmations ignore the floor',
    rules: { confirmObeysFloor: false },
    scenarios: ['two files, two datasets', 'lost events'],
  },
  {
    name: 'a page that differs from a later row is passed over',
    rules: { conflictIsDirty: false },
    scenarios: ['events, a run, crashes', 'two pages, lost events'],
  },
  {
    name: 'tombstones are kept for unfinished runs only',
    rules: { tombstoneOutlivesFloor: false },
    scenarios: ['events, a run, crashes', 'two files, two datasets'],
  },
]
