import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { systemClock } from '#lib/clock.ts'
import type { Secret } from '#lib/secret.ts'
import { StorageError } from '../storage-error.ts'
import { encodePart, type GoogleAddresses } from './addresses.ts'
import { type Caller, notGoogle } from './call.ts'
import type { Where } from './errors.ts'
import { openKey, type ServiceAccount } from './service-account.ts'

/** Reads and writes objects, and nothing of buckets or rights. https://cloud.google.com/storage/docs/authentication#oauth-scopes */
const STORAGE_SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write'
/** Acting as another account needs this one or a wider one. https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken */
const IAM_SCOPE = 'https://www.googleapis.com/auth/iam'
/** What a federated token is good for; the rights given to the pool or account narrow it. */
const CLOUD_SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

/** Life of an assertion and of the tokens asked for; Google allows no more. */
const LIFE_SECONDS = 3600
/** A token is renewed this long before its end, or when a quarter of its life is left where that is less. */
const RENEW_MS = 5 * 60_000
const GRANT = 'urn:ietf:params:oauth:grant-type:'

/** A token and its end. */
export interface Token {
  readonly value: string
  readonly expiresAtMs: number
}

/** Gets a new token. */
export type Mint = () => Promise<Token>

/**
 * One log-in's token: got when it is first wanted, renewed before its end, and shared by all calls at once.
 *
 * Should renewing fail while the old one still holds, the old one goes on being used. A failure is not kept: the next call tries again.
 */
export class TokenSource {
  readonly #mint: Mint
  #token: Token | undefined
  #renewAtMs = 0
  #minting: Promise<Token> | undefined

  constructor(mint: Mint) {
    this.#mint = mint
  }

  /** The token for a call; fails with the error of the log-in, told as the call's. */
  async get(where: Where, signal?: AbortSignal): Promise<string> {
    const nowMs = systemClock.now()
    const held = this.#token
    if (held !== undefined && nowMs < this.#renewAtMs) return held.value
    this.#minting ??= this.#renew()
    try {
      return (await orAbort(this.#minting, signal, where)).value
    } catch (error) {
      if (held !== undefined && systemClock.now() < held.expiresAtMs && !signal?.aborted) return held.value
      throw asTheCalls(error, where)
    }
  }

  /** Lets a token go that Google has refused; the next call gets a new one. False when it is not the one at hand any more. */
  forget(value: string): boolean {
    if (this.#token?.value !== value) return false
    this.#token = undefined
    return true
  }

  async #renew(): Promise<Token> {
    try {
      const token = await this.#mint()
      const lifeMs = token.expiresAtMs - systemClock.now()
      this.#token = token
      this.#renewAtMs = token.expiresAtMs - Math.min(RENEW_MS, lifeMs / 4)
      return token
    } finally {
      this.#minting = undefined
    }
  }
}

/** The token is others' too: who does not want to wait any more goes alone. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined, where: Where): Promise<T> {
  if (signal === undefined) return work
  const aborted = () => new StorageError('aborted', 'The work was stopped.', { provider: 'gcs', ...where })
  if (signal.aborted) return Promise.reject(aborted())
  return new Promise((resolve, reject) => {
    const abort = () => reject(aborted())
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function asTheCalls(error: unknown, where: Where): unknown {
  if (!(error instanceof StorageError)) return error
  return new StorageError(error.kind, error.message, { ...error.facts, ...where })
}

const logIn: Where = { op: 'log-in' }

/** What ways to a token need. */
export interface MintParts {
  readonly caller: Caller
  readonly addresses: GoogleAddresses
}

/**
 * Logs a service account in by its key: an assertion, exchanged for a token. https://developers.google.com/identity/protocols/oauth2/service-account
 *
 * Where the storage is none of Google's, the assertion itself is made out to it and is the token: nobody else takes it.
 */
export function mintByKey({ caller, addresses }: MintParts, account: ServiceAccount, scope: 'storage' | 'iam'): Mint {
  let key: KeyObject | undefined
  return async () => {
    key ??= openKey(account)
    const nowMs = systemClock.now()
    const { token: address } = addresses
    if (address === null) {
      const value = await assertion(account, key, { aud: `${addresses.storage}/`, sub: account.email }, nowMs)
      return { value, expiresAtMs: nowMs + LIFE_SECONDS * 1000 }
    }
    const claims = { aud: 'https://oauth2.googleapis.com/token', scope: scope === 'iam' ? IAM_SCOPE : STORAGE_SCOPE }
    const form = new URLSearchParams({
      grant_type: `${GRANT}jwt-bearer`,
      assertion: await assertion(account, key, claims, nowMs),
    })
    return tokenOf(await caller.json({ ...post(address, form.toString()), where: logIn }), nowMs)
  }
}

/** Which account to act as, and through which one in between. */
export interface ActedAccount {
  readonly email: string
  readonly via?: string | undefined
}

/** The one in between as Google's calls want it. https://cloud.google.com/iam/docs/create-short-lived-credentials-delegated */
export function delegatesOf({ via }: ActedAccount): { delegates?: readonly string[] } {
  return via === undefined ? {} : { delegates: [`projects/-/serviceAccounts/${via}`] }
}

/** Acts as another service account, which lets the one at hand do so. */
export function mintByImpersonation({ caller, addresses }: MintParts, by: TokenSource, account: ActedAccount): Mint {
  return async () => {
    const bearer = await by.get(logIn)
    const body = JSON.stringify({ scope: [STORAGE_SCOPE], lifetime: `${LIFE_SECONDS}s`, ...delegatesOf(account) })
    const url = accountUrl(addresses, account.email, 'generateAccessToken')
    try {
      const answer = await caller.json({ ...postJson(url, body, bearer), where: logIn })
      const { accessToken, expireTime } = answer
      const expiresAtMs = typeof expireTime === 'string' ? Date.parse(expireTime) : Number.NaN
      if (typeof accessToken !== 'string' || Number.isNaN(expiresAtMs)) throw notGoogle(logIn)
      return { value: accessToken, expiresAtMs }
    } catch (error) {
      throw refusedImpersonation(error)
    }
  }
}

function refusedImpersonation(error: unknown): unknown {
  if (!(error instanceof StorageError) || (error.kind !== 'forbidden' && error.kind !== 'not-found')) return error
  const message =
    'The service account does not let this server act for it, or there is none of this address. Grant it the role Service Account Token Creator (roles/iam.serviceAccountTokenCreator) on the account; that takes effect after a minute or more.'
  return new StorageError('role-denied', message, error.facts)
}

/** What a federation's exchange is made of. */
export interface Federation {
  readonly audience: string
  readonly subjectTokenType: string
  /** The operator's token of who this server is; asked for with every exchange, since it is renewed by others. */
  readonly subjectToken: () => Promise<Secret>
}

/** Exchanges the operator's token for Google's. https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token */
export function mintByFederation(
  { caller, addresses }: MintParts,
  federation: Federation,
  scope: 'storage' | 'cloud',
): Mint {
  return async () => {
    const nowMs = systemClock.now()
    const form = new URLSearchParams({
      grant_type: `${GRANT}token-exchange`,
      audience: federation.audience,
      scope: scope === 'cloud' ? CLOUD_SCOPE : STORAGE_SCOPE,
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token_type: federation.subjectTokenType,
      subject_token: (await federation.subjectToken()).reveal(),
    })
    return tokenOf(await caller.json({ ...post(addresses.sts, form.toString()), where: logIn }), nowMs)
  }
}

/** Address of a call on a service account. */
export function accountUrl({ iam }: GoogleAddresses, email: string, call: string): URL {
  return new URL(`${iam}/projects/-/serviceAccounts/${encodePart(email)}:${call}`)
}

/** A POST of JSON with a token. */
export function postJson(url: URL, body: string, bearer: string) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${bearer}` }
  return { method: 'POST', url, headers, body } as const
}

function post(url: string, body: string) {
  return {
    method: 'POST',
    url: new URL(url),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  } as const
}

async function assertion(
  account: ServiceAccount,
  key: KeyObject,
  claims: Readonly<Record<string, string>>,
  nowMs: number,
): Promise<string> {
  const seconds = Math.floor(nowMs / 1000)
  const { email, privateKeyId } = account
  return new SignJWT({ iss: email, ...claims, iat: seconds, exp: seconds + LIFE_SECONDS })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(privateKeyId === undefined ? {} : { kid: privateKeyId }) })
    .sign(key)
}

function tokenOf(answer: Readonly<Record<string, unknown>>, nowMs: number): Token {
  const { access_token: value, expires_in: seconds } = answer
  if (typeof value !== 'string' || value === '' || typeof seconds !== 'number' || !(seconds > 0)) throw notGoogle(logIn)
  return { value, expiresAtMs: nowMs + seconds * 1000 }
}
