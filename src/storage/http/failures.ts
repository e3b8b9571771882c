import { EGRESS_DENIED } from '../egress.ts'
import type { ProviderId } from '../port.ts'
import { StorageError, type StorageErrorFacts, type StorageErrorKind } from '../storage-error.ts'

/** Where a failure happened. */
export interface Where {
  readonly provider: ProviderId
  readonly op: string
  readonly key?: string | undefined
}

/** An answer that is no clean HTTP, or larger than any can be. For the files of this folder, which do not know whose storage they talk to. */
export class BadAnswer extends Error {
  readonly kind: 'invalid' | 'not-a-storage'
  /** Set where somebody has to know this failure from others. */
  readonly providerCode: 'AnswerTooLarge' | undefined

  constructor(message: string, kind: 'invalid' | 'not-a-storage' = 'invalid', providerCode?: 'AnswerTooLarge') {
    super(message)
    this.kind = kind
    this.providerCode = providerCode
  }
}

/** An answer that is malformed or can be read in two ways: nothing of it is used, least of all its silence (T8). */
export function malformedAnswer(what: string): BadAnswer {
  return new BadAnswer(`The storage's answer cannot be trusted: ${what}. Nothing of it was used.`)
}

const sentences: Readonly<Record<StorageErrorKind, string>> = {
  'not-found': 'The storage has no such object.',
  'unknown-bucket': 'The storage has no bucket of this name; check name, region and endpoint.',
  forbidden: 'The storage denied this to the credentials.',
  'kms-forbidden': 'The storage denied the credentials the use of the bucket’s encryption key.',
  'bad-credentials': 'The storage does not accept the credentials.',
  'expired-credentials': 'The credentials have expired.',
  'role-denied': 'The role could not be assumed: its ARN is wrong, or its trust policy does not let in who asks.',
  'wrong-region': 'The bucket is in another region.',
  'clock-skew': 'The clocks of this server and the storage differ too much.',
  conflict: 'Another change of the same object is under way.',
  'precondition-failed': 'The object is not, or not any more, what was expected.',
  throttled: 'The storage asks for fewer requests.',
  unavailable: 'The storage failed for the moment.',
  unreachable: 'The storage’s host cannot be reached.',
  'address-denied': 'The storage’s address is one that this server does not connect to; the operator can allow it.',
  tls: 'The certificate of the storage’s host was not accepted.',
  'not-a-storage': 'The address answered, but not as a storage does; check the endpoint and its port.',
  invalid: 'The storage’s answer makes no sense.',
  unsupported: 'The storage cannot do this.',
  unaddressable: 'No safe address can be made for this key.',
  'root-not-allowed': 'The operator has not opened this folder.',
  aborted: 'The work was stopped.',
}

/** The error of a kind, with the sentence that all providers share. For the drivers that speak HTTP. */
export function failureOf(
  kind: StorageErrorKind,
  where: Where,
  facts: Omit<StorageErrorFacts, 'provider' | 'op' | 'key'> = {},
): StorageError {
  return new StorageError(kind, sentences[kind], { ...where, ...facts })
}

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'EADDRNOTAVAIL',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
])

/** Turns anything thrown on the way to a storage, by Node or by the client of this folder, into a `StorageError`. What it does not know is `invalid`. */
export function networkFailure(error: unknown, where: Where): StorageError {
  if (error instanceof StorageError) return error
  if (error instanceof BadAnswer) {
    return new StorageError(error.kind, error.message, { ...where, providerCode: error.providerCode })
  }
  const shape = error as ErrorShape
  if (shape?.name === 'AbortError' || shape?.code === 'ABORT_ERR') return failureOf('aborted', where)
  const code = typeof shape?.code === 'string' ? shape.code : (shape?.cause as ErrorShape | undefined)?.code
  if (code === EGRESS_DENIED) return failureOf('address-denied', where)
  if (code === undefined && shape?.name === 'TimeoutError') return failureOf('unreachable', where)
  if (code !== undefined && unreachableCodes.has(code)) return failureOf('unreachable', where, { providerCode: code })
  // Both are what a plain HTTP server, or none, says to the first bytes of TLS.
  if (code !== undefined && isTlsCode(code)) return failureOf('tls', where, { providerCode: code })
  if (code?.startsWith('HPE_')) return failureOf('not-a-storage', where, { providerCode: code })
  return failureOf('invalid', where, { cause: error })
}

interface ErrorShape {
  readonly name?: string
  readonly code?: string
  readonly cause?: unknown
}

function isTlsCode(code: string): boolean {
  return (
    code === 'EPROTO' ||
    code.startsWith('ERR_TLS_') ||
    code.startsWith('ERR_SSL_') ||
    code.startsWith('CERT_') ||
    /_(?:SIGNATURE|CERT|CERT_IN_CHAIN|CERT_LOCALLY|CRL|CA)$/.test(code)
  )
}
