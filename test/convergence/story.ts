// Random stories: the files there are, and what happens to them and to whoever works on them, step by step.
import fc from 'fast-check'
import type { SyncRequest } from '#core/sync/sync.ts'
import type { Plan } from './actor.ts'
import type { Fate } from './world.ts'

/**
 * Keys that files have: several folders, one name that is a folder as well, a marker, the hidden folder, and what patterns keep out. The first few are the
 * ones that things happen to; races need to meet at one key.
 */
export const KEYS = [
  'a/2.jpg',
  'c',
  'a/b/3.txt',
  'a/1.txt',
  'a.txt',
  'a/b/c/4.txt',
  'a/b',
  'a/x/',
  'a/.dataloop/t.jpg',
  'b/é.jpg',
  '/lead.txt',
  'b/5.txt',
] as const
/** What files say. */
export const TEXTS = ['', 'one', 'two', 'three, longer'] as const

/** Statements behind which it is worth being held back: what was read there may be old when the next one is sent. */
const PAGE_SQL = [
  `state = 'running' returning 1`,
  'join removed r on',
  'update item i',
  'insert into sync_range',
  'insert into absence',
  'a.place is not null order by a.place',
  'select exists (select 1 from sync_range',
  'update command set progress',
]
const RESOLVER_SQL = [
  'skip locked',
  'for update of r',
  'for key share of d',
  'select floor',
  'delete from dirty',
  'from dir where',
]

/** A step of a story. */
export type Step =
  | { readonly do: 'write'; readonly key: number; readonly text: number | null; readonly event: Fate }
  /** Writes the key if it is not there, deletes it if it is. */
  | { readonly do: 'flip'; readonly key: number; readonly event: Fate }
  | { readonly do: 'copy'; readonly key: number; readonly to: number; readonly isMove: boolean }
  | { readonly do: 'deliver'; readonly place: number; readonly again: boolean }
  | { readonly do: 'forge'; readonly key: number; readonly removes: boolean }
  | { readonly do: 'start'; readonly dataset: number; readonly request: SyncRequest }
  | { readonly do: 'slice'; readonly dataset: number; readonly plan: Plan }
  | { readonly do: 'resolve'; readonly plan: Plan }
  | { readonly do: 'release'; readonly place: number }
  | { readonly do: 'expire' }
  | { readonly do: 'steer'; readonly dataset: number; readonly how: 'pause' | 'resume' | 'cancel' | 'approve' }
  | { readonly do: 'add dataset' }
  | { readonly do: 'clear' | 'exclude' | 'include'; readonly dataset: number }
  | { readonly do: 'annotate'; readonly dataset: number; readonly key: number }
  | { readonly do: 'points'; readonly max: number }
  | { readonly do: 'sync through'; readonly dataset: number }
  | Duel

/**
 * Somebody who works on a key is held back while things happen to that key, and is let go: the form of every race. The key is written or deleted first, with
 * its event, or nothing happens to it.
 */
export interface Duel {
  readonly do: 'duel'
  readonly key: number
  readonly dataset: number
  readonly isFlipped: boolean
  readonly who: 'slice' | 'resolver'
  readonly plan: Plan
  readonly meanwhile: readonly Step[]
}

/** What a kind of story has in it. */
export interface StoryKind {
  readonly steps: number
  /** Workers are held back, and lose their leases. */
  readonly withHolds: boolean
  /** The database's connections break. */
  readonly withBreaks: boolean
  /** Settings change. */
  readonly withSettings: boolean
  /** A second dataset, on a folder of the first one's. */
  readonly withSecond: boolean
  /** Data points run out. */
  readonly withQuota: boolean
}

const nat = (max: number) => fc.nat({ max })
const key = fc.oneof(
  { weight: 5, arbitrary: nat(1) },
  { weight: 2, arbitrary: nat(4) },
  { weight: 1, arbitrary: nat(KEYS.length - 1) },
)
const dataset = nat(1)

interface Worker {
  readonly sql: readonly string[]
  readonly callsMax: number
}
const SLICE: Worker = { sql: PAGE_SQL, callsMax: 60 }
const RESOLVER: Worker = { sql: RESOLVER_SQL, callsMax: 25 }

function holds(worker: Worker): fc.WeightedArbitrary<Plan>[] {
  const page = worker === SLICE ? fc.integer({ min: 1, max: 3 }) : fc.constantFrom(1, 1, 1, 2)
  const calls = fc.integer({ min: 1, max: worker.callsMax })
  return [
    { weight: 9, arbitrary: fc.record({ holdAfter: page, counted: fc.constant('storage' as const) }) },
    { weight: 4, arbitrary: fc.record({ holdAfterSql: fc.constantFrom(...worker.sql) }) },
    { weight: 1, arbitrary: fc.record({ holdAfter: calls, counted: fc.constant('database' as const) }) },
  ]
}

function planOf(kind: StoryKind, worker: Worker): fc.Arbitrary<Plan> {
  const plans: fc.WeightedArbitrary<Plan>[] = [{ weight: 8, arbitrary: fc.constant({}) }]
  if (kind.withHolds) plans.push(...holds(worker))
  if (kind.withBreaks) {
    const calls = fc.integer({ min: 1, max: worker.callsMax })
    const broken = { counted: fc.constant('database' as const) }
    plans.push({ weight: 4, arbitrary: fc.record({ failBefore: calls, ...broken }) })
    plans.push({ weight: 4, arbitrary: fc.record({ failAfter: calls, ...broken }) })
  }
  return fc.oneof(...plans)
}

const text = fc.option(nat(TEXTS.length - 1), { nil: null, freq: 2 })
const event = fc.constantFrom<Fate>('now', 'now', 'now', 'lost', 'lost', 'lost', 'later')

type Move = 'flip, told' | 'flip, lost' | 'resolve' | 'sync' | 'begin a sync' | 'expire' | 'clear'

/** What has to happen in between for one of the known races (§1.3 of the design) to go wrong where a rule is missing. */
const RECIPES: readonly (readonly Move[])[] = [
  ['flip, lost', 'sync'],
  ['flip, told', 'resolve'],
  ['flip, told', 'resolve', 'flip, lost', 'sync'],
  ['flip, told', 'resolve', 'flip, told', 'resolve'],
  ['expire', 'resolve'],
  ['flip, told', 'expire', 'resolve'],
  ['flip, told'],
  ['flip, lost', 'begin a sync'],
  ['flip, lost', 'flip, told', 'resolve', 'sync'],
  ['expire', 'sync'],
  ['clear', 'flip, told', 'resolve'],
]

function duel(kind: StoryKind): fc.Arbitrary<Duel> {
  const one = <S extends Step>(weight: number, arbitrary: fc.Arbitrary<S>) => ({
    weight,
    arbitrary: arbitrary as fc.Arbitrary<Step>,
  })
  return key.chain((same) => {
    const flip = fc.record({ do: fc.constant('flip' as const), key: fc.constant(same), event })
    const write = fc.record({ do: fc.constant('write' as const), key: fc.constant(same), text, event })
    const meanwhile = fc.oneof(
      one(8, flip),
      one(2, write),
      one(4, fc.record({ do: fc.constant('resolve' as const), plan: planOf(kind, RESOLVER) })),
      one(5, fc.record({ do: fc.constant('sync through' as const), dataset })),
      one(1, fc.record({ do: fc.constant('start' as const), dataset, request: fc.constant({}) })),
      one(2, fc.record({ do: fc.constant('slice' as const), dataset, plan: planOf(kind, SLICE) })),
      one(1, fc.record({ do: fc.constant('expire' as const) })),
      one(1, fc.record({ do: fc.constant('clear' as const), dataset })),
    )
    const moves: Readonly<Record<Move, fc.Arbitrary<Step>>> = {
      'flip, told': fc.constant({ do: 'flip', key: same, event: 'now' }),
      'flip, lost': fc.constant({ do: 'flip', key: same, event: 'lost' }),
      resolve: fc.constant({ do: 'resolve', plan: {} }),
      sync: dataset.map((place) => ({ do: 'sync through', dataset: place })),
      'begin a sync': dataset.map((place) => ({ do: 'start', dataset: place, request: {} })),
      expire: fc.constant({ do: 'expire' }),
      clear: dataset.map((place) => ({ do: 'clear', dataset: place })),
    }
    const recipe = fc.constantFrom(...RECIPES).chain((names) => fc.tuple(...names.map((name) => moves[name])))
    return fc.constantFrom('slice' as const, 'resolver' as const).chain((who) =>
      fc.record({
        do: fc.constant('duel' as const),
        key: fc.constant(same),
        dataset,
        isFlipped: fc.constantFrom(true, true, true, false),
        who: fc.constant(who),
        plan: fc.oneof(...holds(who === 'slice' ? SLICE : RESOLVER)),
        meanwhile: fc.oneof(
          { weight: 3, arbitrary: recipe as fc.Arbitrary<Step[]> },
          { weight: 1, arbitrary: fc.array(meanwhile, { minLength: 1, maxLength: 5, size: 'max' }) },
        ),
      }),
    )
  })
}

/** A story: the files there are, whether they were synced, and what happens then. */
export interface Story {
  readonly files: readonly { readonly key: number; readonly text: number }[]
  readonly isSynced: boolean
  readonly isSecondThere: boolean
  readonly steps: readonly Step[]
}

/** Stories of a kind. */
export function stories(kind: StoryKind): fc.Arbitrary<Story> {
  const file = fc.record({ key: nat(KEYS.length - 1), text: nat(TEXTS.length - 1) })
  return fc.record({
    files: fc.array(file, { maxLength: 6, size: 'max' }),
    isSynced: fc.boolean(),
    isSecondThere: kind.withSecond ? fc.boolean() : fc.constant(false),
    steps: fc.array(stepOf(kind), { minLength: 1, maxLength: kind.steps, size: 'max' }),
  })
}

function stepOf(kind: StoryKind): fc.Arbitrary<Step> {
  const one = <S extends Step>(weight: number, arbitrary: fc.Arbitrary<S>) => ({
    weight,
    arbitrary: arbitrary as fc.Arbitrary<Step>,
  })
  const step = <D extends Step['do']>(name: D) => fc.constant(name)
  const request = fc.constantFrom<SyncRequest>({}, {}, {}, { reconcile: true }, { forceRescan: true }, { dryRun: true })
  const stopAfter = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 3 })
  const slicePlan = fc.tuple(planOf(kind, SLICE), stopAfter).map(([plan, stopped]) => ({ ...plan, stopAfter: stopped }))
  const steps = [
    one(12, fc.record({ do: step('write'), key, text, event })),
    one(1, fc.record({ do: step('copy'), key, to: key, isMove: fc.boolean() })),
    one(2, fc.record({ do: step('deliver'), place: nat(20), again: fc.boolean() })),
    one(1, fc.record({ do: step('forge'), key, removes: fc.boolean() })),
    one(5, fc.record({ do: step('start'), dataset, request })),
    one(8, fc.record({ do: step('slice'), dataset, plan: slicePlan })),
    one(8, fc.record({ do: step('resolve'), plan: planOf(kind, RESOLVER) })),
    one(1, fc.record({ do: step('steer'), dataset, how: fc.constantFrom('pause', 'resume', 'cancel', 'approve') })),
    one(1, fc.record({ do: step('annotate'), dataset, key })),
    one(1, fc.record({ do: step('clear'), dataset })),
  ]
  if (kind.withSettings)
    steps.push(one(1, fc.record({ do: step('exclude'), dataset })), one(1, fc.record({ do: step('include'), dataset })))
  if (kind.withSecond) steps.push(one(1, fc.record({ do: step('add dataset') })))
  if (kind.withHolds)
    steps.push(
      one(3, fc.record({ do: step('release'), place: nat(3) })),
      one(2, fc.record({ do: step('expire') })),
      one(70, duel(kind)),
    )
  if (kind.withQuota) steps.push(one(2, fc.record({ do: step('points'), max: nat(8) })))
  return fc.oneof(...steps)
}
