import type { DbPool } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Deps } from '../deps.ts'

const WINDOW_MS = 60_000
/** Failed log-ins a minute for one e-mail address from one network address. */
const FAILED_MAX = 10
/** Failed log-ins a minute from one network address, whoever it says it is. */
const FAILED_ADDRESS_MAX = 100
/** Windows kept; the oldest go first. */
const KEPT_MAX = 20_000

interface Window {
  readonly startMs: number
  count: number
}

const windowsOf = new WeakMap<DbPool, Map<string, Window>>()

/**
 * Runs one attempt to prove a password, and refuses it with `rate.limited` when too many failed in the last minute.
 *
 * The attempt is counted before it runs and taken back when it succeeds, so that a thousand at the same moment do not all slip through.
 * Counted in this process only: with several processes the limit is that many times higher.
 */
export async function limitAttempts<T>(
  deps: Deps,
  who: { name: string; address: string },
  attempt: () => Promise<T>,
): Promise<T> {
  const taken = [
    take(deps, `${who.address}|${who.name.toLowerCase().slice(0, 254)}`, FAILED_MAX),
    take(deps, who.address, FAILED_ADDRESS_MAX),
  ]
  const result = await attempt()
  for (const window of taken) window.count--
  return result
}

function take(deps: Deps, key: string, max: number): Window {
  const windows = windowsOf.get(deps.db) ?? new Map<string, Window>()
  windowsOf.set(deps.db, windows)
  const now = deps.clock.now()
  let window = windows.get(key)
  if (window === undefined || now - window.startMs >= WINDOW_MS) {
    window = { startMs: now, count: 0 }
    windows.delete(key)
    windows.set(key, window)
    if (windows.size > KEPT_MAX) windows.delete(windows.keys().next().value!)
  }
  if (window.count >= max) throw new AppError('rate.limited')
  window.count++
  return window
}
