import type { AnswerHead } from '../http/answer-head.ts'
import { failureOf, networkFailure } from '../http/failures.ts'
import type { StorageError, StorageErrorKind } from '../storage-error.ts'

/** Where a failure happened. */
export interface AzureWhere {
  readonly op: string
  readonly key?: string | undefined
}

/** What an answer with a failing status told, without its body. */
export interface FailedAnswer {
  readonly status: number
  /** Azure's own code, from the header `x-ms-error-code` or the body. */
  readonly code?: string | undefined
  /** Azure's sentence on a failed log-in; only looked at, never shown. */
  readonly detail?: string | undefined
  readonly requestId?: string | undefined
  readonly retryAfter?: string | undefined
  /** Whether the answer looked like Azure's. */
  readonly isStorageLike: boolean
}

const provider = 'azure'

// Source: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and …/common-rest-api-error-codes
const kindOfCode = new Map<string, StorageErrorKind>([
  ['ContainerNotFound', 'unknown-bucket'],
  ['ContainerBeingDeleted', 'unknown-bucket'],
  ['ContainerDisabled', 'unknown-bucket'],
  ['ResourceNotFound', 'unknown-bucket'],
  ['FilesystemNotFound', 'unknown-bucket'],
  ['InvalidResourceName', 'unknown-bucket'],
  ['BlobNotFound', 'not-found'],
  ['PathNotFound', 'not-found'],
  ['NoAuthenticationInformation', 'bad-credentials'],
  ['InvalidAuthenticationInfo', 'bad-credentials'],
  ['AuthenticationFailed', 'bad-credentials'],
  ['AuthorizationFailure', 'forbidden'],
  ['AuthorizationPermissionMismatch', 'forbidden'],
  ['AuthorizationResourceTypeMismatch', 'forbidden'],
  ['AuthorizationServiceMismatch', 'forbidden'],
  ['AuthorizationProtocolMismatch', 'forbidden'],
  ['AuthorizationSourceIPMismatch', 'forbidden'],
  ['InsufficientAccountPermissions', 'forbidden'],
  ['KeyBasedAuthenticationNotPermitted', 'forbidden'],
  ['PublicAccessNotPermitted', 'forbidden'],
  ['UnauthorizedBlobOverwrite', 'forbidden'],
  ['AccountIsDisabled', 'forbidden'],
  ['BlobArchived', 'forbidden'],
  ['BlobBeingRehydrated', 'forbidden'],
  ['BlobImmutableDueToPolicy', 'forbidden'],
  ['KeyVaultEncryptionKeyNotFound', 'kms-forbidden'],
  ['KeyVaultAccessTokenCannotBeAcquired', 'kms-forbidden'],
  ['KeyVaultVaultNotFound', 'kms-forbidden'],
  ['ServerBusy', 'throttled'],
  ['OperationTimedOut', 'unavailable'],
  ['InternalError', 'unavailable'],
  ['BlobAlreadyExists', 'precondition-failed'],
  ['ConditionNotMet', 'precondition-failed'],
  ['SnapshotsPresent', 'conflict'],
  ['LeaseIdMissing', 'conflict'],
  ['InvalidRange', 'invalid'],
  ['FeatureVersionMismatch', 'unsupported'],
  ['FeatureNotYetSupportedForHierarchicalNamespaceAccounts', 'unsupported'],
])

/** Turns a failing answer into the error it stands for; its body never gets into the message. For the files of this driver. */
export function answerError(answer: FailedAnswer, where: AzureWhere, cause?: unknown): StorageError {
  const seconds = Number(answer.retryAfter)
  return failureOf(
    kindOfAnswer(answer),
    { provider, ...where },
    {
      providerCode: safeCode(answer.code),
      requestId: answer.requestId,
      cause,
      ...(answer.retryAfter !== undefined && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
    },
  )
}

function kindOfAnswer({ status, code, detail = '', isStorageLike }: FailedAnswer): StorageErrorKind {
  const kind = code === undefined ? undefined : kindOfCode.get(code)
  if (kind === 'bad-credentials') {
    // One code stands for wrong keys, wrong clocks and SAS tokens that have ended; only the sentence tells them apart.
    if (/date header (?:too old|is too)|not within the allowed|too far/i.test(detail)) return 'clock-skew'
    if (/not valid in the specified time frame|token is expired|lifetime validation/i.test(detail)) {
      return 'expired-credentials'
    }
  }
  // Azurite gives a wrong signature the code that Azure gives a closed door; the sentence is Azure's own for the former.
  if (code === 'AuthorizationFailure' && /failed to authenticate/i.test(detail)) return 'bad-credentials'
  if (kind !== undefined) return kind
  if (status === 429) return 'throttled'
  if (status === 503 || status === 408 || status >= 500) return 'unavailable'
  if (!isStorageLike) return 'not-a-storage'
  if (status === 401) return 'bad-credentials'
  if (status === 403) return 'forbidden'
  // A 404 that names nothing proves nothing (§1.4 of the safety design).
  if (status === 409) return 'conflict'
  if (status === 412 || status === 304) return 'precondition-failed'
  return status === 405 || status === 501 ? 'unsupported' : 'invalid'
}

/** What a failing answer to a listing stands for. One search behind the other, so that no body makes them take quadratic time. */
export function listFailure({ status, fields }: AnswerHead, body: string): StorageError {
  return answerError(
    {
      status,
      code: fields.get('x-ms-error-code') ?? codeOf(body),
      detail: detailOf(body),
      requestId: fields.get('x-ms-request-id'),
      retryAfter: fields.get('retry-after'),
      isStorageLike: fields.has('x-ms-request-id') || fields.has('x-ms-error-code'),
    },
    { op: 'list' },
  )
}

/** Turns anything thrown on the way to Azure, by Node or the SDK, into a `StorageError`: the only place that knows their shapes. */
export function toStorageError(error: unknown, where: AzureWhere): StorageError {
  const shape = error as ErrorShape
  const answer = shape?.response
  if (shape?.name === 'RestError' && answer !== undefined && typeof answer.status === 'number') {
    const header = (name: string) => answer.headers?.get(name)
    const body = typeof answer.bodyAsText === 'string' ? answer.bodyAsText.slice(0, BODY_CHARS_MAX) : ''
    const code = header('x-ms-error-code') ?? codeOf(body)
    return answerError(
      {
        status: answer.status,
        code,
        detail: detailOf(body),
        requestId: header('x-ms-request-id'),
        retryAfter: header('retry-after'),
        isStorageLike: code !== undefined || header('x-ms-request-id') !== undefined,
      },
      where,
    )
  }
  return networkFailure(error, { provider, ...where })
}

interface ErrorShape {
  readonly name?: string
  readonly response?: {
    readonly status?: number
    readonly bodyAsText?: string | null
    readonly headers?: { get(name: string): string | undefined }
  }
}

const BODY_CHARS_MAX = 64 * 1024

function codeOf(body: string): string | undefined {
  const start = body.search(/<Error[\s>]/)
  return start === -1 ? undefined : /<Code>([^<]{1,80})<\/Code>/.exec(body.slice(start))?.[1]
}

function detailOf(body: string): string | undefined {
  const start = body.indexOf('<AuthenticationErrorDetail>')
  const text = start === -1 ? /<Message>([^<]{1,2000})/.exec(body)?.[1] : body.slice(start, start + 2000)
  return text
}

function safeCode(code: string | undefined): string | undefined {
  return code !== undefined && /^[A-Za-z][\w.-]{0,79}$/.test(code) ? code : undefined
}
