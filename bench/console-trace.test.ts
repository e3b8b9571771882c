// Proves that tasks are counted out of a trace by the clock and by the processor’s time, of pages’ main threads alone, and never out of a trace that cannot tell.
import { expect, it } from 'vitest'
import { addTasks, noTasks, readTasks, type TraceEvent } from './console-trace.ts'

const thread = (pid: number, tid: number, name: string): TraceEvent => ({
  name: 'thread_name',
  ph: 'M',
  pid,
  tid,
  args: { name },
})
const task = (pid: number, tid: number, dur: number, tdur?: number): TraceEvent => ({
  name: 'ThreadControllerImpl::RunTask',
  ph: 'X',
  pid,
  tid,
  dur,
  ...(tdur !== undefined && { tdur }),
})
const names = [thread(1, 1, 'CrRendererMain'), thread(1, 2, 'Compositor'), thread(2, 1, 'CrBrowserMain')]

it('counts what was long by the clock apart from what was long by the processor', () => {
  const tasks = readTasks([
    ...names,
    task(1, 1, 100_000, 100_000),
    task(1, 1, 100_001, 20_000),
    task(1, 1, 250_000, 180_000),
    task(1, 2, 900_000, 900_000),
    task(2, 1, 900_000, 900_000),
    { ...task(1, 1, 900_000, 900_000), name: 'FunctionCall' },
  ])
  expect(tasks).toEqual({ count: 3, longestMs: 250, longestCpuMs: 180, long: 2, longCpu: 1 })
})

it('refuses a trace without tasks of a page, or without times of the processor', () => {
  expect(() => readTasks([...names, task(2, 1, 5, 5)])).toThrow('no task of a page')
  expect(() => readTasks([...names, task(1, 1, 5)])).toThrow('no time of the processor')
})

it('adds stretches of time up, and starts from nothing', () => {
  const one = { count: 2, longestMs: 40, longestCpuMs: 39, long: 0, longCpu: 0 }
  const other = { count: 3, longestMs: 140, longestCpuMs: 20, long: 1, longCpu: 0 }
  expect(addTasks(addTasks(noTasks, one), other)).toEqual({
    count: 5,
    longestMs: 140,
    longestCpuMs: 39,
    long: 1,
    longCpu: 0,
  })
})
