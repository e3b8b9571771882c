// Proves what people are told of a sync: its kind, how fast it is, how much is left, what it waits for, and why none can be started.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type SyncRun, syncCounts } from '#contract/syncs.ts'
import {
  countsOf,
  kindOf,
  paceOf,
  rateOf,
  refusalOf,
  type Sample,
  secondsOf,
  waitingFor,
  withSample,
} from './run-facts.ts'
import { isInterval, unitOf } from './schedule.ts'

const counts = (listed: number) =>
  ({ ...Object.fromEntries(syncCounts.map((name) => [name, 0])), listed }) as SyncRun['counts']
const master = { driver: 'd', readableType: 'master', readonly: false, isSyncing: false }

describe('the kind of a run', () => {
  test('is a plan whatever else was asked for, and removal is never hidden', () => {
    expect(kindOf({ options: { dryRun: true, reconcile: true }, report: {} })).toBe('reconcilePlan')
    expect(kindOf({ options: { reconcile: true, isFirst: true }, report: {} })).toBe('reconcile')
    expect(kindOf({ options: { isFirst: true }, report: {} })).toBe('first')
  })

  test('tells a plan that was applied from a run that was approved while it was parked', () => {
    const absent = { count: 1, set: 'x', allowed: 50, brake: null, sample: [] }
    expect(kindOf({ options: { approved: 'x' }, report: { absent } })).toBe('sync')
    expect(kindOf({ options: { approved: 'x' }, report: {} })).toBe('applied')
  })
})

test('a plan counts what it would mark or remove, though it has marked nothing', () => {
  const report = { absent: { count: 9, set: 'x', allowed: 50, brake: null, sample: [] } }
  expect(countsOf({ options: { dryRun: true }, report, counts: counts(1) }).missing).toBe(9)
  expect(countsOf({ options: { dryRun: true, reconcile: true }, report, counts: counts(1) })).toMatchObject({
    missing: 0,
    removed: 9,
  })
  expect(countsOf({ options: {}, report, counts: counts(1) }).missing).toBe(0)
})

describe('the rate', () => {
  test('is what was listed between the first and the last moment', () => {
    const samples: Sample[] = [
      { atMs: 0, listed: 0 },
      { atMs: 2000, listed: 5000 },
    ]
    expect(rateOf(samples)).toBe(2500)
    expect(rateOf(samples.slice(0, 1))).toBeNull()
  })

  test('is never negative, and forgets the past', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: -500, max: 5000 })))
    fc.assert(
      fc.property(steps, (all) => {
        let samples: readonly Sample[] = []
        let at = { atMs: 0, listed: 0 }
        for (const [ms, listed] of all) {
          at = { atMs: at.atMs + ms, listed: Math.max(0, at.listed + listed) }
          samples = withSample(samples, at)
          expect(rateOf(samples) ?? 0).toBeGreaterThanOrEqual(0)
          // One older than the window is kept to measure from, no more.
          expect(samples.filter(({ atMs }) => atMs < at.atMs - 15_000).length).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

describe('how much is left', () => {
  const run = (listed: number, options = {}) => ({ options, counts: counts(listed), phase: 'listing' as const })

  test('follows from the items that the dataset has', () => {
    expect(paceOf(run(250), 1000, 50)).toEqual({ percent: 25, secondsLeft: 15 })
    expect(paceOf(run(250), 1000, null)).toEqual({ percent: 25, secondsLeft: null })
  })

  test('is not told in a first sync, or when more is listed than was there', () => {
    expect(paceOf(run(250, { isFirst: true }), 1000, 50).percent).toBeNull()
    expect(paceOf(run(1001), 1000, 50)).toEqual({ percent: null, secondsLeft: null })
  })
})

test('a parked run waits for an approval or for the storage', () => {
  expect(waitingFor({ state: 'parked', errorCode: 'sync.parked' })).toBe('approval')
  expect(waitingFor({ state: 'parked', errorCode: 'storage.denied' })).toBe('storage')
  expect(waitingFor({ state: 'paused', errorCode: null })).toBeNull()
})

test('a run that has not begun has taken no time; one that has ended takes no more', () => {
  expect(secondsOf({ startedAt: null, finishedAt: null }, 0)).toBeNull()
  const ended = { startedAt: '2026-11-22T10:00:00.000Z', finishedAt: '2026-11-22T10:01:30.000Z' }
  expect(secondsOf(ended, Date.parse('2026-11-23T00:00:00Z'))).toBe(90)
})

test('a sync cannot be started by who may not, of what has no bucket of its own, or beside another; a parked one gives way', () => {
  expect(refusalOf(master, false, [])).toBe('needsDeveloper')
  expect(refusalOf({ ...master, readableType: 'clone' }, true, [])).toBe('notMaster')
  expect(refusalOf({ ...master, driver: null }, true, [])).toBe('notExternal')
  expect(refusalOf({ ...master, readonly: true }, true, [])).toBe('isReadonly')
  expect(refusalOf(master, true, [{ state: 'paused' }])).toBe('isRunning')
  expect(refusalOf(master, true, [{ state: 'parked' }, { state: 'success' }])).toBeNull()
})

test('an interval is shown in the largest unit in which it is whole, and kept within the limits', () => {
  expect([5, 60, 90, 1440, 2880].map(unitOf)).toEqual([1, 60, 1, 1440, 1440])
  expect([4, 5, 5.5, 44_640, 44_641].map(isInterval)).toEqual([false, true, false, true, false])
})
