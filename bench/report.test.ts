// Proves that a result says what was measured: figures keep four digits, a goal is met or missed at its limit, and the table shows both.
import { expect, it } from 'vitest'
import { goalOf, type Result, toJsonLine, toTable } from './report.ts'

it('meets a goal at its limit and misses it beyond', () => {
  expect([0.69, 0.7, 0.71].map((value) => goalOf('speed', value, { atLeast: 0.7 }).isMet)).toEqual([false, true, true])
  expect([249, 250, 251].map((value) => goalOf('memory', value, { atMost: 250 }).isMet)).toEqual([true, true, false])
  expect(goalOf('speed', Number.NaN, { atLeast: 0.7 }).isMet).toBe(false)
})

it('tells contenders and goals in one JSON line and in a table', () => {
  const result: Result = {
    bench: 'resync',
    n: 1_000_000,
    contenders: [
      { name: 'ours', seconds: 2.34567, perSecond: 426_318.4, walMb: 4.5, changes: 10_000, walBytesPerChange: 471.859 },
    ],
    goals: [goalOf('ours, keys a second', 426_318.4, { atLeast: 300_000 }), goalOf('log, MB', 4.5, { atMost: 1 })],
  }
  expect(JSON.parse(toJsonLine(result))).toEqual({
    bench: 'resync',
    n: 1_000_000,
    contenders: [
      { name: 'ours', seconds: 2.346, perSecond: 426_300, walMb: 4.5, changes: 10_000, walBytesPerChange: 471.9 },
    ],
    goals: [
      { name: 'ours, keys a second', value: 426_300, atLeast: 300_000, isMet: true },
      { name: 'log, MB', value: 4.5, atMost: 1, isMet: false },
    ],
  })
  const table = toTable(result)
  expect(table).toContain('2.35 s, 426,318/s, 4.5 MB of WAL, 472 bytes of it for each of 10,000 changes')
  expect(table).toContain('wanted at least 300,000: kept')
  expect(table).toContain('wanted at most 1: MISSED')
})
