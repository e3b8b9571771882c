import type { ErrorCode } from '#contract/errors.ts'
import type { StorageError, StorageErrorKind } from './storage-error.ts'

const codes = {
  'not-found': 'storage.not_found',
  'unknown-bucket': 'storage.unknown_bucket',
  forbidden: 'storage.denied',
  'kms-forbidden': 'storage.kms_denied',
  'bad-credentials': 'storage.bad_credentials',
  'expired-credentials': 'storage.expired_credentials',
  'role-denied': 'storage.role_denied',
  'wrong-region': 'storage.wrong_region',
  'clock-skew': 'storage.clock_skew',
  conflict: 'storage.conflict',
  'precondition-failed': 'storage.conflict',
  throttled: 'storage.throttled',
  unavailable: 'storage.unavailable',
  unreachable: 'storage.unreachable',
  'address-denied': 'storage.address_denied',
  tls: 'storage.tls_failed',
  'not-a-storage': 'storage.not_a_storage',
  invalid: 'storage.invalid_answer',
  unsupported: 'storage.unsupported',
  unaddressable: 'item.unaddressable',
  'root-not-allowed': 'storage.root_not_allowed',
  // Whoever aborted does not wait for the answer; the code matters only when the server itself is stopping.
  aborted: 'server.stopping',
} as const satisfies Record<StorageErrorKind, ErrorCode>

/** The contract's code for a failure of a storage: what the HTTP edge answers and what a driver check reports. */
export function storageErrorCode(error: StorageError): ErrorCode {
  return codes[error.kind]
}
