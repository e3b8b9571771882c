import { errors as joseErrors, jwtVerify, SignJWT } from 'jose'
import type { Db, DbPool } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { signingKey } from './signing-key.ts'

const ISSUER = 'sluice'
/** The SDK cannot refresh a token it was given by `login_token`, so an access token lives a working day and is checked against its revocable row. */
const ACCESS_SECONDS = 24 * 3600
const SESSION_SECONDS = 30 * 24 * 3600
const API_KEY_SECONDS = 365 * 24 * 3600
/** How long a checked token is believed without asking the database: the longest a revocation takes to reach another process. */
const BELIEVED_MS = 10_000
const BELIEVED_MAX = 10_000

/** The token a request came with, by the id it is revoked by. */
export interface Credential {
  readonly id: string
  readonly kind: 'access' | 'api-key'
}

/** A token that was checked: who it speaks for, and which credential it is. */
export interface Authenticated {
  readonly caller: Caller
  readonly credential: Credential
}

/** The tokens of a log-in, each a JWT with `email` and `exp` as the SDK requires. `accessSeconds` is the life of the access token. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
  readonly accessSeconds: number
}

interface Believed {
  readonly auth: Authenticated
  readonly untilMs: number
}

const believedOf = new WeakMap<DbPool, Map<string, Believed>>()

/** Starts a log-in of a user: one revocable row for both tokens, 30 days long. Rows of the user that ended a week ago are cleared away. */
export async function startSession(deps: Deps, user: Caller): Promise<Tokens> {
  await deps.db.query(
    `delete from credential where user_id = $1 and expires_at < to_timestamp($2 / 1000.0) - interval '7 days'`,
    [user.userId, deps.clock.now()],
  )
  const { id, endSeconds } = await addCredential(deps, user, 'refresh', SESSION_SECONDS, '')
  return {
    accessToken: await sign(deps, user, id, 'access', nowSeconds(deps) + ACCESS_SECONDS),
    refreshToken: await sign(deps, user, id, 'refresh', endSeconds),
    accessSeconds: ACCESS_SECONDS,
  }
}

/** Gives a fresh access token for a refresh token, which stays as it is: the SDK keeps its old one. */
export async function refreshSession(deps: Deps, refreshToken: string): Promise<Tokens> {
  const { auth, endSeconds } = await check(deps, refreshToken, ['refresh'])
  const end = Math.min(nowSeconds(deps) + ACCESS_SECONDS, endSeconds)
  return {
    accessToken: await sign(deps, auth.caller, auth.credential.id, 'access', end),
    refreshToken,
    accessSeconds: end - nowSeconds(deps),
  }
}

/** Makes an API key of a user: a JWT that lives a year. It is not kept and cannot be shown again. */
export async function createApiKey(
  deps: Deps,
  user: Caller,
  description: string,
): Promise<{ id: string; jwt: string; expiresAt: string }> {
  const { id, endSeconds } = await addCredential(deps, user, 'api-key', API_KEY_SECONDS, description)
  return { id, jwt: await sign(deps, user, id, 'api-key', endSeconds), expiresAt: toIso(endSeconds * 1000) }
}

/** Who a bearer token speaks for. Throws `auth.invalid_token` when it is forged, over, revoked, a refresh token, or its user is gone. */
export async function authenticate(deps: Deps, token: string): Promise<Authenticated> {
  const believed = believedOf.get(deps.db) ?? new Map<string, Believed>()
  believedOf.set(deps.db, believed)
  const now = deps.clock.now()
  const known = believed.get(token)
  if (known !== undefined && now < known.untilMs) return known.auth
  believed.delete(token)
  const { auth, endSeconds } = await check(deps, token, ['access', 'api-key'])
  if (believed.size >= BELIEVED_MAX) believed.delete(believed.keys().next().value!)
  believed.set(token, { auth, untilMs: Math.min(now + BELIEVED_MS, endSeconds * 1000) })
  return auth
}

/** Ends credentials of a user: this one, or all log-ins but this one. Here at once, in other processes within 10 seconds. */
export async function revoke(
  deps: Deps,
  user: Caller,
  which: { id: string; kind?: 'api-key' } | { allSessionsBut: string },
): Promise<boolean> {
  const [condition, id] =
    'id' in which
      ? [`id = $2${which.kind === undefined ? '' : ` and kind = 'api-key'`}`, which.id]
      : [`id <> $2 and kind = 'refresh'`, which.allSessionsBut]
  const { rows } = await deps.db.query<{ id: string }>(
    `update credential set revoked_at = to_timestamp($3 / 1000.0) where user_id = $1 and revoked_at is null and ${condition} returning id`,
    [user.userId, id, deps.clock.now()],
  )
  const gone = new Set(rows.map((row) => row.id))
  const believed = believedOf.get(deps.db)
  for (const [token, entry] of believed ?? []) if (gone.has(entry.auth.credential.id)) believed?.delete(token)
  return gone.size > 0
}

/** Stops believing what was checked of these users before; for whoever ended their credentials in a transaction of their own. */
export function forgetUsers(deps: Deps, userIds: readonly string[]): void {
  const believed = believedOf.get(deps.db)
  for (const [token, { auth }] of believed ?? []) if (userIds.includes(auth.caller.userId)) believed?.delete(token)
}

/** The API keys of a user that still work, newest first, without the keys themselves. */
export async function listApiKeys(
  deps: Deps,
  user: Caller,
): Promise<{ id: string; description: string; createdAt: string; expiresAt: string }[]> {
  const { rows } = await deps.db.query<{ id: string; description: string; created_at: Date; expires_at: Date }>(
    `select id, description, created_at, expires_at from credential
     where user_id = $1 and kind = 'api-key' and revoked_at is null and expires_at > to_timestamp($2 / 1000.0) order by id desc`,
    [user.userId, deps.clock.now()],
  )
  return rows.map((row) => ({
    id: row.id,
    description: row.description,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  }))
}

async function addCredential(
  deps: Deps,
  user: Caller,
  kind: 'refresh' | 'api-key',
  seconds: number,
  description: string,
) {
  const id = newId(deps.clock.now())
  const endSeconds = nowSeconds(deps) + seconds
  const db: Db = deps.db
  await db.query(
    'insert into credential (id, user_id, kind, description, expires_at) values ($1, $2, $3, $4, to_timestamp($5))',
    [id, user.userId, kind, description, endSeconds],
  )
  return { id, endSeconds }
}

async function sign(deps: Deps, user: Caller, credentialId: string, typ: string, endSeconds: number): Promise<string> {
  return await new SignJWT({ email: user.email, typ })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setSubject(user.userId)
    .setJti(credentialId)
    .setIssuedAt(nowSeconds(deps))
    .setExpirationTime(endSeconds)
    .sign(await signingKey(deps))
}

async function check(
  deps: Deps,
  token: string,
  types: readonly string[],
): Promise<{ auth: Authenticated; endSeconds: number }> {
  const key = await signingKey(deps)
  const currentDate = new Date(deps.clock.now())
  const { payload } = await jwtVerify(token, key, {
    algorithms: ['HS256'],
    issuer: ISSUER,
    currentDate,
    requiredClaims: ['exp', 'sub', 'jti'],
  }).catch((cause: unknown) => {
    if (cause instanceof joseErrors.JOSEError) throw new AppError('auth.invalid_token', { cause })
    throw cause
  })
  const { jti, sub, exp, typ } = payload
  if (typeof typ !== 'string' || !types.includes(typ) || jti === undefined || sub === undefined || exp === undefined) {
    throw new AppError('auth.invalid_token')
  }
  const { rows } = await deps.db.query<{ email: string }>(
    `select u.email from credential c join user_account u on u.id = c.user_id
     where u.deleted_at is null and c.id = $1 and c.user_id = $2 and c.kind = $3 and c.revoked_at is null and c.expires_at > to_timestamp($4 / 1000.0)`,
    [jti, sub, typ === 'access' ? 'refresh' : typ, deps.clock.now()],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('auth.invalid_token')
  const credential: Credential = { id: jti, kind: typ === 'api-key' ? 'api-key' : 'access' }
  return { auth: { caller: { userId: sub, email: row.email }, credential }, endSeconds: exp }
}

function nowSeconds(deps: Deps): number {
  return Math.floor(deps.clock.now() / 1000)
}
