import { type ErrorCode, errors } from '#contract/errors.ts'

/** What an `AppError` may carry besides its code. */
export interface AppErrorOptions {
  /** Said to the caller instead of the table's sentence; must not hold a secret. */
  readonly message?: string
  /** Machine-readable facts for the caller; must not hold a secret. */
  readonly details?: unknown
  readonly cause?: unknown
}

/**
 * The one error of the product: thrown anywhere, rendered by the HTTP edge as `{ message, code, status, requestId, details? }` (D8).
 *
 * Errors of programming are asserted, not thrown as this.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly details: unknown

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? errors[code].message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = errors[code].status
    this.details = options.details
  }
}
