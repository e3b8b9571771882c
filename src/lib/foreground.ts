import { performance } from 'node:perf_hooks'

/** Whether people are being served in this process right now; for background work that can wait for them. */
export interface Foreground {
  isBusy(): boolean
}

/** For processes that serve nobody. */
export const noForeground: Foreground = { isBusy: () => false }

const SAMPLE_MS = 100
/** Weight of a new sample: half a second of work counts, one burst does not. */
const WEIGHT = 0.2
/** Share of the time the serving thread's loop is at work, in thousandths, from which on it counts as busy: twenty polls of a command a second are 100. */
const BUSY_PERMILLE = 250

/** Measures the calling thread's event loop into memory that other threads may read; ten times a second, some microseconds each. */
export function measureForeground(): { readonly shared: SharedArrayBuffer; stop(): void } {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const cell = new Int32Array(shared)
  let last = performance.eventLoopUtilization()
  let share = 0
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    share += WEIGHT * (performance.eventLoopUtilization(now, last).utilization - share)
    Atomics.store(cell, 0, Math.round(1000 * share))
    last = now
  }, SAMPLE_MS)
  timer.unref()
  return { shared, stop: () => clearInterval(timer) }
}

/** Reads, in another thread, what `measureForeground` measures. */
export function watchForeground(shared: SharedArrayBuffer): Foreground {
  const cell = new Int32Array(shared)
  return { isBusy: () => Atomics.load(cell, 0) >= BUSY_PERMILLE }
}
