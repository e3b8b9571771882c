import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'

/** Roles in an organization, highest first. */
export const orgRoles = ['owner', 'admin', 'member', 'worker'] as const
export type OrgRole = (typeof orgRoles)[number]

/** Roles in a project, highest first; `engineer` is what the API calls a developer. */
export const projectRoles = ['owner', 'engineer', 'annotationManager', 'annotator'] as const
export type ProjectRole = (typeof projectRoles)[number]

/** What a request carries once it is parsed. */
export interface Parsed {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

/** Things that belong to a project or an organization, and through which a request names it. */
export type ProjectScope = 'project' | 'driver' | 'dataset' | 'item' | 'annotation'
export type OrgScope = 'org'

/**
 * The least role that may call a route, and where in the request the thing stands that the role is held in.
 *
 * `of` gives the id of that thing. A caller with no role there gets the same 404 as for an id that does not exist; with too low a role 403.
 * `public`: nobody need be logged in. `user`: anybody who is logged in; the handler returns only what is theirs.
 */
export type Access<R extends Parsed = Parsed> =
  | 'public'
  | 'user'
  | { readonly scope: OrgScope; readonly role: OrgRole; of(request: R): string }
  | {
      readonly scope: ProjectScope
      readonly role: ProjectRole
      of(request: R): string
      /** Also in a dataset that awaits its deletion; to all other routes it is not there. */
      readonly evenDeleted?: true
    }

type Output<S> = S extends z.ZodType ? z.output<S> : undefined

/** One address of the API as data: server, typed client, OpenAPI page, CLI and role tests are derived from it (D7). */
export interface Route<
  P extends z.ZodType | undefined = z.ZodType | undefined,
  Q extends z.ZodType | undefined = z.ZodType | undefined,
  B extends z.ZodType | undefined = z.ZodType | undefined,
  R extends z.ZodType | undefined = z.ZodType | undefined,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api/v1`, with `:name` for parameters; with `root: true` below `/`. */
  readonly path: string
  readonly root?: boolean
  /** Group in the reference. */
  readonly tag: string
  /** One sentence for the reference. */
  readonly summary: string
  readonly access: Access<{ params: Output<P>; query: Output<Q>; body: Output<B> }>
  /** It answers bytes that a page shows as a picture or plays: a browser's cookie does in place of the token (`http/cookies.ts`). GET only. */
  readonly byCookie?: true
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** Forms the body may have besides JSON. `form` is `application/x-www-form-urlencoded`; `multipart` is given to the handler as a stream, not parsed. */
  readonly bodyForms?: readonly ('form' | 'empty' | 'multipart')[]
  /** Largest body in bytes; 1 MiB unless said. */
  readonly bodyBytesMax?: number
  /** Schema of the 2xx answer; `undefined` for bytes and redirects, which the handler writes itself. */
  readonly response?: R
  /** Status of success; 200 unless said. */
  readonly status?: number
  /** Failures of its own, besides those every route can have. */
  readonly errors: readonly ErrorCode[]
}

/** Declares a route and keeps its types. */
export function route<
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
  R extends z.ZodType | undefined = undefined,
>(definition: Route<P, Q, B, R>): Route<P, Q, B, R> {
  return definition
}

/** What a handler of this route gets. */
export type RequestOf<T> =
  T extends Route<infer P, infer Q, infer B, infer _R>
    ? { readonly params: Output<P>; readonly query: Output<Q>; readonly body: Output<B> }
    : never

/** What a handler of this route answers. */
export type ResponseOf<T> =
  T extends Route<infer _P, infer _Q, infer _B, infer R> ? (R extends z.ZodType ? z.input<R> : unknown) : never
