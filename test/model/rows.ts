import type { Scenario } from './scenario.ts'
import { NO_ROW, type Row, type State, type Ticket, type Version, withAt } from './state.ts'

/** Where the row of a dataset's key is in `State.rows`. */
export function rowPlace(state: State, dataset: number, key: number): number {
  return dataset * state.store.length + key
}

/** The row of a dataset's key. */
export function rowOf(state: State, dataset: number, key: number): Row {
  return state.rows[rowPlace(state, dataset, key)]!
}

/** Puts a row, with a ticket that never falls. */
export function putRow(
  state: State,
  place: { readonly dataset: number; readonly key: number },
  row: { readonly state: Row['state']; readonly version: Version; readonly ticket: Ticket },
): State {
  const at = rowPlace(state, place.dataset, place.key)
  const ticket = Math.max(row.ticket, state.rows[at]!.ticket)
  return { ...state, rows: withAt(state.rows, at, { ...row, ticket, isFresh: true }) }
}

/** Takes a row or tombstone away with its ticket. */
export function dropRow(state: State, dataset: number, key: number): State {
  return { ...state, rows: withAt(state.rows, rowPlace(state, dataset, key), NO_ROW) }
}

/** What a reading of one key does to a dataset's row: written as it was read, or the item marked or removed where there is no file. */
export function applyReading(
  state: State,
  place: { readonly dataset: number; readonly key: number },
  reading: { readonly seen: Version; readonly ticket: Ticket },
  options: { readonly gone: Scenario['confirmed']; readonly leaveTombstone: boolean; readonly stampEqual: boolean },
): State {
  const { seen, ticket } = reading
  const row = rowOf(state, place.dataset, place.key)
  if (seen !== 0) {
    if (row.state === 'live' && row.version === seen && !options.stampEqual) return state
    return putRow(state, place, { state: 'live', version: seen, ticket })
  }
  switch (row.state) {
    case 'live':
      return putRow(state, place, { state: options.gone, version: 0, ticket })
    case 'missing':
      return putRow(state, place, { state: options.gone, version: 0, ticket })
    case 'removed':
      return options.stampEqual ? putRow(state, place, { state: 'removed', version: 0, ticket }) : state
    case 'none':
      return options.leaveTombstone ? putRow(state, place, { state: 'removed', version: 0, ticket }) : state
  }
}
