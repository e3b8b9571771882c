import { applyReading, rowOf } from './rows.ts'
import type { Rules } from './rules.ts'
import { markDirty, type Resolver, type State, type Ticket, takeTicket, withAt } from './state.ts'
import { type Setting, type Step, spend } from './world.ts'

const IDLE: Resolver = { step: 'idle' }

type Busy = Exclude<Resolver, { step: 'idle' }>

/** Everything that the resolvers may do next. A lease can run out at any time, so a key that is being resolved may be taken by another. */
export function moveResolvers(state: State, setting: Setting): void {
  const { go } = setting
  for (const [who, resolver] of state.resolvers.entries()) {
    if (resolver.step === 'idle') {
      takeKey(state, who, setting)
      continue
    }
    if (resolver.step === 'asked') {
      const read: Resolver = { ...resolver, step: 'read', seen: state.store[resolver.key]!, from: 0 }
      go(`resolver ${who} reads file ${resolver.key}`, become(state, who, read))
    } else if (resolver.ticket === 0) {
      const next = takeTicket(state)
      go(`resolver ${who} takes its ticket late`, become(next, who, { ...resolver, ticket: next.lastTicket }))
    } else
      for (const holds of holdings(state, resolver, setting)) go(...commit(state, who, { ...resolver, holds }, setting))
    if (state.left.crashes > 0) go(`resolver ${who} CRASHES`, become(spend(state, 'crashes'), who, IDLE))
  }
}

function become(state: State, who: number, resolver: Resolver): State {
  return { ...state, resolvers: withAt(state.resolvers, who, resolver) }
}

/** Takes a dirty key, by lease and fence, and the ticket of the coming reading. */
function takeKey(state: State, who: number, { rules, go }: Setting): void {
  state.dirty.forEach((mark, key) => {
    if (mark === 0) return
    const taken = { ...state, resolvers: state.resolvers.map((other) => withoutLease(other, key)) }
    if (rules.resolverTicketFirst) {
      const next = takeTicket(taken)
      const ticket = next.lastTicket
      go(`resolver ${who} takes file ${key}`, become(next, who, { step: 'asked', key, ticket, holds: true }))
    } else {
      const seen = state.store[key]!
      go(
        `resolver ${who} takes and reads file ${key}`,
        become(taken, who, { step: 'read', key, ticket: 0, seen, holds: true, from: 0 }),
      )
    }
  })
}

function withoutLease(resolver: Resolver, key: number): Resolver {
  return resolver.step !== 'idle' && resolver.key === key ? { ...resolver, holds: false } : resolver
}

/** Whether the database takes this resolver for the one that holds the key: both answers where numbers of fences may be met again. */
function holdings(state: State, resolver: Busy, { rules }: Setting): readonly boolean[] {
  if (!rules.resolverFence) return [true]
  const mayPass = rules.fenceMayRepeat && state.dirty[resolver.key] !== 0
  return !resolver.holds && mayPass ? [false, true] : [resolver.holds]
}

/** One transaction: fence, floor, the rows of every dataset, the dirty key. */
function commit(state: State, who: number, resolver: Busy & { step: 'read' }, setting: Setting): Step {
  const { rules } = setting
  const { key, ticket, seen, holds, from } = resolver
  const idle = become(state, who, IDLE)
  if (!holds) return [`resolver ${who} finds its lease lost`, idle]
  if (rules.resolverObeysFloor && ticket <= state.floor) {
    if (!rules.belowFloorReadsAgain) return [`resolver ${who} is below the floor and waits`, state]
    return [`resolver ${who} is below the floor and puts file ${key} back`, markDirty(idle, key)]
  }
  const last = state.runs.length - 1
  const to = rules.resolverCommitsAtOnce ? last : from
  let next = state
  for (let dataset = from; dataset <= to; dataset++) next = writeReading(next, dataset, resolver, setting)
  const reading = seen === 0 ? 'absent' : `version ${seen}`
  if (to < last)
    return [
      `resolver ${who} commits file ${key} of dataset ${to}: ${reading}`,
      become(next, who, { ...resolver, from: to + 1 }),
    ]
  return [`resolver ${who} commits file ${key}: ${reading}`, clearDirty(become(next, who, IDLE), key, ticket, rules)]
}

/** Applies a reading to a dataset's row; a load of that dataset that is under way has to look where it inserts from then on. */
function writeReading(
  state: State,
  dataset: number,
  { key, ticket, seen }: Busy & { step: 'read' },
  { scenario, rules }: Setting,
): State {
  if (rules.resolverObeysRowTicket && ticket <= rowOf(state, dataset, key).ticket) return state
  const run = state.runs[dataset] ?? null
  const leaveTombstone = rules.bareTombstone === 'always' || (rules.bareTombstone !== 'never' && run !== null)
  const options = { gone: scenario.resolved, leaveTombstone, stampEqual: rules.equalIsStamped }
  const next = applyReading(state, { dataset, key }, { seen, ticket }, options)
  if (run?.mode !== 'load' || !rules.resolverEndsLoad) return next
  return { ...next, runs: withAt(next.runs, dataset, { ...run, mode: 'compare' }) }
}

function clearDirty(state: State, key: number, ticket: Ticket, rules: Rules): State {
  const mark = state.dirty[key]!
  if (mark === 0 || (mark >= ticket && rules.clearsOlderMarksOnly)) return state
  return {
    ...state,
    dirty: withAt(state.dirty, key, 0),
    resolvers: state.resolvers.map((other) => withoutLease(other, key)),
  }
}
