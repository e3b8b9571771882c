// Proves that a sync ends with exactly the right index wherever kill -9 meets it: before, during and after every single call to database and storage.
import { expect, test } from 'vitest'
import { firstContent, nextContent, withReturned } from './content.ts'
import type { CallKind, Moment } from './kill-at.ts'
import { type Lane, openLane, runInPeace, type Scenario } from './lane.ts'
import { Report } from './report.ts'
import { dieAt } from './trial.ts'
import type { KillPoint } from './worker-process.ts'

/** Two processors: one trial's worker and another's database. */
const LANES = 2

/** Three versions of a bucket, as many files as make a few hundred calls. */
function versions(files: number) {
  const first = firstContent(files)
  const second = nextContent(first, 1, 25)
  return { first, second, third: withReturned(nextContent(second, 2, 25), first, 3) }
}

const large = versions(1_500)
const small = versions(900)
const few = hintedVersions()
/** Two versions that differ in a few keys: each that is read again takes a dozen calls. */
function hintedVersions() {
  const { first, second } = versions(100)
  const isOneTooMany = (key: string) => /new-1\/sub-\d\/(\d\d|[4-9])\.txt$/.test(key)
  return { first, hinted: new Map([...second].filter(([key]) => !isOneTooMany(key))) }
}

interface Killed extends Scenario {
  /** At most so many of its points, evenly spread, where another scenario has nearly all of them. */
  readonly pointsMax?: number
}

const scenarios: Killed[] = [
  { name: 'first sync', steps: [{ content: large.first }] },
  { name: 'first sync in slices', steps: [{ content: small.first }], sliceMs: 120, pointsMax: 60 },
  { name: 're-sync', steps: [{ content: small.first }, { content: small.second }, { content: small.third }] },
  {
    name: 'reconcile',
    steps: [
      { content: small.first },
      { content: small.second, reconcile: true },
      { content: small.third, reconcile: true },
    ],
    pointsMax: 120,
  },
  { name: 'hints', steps: [{ content: few.first }, { content: few.hinted, isHinted: true }], pointsMax: 60 },
].map((scenario) => ({ ...scenario, listConnections: 4, isSmall: true }))

/** At most so many points a scenario, evenly spread; all of them unless CRASH_POINTS says. */
const pointsMax = Number(process.env.CRASH_POINTS ?? Number.POSITIVE_INFINITY)

test.each(scenarios)('$name, killed at every call', { timeout: 1_800_000 }, async (scenario) => {
  const lanes = await Promise.all(Array.from({ length: LANES }, () => openLane(scenario)))
  const report = new Report(scenario.name)
  try {
    const calls = await callsOf(lanes[0]!)
    const points = pointsOf(calls)
    const chosen = thin(points, Math.min(pointsMax, scenario.pointsMax ?? pointsMax))
    await Promise.all(lanes.map((lane) => work(lane, chosen, report)))
    report.print({ calls: calls.length, points: points.length })
    expect(report.failures).toEqual([])
    if (scenario.sliceMs === undefined) expect(points.length).toBeGreaterThanOrEqual(200)
    // One page a range, and the requests that were under way: one a connection.
    expect(report.excessPagesMax).toBeLessThanOrEqual(scenario.listConnections)
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
})

/**
 * Where to die around the calls: while each is under way, besides before each that changes something and is not inside a transaction, and after each
 * commit. What is left out leaves the same behind: a read changes nothing, dying after a call is dying before the next, and what a transaction did is
 * undone wherever in it one dies.
 */
function pointsOf(calls: readonly CallKind[]): KillPoint[] {
  const claim = calls.findIndex(({ label }) => label === 'update sync_run')
  return calls.flatMap(({ label, isInside }, index) => {
    const isRead = /^(select (?!graphile_worker)|http (GET|HEAD)|connect|begin|copy \(|set )/.test(label)
    const moments: Moment[] = ['during']
    if (!isInside && !isRead && index >= claim) moments.unshift('before')
    if (label === 'commit') moments.push('after')
    return moments.map((moment) => ({ moment, call: index + 1 }))
  })
}

/** What an undisturbed run calls. */
async function callsOf(lane: Lane): Promise<readonly CallKind[]> {
  const database = await lane.clone()
  try {
    return (await runInPeace(lane.settings(database.url), 'the end', () => lane.isDone(database.pool))).calls
  } finally {
    await database.drop()
  }
}

async function work(lane: Lane, points: KillPoint[], report: Report): Promise<void> {
  for (let point = points.shift(); point !== undefined; point = points.shift())
    report.add(`${point.moment} call ${point.call}`, await dieAt(lane, point))
}

function thin(points: readonly KillPoint[], count: number): KillPoint[] {
  const step = Math.max(1, points.length / count)
  return Array.from({ length: Math.floor(points.length / step) }, (_, index) => points[Math.floor(index * step)]!)
}
