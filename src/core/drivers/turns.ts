import { setTimeout as sleep } from 'node:timers/promises'

/** Longest wait for a turn in milliseconds; then one goes ahead all the same, because whoever asked has 120 seconds in all. */
const WAIT_MS_MAX = 20_000

const last = new Map<string, Promise<unknown>>()

/**
 * Does the work of one place one after the other, within this process.
 *
 * A check writes its test file under one fixed name, so that storages that let nobody delete collect no more than one; two checks of one folder at once
 * would read each other's.
 */
export async function inTurn<T>(place: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(place)
  const mine = (async () => {
    if (before !== undefined) {
      const stop = new AbortController()
      const limit = sleep(WAIT_MS_MAX, undefined, { signal: stop.signal, ref: false }).catch(() => {})
      await Promise.race([before.catch(() => {}), limit])
      stop.abort()
    }
    return work()
  })()
  last.set(place, mine)
  try {
    return await mine
  } finally {
    if (last.get(place) === mine) last.delete(place)
  }
}
