import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Deps } from '#core/deps.ts'
import type { CallFrame } from './handler.ts'

/** How long the outcome of a request is kept whose answer reached nobody; the SDK gives up after 30 seconds of repeating. */
const KEPT_MS = 120_000
/** Outcomes kept; the oldest go first. */
const KEPT_MAX = 1_000

type Call = CallFrame & { readonly params: unknown; readonly query: unknown; readonly body: unknown }

interface Attempt {
  readonly outcome: Promise<unknown>
  readonly startedMs: number
  /** Whether the connection that asked has gone without the answer. */
  isLost: boolean
}

/** What a connection was answered last, which nobody knows yet to have arrived. */
interface Written {
  readonly attempt: Attempt
  readonly forget: () => void
  /** Bytes that had come on the connection by then. */
  readonly readBytes: number
}

const lastWritten = new WeakMap<Socket, Written>()
const attemptsOf = new WeakMap<object, Map<string, Attempt>>()

/**
 * Does the work of a request once that is repeated because its answer was lost: the repetition gets the outcome of the first. For every POST.
 *
 * The vendor's SDK repeats every POST whose connection breaks, creations included, and sends nothing to tell it by; so a request is a repetition of an
 * equal one of the same user whose connection went before the answer was written, or was reset before anything more came on it. Two people, or two requests that both got answers, are never taken for
 * one. Kept in this process only: a repetition that another process gets is a new request.
 */
export async function onceAnswered<T>(deps: Deps, call: Call, make: () => Promise<T>): Promise<T> {
  const attempts = attemptsOf.get(deps.db) ?? new Map<string, Attempt>()
  attemptsOf.set(deps.db, attempts)
  const key = keyOf(call)
  if (key === null) return await make()
  const now = deps.clock.now()
  const earlier = attempts.get(key)
  const attempt: Attempt =
    earlier?.isLost === true && now - earlier.startedMs < KEPT_MS
      ? { ...earlier, isLost: false }
      : { outcome: make(), startedMs: now, isLost: false }
  attempts.delete(key)
  attempts.set(key, attempt)
  if (attempts.size > KEPT_MAX) attempts.delete(attempts.keys().next().value!)
  const forget = () => {
    if (attempts.get(key) === attempt) attempts.delete(key)
  }
  const response = call.reply.raw
  // It may have gone already, while it was found out who asks.
  attempt.isLost = response.destroyed || response.socket?.destroyed === true
  let isWritten = false
  response.once('finish', () => {
    isWritten = true
  })
  // Both are asked: a response without a connection of its own, as tests have it, tells its end by the event alone.
  response.once('close', () => {
    if (isWritten || response.writableFinished) forgetUnlessReset(call, attempt, forget)
    else attempt.isLost = true
  })
  // What failed was not made, so there is nothing to repeat.
  attempt.outcome.catch(forget)
  return (await attempt.outcome) as T
}

/**
 * An answer that was written may still be lost on its way: then the connection ends with a reset, and nothing more was asked on it. One that ends as it should, or
 * is used again, has brought the answer.
 */
function forgetUnlessReset({ raw: { socket } }: Call, attempt: Attempt, forget: () => void): void {
  if (socket.destroyed) {
    forget()
    return
  }
  const known = lastWritten.get(socket)
  // The answer before was read, or this request would not have come.
  known?.forget()
  lastWritten.set(socket, { attempt, forget, readBytes: socket.bytesRead })
  if (known !== undefined) return
  socket.once('close', (hadError) => {
    const last = lastWritten.get(socket)!
    if (hadError && socket.bytesRead === last.readBytes) last.attempt.isLost = true
    else last.forget()
  })
}

/** What makes two requests equal; null of one that is nested too deep to be written down: it makes nothing, the handler refuses it. */
function keyOf(call: Call): string | null {
  const said = [call.caller.userId, call.raw.method, call.raw.routeOptions.url, call.params, call.query, call.body]
  try {
    return createHash('sha256').update(JSON.stringify(said)).digest('base64')
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
