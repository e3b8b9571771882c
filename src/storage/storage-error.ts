import type { ProviderId } from './port.ts'

/** What went wrong, in words that hold for every provider; each leads to one code of the contract's table (`storageErrorCode` in `error-codes.ts`). */
export type StorageErrorKind =
  | 'not-found'
  | 'unknown-bucket'
  | 'forbidden'
  | 'kms-forbidden'
  | 'bad-credentials'
  | 'expired-credentials'
  | 'role-denied'
  | 'wrong-region'
  | 'clock-skew'
  | 'conflict'
  | 'precondition-failed'
  | 'throttled'
  | 'unavailable'
  | 'unreachable'
  | 'address-denied'
  | 'tls'
  | 'not-a-storage'
  | 'invalid'
  | 'unsupported'
  | 'unaddressable'
  | 'root-not-allowed'
  | 'aborted'

/** What is known of a failure; all of it may be shown to the caller. */
export interface StorageErrorFacts {
  readonly provider: ProviderId
  /** The port's method, or the probe. */
  readonly op: string
  readonly key?: string | undefined
  /** The provider's own id of the failed request, safe to show. */
  readonly requestId?: string | undefined
  /** The provider's own short code (`NoSuchBucket`), safe to show; never its body. */
  readonly providerCode?: string | undefined
  readonly retryAfterMs?: number | undefined
  /** For `wrong-region`: the region to use, when the provider tells. */
  readonly region?: string | undefined
  readonly cause?: unknown
}

/** The only error storage drivers throw. Its message holds no secret, no address with a signature and nothing of the provider's body. */
export class StorageError extends Error {
  readonly kind: StorageErrorKind
  readonly facts: StorageErrorFacts

  constructor(kind: StorageErrorKind, message: string, facts: StorageErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'StorageError'
    this.kind = kind
    this.facts = facts
  }

  /** Whether trying again later can help. */
  get isTransient(): boolean {
    return this.kind === 'throttled' || this.kind === 'unavailable' || this.kind === 'unreachable'
  }
}
