// Proves that a run has one worker at a time: who takes it fences the one before off, whose late writes of every kind then change nothing.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { holdRun, LeaseLost } from '#core/sync/queries.ts'
import {
  type ClaimedRun,
  claimRun,
  enterPhase,
  findAbandonedRuns,
  keepLease,
  releaseRun,
  turnIntoCompare,
} from '#core/sync/run.ts'
import { endRun } from '#core/sync/run-end.ts'
import { Meeting } from '../support/meeting.ts'

let meeting: Meeting
let runNo: number
beforeAll(async () => {
  meeting = await Meeting.open()
})
afterAll(() => meeting.close())
beforeEach(async () => {
  await meeting.begin()
  runNo = await meeting.start()
})

const claim = () => claimRun(meeting.deps.db, runNo)
const leaseAgo = (seconds: number) =>
  meeting.deps.db.query('update sync_run set lease_until = now() - make_interval(secs => $2) where run_no = $1', [
    runNo,
    seconds,
  ])

/** A worker that was silent for too long, and the one that has its run now. */
async function twoWorkers(): Promise<{ old: ClaimedRun; current: ClaimedRun }> {
  const old = (await claim())!
  await leaseAgo(1)
  return { old, current: (await claim())! }
}

test('nobody takes a run whose worker lives; when it is silent, somebody does', async () => {
  const first = (await claim())!
  expect(await claim()).toBeNull()
  expect(await findAbandonedRuns(meeting.deps.db)).not.toContain(runNo)
  await leaseAgo(1)
  expect(await findAbandonedRuns(meeting.deps.db)).toContain(runNo)
  const second = (await claim())!
  expect(second.fence).toBeGreaterThan(first.fence)
  expect(await claim()).toBeNull()
})

test('a beat keeps the lease', async () => {
  const run = (await claim())!
  await leaseAgo(1)
  expect(await keepLease(meeting.deps.db, run)).toBe('kept')
  expect(await claim()).toBeNull()
  await leaseAgo(1)
  await holdRun(meeting.deps.db, run)
  expect(await claim()).toBeNull()
})

test('a worker that gave its run back lets the next one have it at once', async () => {
  const run = (await claim())!
  expect(await releaseRun(meeting.deps.db, run, 0, null, 0)).toBe(true)
  expect(await claim()).not.toBeNull()
})

test('a run that was given back is abandoned when nobody has taken it some seconds after it was due: whoever took its job is dead', async () => {
  const run = (await claim())!
  const dueIn = (seconds: number) =>
    meeting.deps.db.query('update sync_run set due_at = due_at + make_interval(secs => $2) where run_no = $1', [
      runNo,
      seconds,
    ])
  expect(await releaseRun(meeting.deps.db, run, 0, null, 60_000)).toBe(true)
  expect(await findAbandonedRuns(meeting.deps.db)).not.toContain(runNo)
  await dueIn(-60)
  expect(await findAbandonedRuns(meeting.deps.db)).not.toContain(runNo)
  await dueIn(-6)
  expect(await findAbandonedRuns(meeting.deps.db)).toContain(runNo)
})

test('who lost a run is told so, and nothing it does to it counts', async () => {
  const { old, current } = await twoWorkers()
  const before = await meeting.run(runNo)
  expect(await keepLease(meeting.deps.db, old)).toBe('lost')
  await expect(holdRun(meeting.deps.db, old)).rejects.toThrow(LeaseLost)
  await expect(enterPhase(meeting.deps.db, old, 'counting')).rejects.toThrow(LeaseLost)
  expect(await releaseRun(meeting.deps.db, old, 7, { code: 'storage.unreachable', message: 'late' }, 0)).toBe(false)
  await turnIntoCompare(meeting.deps.db, old)
  expect(await endRun(meeting.deps.db, old, 7, { state: 'success' }, Date.now())).toBe(false)
  expect(await meeting.run(runNo)).toEqual(before)
  expect(await keepLease(meeting.deps.db, current)).toBe('kept')
})

test('a run that has ended has no worker any more', async () => {
  const run = (await claim())!
  expect(await endRun(meeting.deps.db, run, 1, { state: 'canceled' }, Date.now())).toBe(true)
  expect(await keepLease(meeting.deps.db, run)).toBe('lost')
  await expect(holdRun(meeting.deps.db, run)).rejects.toThrow(LeaseLost)
  expect(await endRun(meeting.deps.db, run, 1, { state: 'success' }, Date.now())).toBe(false)
  expect(await claim()).toBeNull()
})
