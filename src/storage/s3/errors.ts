import type { ProviderId } from '../port.ts'
import { StorageError, type StorageErrorFacts, type StorageErrorKind } from '../storage-error.ts'

/** Where a failure happened. */
export interface Where {
  readonly op: string
  readonly key?: string | undefined
}

/** What an answer with a failing status told, without its body. */
export interface FailedAnswer {
  readonly status: number
  /** S3's own code, when the body or the SDK gave one. */
  readonly code?: string | undefined
  readonly region?: string | undefined
  readonly requestId?: string | undefined
  readonly retryAfter?: string | undefined
  /** Whether the answer looked like S3's: an XML error, or headers only S3 sends. */
  readonly isStorageLike: boolean
}

const provider: ProviderId = 's3'

const kindOfCode = new Map<string, StorageErrorKind>([
  ['NoSuchBucket', 'unknown-bucket'],
  ['InvalidBucketName', 'unknown-bucket'],
  ['NoSuchKey', 'not-found'],
  ['NoSuchVersion', 'not-found'],
  ['InvalidAccessKeyId', 'bad-credentials'],
  ['SignatureDoesNotMatch', 'bad-credentials'],
  ['InvalidToken', 'bad-credentials'],
  ['InvalidSecurity', 'bad-credentials'],
  ['NotSignedUp', 'bad-credentials'],
  ['AccountProblem', 'bad-credentials'],
  ['ExpiredToken', 'expired-credentials'],
  ['ExpiredTokenException', 'expired-credentials'],
  ['TokenRefreshRequired', 'expired-credentials'],
  ['RequestTimeTooSkewed', 'clock-skew'],
  ['RequestExpired', 'clock-skew'],
  ['PermanentRedirect', 'wrong-region'],
  ['TemporaryRedirect', 'wrong-region'],
  ['IllegalLocationConstraintException', 'wrong-region'],
  ['SlowDown', 'throttled'],
  ['TooManyRequests', 'throttled'],
  ['RequestLimitExceeded', 'throttled'],
  ['Throttling', 'throttled'],
  ['ThrottlingException', 'throttled'],
  ['BandwidthLimitExceeded', 'throttled'],
  ['ServiceUnavailable', 'unavailable'],
  ['InternalError', 'unavailable'],
  ['RequestTimeout', 'unavailable'],
  ['OperationAborted', 'conflict'],
  ['ConditionalRequestConflict', 'conflict'],
  ['PreconditionFailed', 'precondition-failed'],
  ['AccessDenied', 'forbidden'],
  ['AllAccessDisabled', 'forbidden'],
  ['InvalidObjectState', 'forbidden'],
  ['NotImplemented', 'unsupported'],
  ['MethodNotAllowed', 'unsupported'],
])

const sentences: Readonly<Record<StorageErrorKind, string>> = {
  'not-found': 'The storage has no such object.',
  'unknown-bucket': 'The storage has no bucket of this name; check name, region and endpoint.',
  forbidden: 'The storage denied this to the credentials.',
  'kms-forbidden': 'The storage denied the credentials the use of the bucket’s encryption key.',
  'bad-credentials': 'The storage does not accept the access key or its secret.',
  'expired-credentials': 'The credentials have expired.',
  'wrong-region': 'The bucket is in another region.',
  'clock-skew': 'The clocks of this server and the storage differ too much.',
  conflict: 'Another change of the same object is under way.',
  'precondition-failed': 'The object is not, or not any more, what was expected.',
  throttled: 'The storage asks for fewer requests.',
  unavailable: 'The storage failed for the moment.',
  unreachable: 'The storage’s host cannot be reached.',
  tls: 'The certificate of the storage’s host was not accepted.',
  'not-a-storage': 'The address answered, but not as a storage does; check the endpoint and its port.',
  invalid: 'The storage’s answer makes no sense.',
  unsupported: 'The storage cannot do this.',
  unaddressable: 'No safe address can be made for this key.',
  'root-not-allowed': 'The operator has not opened this folder.',
  aborted: 'The work was stopped.',
}

/** Turns a failing answer into the error it stands for; the body never gets into the message. For `s3.ts` and `list.ts`. */
export function answerError(answer: FailedAnswer, where: Where, cause?: unknown): StorageError {
  const kind = kindOfAnswer(answer)
  const seconds = Number(answer.retryAfter)
  const region = answer.region !== undefined && /^[a-z0-9-]{1,40}$/.test(answer.region) ? answer.region : undefined
  return failure(kind, where, {
    providerCode: safeCode(answer.code),
    requestId: answer.requestId,
    cause,
    ...(kind === 'wrong-region' ? { region } : {}),
    ...(answer.retryAfter !== undefined && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
  })
}

function kindOfAnswer({ status, code, region, isStorageLike }: FailedAnswer): StorageErrorKind {
  if (code === 'AuthorizationHeaderMalformed') return region === undefined ? 'bad-credentials' : 'wrong-region'
  if (code?.startsWith('KMS.')) return 'kms-forbidden'
  const kind = code === undefined ? undefined : kindOfCode.get(code)
  if (kind !== undefined) return kind
  if (status === 301 || status === 307) return region !== undefined || isStorageLike ? 'wrong-region' : 'not-a-storage'
  if (status === 429) return 'throttled'
  if (status === 408 || status >= 500) return 'unavailable'
  if (!isStorageLike) return 'not-a-storage'
  if (status === 401 || status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  if (status === 409) return 'conflict'
  if (status === 412) return 'precondition-failed'
  return status === 405 || status === 501 ? 'unsupported' : 'invalid'
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

/** Turns anything thrown on the way to S3, by Node or the SDK, into a `StorageError`: the only place that knows their shapes. */
export function toStorageError(error: unknown, where: Where): StorageError {
  if (error instanceof StorageError) return error
  const shape = error as ErrorShape
  if (shape?.name === 'AbortError' || shape?.code === 'ABORT_ERR') return failure('aborted', where, {})
  const status = shape?.$metadata?.httpStatusCode
  if (status !== undefined) {
    const headers = shape.$response?.headers ?? {}
    const code = shape.Code ?? shape.name
    return answerError(
      {
        status,
        code: code === 'Unknown' || code === 'UnknownError' || code === 'NotFound' ? undefined : code,
        region: shape.Region ?? headers['x-amz-bucket-region'],
        requestId: shape.$metadata?.requestId,
        retryAfter: headers['retry-after'],
        // A HEAD has no body to look like anything.
        isStorageLike: shape.$metadata?.requestId !== undefined || code === shape.Code || where.op === 'stat',
      },
      where,
    )
  }
  const code = typeof shape?.code === 'string' ? shape.code : (shape?.cause as ErrorShape | undefined)?.code
  if (code === undefined && shape?.name === 'TimeoutError') return failure('unreachable', where, {})
  if (code !== undefined && unreachableCodes.has(code)) return failure('unreachable', where, { providerCode: code })
  // Both are what a plain HTTP server, or none, says to the first bytes of TLS.
  if (code !== undefined && isTlsCode(code)) return failure('tls', where, { providerCode: code })
  if (code?.startsWith('HPE_')) return failure('not-a-storage', where, { providerCode: code })
  return failure('invalid', where, { cause: error })
}

interface ErrorShape {
  readonly name?: string
  readonly code?: string
  readonly Code?: string
  readonly Region?: string
  readonly cause?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
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

function failure(
  kind: StorageErrorKind,
  where: Where,
  facts: Omit<StorageErrorFacts, 'provider' | 'op' | 'key'>,
): StorageError {
  return new StorageError(kind, sentences[kind], { provider, op: where.op, key: where.key, ...facts })
}

function safeCode(code: string | undefined): string | undefined {
  return code !== undefined && /^[A-Za-z][\w.-]{0,63}$/.test(code) ? code : undefined
}
