import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ZodError } from 'zod'
import { type ErrorCode, errors } from '#contract/errors.ts'
import { AppError } from '#lib/app-error.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { StorageError } from '#storage/storage-error.ts'

/** The body of every failure (D8). The SDK of the vendor reads `message`; people and programs read `code`. */
export interface Problem {
  readonly message: string
  readonly code: ErrorCode
  readonly status: number
  readonly requestId: string
  readonly details?: unknown
}

const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.unsupported_media_type',
  FST_ERR_CTP_INVALID_TYPE: 'request.unsupported_media_type',
}

/**
 * PostgreSQL's refusals of a value that only the caller can have sent: NUL or a lone surrogate in a text, a number out of range, too deep a JSON.
 * Schemas refuse these where they can; this is the net below them. Source: https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const callerSqlStates = new Set(['22021', '22P05', '22003', '54001'])

/** Reads any thrown value as the error of the product. What is not known is `server.internal`: its own text never reaches the caller. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof StorageError) return fromStorage(error)
  if (error instanceof Error) {
    const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
    if (typeof code === 'string') {
      const known = frameworkCodes[code]
      if (known !== undefined) return new AppError(known, { cause: error })
      if (callerSqlStates.has(code)) {
        return new AppError('request.invalid', {
          message: 'A value of the request cannot be stored: it has NUL or is out of range.',
          cause: error,
        })
      }
    }
    // Fastify says with a 4xx that the request is at fault; its sentences are about framing, never about our insides.
    if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
      return new AppError('request.invalid', { message: `The request is malformed: ${error.message}`, cause: error })
    }
  }
  return new AppError('server.internal', { cause: error })
}

/** A failed parse as the caller sees it: the place of each fault and what is wrong there, never the value itself (it may be a secret). */
export function issueList(error: ZodError, at: readonly string[] = []): { path: string; message: string }[] {
  return error.issues
    .slice(0, 50)
    .map((issue) => ({ path: [...at, ...issue.path.map(String)].join('.'), message: issue.message }))
}

function fromStorage(error: StorageError): AppError {
  const { provider, op, requestId, providerCode, region } = error.facts
  return new AppError(storageErrorCode(error), {
    message: error.message,
    details: { provider, op, requestId, providerCode, region },
    cause: error,
  })
}

/** Answers a failure, whatever it is and wherever it came from, and logs what only we can repair. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const failure = toAppError(error)
  if (failure.status >= 500) request.log.error({ err: error, code: failure.code }, 'request failed')
  const problem: Problem = {
    message: failure.message,
    code: failure.code,
    status: failure.status,
    requestId: request.id,
    ...(failure.details === undefined ? {} : { details: failure.details }),
  }
  return reply
    .code(failure.status)
    .header('x-request-id', request.id)
    .header('cache-control', 'no-store')
    .header('content-type', 'application/json')
    .send(JSON.stringify(problem))
}

/** Answers what is not even HTTP, or has too large headers, straight on the socket: there is no request object yet. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket, requestId: string): void {
  // ECONNRESET: nobody listens any more.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const code: ErrorCode =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'request.headers_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request.timeout'
        : 'request.invalid'
  const { status, message } = errors[code]
  const problem: Problem = { message, code, status, requestId }
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\n\r\n${body}`,
  )
}
