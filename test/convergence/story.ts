// Random stories: what happens to a world, step by step, and how it is brought to rest in the end.
import fc from 'fast-check'
import type { SyncRequest } from '#core/sync/sync.ts'
import type { Plan } from './actor.ts'
import { differences, Witness } from './oracle.ts'
import { type Fate, type Universe, World, type WorldDataset } from './world.ts'

/**
 * Keys that files have: several folders, one name that is a folder as well, a marker, the hidden folder, and what patterns keep out. The first few are the
 * ones that things happen to; races need to meet at one key.
 */
const KEYS = [
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
const TEXTS = ['', 'one', 'two', 'three, longer'] as const

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
 * Somebody who works on a key is held back while things happen to that key, and is let go: the form of every race. The key is written first, with its event,
 * or not at all.
 */
export interface Duel {
  readonly do: 'duel'
  readonly key: number
  readonly dataset: number
  readonly first: number | null | 'nothing'
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
  const page = fc.integer({ min: 1, max: 4 })
  const calls = fc.integer({ min: 1, max: worker.callsMax })
  return [
    { weight: 6, arbitrary: fc.record({ holdAfter: page, counted: fc.constant('storage' as const) }) },
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
const event = fc.constantFrom<Fate>('now', 'now', 'now', 'lost', 'lost', 'later')

function duel(kind: StoryKind): fc.Arbitrary<Duel> {
  const one = <S extends Step>(weight: number, arbitrary: fc.Arbitrary<S>) => ({
    weight,
    arbitrary: arbitrary as fc.Arbitrary<Step>,
  })
  return key.chain((same) => {
    const write = fc.record({ do: fc.constant('write' as const), key: fc.constant(same), text, event })
    const meanwhile = fc.oneof(
      one(8, write),
      one(3, fc.record({ do: fc.constant('resolve' as const), plan: planOf(kind, RESOLVER) })),
      one(3, fc.record({ do: fc.constant('sync through' as const), dataset })),
      one(1, fc.record({ do: fc.constant('start' as const), dataset, request: fc.constant({}) })),
      one(2, fc.record({ do: fc.constant('slice' as const), dataset, plan: planOf(kind, SLICE) })),
      one(1, fc.record({ do: fc.constant('expire' as const) })),
      one(1, fc.record({ do: fc.constant('clear' as const), dataset })),
    )
    return fc.constantFrom('slice' as const, 'resolver' as const).chain((who) =>
      fc.record({
        do: fc.constant('duel' as const),
        key: fc.constant(same),
        dataset,
        first: fc.oneof(fc.constant('nothing' as const), text),
        who: fc.constant(who),
        plan: fc.oneof(...holds(who === 'slice' ? SLICE : RESOLVER)),
        meanwhile: fc.array(meanwhile, { minLength: 1, maxLength: 5, size: 'max' }),
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
    files: fc.array(file, { maxLength: 8, size: 'max' }),
    isSynced: fc.boolean(),
    isSecondThere: kind.withSecond ? fc.boolean() : fc.constant(false),
    steps: fc.array(stepOf(kind), { minLength: 6, maxLength: kind.steps, size: 'max' }),
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
      one(25, duel(kind)),
    )
  if (kind.withQuota) steps.push(one(2, fc.record({ do: step('points'), max: nat(8) })))
  return fc.oneof(...steps)
}

/** Plays a story and brings its world to rest; answers everything that was not as it must be. */
export async function play(universe: Universe, story: Story, withQuota: boolean): Promise<string[]> {
  const world = await begin(universe, story, withQuota)
  const witness = new Witness({ mayDrop: withQuota })
  for (const step of story.steps) {
    await take(world, step)
    if (step.do === 'annotate') witness.forget()
    await witness.look(world)
  }
  await rest(world)
  await witness.look(world)
  const before = await differences(world)
  await syncAll(world)
  await witness.look(world)
  const after = await differences(world)
  return [
    ...witness.wrong,
    ...before.map((line) => `at rest: ${line}`),
    ...after.map((line) => `after a sync: ${line}`),
  ]
}

async function begin(universe: Universe, story: Story, withQuota: boolean): Promise<World> {
  const world = new World(universe)
  await world.open(withQuota ? 6 : null)
  await world.addDataset('')
  if (story.isSecondThere) await world.addDataset('a/')
  for (const { key, text } of story.files) await world.write(KEYS[key]!, TEXTS[text]!, 'lost')
  if (!story.isSynced) return world
  for (const dataset of world.datasets) {
    await world.startSync(dataset, {})
    await goOn(world, dataset)
  }
  return world
}

/** Most that are under way at once: each may have four connections of its own. */
const CROWD_MAX = 5

/** Takes a step: until it is done, or waits for one who is held back. */
async function take(world: World, step: Step): Promise<void> {
  const dataset = datasetOf(world, step)
  if (world.crowd >= CROWD_MAX && step.do !== 'release') return
  if (step.do === 'duel') return fight(world, step, dataset)
  if (step.do === 'sync through') return through(world, dataset)
  await world.meanwhile(step.do, () => act(world, step))
}

function datasetOf(world: World, step: Step): WorldDataset {
  return 'dataset' in step ? world.datasets[step.dataset % world.datasets.length]! : world.datasets[0]!
}

async function act(world: World, step: Exclude<Step, { do: 'duel' | 'sync through' }>): Promise<void> {
  const dataset = datasetOf(world, step)
  const name = 'key' in step ? KEYS[step.key]! : ''
  switch (step.do) {
    case 'write':
      return world.write(name, step.text === null ? null : TEXTS[step.text]!, step.event)
    case 'copy':
      return world.copy(name, KEYS[step.to]!, step.isMove)
    case 'deliver':
      return world.events.length > 0 ? world.deliver(step.place, step.again) : undefined
    case 'forge':
      return world.hint(name, step.removes)
    case 'start':
      return world.startSync(dataset, step.request)
    case 'slice':
      return world.slice(dataset, step.plan)
    case 'resolve':
      return world.resolve(step.plan)
    case 'release':
      return world.release(step.place)
    case 'expire':
      return world.expireLeases()
    case 'steer':
      return world.steer(dataset, step.how)
    case 'add dataset':
      return world.datasets.length < 2 ? world.addDataset('a/') : undefined
    case 'clear':
      return world.clearMissing(dataset)
    case 'exclude':
      return world.setPatterns(dataset, [{ kind: 'glob', pattern: '*.jpg' }])
    case 'include':
      return world.setPatterns(dataset, [])
    case 'annotate':
      return world.annotate(dataset, name, `note ${world.everThere.size}`)
    case 'points':
      return world.setPoints(step.max)
  }
}

async function fight(world: World, step: Duel, dataset: WorldDataset): Promise<void> {
  const { key, first, who, plan } = step
  if (first !== 'nothing') await take(world, { do: 'write', key, text: first, event: 'now' })
  if (who === 'slice') {
    await take(world, { do: 'start', dataset: step.dataset, request: {} })
    await world.slice(dataset, plan)
  } else await world.resolve(plan)
  const fighter = world.actors.at(-1)
  for (const each of step.meanwhile) await take(world, each)
  await fighter?.release()
}

/** Slices of one sync that are enough for its end, if nobody is in the way. */
const SLICES_MAX = 4

async function through(world: World, dataset: WorldDataset): Promise<void> {
  await world.meanwhile('start', () => world.startSync(dataset, {}))
  for (let n = 0; n < SLICES_MAX && (await world.run(dataset)) !== null; n++) {
    await world.slice(dataset, {})
    if (!world.actors.at(-1)!.hasEnded) return
  }
}

/** Rounds until a world must have come to rest. */
const ROUNDS_MAX = 30

/** Everybody ends what they do, what is on its way arrives, syncs go on to their end, and all dirty keys are read. */
async function rest(world: World): Promise<void> {
  await world.letAllEnd()
  while (world.events.length > 0) await world.deliver(0, false)
  await world.setPoints(null)
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await world.expireLeases()
    let isBusy = false
    for (const dataset of world.datasets) if (await goOn(world, dataset)) isBusy = true
    if (await drain(world)) isBusy = true
    if (!isBusy) return
  }
}

async function goOn(world: World, dataset: WorldDataset): Promise<boolean> {
  const run = await world.run(dataset)
  if (run === null) return false
  if (run.state === 'paused') await world.steer(dataset, 'resume')
  if (run.state === 'parked') await world.steer(dataset, run.errorCode === 'sync.parked' ? 'approve' : 'resume')
  await world.slice(dataset, {})
  await world.actors.at(-1)!.finish()
  return true
}

async function drain(world: World): Promise<boolean> {
  const { rowCount } = await world.deps.db.query('update dirty set not_before = null where source_no = $1', [
    world.sourceNo,
  ])
  if (rowCount === 0) return false
  await world.resolve({})
  await world.actors.at(-1)!.finish()
  return true
}

async function syncAll(world: World): Promise<void> {
  for (const dataset of world.datasets) await world.startSync(dataset, {})
  await rest(world)
}
