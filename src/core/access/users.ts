import type { User } from '#contract/auth.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { limitAttempts } from './attempts.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { revoke, startSession, type Tokens } from './tokens.ts'

/** Columns of `user_account u` that `renderUser` reads. */
export const userColumns = `u.id, u.email, u.kind, u.first_name, u.last_name, u.created_at, u.updated_at,
  u.kind = 'user' and u.password_hash is null as is_invited`

/** A row of `userColumns`. */
export interface UserRow {
  readonly id: string
  readonly email: string
  readonly kind: 'user' | 'bot'
  readonly first_name: string
  readonly last_name: string
  readonly is_invited: boolean
  readonly created_at: Date
  readonly updated_at: Date
}

/** A user as the API shows one; `role` is what they are where they are shown. */
export function renderUser(row: UserRow, role: string | null, org: { id: string; name: string } | null): User {
  return {
    id: row.id,
    email: row.email,
    username: row.email,
    firstName: row.first_name,
    lastName: row.last_name,
    type: row.kind,
    isInvited: row.is_invited,
    role,
    avatar: null,
    org,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

/** Logs a user in by e-mail address (or id, as bots do) and password; `address` is the network address the attempts are counted by. */
export async function login(
  deps: Deps,
  given: { username: string; password: string; address: string },
): Promise<Tokens> {
  const user = await limitAttempts(deps, { name: given.username, address: given.address }, async () => {
    const { rows } = await deps.db.query<{ id: string; email: string; password_hash: string | null }>(
      'select id, email, password_hash from user_account where (lower(email) = lower($1) or id = $1) and deleted_at is null',
      [given.username],
    )
    const row = rows[0]
    const isRight = await verifyPassword(given.password, row?.password_hash ?? null)
    if (row === undefined || !isRight) throw new AppError('auth.invalid_credentials')
    return { userId: row.id, email: row.email }
  })
  return await startSession(deps, user)
}

/** Who is asking, with the organization their new projects go to; a bot's is that of its project. */
export async function getMe(deps: Deps, caller: Caller): Promise<User> {
  const { rows } = await deps.db.query<
    UserRow & { role: string | null; org_id: string | null; org_name: string | null }
  >(
    `select ${userColumns}, m.role, o.id as org_id, o.name as org_name
     from user_account u
     left join lateral (
       select org_id, role from org_member where user_id = u.id
       order by (org_id is not distinct from u.chosen_org_id) desc, role = 'worker', created_at, org_id limit 1
     ) m on true
     left join project p on p.id = u.project_id
     left join org o on o.id = coalesce(m.org_id, p.org_id)
     where u.id = $1`,
    [caller.userId],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('auth.invalid_token')
  return renderUser(
    row,
    row.role,
    row.org_id === null || row.org_name === null ? null : { id: row.org_id, name: row.org_name },
  )
}

/** Changes the caller's password after checking the old one, and ends all their other log-ins. */
export async function changePassword(
  deps: Deps,
  caller: Caller,
  given: { currentPassword: string; newPassword: string; address: string; sessionId: string },
): Promise<void> {
  await limitAttempts(deps, { name: caller.email, address: given.address }, async () => {
    const { rows } = await deps.db.query<{ password_hash: string | null }>(
      'select password_hash from user_account where id = $1',
      [caller.userId],
    )
    if (!(await verifyPassword(given.currentPassword, rows[0]?.password_hash ?? null)))
      throw new AppError('auth.invalid_credentials')
  })
  await setPassword(deps, caller.userId, given.newPassword)
  await revoke(deps, caller, { allSessionsBut: given.sessionId })
}

/** Gives a user a password without asking for the old one; for the owner of the machine and for tests, never for a route. */
export async function setPassword(deps: Deps, userId: string, password: string): Promise<void> {
  const hash = await hashPassword(password)
  await deps.db.query('update user_account set password_hash = $2, updated_at = now() where id = $1', [userId, hash])
}

/**
 * The ids of the users with these e-mail addresses, in the same order; makes those that nobody has yet, without a password (invited).
 * Capitals make no difference; the spelling of the first time is kept.
 */
export async function ensureUsers(db: Db, emails: readonly string[], nowMs: number): Promise<string[]> {
  const ids: string[] = []
  for (const email of emails) {
    await db.query('insert into user_account (id, email) values ($1, $2) on conflict ((lower(email))) do nothing', [
      newId(nowMs),
      email,
    ])
    const { rows } = await db.query<{ id: string; kind: string }>(
      'select id, kind from user_account where lower(email) = lower($1)',
      [email],
    )
    // A bot belongs to its project: nobody makes it a member of an organization, nor brings a deleted one back.
    if (rows[0]!.kind === 'bot') throw new AppError('user.not_found')
    ids.push(rows[0]!.id)
  }
  return ids
}

/** The id of the user with this id or e-mail address, or undefined. */
export async function findUser(db: Db, idOrEmail: string): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(
    'select id from user_account where (id = $1 or lower(email) = lower($1)) and deleted_at is null',
    [idOrEmail],
  )
  return rows[0]?.id
}
