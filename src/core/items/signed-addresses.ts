import type { SignedRequest } from '#storage/port.ts'

/** How long one object keeps one address, in milliseconds. */
const BUCKET_MS = 5 * 60_000
/** Most addresses kept; about 1 KB each. */
const ADDRESSES_MAX = 10_000
/** Longest that a browser may keep the redirect, in seconds. */
const MAX_AGE_SECONDS = 240
/** An address must be good for this long after the browser's copy of the redirect ends, in seconds. */
const RESERVE_SECONDS = 30

/** A signed address and how long a browser may remember it. */
export interface SignedAddress {
  readonly url: string
  readonly maxAgeSeconds: number
}

/**
 * Remembers signed addresses, so that the same object has the same address for up to five minutes: a signature has its time in it, and a new one each time
 * would miss every cache. The one that was used longest ago goes first.
 */
export class SignedAddresses {
  readonly #kept = new Map<string, { readonly bucket: number; readonly signed: SignedRequest }>()

  /** The address kept under `key` (which must name object, version and credentials), or what `sign` gives. */
  async get(key: string, nowMs: number, sign: () => Promise<SignedRequest>): Promise<SignedAddress> {
    const bucket = Math.floor(nowMs / BUCKET_MS)
    const kept = this.#kept.get(key)
    const isFresh = kept?.bucket === bucket && kept.signed.expiresAtMs > nowMs + RESERVE_SECONDS * 1000
    const signed = isFresh ? kept.signed : await sign()
    this.#kept.delete(key)
    this.#kept.set(key, { bucket, signed })
    if (this.#kept.size > ADDRESSES_MAX) this.#kept.delete(this.#kept.keys().next().value!)
    const leftSeconds = Math.floor((signed.expiresAtMs - nowMs) / 1000) - RESERVE_SECONDS
    return { url: signed.url, maxAgeSeconds: Math.max(0, Math.min(MAX_AGE_SECONDS, leftSeconds)) }
  }
}
