// Plays a story in a world of its own, brings that to rest, and tells what was not as it must be.
import { differences, Witness } from './oracle.ts'
import { type Duel, KEYS, type Step, type Story, TEXTS } from './story.ts'
import { type Universe, World, type WorldDataset } from './world.ts'

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
    case 'flip':
      return world.write(name, world.bucket.get(Buffer.from(name)) === undefined ? 'one' : null, step.event)
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
  const { key, who, plan } = step
  if (step.isFlipped) await take(world, { do: 'flip', key, event: 'now' })
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
