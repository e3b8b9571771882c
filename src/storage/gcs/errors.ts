import type { AnswerHead } from '../http/answer-head.ts'
import { failureOf, networkFailure } from '../http/failures.ts'
import type { StorageError, StorageErrorKind } from '../storage-error.ts'

/** Where a failure happened. */
export interface Where {
  readonly op: string
  readonly key?: string | undefined
}

/** A failing answer of one of Google's APIs. */
export interface FailedAnswer {
  readonly status: number
  /** As far as it was read; looked through for Google's own words, never repeated. */
  readonly body: string
  /** A header by its name in small letters. */
  header(name: string): string | undefined
}

const provider = 'gcs'
const UPLOAD_ID = 'x-guploader-uploadid'

/**
 * Kinds of failure by the reason that Google's JSON gives.
 *
 * Sources: https://cloud.google.com/storage/docs/json_api/v1/status-codes, https://cloud.google.com/apis/design/errors (names in capitals), and for the
 * names with an underscore, which the token endpoints give, https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
const kindOfReason = new Map<string, StorageErrorKind>([
  ['notFound', 'not-found'],
  ['NOT_FOUND', 'not-found'],
  ['authError', 'expired-credentials'],
  ['UNAUTHENTICATED', 'expired-credentials'],
  ['AuthenticationRequired', 'bad-credentials'],
  ['invalid_grant', 'bad-credentials'],
  ['invalid_client', 'bad-credentials'],
  ['unauthorized_client', 'bad-credentials'],
  ['invalid_target', 'bad-credentials'],
  ['invalid_request', 'bad-credentials'],
  ['disabled_client', 'bad-credentials'],
  ['access_denied', 'forbidden'],
  ['forbidden', 'forbidden'],
  ['insufficientPermissions', 'forbidden'],
  ['PERMISSION_DENIED', 'forbidden'],
  ['accessNotConfigured', 'forbidden'],
  ['SERVICE_DISABLED', 'forbidden'],
  ['accountDisabled', 'forbidden'],
  ['objectUnderActiveHold', 'forbidden'],
  ['retentionPolicyNotMet', 'forbidden'],
  ['userProjectMissing', 'forbidden'],
  ['rateLimitExceeded', 'throttled'],
  ['userRateLimitExceeded', 'throttled'],
  ['quotaExceeded', 'throttled'],
  ['dailyLimitExceeded', 'throttled'],
  ['RESOURCE_EXHAUSTED', 'throttled'],
  ['backendError', 'unavailable'],
  ['internalError', 'unavailable'],
  ['gatewayTimeout', 'unavailable'],
  ['uploadBrokenConnection', 'unavailable'],
  ['conditionNotMet', 'precondition-failed'],
  ['conflict', 'conflict'],
  ['methodNotAllowed', 'unsupported'],
])

/** Turns a failing answer into the error it stands for; nothing of the body but Google's own short word gets into it. */
export function answerError(answer: FailedAnswer, where: Where): StorageError {
  const words = wordsOf(answer.body)
  // Its own header tells that Google answered where it answers in plain text: to requests for bytes.
  const said = answer.header(UPLOAD_ID) === undefined ? words : { ...words, isLikeGoogle: true }
  const retryAfter = answer.header('retry-after')
  const seconds = Number(retryAfter)
  return failureOf(
    kindOf(answer, said),
    { provider, ...where },
    {
      providerCode: said.reason ?? `http-${answer.status}`,
      requestId: safeWord(answer.header(UPLOAD_ID)),
      ...(retryAfter !== undefined && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
    },
  )
}

/** What a failing answer to a listing stands for. */
export function listFailure({ status, fields }: AnswerHead, body: string): StorageError {
  const error = answerError({ status, body, header: (name) => fields.get(name) }, { op: 'list' })
  // A listing asks for no object: what is not there is the bucket.
  return error.kind === 'not-found' ? failureOf('unknown-bucket', { provider, op: 'list' }, error.facts) : error
}

/** Turns anything thrown on the way to Google into a `StorageError`. */
export function toStorageError(error: unknown, where: Where): StorageError {
  return networkFailure(error, { provider, ...where })
}

interface Said {
  readonly reason: string | undefined
  readonly isLikeGoogle: boolean
  /** Words of the text that tell apart what the reason does not; read here and nowhere repeated. */
  readonly isAboutTime: boolean
  readonly isAboutKms: boolean
}

const nothing: Said = { reason: undefined, isLikeGoogle: false, isAboutTime: false, isAboutKms: false }

function wordsOf(body: string): Said {
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    // The XML API's addresses, which are the signed ones, and proxies say something else than JSON.
    return nothing
  }
  if (typeof document !== 'object' || document === null || !('error' in document)) return nothing
  const { error } = document
  if (typeof error === 'string') {
    const text = String((document as { error_description?: unknown }).error_description ?? '')
    return {
      reason: safeWord(error),
      isLikeGoogle: true,
      isAboutTime: /\biat\b|\bexp\b|clock/i.test(text),
      isAboutKms: false,
    }
  }
  if (typeof error !== 'object' || error === null) return nothing
  const { code, message, status, errors } = error as Record<string, unknown>
  const first = Array.isArray(errors) ? (errors[0] as Record<string, unknown> | undefined) : undefined
  const reason = safeWord(first?.reason) ?? safeWord(status)
  return {
    reason,
    isLikeGoogle: typeof code === 'number',
    isAboutTime: false,
    isAboutKms: /^cloudKms/i.test(reason ?? '') || /Cloud KMS|cryptoKeys?\b/.test(String(message ?? '').slice(0, 2000)),
  }
}

function kindOf({ status }: FailedAnswer, said: Said): StorageErrorKind {
  if (said.isAboutTime) return 'clock-skew'
  if (said.isAboutKms && status >= 400 && status < 500) return 'kms-forbidden'
  // Google says `required` of a missing log-in and of a missing parameter.
  if (status === 401)
    return said.reason === 'required'
      ? 'bad-credentials'
      : (kindOfReason.get(said.reason ?? '') ?? (said.isLikeGoogle ? 'expired-credentials' : 'not-a-storage'))
  const kind = said.reason === undefined ? undefined : kindOfReason.get(said.reason)
  if (kind !== undefined) return kind
  if (status === 429) return 'throttled'
  if (status === 408 || status >= 500) return 'unavailable'
  if (!said.isLikeGoogle) return 'not-a-storage'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  if (status === 409) return 'conflict'
  if (status === 412) return 'precondition-failed'
  return status === 405 || status === 501 ? 'unsupported' : 'invalid'
}

function safeWord(word: unknown): string | undefined {
  return typeof word === 'string' && /^[A-Za-z][\w.-]{0,127}$/.test(word) ? word : undefined
}
