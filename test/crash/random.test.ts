// Proves that a sync ends with exactly the right index when its workers are killed at random times, again and again within one run.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { firstContent, nextContent, withReturned } from './content.ts'
import { type Lane, openLane, type Scenario } from './lane.ts'
import { Report } from './report.ts'
import { dieWhen } from './trial.ts'

const LANES = 2
/** Kills of each scenario; two scenarios make 200. */
const KILLS = 100
const KILLS_PER_RUN = 5
/** A worker is at work from about 100 to 1,000 ms after its start. */
const DELAY_MS_MAX = 900
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)

const first = firstContent(25_000)
const second = nextContent(first, 1, 25)
const third = withReturned(nextContent(second, 2, 25), first, 3)

const scenarios: Scenario[] = [
  { name: 'first sync', steps: [{ content: first }] },
  { name: 're-sync', steps: [{ content: first }, { content: second }, { content: third }] },
].map((scenario) => ({ ...scenario, listConnections: 16, isSmall: false }))

test.each(scenarios)('$name, killed at random', { timeout: 1_800_000 }, async (scenario) => {
  const lanes = await Promise.all(Array.from({ length: LANES }, () => openLane(scenario)))
  const report = new Report(`${scenario.name}, at random, seed ${SEED}`)
  try {
    await Promise.all(lanes.map((lane, no) => work(lane, random(SEED + no), report)))
    report.print()
    expect(report.failures).toEqual([])
    expect(report.excessPagesMax).toBeLessThanOrEqual(scenario.listConnections)
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
})

async function work(lane: Lane, next: () => number, report: Report): Promise<void> {
  while (report.kills < KILLS) {
    const delays: number[] = []
    const outcome = await dieWhen(lane, KILLS_PER_RUN, async () => {
      delays.push(Math.round(next() * DELAY_MS_MAX))
      await sleep(delays.at(-1))
    })
    report.add(`killed after ${delays.join(', ')} ms`, outcome)
  }
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
