import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestOf, ResponseOf } from '#contract/route.ts'
import type { Credential, Granted } from '#core/access/access.ts'
import type { Caller, Deps } from '#core/deps.ts'

/** What a handler gets: the parsed request and what the frame found out about it. */
export interface CallFrame {
  /** Who asks. On a `public` route there is nobody: touching it throws, because such a handler must not depend on it. */
  readonly caller: Caller
  /** The credential the request came with; touching it on a `public` route throws. */
  readonly credential: Credential
  /** What the guard resolved from the route's `access`; empty for `public` and `user`. */
  readonly access: Granted
  /** Where this API is reached, without a slash at the end: `http://127.0.0.1:7070`. For addresses inside answers. */
  readonly baseUrl: string
  /** Aborts when the server begins to stop; for answers that would go on for ever. */
  readonly stopping: AbortSignal
  /** Throws `auth.invalid_token` when the credential has ended since the request came; for answers that take long. */
  recheck(): Promise<void>
  readonly raw: FastifyRequest
  readonly reply: FastifyReply
}

/** What the handler of route `R` gets. */
export type Call<R> = RequestOf<R> & CallFrame

/**
 * The handlers of one group of routes, by the routes' names.
 *
 * A handler returns the answer's value; the edge writes it as JSON with the route's status. Where the route declares no `response`, the handler either
 * returns nothing (an empty answer with the route's status, 204 unless said) or writes through `call.reply` itself and returns `call.reply`.
 */
export type Handlers<Group> = {
  readonly [Name in keyof Group]: (deps: Deps, call: Call<Group[Name]>) => Promise<ResponseOf<Group[Name]>>
}
