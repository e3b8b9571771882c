import { systemClock } from '#lib/clock.ts'
import type { BlobObjects } from './objects.ts'
import { type DelegationKey, sasTime, signingKeyOf } from './sas.ts'

/** For how long a key is asked; Azure gives at most seven days, and a log-in that was taken away should not go on signing for so long. */
const KEY_MS = 24 * 3600_000
/** Clocks may differ: a key that begins in the future signs nothing. */
const SKEW_MS = 5 * 60_000

interface HeldKey {
  readonly key: DelegationKey
  readonly endsMs: number
}

/** The key that signs addresses for who is logged in by a token: got once for all who ask, kept while it outlives what it is to sign. For `azure.ts`. */
export class Delegation {
  readonly #objects: Pick<BlobObjects, 'delegationKey'>
  #held: HeldKey | undefined
  #pending: Promise<HeldKey> | undefined

  constructor(objects: Pick<BlobObjects, 'delegationKey'>) {
    this.#objects = objects
  }

  /** A key that ends behind this time, which may be up to 22 hours away. Throws `forbidden` where the log-in may not have one. */
  async keyUntil(ms: number): Promise<DelegationKey> {
    if (this.#held !== undefined && this.#held.endsMs > ms) return this.#held.key
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined
    })
    return (await this.#pending).key
  }

  async #fetch(): Promise<HeldKey> {
    const nowMs = Math.floor(systemClock.now() / 1000) * 1000
    const given = await this.#objects.delegationKey(nowMs - SKEW_MS, nowMs + KEY_MS)
    const key: DelegationKey = {
      objectId: given.objectId,
      tenantId: given.tenantId,
      startsOn: sasTime(given.startsOnMs),
      endsOn: sasTime(given.endsOnMs),
      service: given.service,
      version: given.version,
      key: signingKeyOf(given.value),
    }
    this.#held = { key, endsMs: given.endsOnMs }
    return this.#held
  }
}
