import { namer } from './canonical.ts'
import { isAtRest, problemOf } from './invariants.ts'
import { moveResolvers } from './resolver.ts'
import { design, type Rules } from './rules.ts'
import { moveRuns, moveScanners } from './run.ts'
import { initialState, type Scenario } from './scenario.ts'
import type { State } from './state.ts'
import { changeStore, clearMissing, collectTombstones, moveHints } from './world.ts'

/** Steps from the beginning to a state that breaks a promise. */
export interface Counterexample {
  readonly problem: string
  readonly steps: readonly string[]
}

/** What came of exploring a scenario. */
export interface Exploration {
  readonly states: number
  readonly transitions: number
  /** States in which nothing is left to do. */
  readonly atRest: number
  /** The shortest way to a state that must not be, or null when there is none. */
  readonly counterexample: Counterexample | null
}

/** States a scenario may have before it is refused as too big for a test; half a gigabyte of names. */
const STATES_MAX = 2_000_000

/** Calls `go` with every state that the given one can turn into. */
function eachStep(scenario: Scenario, rules: Rules, state: State, go: (label: string, next: State) => void): void {
  const setting = { scenario, rules, go }
  changeStore(state, setting)
  moveHints(state, setting)
  moveResolvers(state, setting)
  moveRuns(state, setting)
  moveScanners(state, setting)
  collectTombstones(state, setting)
  clearMissing(state, setting)
}

/**
 * Visits every state that a scenario can reach, breadth first, and stops at the first that breaks a promise. When all keep them, looks for
 * states from which no rest can be reached by our own work alone.
 */
export function explore(scenario: Scenario, rules: Rules = design): Exploration {
  const nameOf = namer(scenario, rules)
  const first = initialState(scenario)
  const places = new Map([[nameOf(first), 0]])
  const parents = [-1]
  const resting: number[] = []
  const work = new WorkGraph()
  let transitions = 0
  const outcome = (problem: string | null, place: number): Exploration => ({
    states: places.size,
    transitions,
    atRest: resting.length,
    counterexample:
      problem === null ? null : { problem, steps: retrace(scenario, rules, [...places.keys()], parents, place) },
  })

  let frontier: State[] = [first]
  for (let place = 0; frontier.length > 0; ) {
    const nextFrontier: State[] = []
    for (const state of frontier) {
      if (isAtRest(state)) resting.push(place)
      const problem = problemOf(state)
      if (problem !== null) return outcome(problem, place)
      eachStep(scenario, rules, state, (_, next) => {
        transitions++
        const name = nameOf(next)
        let to = places.get(name)
        if (to === undefined) {
          to = places.size
          places.set(name, to)
          parents.push(place)
          nextFrontier.push(next)
        }
        if (isOwnWork(state, next)) work.add(place, to)
      })
      place++
    }
    if (places.size > STATES_MAX) throw new Error(`${scenario.name}: more than ${STATES_MAX} states`)
    frontier = nextFrontier
  }
  const stuck = work.firstWithoutWayTo(resting, places.size)
  return stuck === null ? outcome(null, 0) : outcome('nothing that we do leads to rest', stuck)
}

/** Whether a step is neither a fault nor anybody's wish: those are counted. */
function isOwnWork(state: State, next: State): boolean {
  return next.left === state.left && next.runsLeft === state.runsLeft
}

/** Steps of our own work between states, to find those that never come to rest. */
class WorkGraph {
  readonly #from: number[] = []
  readonly #to: number[] = []

  add(from: number, to: number): void {
    this.#from.push(from)
    this.#to.push(to)
  }

  /** The first state from which none of the goals can be reached, or null. */
  firstWithoutWayTo(goals: readonly number[], states: number): number | null {
    // Steps ordered by where they lead: those into state n are at starts[n] … starts[n + 1] - 1.
    const starts = new Uint32Array(states + 1)
    for (const to of this.#to) starts[to + 1]!++
    for (let state = 0; state < states; state++) starts[state + 1]! += starts[state]!
    const sources = new Uint32Array(this.#to.length)
    const filled = starts.slice()
    this.#to.forEach((to, step) => {
      sources[filled[to]!++] = this.#from[step]!
    })
    const reaches = new Uint8Array(states)
    const open = [...goals]
    for (const goal of goals) reaches[goal] = 1
    for (let state = open.pop(); state !== undefined; state = open.pop())
      for (let step = starts[state]!; step < starts[state + 1]!; step++) {
        const source = sources[step]!
        if (reaches[source] === 1) continue
        reaches[source] = 1
        open.push(source)
      }
    const stuck = reaches.indexOf(0)
    return stuck === -1 ? null : stuck
  }
}

/** Walks again the way that led to a state, to say its steps; only names and parents were kept. */
function retrace(
  scenario: Scenario,
  rules: Rules,
  names: readonly string[],
  parents: readonly number[],
  place: number,
): string[] {
  const way: string[] = []
  for (let at = place; at > 0; at = parents[at]!) way.unshift(names[at]!)
  const nameOf = namer(scenario, rules)
  let state = initialState(scenario)
  return way.map((name) => {
    let taken: { readonly label: string; readonly next: State } | null = null
    const look = (label: string, next: State) => {
      if (taken === null && nameOf(next) === name) taken = { label, next }
    }
    eachStep(scenario, rules, state, look)
    const { label, next } = taken!
    state = next
    return label
  })
}
