/** A version of a file in the storage; 0 where there is no file. Versions of a file are distinct: each write makes the next number. */
export type Version = number
/** A number of the source's sequence; observations are ordered by it. 0 where none was taken. */
export type Ticket = number

/** A version that was never in the storage: what a forged event tells. */
export const FORGED: Version = 99

/** What a dataset says about a key. `removed` is a tombstone: no item, but the ticket of the observation that took it away. */
export interface Row {
  readonly state: 'none' | 'live' | 'missing' | 'removed'
  readonly version: Version
  readonly ticket: Ticket
  /** Written since the dataset's run began; kept only for the rule that needs it. */
  readonly isFresh: boolean
}

/** No row and no tombstone. */
export const NO_ROW: Row = { state: 'none', version: 0, ticket: 0, isFresh: false }

/** An event on its way to us. */
export interface Hint {
  readonly key: number
  readonly version: Version
}

/** A worker that resolves dirty keys. Without a ticket it has read before it took one (a mutant). */
export type Resolver =
  | { readonly step: 'idle' }
  | { readonly step: 'asked'; readonly key: number; readonly ticket: Ticket; readonly holds: boolean }
  | {
      readonly step: 'read'
      readonly key: number
      readonly ticket: Ticket
      readonly seen: Version
      readonly holds: boolean
      /** The first dataset whose row is not written yet. */
      readonly from: number
    }

/** A sync run of a dataset that is not finished. */
export interface Run {
  readonly ticket: Ticket
  readonly mode: 'load' | 'compare'
  /** Pages that are committed; page n shows key n. */
  readonly cursor: number
  /** Bits of the keys that the listing did not show and that are not confirmed yet. */
  readonly candidates: number
  /** Bits of the keys that did not change since the run took its ticket. */
  readonly covers: number
}

/** A worker of runs: between reading a page and committing it, or confirming that a key is absent. `holds` tells whether its lease is still its own. */
export type Scanner =
  | { readonly step: 'idle' }
  | {
      readonly step: 'page' | 'compared' | 'cursor saved'
      readonly dataset: number
      readonly key: number
      readonly ticket: Ticket
      readonly seen: Version
      /** The run's mode when the page was asked for. */
      readonly mode: Run['mode']
      /** What comparing the page with the row came to, where that is a step of its own. */
      readonly wantsToWrite: boolean
      readonly holds: boolean
    }
  | {
      readonly step: 'confirm asked'
      readonly dataset: number
      readonly key: number
      readonly ticket: Ticket
      readonly holds: boolean
    }
  | {
      readonly step: 'confirm read'
      readonly dataset: number
      readonly key: number
      readonly ticket: Ticket
      readonly seen: Version
      readonly holds: boolean
    }

/** How often what may still happen. */
export interface Budget {
  /** Writes and deletes in the storage. */
  readonly changes: number
  readonly duplicates: number
  readonly losses: number
  readonly forgeries: number
  /** Listings that leave a file out. */
  readonly omissions: number
  readonly crashes: number
  readonly cancels: number
  readonly clears: number
}

/** Everything that is, at one moment. Rows and bits of `unproven` are those of dataset d and key k at d × keys + k. */
export interface State {
  readonly store: readonly Version[]
  readonly hints: readonly Hint[]
  readonly rows: readonly Row[]
  /** The mark of each dirty key; 0 where it is not dirty. */
  readonly dirty: readonly Ticket[]
  readonly floor: Ticket
  /** The last ticket and the last version given out. */
  readonly lastTicket: Ticket
  readonly lastVersion: Version
  readonly resolvers: readonly Resolver[]
  readonly scanners: readonly Scanner[]
  /** The unfinished run of each dataset. */
  readonly runs: readonly (Run | null)[]
  readonly runsLeft: readonly number[]
  readonly left: Budget
  /** Bits of the rows whose key changed since the last finished run that began after the change. */
  readonly unproven: number
  /** Bits of the keys of which a hint was lost or never sent. */
  readonly unhinted: number
  /** Bits of the keys that were absent from the storage at some time. */
  readonly everAbsent: number
}

/** A list with one element replaced. */
export function withAt<T>(list: readonly T[], index: number, value: T): readonly T[] {
  const copy = list.slice()
  copy[index] = value
  return copy
}

/** The state with a ticket taken; the ticket is its `lastTicket`. */
export function takeTicket(state: State): State {
  return { ...state, lastTicket: state.lastTicket + 1 }
}

/** The state in which the key is dirty under a new mark. */
export function markDirty(state: State, key: number): State {
  const next = takeTicket(state)
  return { ...next, dirty: withAt(state.dirty, key, next.lastTicket) }
}
