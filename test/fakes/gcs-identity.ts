import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { jwtVerify } from 'jose'
import { bodyOf, sendJson } from './gcs.ts'
import { NamedFailure } from './gcs-bucket.ts'

/** What an account is made of; all rights unless said. */
export interface NewAccount {
  readonly email?: string
  readonly permissions?: readonly string[]
}

/** A service account of the fake. */
export interface FakeAccount {
  readonly email: string
  /** The key file as Google hands it out. */
  readonly keyFile: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  readonly hmac: { readonly id: string; readonly secret: string }
  permissions: ReadonlySet<string> | 'all'
  /** Who may act as it and sign for it: e-mail addresses, and subjects of federated log-ins. */
  readonly creators: Set<string>
  /** False: its key was revoked. */
  isEnabled: boolean
  may(permission: string): boolean
}

const GRANT = 'urn:ietf:params:oauth:grant-type:'
// Making a key takes a moment; tests do not mind sharing it.
let pair: { publicKey: KeyObject; privateKey: KeyObject } | undefined

/** Log-ins of the fake: assertions, tokens, acting as another account, federation, and signed addresses, each really verified. */
export class FakeIdentities {
  readonly #origin: string
  readonly #accounts = new Map<string, FakeAccount>()
  readonly #tokens = new Map<string, { readonly who: string; readonly scopes: string; readonly endsMs: number }>()
  /** Life of the tokens that are given out. */
  tokenSeconds = 3600
  /** How often a token was asked for. */
  tokensGiven = 0
  /** Tokens of another company’s log-in that are taken, by audience. */
  readonly federated = new Map<string, { readonly audience: string; readonly subject: string }>()

  constructor(origin: string) {
    this.#origin = origin
  }

  add({
    email = `account-${randomBytes(4).toString('hex')}@project.iam.gserviceaccount.com`,
    permissions,
  }: NewAccount = {}): FakeAccount {
    pair ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { privateKey, publicKey } = pair
    const keyFile = JSON.stringify({
      type: 'service_account',
      project_id: 'project',
      private_key_id: `key-${email.split('@')[0]}`,
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: email,
      client_id: '1',
      auth_uri: 'https://nobody.invalid/auth',
      token_uri: 'https://nobody.invalid/token',
      universe_domain: 'nobody.invalid',
    })
    const account: FakeAccount = {
      email,
      keyFile,
      publicKey: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
      privateKey,
      hmac: { id: `GOOG1${randomBytes(8).toString('hex').toUpperCase()}`, secret: randomBytes(30).toString('base64') },
      permissions: permissions === undefined ? 'all' : new Set(permissions),
      creators: new Set(),
      isEnabled: true,
      may: (permission) => account.permissions === 'all' || account.permissions.has(permission),
    }
    this.#accounts.set(email, account)
    return account
  }

  /** Forgets all tokens, as when they were revoked. */
  revokeTokens(): void {
    this.#tokens.clear()
  }

  /** Answers what concerns log-ins; false for everything else. */
  async answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    if (request.method !== 'POST') return false
    if (url.pathname === '/token') await this.#exchangeAssertion(request, response)
    else if (url.pathname === '/v1/token') await this.#exchangeSubject(request, response)
    else if (url.pathname.startsWith('/v1/projects/-/serviceAccounts/')) await this.#actAs(request, response, url)
    else return false
    return true
  }

  /** Who calls, as a question for permissions; throws for who is not known. */
  async caller(request: IncomingMessage): Promise<(permission: string) => void> {
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (bearer === undefined) throw new NamedFailure(401, 'required', 'Login Required')
    const who = this.#tokens.has(bearer) ? this.#holderOf(bearer).who : await this.#selfSigned(bearer)
    const account = this.#accounts.get(who)
    return (permission) => {
      if (account?.may(permission) === true || (account === undefined && who.startsWith('principal:'))) return
      throw new NamedFailure(403, 'forbidden', `${who} does not have ${permission} access.`)
    }
  }

  async #exchangeAssertion(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams((await bodyOf(request)).toString())
    const assertion = form.get('assertion') ?? ''
    const refuse = (error: string, text: string) => {
      response.writeHead(400, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error, error_description: text }))
    }
    if (form.get('grant_type') !== `${GRANT}jwt-bearer`) return refuse('unsupported_grant_type', 'Invalid grant_type')
    const account = this.#accounts.get(String(claimsOf(assertion).iss))
    if (account === undefined || !account.isEnabled) return refuse('invalid_grant', 'Invalid grant: account not found')
    const { iat = 0, exp = 0, scope } = claimsOf(assertion)
    const now = Date.now() / 1000
    if (iat > now + 300 || exp < now || exp - iat > 3600)
      return refuse(
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
      )
    try {
      await jwtVerify(assertion, account.publicKey, {
        audience: 'https://oauth2.googleapis.com/token',
        algorithms: ['RS256'],
      })
    } catch {
      return refuse('invalid_grant', 'Invalid JWT Signature.')
    }
    sendJson(response, this.#give(account.email, String(scope)))
  }

  async #exchangeSubject(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams((await bodyOf(request)).toString())
    const known = this.federated.get(form.get('subject_token') ?? '')
    const isRight = form.get('grant_type') === `${GRANT}token-exchange` && known?.audience === form.get('audience')
    if (!isRight) {
      response.writeHead(400, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: 'invalid_grant', error_description: 'The given credential is rejected.' }))
      return
    }
    sendJson(response, this.#give(`principal:${known!.subject}`, form.get('scope') ?? ''))
  }

  async #actAs(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const body = JSON.parse((await bodyOf(request)).toString()) as {
      payload?: string
      scope?: string[]
      delegates?: string[]
    }
    const asked = /\/serviceAccounts\/([^:]+):(\w+)$/.exec(decodeURIComponent(url.pathname))
    const account = this.#accounts.get(asked?.[1] ?? '')
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const { who, scopes } = this.#holderOf(bearer)
    const isInScope = /\/auth\/(iam|cloud-platform)$/.test(scopes)
    // Each of the chain must let the one before act for it.
    let last = who
    for (const delegate of (body.delegates ?? []).map((name) => name.slice('projects/-/serviceAccounts/'.length))) {
      last = this.#accounts.get(delegate)?.creators.has(last) === true ? delegate : ''
    }
    if (account === undefined || !account.creators.has(last) || !isInScope) {
      response.writeHead(403, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({
          error: {
            code: 403,
            message: 'Permission denied (or the resource may not exist).',
            status: 'PERMISSION_DENIED',
          },
        }),
      )
      return
    }
    if (asked![2] === 'generateAccessToken') {
      const { access_token, expires_in } = this.#give(account.email, String(body.scope?.[0]))
      sendJson(response, {
        accessToken: access_token,
        expireTime: new Date(Date.now() + expires_in * 1000).toISOString(),
      })
    } else {
      const signedBlob = sign('sha256', Buffer.from(body.payload ?? '', 'base64'), account.privateKey).toString(
        'base64',
      )
      sendJson(response, { keyId: 'system', signedBlob })
    }
  }

  #give(who: string, scopes: string) {
    this.tokensGiven++
    const access_token = `ya29.${randomBytes(24).toString('base64url')}`
    this.#tokens.set(access_token, { who, scopes, endsMs: Date.now() + this.tokenSeconds * 1000 })
    return { access_token, expires_in: this.tokenSeconds, token_type: 'Bearer' }
  }

  #holderOf(bearer: string): { readonly who: string; readonly scopes: string } {
    const token = this.#tokens.get(bearer)
    if (token !== undefined && token.endsMs > Date.now()) return token
    throw new NamedFailure(401, 'authError', 'Invalid Credentials')
  }

  /** An assertion that is made out to this very storage. https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth */
  async #selfSigned(bearer: string): Promise<string> {
    const account = this.#accounts.get(String(claimsOf(bearer).iss))
    try {
      if (account?.isEnabled !== true) throw new Error('nobody')
      const { payload } = await jwtVerify(bearer, account.publicKey, {
        audience: `${this.#origin}/`,
        algorithms: ['RS256'],
      })
      if (payload.sub !== account.email) throw new Error('another')
      return account.email
    } catch {
      throw new NamedFailure(401, 'authError', 'Invalid Credentials')
    }
  }

  /** Who signed an address; or the code of the XML error. https://cloud.google.com/storage/docs/authentication/canonical-requests */
  verifySigned(request: IncomingMessage): FakeAccount | string {
    const [path = '', text = ''] = (request.url ?? '').split('?')
    const pairs = text.split('&').map((one) => one.split('=') as [string, string])
    const query = new Map(pairs.map(([name, value]) => [name, decodeURIComponent(value ?? '')]))
    const [id = '', day, region, service, end] = (query.get('X-Goog-Credential') ?? '').split('/')
    const time = query.get('X-Goog-Date') ?? ''
    const isScoped =
      region === 'auto' && service === 'storage' && end === 'goog4_request' && time.startsWith(day ?? '-')
    const startMs = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
    const seconds = Number(query.get('X-Goog-Expires'))
    if (!isScoped || !(seconds >= 1 && seconds <= 604_800) || !(startMs < Date.now() + 900_000))
      return 'InvalidArgument'
    if (startMs + seconds * 1000 < Date.now()) return 'ExpiredToken'
    const signed = (query.get('X-Goog-SignedHeaders') ?? '').split(';')
    if (!signed.includes('host')) return 'InvalidArgument'
    const lines = signed.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`).join('')
    const canonicalQuery = pairs
      .filter(([name]) => name !== 'X-Goog-Signature')
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('&')
    const canonical = [request.method, path, canonicalQuery, lines, signed.join(';'), 'UNSIGNED-PAYLOAD'].join('\n')
    const scope = `${day}/${region}/${service}/${end}`
    const algorithm = query.get('X-Goog-Algorithm')
    const toSign = `${algorithm}\n${time}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`
    const signature = Buffer.from(query.get('X-Goog-Signature') ?? '', 'hex')
    if (algorithm === 'GOOG4-RSA-SHA256') {
      const account = this.#accounts.get(id)
      return account !== undefined && verify('sha256', Buffer.from(toSign), account.publicKey, signature)
        ? account
        : 'SignatureDoesNotMatch'
    }
    const account = [...this.#accounts.values()].find(({ hmac }) => hmac.id === id)
    if (algorithm !== 'GOOG4-HMAC-SHA256' || account === undefined) return 'InvalidArgument'
    let key = Buffer.from(`GOOG4${account.hmac.secret}`)
    for (const step of [day!, region, service, end]) key = createHmac('sha256', key).update(step).digest()
    const right = createHmac('sha256', key).update(toSign).digest()
    return right.length === signature.length && timingSafeEqual(right, signature) ? account : 'SignatureDoesNotMatch'
  }
}

interface Claims {
  readonly iss?: string
  readonly iat?: number
  readonly exp?: number
  readonly scope?: string
}

function claimsOf(token: string): Claims {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims
  } catch {
    return {}
  }
}
