import { withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'
import { limitAttempts } from './attempts.ts'
import { hashLinkToken, makeLinkToken } from './link-token.ts'
import { isOperator } from './org-life.ts'
import { hashPassword } from './passwords.ts'

const LIFE_DAYS = 7
const DAY_MS = 86_400_000

/**
 * Makes the link by which somebody who was added sets their first password, and ends the one before.
 *
 * Only for who runs the server: an address is proven by nobody here, so an admin of one organization could otherwise become a person whom another one
 * added. Refused for bots and for those who have a password (`invitation.not_needed`): nobody's password is replaced by a link.
 */
export async function createInvitation(
  deps: Deps,
  caller: Caller,
  given: { user: string; baseUrl: string },
): Promise<{ email: string; link: string; expiresAt: string }> {
  if (!(await isOperator(deps.db, caller))) {
    throw new AppError('access.forbidden', {
      message: 'Only who runs this server makes invitation links; ask an owner of its first organization.',
    })
  }
  const token = makeLinkToken()
  const expiresAt = new Date(deps.clock.now() + LIFE_DAYS * DAY_MS)
  return await withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ id: string; email: string; waits: boolean }>(
      `select id, email, kind = 'user' and password_hash is null as waits from user_account
       where (id = $1 or lower(email) = lower($1)) and deleted_at is null for update`,
      [given.user],
    )
    const user = rows[0]
    if (user === undefined) throw new AppError('user.not_found')
    if (!user.waits) throw new AppError('invitation.not_needed')
    await tx.query(
      `insert into invitation (user_id, token_sha256, expires_at, creator_id) values ($1, $2, $3, $4)
       on conflict (user_id) do update set token_sha256 = excluded.token_sha256, expires_at = excluded.expires_at,
         creator_id = excluded.creator_id, created_at = now()`,
      [user.id, hashLinkToken(token), expiresAt, caller.userId],
    )
    // In the fragment, which browsers send to nobody: no log of a server or proxy has it.
    return { email: user.email, link: `${given.baseUrl}/invitation#token=${token}`, expiresAt: expiresAt.toISOString() }
  })
}

/**
 * Sets the first password of whom the link was made for; the link then stops working. Answers their e-mail address.
 *
 * Throws `invitation.invalid_link` where the link is wrong, too old or used, or the account is gone or has a password by now, and `rate.limited` after
 * too many failed attempts in a minute or while too many passwords wait to be hashed.
 */
export async function acceptInvitation(
  deps: Deps,
  given: { token: string; password: string; address: string },
): Promise<{ email: string }> {
  const userId = await limitAttempts(deps, { name: 'invitation', address: given.address }, async () => {
    const { rows } = await deps.db.query<{ user_id: string }>(
      'select user_id from invitation where token_sha256 = $1 and expires_at > $2',
      [hashLinkToken(given.token), new Date(deps.clock.now())],
    )
    if (rows[0] === undefined) throw new AppError('invitation.invalid_link')
    return rows[0].user_id
  })
  const hash = await hashPassword(given.password)
  return await withTransaction(deps.db, async (tx) => {
    const used = await tx.query('delete from invitation where user_id = $1 and token_sha256 = $2', [
      userId,
      hashLinkToken(given.token),
    ])
    const { rows } = await tx.query<{ email: string }>(
      `update user_account set password_hash = $2, updated_at = now()
       where id = $1 and password_hash is null and deleted_at is null returning email`,
      [userId, hash],
    )
    // Somebody was quicker with the same link, or the account is gone.
    if (used.rowCount === 0 || rows[0] === undefined) throw new AppError('invitation.invalid_link')
    return rows[0]
  })
}
