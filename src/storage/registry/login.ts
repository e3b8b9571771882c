import { systemClock } from '#lib/clock.ts'
import type { Secret } from '#lib/secret.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { type Answer, discard, type Exchanger, readText } from './exchange.ts'
import { answerFailure, registryError, toRegistryError, toTimedError, untrusted, type Where } from './failures.ts'
import { type AllowedRealm, isRealmAllowed } from './hosts.ts'

/** Who logs in. */
export interface Account {
  readonly username: string
  readonly password: Secret
}

/** Where user and password come from; Amazon's are made anew every few hours. */
export interface AccountSource {
  /** Null: nobody logs in, which public registries allow. */
  get(): Promise<Account | null>
  /** Forgets what it has given, because the registry refused it; false where there is nothing newer to be had. */
  renew(): boolean
}

/** What a request reaches, so that no token is asked for that allows more. Null: only that there is a registry. */
export type Resource = { readonly repository: string } | 'catalog' | null

/** What a `Login` is made of. */
export interface LoginOptions {
  readonly origin: URL
  readonly accounts: AccountSource
  readonly allowedRealms: readonly AllowedRealm[]
  readonly exchanger: Exchanger
}

/** One GET to the registry. */
export interface RegistryGet {
  readonly url: URL
  readonly resource: Resource
  readonly where: Where
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

interface Token {
  readonly text: string
  readonly endsMs: number
}

/** Longest answer of a token service, and longest token, in bytes; those of Google and Azure have some 2,000. */
const TOKEN_ANSWER_BYTES_MAX = 64 * 1024
const TOKEN_CHARS_MAX = 16 * 1024
const TOKEN_MS = 30_000
/** Life of a token that tells none, in seconds. Source: https://distribution.github.io/distribution/spec/auth/token/ */
const TOKEN_SECONDS = 60
const TOKEN_SECONDS_MAX = 12 * 3600
/** A token is not used for its last tenth, 30 seconds at the most: the request has to arrive while it lives. */
const TOKEN_MARGIN_MS_MAX = 30_000
/** Tokens that are kept, one a repository; the oldest goes first. */
const TOKENS_MAX = 1_000
/** User by which Azure's registry knows that the password is a refresh token. */
const ACR_REFRESH_USER = '00000000-0000-0000-0000-000000000000'

/**
 * Sends requests to one registry and logs in as it asks to: user and password (Basic), or a token of the service it names (Bearer), kept for each
 * repository until shortly before its end.
 *
 * Passwords go to the registry's own origin and to token services that `isRealmAllowed` allows, nowhere else; tokens to the registry only.
 */
export class Login {
  readonly #options: LoginOptions
  readonly #tokens = new Map<string, Promise<Token>>()
  #isBasic = false

  constructor(options: LoginOptions) {
    this.#options = options
  }

  /** Answers with status 200 or 206, or a redirect; throws what every other status stands for. */
  async get(request: RegistryGet): Promise<Answer> {
    const { resource, where, signal } = request
    try {
      const used = this.#tokens.get(keyOf(resource))
      const known = await this.#known(used)
      const first = await this.#send(request, known)
      if (first.status !== 401) return await accepted(first, where, known !== undefined)
      const challenges = parseChallenges(first.headers['www-authenticate'] ?? '')
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
      if (bearer !== undefined) return await this.#byToken(request, first, bearer, used)
      const basic = challenges.find(({ scheme }) => scheme === 'basic')
      if (basic !== undefined) return await this.#byPassword(request, first)
      throw await answerFailure(first, where, false)
    } catch (error) {
      throw toRegistryError(error, where, signal)
    }
  }

  /** `used` is the token that was refused, if one was sent; requests at the same time wait for one new one together. */
  async #byToken(
    request: RegistryGet,
    refused: Answer,
    challenge: Challenge,
    used: Promise<Token> | undefined,
  ): Promise<Answer> {
    const { resource, where } = request
    discard(refused)
    const known = this.#tokens.get(keyOf(resource))
    const token = known === undefined || known === used ? this.#newToken(challenge, resource, where) : known
    const answer = await this.#send(request, `Bearer ${(await token).text}`)
    if (answer.status === 401) this.#forget(resource, token)
    return accepted(answer, where, true)
  }

  #newToken(challenge: Challenge, resource: Resource, where: Where): Promise<Token> {
    const token = this.#fetchToken(challenge, resource, where)
    this.#tokens.delete(keyOf(resource))
    this.#tokens.set(keyOf(resource), token)
    if (this.#tokens.size > TOKENS_MAX) this.#tokens.delete(this.#tokens.keys().next().value!)
    // A failure is not kept: the next request asks again.
    token.catch(() => this.#forget(resource, token))
    return token
  }

  #forget(resource: Resource, token: Promise<Token>): void {
    if (this.#tokens.get(keyOf(resource)) === token) this.#tokens.delete(keyOf(resource))
  }

  async #byPassword(request: RegistryGet, refused: Answer): Promise<Answer> {
    const { accounts } = this.#options
    const wasSent = this.#isBasic
    if (wasSent && !accounts.renew()) throw await answerFailure(refused, request.where, false)
    discard(refused)
    const account = await accounts.get()
    if (account === null) {
      const message = 'The registry wants user and password; choose an integration that has them for this server.'
      throw registryError('bad-credentials', request.where, { message })
    }
    const answer = await this.#send(request, basicOf(account))
    if (answer.status !== 401) this.#isBasic = true
    return accepted(answer, request.where, answer.status !== 401)
  }

  /** What is known to be accepted, so that most requests are sent once. */
  async #known(used: Promise<Token> | undefined): Promise<string | undefined> {
    const token = await used?.catch(() => undefined)
    if (token !== undefined && systemClock.now() < token.endsMs) return `Bearer ${token.text}`
    if (!this.#isBasic) return undefined
    const account = await this.#options.accounts.get()
    return account === null ? undefined : basicOf(account)
  }

  #send({ url, headers, signal, where }: RegistryGet, authorization: string | undefined): Promise<Answer> {
    if (url.origin !== this.#options.origin.origin) throw untrusted('it leads to another host', where)
    const all = authorization === undefined ? headers : { ...headers, authorization }
    return this.#options.exchanger.send({ url, signal, ...(all === undefined ? {} : { headers: all }) })
  }

  async #fetchToken(challenge: Challenge, resource: Resource, where: Where): Promise<Token> {
    const { origin, allowedRealms } = this.#options
    const realm = challenge.params.get('realm') ?? ''
    const url = URL.canParse(realm) ? new URL(realm) : null
    if (url === null || !isRealmAllowed(origin, url, allowedRealms)) {
      const named = url === null ? 'no address' : `another host (${url.host})`
      const message = `The registry names ${named} as its token service, and passwords are not sent there; the operator can allow it (SLUICE_REGISTRY_REALMS).`
      throw registryError('address-denied', where, { message })
    }
    const service = challenge.params.get('service')
    const scope = scopeOf(challenge.params.get('scope'), resource)
    const fields = new URLSearchParams({
      ...(service === undefined ? {} : { service }),
      ...(scope === '' ? {} : { scope }),
    })
    // Not the caller's signal: others wait for the same token.
    const clock = AbortSignal.timeout(TOKEN_MS)
    try {
      return await this.#askToken(url, fields, where, clock)
    } catch (error) {
      throw toTimedError(error, where, clock)
    }
  }

  async #askToken(url: URL, fields: URLSearchParams, where: Where, signal: AbortSignal): Promise<Token> {
    const { accounts, exchanger } = this.#options
    const account = await accounts.get()
    const answer =
      account?.username === ACR_REFRESH_USER
        ? await exchanger.send({ url, method: 'POST', ...refreshForm(fields, account), signal })
        : await exchanger.send({
            url: withFields(url, fields),
            headers: account === null ? {} : { authorization: basicOf(account) },
            signal,
          })
    if (answer.status === 200) return tokenOf(await readText(answer, TOKEN_ANSWER_BYTES_MAX), where)
    // Without a scope nothing but the log-in itself can be denied; some services say 403 to a wrong password, some 400 to a wrong refresh token.
    const isAboutLogin = !fields.has('scope') && (answer.status === 403 || answer.status === 400)
    if (answer.status !== 401 && !isAboutLogin) throw await answerFailure(answer, where, true)
    discard(answer)
    throw registryError(account === null ? 'forbidden' : 'bad-credentials', where)
  }
}

/** Hands on what succeeded or leads elsewhere; throws what the rest stands for. */
async function accepted(answer: Answer, where: Where, isLoggedIn: boolean): Promise<Answer> {
  const { status } = answer
  if (status === 200 || status === 206 || (status >= 301 && status <= 308 && status !== 304)) return answer
  throw await answerFailure(answer, where, isLoggedIn)
}

function basicOf({ username, password }: Account): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`
}

/** Source: https://distribution.github.io/distribution/spec/auth/oauth/ */
function refreshForm(fields: URLSearchParams, account: Account) {
  const form = new URLSearchParams(fields)
  form.set('grant_type', 'refresh_token')
  form.set('refresh_token', account.password.reveal())
  return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() }
}

function withFields(url: URL, fields: URLSearchParams): URL {
  const whole = new URL(url)
  for (const [name, value] of fields) whole.searchParams.set(name, value)
  return whole
}

function keyOf(resource: Resource): string {
  return resource === null ? '' : resource === 'catalog' ? 'catalog' : `repository ${resource.repository}`
}

/**
 * The rights to ask for: those that the challenge names, as far as they are for reading this one thing; else the usual ones. A registry that names more than
 * that would get a token into its hands which can do more.
 */
function scopeOf(named: string | undefined, resource: Resource): string {
  if (resource === null) return ''
  const [type, name, actions, usual] =
    resource === 'catalog'
      ? ['registry', 'catalog', ['*'], 'registry:catalog:*']
      : ['repository', resource.repository, ['pull', 'metadata_read'], `repository:${resource.repository}:pull`]
  const asked = new Set<string>()
  for (const part of (named ?? '').split(' ')) {
    const [kind, rest] = [part.slice(0, part.indexOf(':')), part.slice(part.indexOf(':') + 1)]
    const [what, wanted] = [rest.slice(0, rest.lastIndexOf(':')), rest.slice(rest.lastIndexOf(':') + 1)]
    if (kind.replace(/\([a-z]+\)$/, '') !== type || what !== name) continue
    for (const action of wanted.split(',')) if ((actions as string[]).includes(action)) asked.add(action)
  }
  return asked.size === 0 ? usual : `${type}:${name}:${[...asked].join(',')}`
}

function tokenOf(text: string, where: Where): Token {
  const nowMs = systemClock.now()
  let given: { token?: unknown; access_token?: unknown; expires_in?: unknown } | null
  try {
    given = JSON.parse(text)
  } catch {
    // The parser's own error quotes the text, so it is not kept as the cause.
    given = null
  }
  const token = given?.token ?? given?.access_token
  if (typeof token !== 'string' || token.length > TOKEN_CHARS_MAX || !/^[\x21-\x7e]+$/.test(token)) {
    throw untrusted('its token service gives no token', where)
  }
  const said = given?.expires_in
  const seconds = typeof said === 'number' && said > 0 ? Math.min(said, TOKEN_SECONDS_MAX) : TOKEN_SECONDS
  return { text: token, endsMs: nowMs + seconds * 1000 - Math.min(TOKEN_MARGIN_MS_MAX, seconds * 100) }
}
