import type pg from 'pg'
import type { DbClient } from './connect.ts'

/** What of a connection of `pg` a submitted query uses. */
interface Wire {
  query(text: string): void
}

/**
 * Runs a `COPY … TO STDOUT` and hands each message over as it comes, synchronously: one row each, the first with the file header before it, the last
 * with the trailer alone. `take` must not keep the bytes: they are the socket's.
 *
 * Not through a stream: that keeps what was read until somebody asks for it, long enough for it to be taken for lasting, so that a re-sync of 10 M objects
 * carried 50 MB of read rows along. What `take` throws is thrown when the rest has come.
 * Source: https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-COPY
 */
export function copyOut(client: DbClient, text: string, take: (message: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(text, take, resolve, reject) as unknown as pg.Submittable)
  })
}

/** A query as `pg` drives it: it calls these methods as the server's messages come in. */
class CopyOut {
  readonly #text: string
  readonly #take: (message: Buffer) => void
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  #failure: { readonly error: unknown } | null = null

  constructor(text: string, take: (message: Buffer) => void, resolve: () => void, reject: (error: unknown) => void) {
    this.#text = text
    this.#take = take
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(wire: Wire): void {
    wire.query(this.#text)
  }

  handleCopyData(message: { readonly chunk: Buffer }): void {
    if (this.#failure !== null) return
    try {
      this.#take(message.chunk)
    } catch (error) {
      this.#failure = { error }
    }
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    if (this.#failure === null) this.#resolve()
    else this.#reject(this.#failure.error)
  }

  handleError(error: unknown): void {
    this.#reject(error)
  }
}
