/** What of an error goes into a log. */
export interface ErrorFacts {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorFacts
}

const CAUSES_MAX = 5

/**
 * An error as a log may show it: name, message, code, stack and causes. Everything else that hangs on errors is left out on purpose: requests with
 * their headers, answers of providers, parameters of statements.
 */
export function errorFacts(error: unknown, depth = 0): ErrorFacts {
  if (!(error instanceof Error)) return { name: 'NotAnError', message: typeof error }
  const { code } = error as { code?: unknown }
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= CAUSES_MAX ? {} : { cause: errorFacts(error.cause, depth + 1) }),
  }
}
