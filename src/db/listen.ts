import { setTimeout as delay } from 'node:timers/promises'
import type { DbClient, DbPool } from './connect.ts'

/** What happens on a channel. */
export interface ListenEvents {
  /** Somebody's NOTIFY; `payload` is what they gave. */
  onMessage(payload: string): void
  /** Listening has begun, or begun again: what was told before may have been missed. */
  onListening(): void
  /** The connection is lost; another one is tried for. */
  onTrouble(error: unknown): void
}

/** A connection that listens. */
export interface Listening {
  /** Ends it and gives the connection back; resolves when that is done. */
  close(): Promise<void>
}

/** A connection that died without a word is noticed after this long. */
const PING_MS = 30_000
const PING_PATIENCE_MS = 10_000
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 5_000

/**
 * Listens on a channel of PostgreSQL until it is closed, through one connection that it borrows from the pool. A lost connection is made anew,
 * after 0.1 to 5 seconds. `channel` must be a plain word.
 *
 * Source: https://www.postgresql.org/docs/18/sql-listen.html
 */
export function listen(pool: DbPool, channel: string, events: ListenEvents): Listening {
  const closing = new AbortController()
  const { signal } = closing
  const done = (async () => {
    let retryMs = RETRY_MS_MIN
    while (!signal.aborted) {
      let client: DbClient | undefined
      try {
        client = await pool.connect()
        if (!signal.aborted) {
          const lost = loss(client, signal)
          // It may be lost before anybody waits for it.
          lost.catch(() => {})
          client.on('notification', (message) => events.onMessage(message.payload ?? ''))
          await client.query(`listen ${channel}`)
          retryMs = RETRY_MS_MIN
          events.onListening()
          await lost
        }
      } catch (error) {
        if (!signal.aborted) events.onTrouble(error)
      } finally {
        // Never back into the pool: it listens, and is maybe broken.
        client?.release(true)
      }
      await delay(retryMs, undefined, { signal }).catch(() => {})
      retryMs = Math.min(RETRY_MS_MAX, 2 * retryMs)
    }
  })()
  return {
    async close() {
      closing.abort()
      await done
    },
  }
}

/** Rejects when the connection is lost, resolves when it is no longer wanted. */
async function loss(client: DbClient, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let patience: NodeJS.Timeout | undefined
  const ping = setInterval(() => {
    patience = setTimeout(() => reject(new Error('the listening connection does not answer')), PING_PATIENCE_MS)
    client.query('select 1').then(() => clearTimeout(patience), reject)
  }, PING_MS)
  const isUnwanted = () => resolve()
  signal.addEventListener('abort', isUnwanted)
  client.once('error', reject)
  client.once('end', () => reject(new Error('the listening connection has ended')))
  try {
    await promise
  } finally {
    clearInterval(ping)
    clearTimeout(patience)
    signal.removeEventListener('abort', isUnwanted)
  }
}
