import { randomBytes } from 'node:crypto'
import type { Bot, User } from '#contract/auth.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import type { Deps } from '../deps.ts'
import { hashPassword } from './passwords.ts'
import { forgetUsers } from './tokens.ts'
import { renderUser, type UserRow, userColumns } from './users.ts'

/** Bots that a project may have: enough for a service each, few enough to be listed at once. */
const BOTS_MAX = 1_000

type BotRow = UserRow & { readonly role: string | null; readonly org_id: string; readonly org_name: string }

const select = `select ${userColumns}, m.role, p.org_id, o.name as org_name
  from user_account u join project p on p.id = u.project_id join org o on o.id = p.org_id
  left join project_member m on m.project_id = p.id and m.user_id = u.id
  where u.kind = 'bot' and u.deleted_at is null and u.project_id = $1`

/**
 * Adds a bot to a project in the given transaction and gives its id. It works as a developer there (RO-04) and has no place in the organization.
 *
 * The id is its e-mail address, because programs log in with either; nobody can be written to at `.invalid`.
 */
export async function addBotIn(
  tx: Db,
  given: { projectId: string; name: string; passwordHash: string | null },
): Promise<string> {
  const id = `bot.${randomBytes(16).toString('hex')}@bots.invalid`
  await tx.query(
    `insert into user_account (id, email, kind, first_name, password_hash, project_id) values ($1, $1, 'bot', $2, $3, $4)`,
    [id, given.name, given.passwordHash, given.projectId],
  )
  await tx.query(`insert into project_member (project_id, user_id, role) values ($1, $2, 'engineer')`, [
    given.projectId,
    id,
  ])
  return id
}

/** Makes a bot. With `withCredentials` the answer has a password, which is shown this once; without, the bot gets in by API keys only. */
export async function createBot(
  deps: Deps,
  given: { projectId: string; name: string; withCredentials: boolean },
): Promise<Bot> {
  const password = given.withCredentials ? randomBytes(24).toString('base64url') : null
  const passwordHash = password === null ? null : await hashPassword(password)
  return await withTransaction(deps.db, async (tx) => {
    await lockProject(tx, given.projectId)
    if ((await listBots(tx, given.projectId)).length >= BOTS_MAX) {
      throw new AppError('request.invalid', { message: `A project has ${BOTS_MAX} bots at most; delete some first.` })
    }
    const id = await addBotIn(tx, { ...given, passwordHash })
    return { ...(await getBot(tx, { projectId: given.projectId, botId: id })), ...(password !== null && { password }) }
  })
}

/** The bots of a project, oldest first. */
export async function listBots(db: Db, projectId: string): Promise<User[]> {
  const { rows } = await db.query<BotRow>(`${select} order by u.created_at, u.id`, [projectId])
  return rows.map(render)
}

/** A bot of a project; `bot.not_found` for any other. */
export async function getBot(db: Db, given: { projectId: string; botId: string }): Promise<User> {
  const { rows } = await db.query<BotRow>(`${select} and u.id = $2`, [given.projectId, given.botId])
  if (rows[0] === undefined) throw new AppError('bot.not_found')
  return render(rows[0])
}

/** Deletes a bot of a project: its log-ins and API keys end at once here, in other processes within 10 seconds. */
export async function removeBot(deps: Deps, given: { projectId: string; botId: string }): Promise<User> {
  const bot = await withTransaction(deps.db, async (tx) => {
    await lockProject(tx, given.projectId)
    const found = await getBot(tx, given)
    await retireBotsIn(deps, tx, [found.id])
    return found
  })
  forgetUsers(deps, [bot.id])
  return bot
}

/** Takes everything from bots that lets them in, in the given transaction; the rows stay, because what they made names them. */
export async function retireBotsIn(deps: Deps, tx: Db, botIds: readonly string[]): Promise<void> {
  const now = toIso(deps.clock.now())
  await tx.query('delete from project_member where user_id = any($1)', [botIds])
  await tx.query('update credential set revoked_at = $2 where user_id = any($1) and revoked_at is null', [botIds, now])
  await tx.query(
    'update user_account set password_hash = null, deleted_at = $2, project_id = null, updated_at = $2 where id = any($1)',
    [botIds, now],
  )
}

async function lockProject(tx: Db, projectId: string): Promise<void> {
  const { rows } = await tx.query('select 1 from project where id = $1 for update', [projectId])
  if (rows.length === 0) throw new AppError('project.not_found')
}

function render(row: BotRow): User {
  return renderUser(row, row.role, { id: row.org_id, name: row.org_name })
}
