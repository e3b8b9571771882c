import { timingSafeEqual } from 'node:crypto'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Secret } from '#lib/secret.ts'
import type { Deps } from '../deps.ts'
import { limitAttempts } from './attempts.ts'
import { hashLinkToken, makeLinkToken } from './link-token.ts'
import { createOrg } from './orgs.ts'
import { hashPassword } from './passwords.ts'
import { ensureUsers } from './users.ts'

/** Who is to own a fresh server. */
export interface FirstOwner {
  readonly email: string
  readonly password: Secret
  readonly orgName: string
}

/**
 * Makes the first owner and the first organization from the operator's settings, at every start.
 *
 * Does nothing when there is a user already: it never resets a password, nor adds a second owner when the settings change.
 * Answers whether it made one.
 */
export async function ensureFirstOwner(deps: Deps, owner: FirstOwner): Promise<boolean> {
  if (!(await isSetupOpen(deps))) return false
  const hash = await hashPassword(owner.password.reveal())
  return await withTransaction(deps.db, async (db) => {
    await lockSetup(db)
    if (await hasUsers(db)) return false
    await addOwner(deps, db, { email: owner.email, hash, orgName: owner.orgName })
    return true
  })
}

/**
 * The token of a one-time set-up link while the server has no user, else null.
 *
 * Each start gives a new one and the one before stops working. Only its hash is kept.
 */
export async function prepareSetup(deps: Deps): Promise<string | null> {
  if (!(await isSetupOpen(deps))) return null
  const token = makeLinkToken()
  await deps.db.query(
    `insert into server_setting (name, value) values ('setup-token', $1) on conflict (name) do update set value = excluded.value`,
    [JSON.stringify({ sha256: hashLinkToken(token).toString('hex') })],
  )
  return token
}

/** Whether the server still waits for its first owner. */
export async function isSetupOpen(deps: Deps): Promise<boolean> {
  return !(await hasUsers(deps.db))
}

/** Makes the first owner through the set-up link, which then stops working. */
export async function finishSetup(
  deps: Deps,
  given: { token: string; email: string; password: string; orgName: string; address: string },
): Promise<{ email: string; orgId: string }> {
  await limitAttempts(deps, { name: 'setup', address: given.address }, () => checkToken(deps, given.token))
  const hash = await hashPassword(given.password)
  return await withTransaction(deps.db, async (db) => {
    await lockSetup(db)
    if (await hasUsers(db)) throw new AppError('setup.already_done')
    const orgId = await addOwner(deps, db, { email: given.email, hash, orgName: given.orgName })
    return { email: given.email, orgId }
  })
}

async function checkToken(deps: Deps, token: string): Promise<void> {
  if (!(await isSetupOpen(deps))) throw new AppError('setup.already_done')
  const { rows } = await deps.db.query<{ value: { sha256: string } }>(
    `select value from server_setting where name = 'setup-token'`,
  )
  const kept = rows[0]
  if (kept === undefined || !timingSafeEqual(hashLinkToken(token), Buffer.from(kept.value.sha256, 'hex')))
    throw new AppError('setup.invalid_link')
}

/** One set-up at a time, whichever process or door it comes through. */
async function lockSetup(db: Db): Promise<void> {
  await db.query(`select pg_advisory_xact_lock(hashtext('sluice.setup'))`)
}

async function hasUsers(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ exists: boolean }>('select exists (select 1 from user_account)')
  return rows[0]?.exists === true
}

async function addOwner(deps: Deps, db: Db, owner: { email: string; hash: string; orgName: string }): Promise<string> {
  const nowMs = deps.clock.now()
  const [userId] = await ensureUsers(db, [owner.email], nowMs)
  await db.query('update user_account set password_hash = $2 where id = $1', [userId, owner.hash])
  await db.query(`delete from server_setting where name = 'setup-token'`)
  const { dataPointsMax } = deps.config
  return await createOrg(db, { name: owner.orgName, creatorId: userId!, nowMs, dataPointsMax })
}
