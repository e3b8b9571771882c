import type { AnswerHead } from '../http/answer-head.ts'
import { failureOf, networkFailure } from '../http/failures.ts'
import type { StorageError, StorageErrorKind } from '../storage-error.ts'

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
  /** Whether a refusal speaks of an action of the key service; AWS gives it the code of any other refusal. */
  readonly isAboutKms?: boolean | undefined
  /** Whether the answer looked like S3's: an XML error, or headers only S3 sends. */
  readonly isStorageLike: boolean
}

const provider = 's3'

const kindOfCode = new Map<string, StorageErrorKind>([
  ['NoSuchBucket', 'unknown-bucket'],
  ['InvalidBucketName', 'unknown-bucket'],
  ['NoSuchKey', 'not-found'],
  ['NoSuchVersion', 'not-found'],
  ['InvalidAccessKeyId', 'bad-credentials'],
  ['SignatureDoesNotMatch', 'bad-credentials'],
  ['InvalidToken', 'bad-credentials'],
  ['InvalidClientTokenId', 'bad-credentials'],
  ['IncompleteSignature', 'bad-credentials'],
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
  // A name that this storage cannot give: MinIO's, whose objects are files, and a key beyond its length.
  ['XMinioInvalidObjectName', 'unaddressable'],
  ['XMinioInvalidResourceName', 'unaddressable'],
  ['KeyTooLongError', 'unaddressable'],
  ['NotImplemented', 'unsupported'],
  ['MethodNotAllowed', 'unsupported'],
])

/** Turns a failing answer into the error it stands for; the body never gets into the message. For `s3.ts` and `list.ts`. */
export function answerError(answer: FailedAnswer, where: Where, cause?: unknown): StorageError {
  const kind = kindOfAnswer(answer)
  const seconds = Number(answer.retryAfter)
  const region = answer.region !== undefined && /^[a-z0-9-]{1,40}$/.test(answer.region) ? answer.region : undefined
  return failureOf(
    kind,
    { provider, ...where },
    {
      providerCode: safeCode(answer.code),
      requestId: answer.requestId,
      cause,
      ...(kind === 'wrong-region' ? { region } : {}),
      ...(answer.retryAfter !== undefined && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
    },
  )
}

function kindOfAnswer({ status, code, region, isAboutKms, isStorageLike }: FailedAnswer): StorageErrorKind {
  if (code === 'AuthorizationHeaderMalformed') return region === undefined ? 'bad-credentials' : 'wrong-region'
  if (code?.startsWith('KMS.') || (code === 'AccessDenied' && isAboutKms)) return 'kms-forbidden'
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

/** What a failing answer to a listing stands for: its code and region are looked at, nothing else. One search behind the other, so that no body makes them take quadratic time. */
export function listFailure({ status, fields }: AnswerHead, body: string): StorageError {
  const start = body.search(/<Error[\s>]/)
  const code = start === -1 ? undefined : /<Code>([^<]{1,64})<\/Code>/.exec(body.slice(start))?.[1]
  const requestId = fields.get('x-amz-request-id')
  return answerError(
    {
      status,
      code,
      region: fields.get('x-amz-bucket-region') ?? /<Region>([^<]{1,64})<\/Region>/.exec(body)?.[1],
      requestId,
      retryAfter: fields.get('retry-after'),
      isStorageLike: code !== undefined || requestId !== undefined,
    },
    { op: 'list' },
  )
}

/** Turns anything thrown on the way to S3, by Node or the SDK, into a `StorageError`: the only place that knows their shapes. */
export function toStorageError(error: unknown, where: Where): StorageError {
  const shape = error as ErrorShape
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
        isAboutKms: /\bkms:[A-Z][A-Za-z]+/.test(String(shape.message).slice(0, 2000)),
        // A HEAD has no body to look like anything.
        isStorageLike: shape.$metadata?.requestId !== undefined || code === shape.Code || where.op === 'stat',
      },
      where,
    )
  }
  return networkFailure(error, { provider, ...where })
}

interface ErrorShape {
  readonly name?: string
  readonly message?: unknown
  readonly Code?: string
  readonly Region?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

function safeCode(code: string | undefined): string | undefined {
  return code !== undefined && /^[A-Za-z][\w.-]{0,63}$/.test(code) ? code : undefined
}
