import { ApiError, createClient } from '#client/client.ts'

/**
 * Who is logged in, for the whole window. The access token is kept in memory only; cookies that no script reads renew it, so a reload stays
 * logged in and a stolen page has nothing to take along.
 */
let accessToken: string | undefined
let renewal: Promise<boolean> | undefined

/** The API as the logged-in person; a token that has ended is renewed once, unseen. */
export const api = createClient({ baseUrl: location.origin, token: () => accessToken, fetch: sendRenewing })

/** For log-in only, which must not renew anything. */
const bare = createClient({ baseUrl: location.origin })

/** Logs in; throws the API's error. */
export async function logIn(email: string, password: string): Promise<void> {
  accessToken = (await bare.openSession({ body: { email, password } })).accessToken
}

/** Logs out here and on the server; the window starts anew, so that nothing of the person stays in its memory. */
export async function logOut(): Promise<void> {
  await bare.closeSession().catch(() => undefined)
  accessToken = undefined
  location.assign('/log-in')
}

/** Whether somebody is logged in; asks the server when this window does not know yet. Throws when the server does not answer. */
export async function isLoggedIn(): Promise<boolean> {
  return accessToken !== undefined || (await renew())
}

/**
 * The token for requests that the typed client cannot make, such as uploads whose progress is shown. `isRefused`: the one before was not taken, so
 * another is fetched. Undefined when nobody is logged in any more.
 */
export async function bearerToken({ isRefused = false } = {}): Promise<string | undefined> {
  if (isRefused || accessToken === undefined) await renew()
  return accessToken
}

/** Several that find the token ended at once share one renewal. */
function renew(): Promise<boolean> {
  renewal ??= bare
    .renewSession({ body: {} })
    .then((session) => {
      accessToken = session.accessToken
      return true
    })
    .catch((error: unknown) => {
      if (!(error instanceof ApiError) || error.status !== 401) throw error
      accessToken = undefined
      return false
    })
    .finally(() => {
      renewal = undefined
    })
  return renewal
}

async function sendRenewing(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const answer = await fetch(input, init)
  if (answer.status !== 401 || !(await renew())) return answer
  const headers = { ...(init?.headers as Record<string, string>), authorization: `Bearer ${accessToken}` }
  return fetch(input, { ...init, headers })
}
