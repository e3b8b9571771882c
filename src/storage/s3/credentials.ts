import { type Clock, systemClock } from '#lib/clock.ts'
import type { Secret } from '#lib/secret.ts'
import { failureOf } from '../http/failures.ts'
import { StorageError } from '../storage-error.ts'

/** Keys that sign requests. */
export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken?: Secret | undefined
}

/** Keys of a session, which end by themselves. */
export interface SessionKeys extends Keys {
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** Whose keys sign the requests of one storage. Only what is given here is ever used: no environment, no files, no machine's own role. */
export interface CredentialSource {
  /** Keys that are good now; a promise only where they have to be fetched first. Errors are `StorageError`s. */
  current(): Keys | Promise<Keys>
  /** The storage called these keys expired: the next `current()` gives others. False where there are no others. */
  refuse(keys: Keys): boolean
  /** The storage denied something to these keys, which may be because their role is not what it was: true where the next `current()` asks for it anew. */
  doubt(keys: Keys): boolean
}

/** Longest rest of a session in milliseconds that is no longer handed out: a quarter of an hour, so that signed addresses of the usual length live to their end. */
const REST_MS_MAX = 15 * 60_000
/** Keys younger than this are not doubted: a storage that denies many things must not make as many sessions. */
const DOUBT_MS = 30_000
/** Pause after a renewal that failed while the old keys are still good. */
const PAUSE_MS = 5_000

/** A key that lasts until somebody takes it away. */
export function lastingKeys(keys: Keys): CredentialSource {
  return { current: () => keys, refuse: () => false, doubt: () => false }
}

/**
 * Keys of sessions, each fetched by `fetch` before the last one ends. For roles.
 *
 * Calls at the same time share one fetch. A session is renewed when a quarter of its life, or 15 minutes, is left; should that fail, the old one serves
 * on to its end while the next calls try again.
 */
export function renewedKeys(fetch: () => Promise<SessionKeys>, clock: Clock = systemClock): CredentialSource {
  return new RenewedKeys(fetch, clock)
}

class RenewedKeys implements CredentialSource {
  readonly #fetch: () => Promise<SessionKeys>
  readonly #clock: Clock
  #held: SessionKeys | undefined
  #renewAtMs = 0
  #fetchedMs = 0
  #fetching: Promise<SessionKeys> | undefined

  constructor(fetch: () => Promise<SessionKeys>, clock: Clock) {
    this.#fetch = fetch
    this.#clock = clock
  }

  current(): Keys | Promise<Keys> {
    if (this.#held !== undefined && this.#clock.now() < this.#renewAtMs) return this.#held
    this.#fetching ??= this.#renew().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  refuse(keys: Keys): boolean {
    // Somebody else may have renewed them meanwhile.
    if (this.#held === keys) this.#held = undefined
    return true
  }

  doubt(keys: Keys): boolean {
    if (this.#held === keys && this.#clock.now() - this.#fetchedMs < DOUBT_MS) return false
    return this.refuse(keys)
  }

  async #renew(): Promise<SessionKeys> {
    const held = this.#held
    try {
      const keys = await this.#fetch()
      const nowMs = this.#clock.now()
      const lifeMs = keys.expiresAtMs - nowMs
      if (!(lifeMs > 0)) throw failureOf('clock-skew', { provider: 's3', op: 'assumeRole' })
      this.#held = keys
      this.#fetchedMs = nowMs
      this.#renewAtMs = keys.expiresAtMs - Math.min(REST_MS_MAX, lifeMs / 4)
      return keys
    } catch (error) {
      const nowMs = this.#clock.now()
      const isPassing = error instanceof StorageError && error.isTransient
      if (!isPassing || held === undefined || this.#held !== held || nowMs >= held.expiresAtMs) throw error
      this.#renewAtMs = Math.min(nowMs + PAUSE_MS, held.expiresAtMs)
      return held
    }
  }
}

/** Milliseconds that keys still live; `Infinity` where they do not end by themselves. */
export function restMs(keys: Keys, nowMs: number): number {
  return 'expiresAtMs' in keys ? (keys as SessionKeys).expiresAtMs - nowMs : Number.POSITIVE_INFINITY
}
