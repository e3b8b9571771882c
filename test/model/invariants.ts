import { rowOf } from './rows.ts'
import { FORGED, type State } from './state.ts'

/** Whether nothing is left to do: no hint on its way, no dirty key, nobody at work. */
export function isAtRest(state: State): boolean {
  return (
    state.hints.length === 0 &&
    state.dirty.every((mark) => mark === 0) &&
    state.resolvers.every((resolver) => resolver.step === 'idle') &&
    state.scanners.every((scanner) => scanner.step === 'idle') &&
    state.runs.every((run) => run === null)
  )
}

/**
 * What is wrong with a state, or null. Promises:
 *
 * - always: no item is live with a version that was never in the storage, and none is marked missing or removed whose file was always there;
 * - at rest: each item is what its file is; of a file whose hint was lost, once a run that began after its last change is finished.
 */
export function problemOf(state: State): string | null {
  const keys = state.store.length
  const rests = isAtRest(state)
  for (let dataset = 0; dataset < state.runs.length; dataset++)
    for (let key = 0; key < keys; key++) {
      const row = rowOf(state, dataset, key)
      const item = `file ${key} in dataset ${dataset}`
      if (row.state === 'live' && row.version === FORGED) return `${item} has a version that was never stored`
      const isGone = row.state === 'missing' || row.state === 'removed'
      if (isGone && (state.everAbsent & (1 << key)) === 0) return `${item} is ${row.state} and was always stored`
      if (!rests) continue
      const isUnhinted = (state.unhinted & (1 << key)) !== 0
      if (isUnhinted && (state.unproven & (1 << (dataset * keys + key))) !== 0) continue
      const stored = state.store[key]!
      if (row.state === 'live' && stored === 0) return `${item} is live and not stored`
      if (row.state === 'live' && row.version !== stored) return `${item} is an old version`
      if (row.state !== 'live' && stored !== 0) return `${item} is ${row.state} and stored`
    }
  return null
}
