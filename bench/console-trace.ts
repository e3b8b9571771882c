/** An event of a trace as Chromium writes it; times in microseconds. Source: the “Trace Event Format” of the Chromium project. */
export interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** Time by the clock, and of the processor where the system tells it. */
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** A task longer than this is felt: the page does not answer meanwhile. */
export const LONG_TASK_MS = 100

/** What the main threads of pages did. */
export interface Tasks {
  readonly count: number
  /** Longest by the clock, and by the time it really had a processor, in milliseconds. */
  readonly longestMs: number
  readonly longestCpuMs: number
  /** Tasks above `LONG_TASK_MS` by the clock, and by the processor’s time. */
  readonly long: number
  readonly longCpu: number
}

/** No tasks at all, to add to. */
export const noTasks: Tasks = { count: 0, longestMs: 0, longestCpuMs: 0, long: 0, longCpu: 0 }

/**
 * Reads the tasks of all pages’ main threads out of a trace. Throws where the trace cannot tell, so that no task and no knowledge are not taken for the same.
 */
export function readTasks(events: readonly TraceEvent[]): Tasks {
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}:${tid}`),
  )
  const runs = events.filter(
    ({ name, ph, pid, tid }) => ph === 'X' && name.endsWith('RunTask') && mains.has(`${pid}:${tid}`),
  )
  if (runs.length === 0) throw new Error('the trace holds no task of a page')
  if (!runs.some(({ tdur }) => tdur !== undefined)) throw new Error('the trace tells no time of the processor')
  const clock = runs.map(({ dur }) => (dur ?? 0) / 1000)
  const cpu = runs.map(({ tdur }) => (tdur ?? 0) / 1000)
  const isLong = (ms: number) => ms > LONG_TASK_MS
  return {
    count: runs.length,
    longestMs: largest(clock),
    longestCpuMs: largest(cpu),
    long: clock.filter(isLong).length,
    longCpu: cpu.filter(isLong).length,
  }
}

/** Two stretches of time as one. */
export function addTasks(some: Tasks, more: Tasks): Tasks {
  return {
    count: some.count + more.count,
    longestMs: Math.max(some.longestMs, more.longestMs),
    longestCpuMs: Math.max(some.longestCpuMs, more.longestCpuMs),
    long: some.long + more.long,
    longCpu: some.longCpu + more.longCpu,
  }
}

/** Not by spreading: a trace has more tasks than a call may have arguments. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}
