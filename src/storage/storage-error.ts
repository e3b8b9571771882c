import type { ErrorCode } from '#contract/errors.ts'
import type { ProviderId } from './port.ts'

/** What went wrong, in words that hold for every provider; each leads to one code of the contract's table (`storageErrorCode`). */
export type StorageErrorKind =
  | 'not-found'
  | 'unknown-bucket'
  | 'forbidden'
  | 'kms-forbidden'
  | 'bad-credentials'
  | 'expired-credentials'
  | 'wrong-region'
  | 'clock-skew'
  | 'conflict'
  | 'precondition-failed'
  | 'throttled'
  | 'unavailable'
  | 'unreachable'
  | 'tls'
  | 'not-a-storage'
  | 'invalid'
  | 'unsupported'
  | 'unaddressable'
  | 'aborted'

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

const codes: Readonly<Record<StorageErrorKind, ErrorCode>> = {
  'not-found': 'storage.not_found',
  'unknown-bucket': 'storage.unknown_bucket',
  forbidden: 'storage.denied',
  'kms-forbidden': 'storage.kms_denied',
  'bad-credentials': 'storage.bad_credentials',
  'expired-credentials': 'storage.expired_credentials',
  'wrong-region': 'storage.wrong_region',
  'clock-skew': 'storage.clock_skew',
  conflict: 'storage.conflict',
  'precondition-failed': 'storage.conflict',
  throttled: 'storage.throttled',
  unavailable: 'storage.unavailable',
  unreachable: 'storage.unreachable',
  tls: 'storage.tls_failed',
  'not-a-storage': 'storage.not_a_storage',
  invalid: 'storage.invalid_answer',
  unsupported: 'storage.unsupported',
  unaddressable: 'item.unaddressable',
  aborted: 'server.stopping',
}

/** The code of the contract's table that stands for a storage failure; for whoever turns one into an answer or a notification. */
export function storageErrorCode(error: StorageError): ErrorCode {
  return codes[error.kind]
}
