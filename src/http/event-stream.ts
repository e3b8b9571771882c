import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** One event, or null for a comment that only shows that the connection lives. `data` becomes JSON. */
export interface ServerEvent {
  readonly event: string
  readonly data: unknown
  /** What a client that lost the connection sends back as `Last-Event-ID`. */
  readonly id?: string
}

/** How long a client waits before it connects again. */
const RETRY_MS = 2_000
/** How long after the stop of the server a client that does not read is waited for. */
const LINGER_MS = 250

/**
 * Answers with server-sent events until `events` ends; what it throws ends the answer too, after the status is out there is no other way to tell.
 * `events` is asked for the next one only when the client has taken the last; it must end when `stopping` aborts.
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<readonly ServerEvent[] | null>,
  stopping: AbortSignal,
): FastifyReply {
  const body = Readable.from(lines(reply, events), { objectMode: false, highWaterMark: 1 })
  const cut = () => void setTimeout(() => reply.raw.destroy(), LINGER_MS).unref()
  stopping.addEventListener('abort', cut, { once: true })
  reply.raw.once('close', () => stopping.removeEventListener('abort', cut))
  return reply
    .headers({
      'content-type': 'text/event-stream; charset=utf-8',
      // Kept open for this answer only, so that the server's stop need not wait for it; and no proxy may save it up.
      connection: 'close',
      'x-accel-buffering': 'no',
    })
    .send(body)
}

async function* lines(
  reply: FastifyReply,
  events: AsyncIterable<readonly ServerEvent[] | null>,
): AsyncGenerator<string, void> {
  yield `retry: ${RETRY_MS}\n\n`
  try {
    for await (const batch of events) yield batch === null ? ':\n\n' : batch.map(writeEvent).join('')
  } catch (error) {
    reply.log.info({ err: error }, 'a stream of events ended')
  }
}

/** JSON has no bare line ends, which would end a field. */
function writeEvent({ event, data, id }: ServerEvent): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}
