import { dropRow, putRow, rowOf } from './rows.ts'
import type { Rules } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { type Budget, FORGED, type Hint, markDirty, type State, withAt } from './state.ts'

/** Something that happens, in words, and the state that it leads to. */
export type Step = readonly [label: string, next: State]

/** What a transition is explored with. `go` takes each step that is possible. */
export interface Setting {
  readonly scenario: Scenario
  readonly rules: Rules
  readonly go: (...step: Step) => void
}

/** The state with one less of something that may happen. */
export function spend(state: State, what: keyof Budget): State {
  return { ...state, left: { ...state.left, [what]: state.left[what] - 1 } }
}

/** Bits of a key's rows in all datasets. */
function rowBits(state: State, key: number): number {
  let bits = 0
  for (let dataset = 0; dataset < state.runs.length; dataset++) bits |= 1 << (dataset * state.store.length + key)
  return bits
}

/** Somebody writes or deletes a file, and the storage sends an event. */
export function changeStore(state: State, { rules, go }: Setting): void {
  if (state.left.changes === 0) return
  state.store.forEach((version, key) => {
    change(state.lastVersion + 1, `put file ${key}`)
    if (version !== 0) change(0, `delete file ${key}`)

    function change(to: number, label: string): void {
      const hint: Hint = { key, version: rules.hintsAreReadAgain ? 0 : to }
      go(label, {
        ...spend(state, 'changes'),
        store: withAt(state.store, key, to),
        lastVersion: Math.max(state.lastVersion, to),
        hints: [...state.hints, hint],
        runs: state.runs.map((run) => (run === null ? null : { ...run, covers: run.covers & ~(1 << key) })),
        unproven: state.unproven | rowBits(state, key),
        everAbsent: to === 0 ? state.everAbsent | (1 << key) : state.everAbsent,
      })
    }
  })
}

/** Events arrive, arrive twice, get lost, or come from somebody who makes them up. Their order is any. */
export function moveHints(state: State, { rules, go }: Setting): void {
  state.hints.forEach((hint, index) => {
    if (state.hints.some((other, at) => at < index && other.key === hint.key && other.version === hint.version)) return
    const rest = state.hints.filter((_, at) => at !== index)
    const about = `event on file ${hint.key}`
    go(`${about} arrives`, takeHint({ ...state, hints: rest }, hint, rules))
    if (state.left.duplicates > 0)
      go(`${about} arrives, to come again`, takeHint(spend(state, 'duplicates'), hint, rules))
    if (state.left.losses > 0)
      go(`${about} IS LOST`, {
        ...spend(state, 'losses'),
        hints: rest,
        unhinted: state.unhinted | (1 << hint.key),
      })
  })
  if (state.left.forgeries > 0)
    for (let key = 0; key < state.store.length; key++)
      go(`FORGED event on file ${key}`, takeHint(spend(state, 'forgeries'), { key, version: FORGED }, rules))
}

/** Ingest: a hint makes its key dirty, whatever else it says. */
function takeHint(state: State, hint: Hint, rules: Rules): State {
  if (!rules.hintsAreReadAgain) {
    let next = state
    for (let dataset = 0; dataset < state.runs.length; dataset++) {
      const told = hint.version === 0 ? ('removed' as const) : ('live' as const)
      next = putRow(next, { dataset, key: hint.key }, { state: told, version: hint.version, ticket: 0 })
    }
    return next
  }
  if (!rules.newHintRaisesMark && state.dirty[hint.key] !== 0) return state
  return markDirty(state, hint.key)
}

/** Tombstones are collected when no observation can be under way that they have to stop. */
export function collectTombstones(state: State, { rules, go }: Setting): void {
  state.runs.forEach((run, dataset) => {
    state.store.forEach((_, key) => {
      const row = rowOf(state, dataset, key)
      if (row.state !== 'removed') return
      if (rules.tombstoneOutlivesFloor && row.ticket > state.floor) return
      if (rules.tombstoneOutlivesRuns && run !== null && run.ticket <= row.ticket) return
      go(`tombstone of file ${key} in dataset ${dataset} is collected`, dropRow(state, dataset, key))
    })
  })
}

/** A user clears a missing item. */
export function clearMissing(state: State, { rules, go }: Setting): void {
  if (state.left.clears === 0) return
  for (let dataset = 0; dataset < state.runs.length; dataset++)
    for (let key = 0; key < state.store.length; key++) {
      const row = rowOf(state, dataset, key)
      if (row.state !== 'missing') continue
      const spent = spend(state, 'clears')
      const cleared = rules.clearedLeavesTombstone
        ? putRow(spent, { dataset, key }, { ...row, state: 'removed' })
        : dropRow(spent, dataset, key)
      go(`user clears file ${key} of dataset ${dataset}`, cleared)
    }
}
