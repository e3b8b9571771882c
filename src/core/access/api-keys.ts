import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'

/**
 * Whose API keys a caller means by an id or e-mail address: their own, or those of a bot whose organization they own or administer.
 *
 * Anybody else's is `access.forbidden`, whether that user exists or not.
 */
export async function keyHolder(deps: Deps, caller: Caller, idOrEmail: string | undefined): Promise<Caller> {
  if (idOrEmail === undefined || idOrEmail === caller.userId) return caller
  if (idOrEmail.toLowerCase() === caller.email.toLowerCase()) return caller
  const { rows } = await deps.db.query<{ id: string; email: string }>(
    `select u.id, u.email from user_account u
       join project p on p.id = u.project_id
       join org_member m on m.org_id = p.org_id and m.user_id = $2 and m.role in ('owner', 'admin')
      where (u.id = $1 or lower(u.email) = lower($1)) and u.kind = 'bot' and u.deleted_at is null`,
    [idOrEmail, caller.userId],
  )
  const bot = rows[0]
  if (bot === undefined) {
    throw new AppError('access.forbidden', {
      message: 'API keys are made for yourself, or for a bot of an organization that you own or administer.',
    })
  }
  return { userId: bot.id, email: bot.email }
}

/** Whose an API key is, if the caller may revoke it: their own, or a bot's as above; `auth.api_key_not_found` otherwise. */
export async function holderOfKey(deps: Deps, caller: Caller, apiKeyId: string): Promise<Caller> {
  const { rows } = await deps.db.query<{ id: string; email: string }>(
    `select u.id, u.email from credential c join user_account u on u.id = c.user_id where c.id = $1 and c.kind = 'api-key'`,
    [apiKeyId],
  )
  const holder = rows[0]
  if (holder === undefined) throw new AppError('auth.api_key_not_found')
  return await keyHolder(deps, caller, holder.id).catch((cause: unknown) => {
    if (cause instanceof AppError && cause.code === 'access.forbidden') {
      throw new AppError('auth.api_key_not_found', { cause })
    }
    throw cause
  })
}
