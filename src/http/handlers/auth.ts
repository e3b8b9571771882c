import type { authRoutes } from '#contract/auth.ts'
import {
  changePassword,
  chooseOrg,
  createApiKey,
  getMe,
  holderOfKey,
  keyHolder,
  listApiKeys,
  login,
  refreshSession,
  revoke,
} from '#core/access/access.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'
import { loginPage, loginScript } from '../login-page.ts'
import { sendPage, sendScript } from '../pages.ts'

/** Log-in, tokens, API keys and the caller's own account. */
export const authHandlers: Handlers<typeof authRoutes> = {
  createToken: async (deps, { body, raw }) => {
    const tokens =
      body.type === 'refresh_token'
        ? await refreshSession(deps, body.refresh_token)
        : await login(deps, { username: body.username, password: body.password, address: raw.ip })
    // The SDK reads `id_token`, other clients of this flow `access_token`; they are the same token.
    return {
      id_token: tokens.accessToken,
      access_token: tokens.accessToken,
      refresh_token: tokens.refreshToken,
      expires_in: tokens.accessSeconds,
    }
  },
  getLoginPage: async (_deps, { query, reply }) => sendPage(reply, loginPage(query.callback)),
  getLoginScript: async (_deps, { reply }) => sendScript(reply, loginScript),
  logout: async (deps, { caller, credential }) => {
    await revoke(deps, caller, { id: credential.id })
  },
  createApiKey: async (deps, { caller, credential, body }) => {
    if (credential.kind === 'api-key') {
      throw new AppError('access.forbidden', {
        message: 'An API key cannot make another one; log in with your password.',
      })
    }
    const holder = await keyHolder(deps, caller, body.userId)
    return await createApiKey(deps, holder, body.description ?? '')
  },
  listApiKeys: async (deps, { caller, query }) => listApiKeys(deps, await keyHolder(deps, caller, query.userId)),
  deleteApiKey: async (deps, { caller, params }) => {
    const holder = await holderOfKey(deps, caller, params.apiKeyId)
    if (!(await revoke(deps, holder, { id: params.apiKeyId, kind: 'api-key' })))
      throw new AppError('auth.api_key_not_found')
  },
  getMe: (deps, { caller }) => getMe(deps, caller),
  updateMe: async (deps, { caller, body }) => {
    await chooseOrg(deps, caller, body.org)
    return await getMe(deps, caller)
  },
  changePassword: async (deps, { caller, credential, body, raw }) => {
    if (credential.kind === 'api-key') {
      throw new AppError('access.forbidden', {
        message: 'An API key cannot change a password; log in with your password.',
      })
    }
    await changePassword(deps, caller, { ...body, address: raw.ip, sessionId: credential.id })
  },
}
