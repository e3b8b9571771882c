import type { sessionRoutes } from '#contract/session.ts'
import { authenticate, login, refreshSession, revoke, type Tokens } from '#core/access/access.ts'
import { AppError } from '#lib/app-error.ts'
import { BYTES_COOKIE, cookieOf, RENEWAL_COOKIE, setCookie } from '../cookies.ts'
import type { CallFrame, Handlers } from '../handler.ts'

/** The log-in of the console. */
export const sessionHandlers: Handlers<typeof sessionRoutes> = {
  openSession: async (deps, { body, raw, reply, baseUrl }) =>
    answer({ reply, baseUrl }, await login(deps, { username: body.email, password: body.password, address: raw.ip })),
  renewSession: async (deps, { raw, reply, baseUrl }) => {
    const renewal = cookieOf(raw, RENEWAL_COOKIE)
    if (renewal === undefined) throw new AppError('auth.required')
    return answer({ reply, baseUrl }, await refreshSession(deps, renewal))
  },
  closeSession: async (deps, { raw, reply, baseUrl }) => {
    const token = cookieOf(raw, BYTES_COOKIE)
    // One that has ended already needs no ending.
    const auth = token === undefined ? null : await authenticate(deps, token).catch(() => null)
    if (auth !== null) await revoke(deps, auth.caller, { id: auth.credential.id })
    giveCookies({ reply, baseUrl }, '', '')
  },
}

type Frame = Pick<CallFrame, 'reply' | 'baseUrl'>

function answer(frame: Frame, tokens: Tokens) {
  giveCookies(frame, tokens.refreshToken, tokens.accessToken)
  return { accessToken: tokens.accessToken, expiresIn: tokens.accessSeconds }
}

function giveCookies({ reply, baseUrl }: Frame, renewal: string, bytes: string): void {
  const isSecure = baseUrl.startsWith('https:')
  setCookie(reply, { name: RENEWAL_COOKIE, value: renewal, path: '/session', isSecure })
  setCookie(reply, { name: BYTES_COOKIE, value: bytes, path: '/api/v1/items', isSecure })
}
