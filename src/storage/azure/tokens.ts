import { readFile, stat } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { systemClock } from '#lib/clock.ts'
import { Secret } from '#lib/secret.ts'
import type { Egress } from '../egress.ts'
import { failureOf, networkFailure } from '../http/failures.ts'
import { StorageError, type StorageErrorKind } from '../storage-error.ts'
import type { AzureLogin } from './credentials.ts'

/** What a token is asked for: Azure's storage, whatever the account. */
const RESOURCE = 'https://storage.azure.com'
/** A token is renewed so long before it ends, that no request under way meets its end. */
const SPARE_MS = 5 * 60_000
const REQUEST_MS = 30_000
const ANSWER_BYTES_MAX = 64 * 1024
const TOKEN_FILE_BYTES_MAX = 64 * 1024

/** A token and when it ends. */
export interface AccessToken {
  readonly token: Secret
  readonly endsMs: number
}

const where = { provider: 'azure', op: 'log-in' } as const

/**
 * Tokens of one identity: fetched once for all who ask at the same time, kept until shortly before they end, and renewed then. For `azure.ts`.
 *
 * Asked for by hand and not by `@azure/identity`: it is one POST whose answer has three fields, and so nothing can be found by itself (environment,
 * command lines, the machine's own identity), no address comes from anybody's document, and every connection goes through the egress. Failures are
 * not kept: the next caller asks again.
 */
export class TokenSource {
  readonly #login: AzureLogin
  readonly #egress: Egress
  #current: AccessToken | undefined
  #pending: Promise<AccessToken> | undefined

  constructor(login: AzureLogin, egress: Egress) {
    this.#login = login
    this.#egress = egress
  }

  async token(): Promise<AccessToken> {
    const current = this.#current
    if (current !== undefined && current.endsMs - systemClock.now() > SPARE_MS) return current
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async #fetch(): Promise<AccessToken> {
    const askedMs = systemClock.now()
    const answer = await this.#ask()
    const { access_token: token, expires_in: seconds } = answer
    const lifeMs = Number(seconds) * 1000
    if (typeof token !== 'string' || !/^[\x21-\x7e]{1,16384}$/.test(token) || !(lifeMs > 0)) {
      throw new StorageError('invalid', 'The log-in gave no token.', where)
    }
    this.#current = { token: new Secret(token), endsMs: askedMs + lifeMs }
    return this.#current
  }

  async #ask(): Promise<Record<string, unknown>> {
    const login = this.#login
    if (login.by === 'managed-identity') return this.#askMachine(login.endpoint, login.clientId)
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: login.clientId,
      scope: `${RESOURCE}/.default`,
    })
    if (login.by === 'client-secret') {
      form.set('client_secret', login.clientSecret.reveal())
    } else {
      form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      form.set('client_assertion', await readAssertion(login.tokenFile))
    }
    const url = new URL(`${login.authority}/${encodeURIComponent(login.tenantId)}/oauth2/v2.0/token`)
    const agents = this.#egress.agents({ keepAlive: false })
    return send(url, { method: 'POST', body: form.toString(), agents })
  }

  /** The machine's own service is on an address that the egress never lets a tenant reach; it is the operator's, so it is asked past it. */
  #askMachine(endpoint: string, clientId: string | undefined): Promise<Record<string, unknown>> {
    const url = new URL('/metadata/identity/oauth2/token', endpoint)
    url.searchParams.set('api-version', '2018-02-01')
    url.searchParams.set('resource', RESOURCE)
    if (clientId !== undefined) url.searchParams.set('client_id', clientId)
    return send(url, { method: 'GET', headers: { metadata: 'true' } })
  }
}

/** The platform keeps the file fresh, so it is read each time. */
async function readAssertion(path: string): Promise<string> {
  try {
    if ((await stat(path)).size > TOKEN_FILE_BYTES_MAX) throw new Error('it is too large')
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    const message = 'This server’s own identity token cannot be read; the operator has to look at its file.'
    throw new StorageError('bad-credentials', message, { ...where, cause })
  }
}

interface SendOptions {
  readonly method: 'GET' | 'POST'
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly agents?: { readonly http: http.Agent; readonly https: https.Agent }
}

/** Sends one request and reads a JSON object; redirects are not followed. */
async function send(url: URL, { method, body, headers, agents }: SendOptions): Promise<Record<string, unknown>> {
  const isSecure = url.protocol === 'https:'
  const agent = isSecure ? agents?.https : agents?.http
  try {
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const request = (isSecure ? https : http).request(url, {
        method,
        signal: AbortSignal.timeout(REQUEST_MS),
        headers: {
          accept: 'application/json',
          ...headers,
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
        },
        ...(agent === undefined ? {} : { agent }),
      })
      request.on('response', resolve).on('error', reject).end(body)
    })
    const document = await readObject(answer)
    if (answer.statusCode !== 200) throw refusal(answer, document)
    return document ?? {}
  } catch (error) {
    throw networkFailure(error, where)
  }
}

async function readObject(answer: http.IncomingMessage): Promise<Record<string, unknown> | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // Leaving the loop ends the connection.
    if (bytes > ANSWER_BYTES_MAX) return null
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    // Its own error would quote the answer.
    return null
  }
}

/** Entra's numbers for secrets that have ended; all others of its refusals mean that what was given is wrong. */
const ENDED = new Set([7000222, 700024, 50173])

// Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
function refusal(answer: http.IncomingMessage, document: Record<string, unknown> | null): StorageError {
  const status = answer.statusCode ?? 0
  const codes = Array.isArray(document?.error_codes) ? document.error_codes : []
  const number = codes.find((code): code is number => Number.isSafeInteger(code))
  const seconds = Number(answer.headers['retry-after'])
  const facts = {
    providerCode: number === undefined ? undefined : `AADSTS${number}`,
    ...(seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
  }
  return failureOf(kindOfRefusal(status, document, number), where, facts)
}

function kindOfRefusal(
  status: number,
  document: Record<string, unknown> | null,
  number: number | undefined,
): StorageErrorKind {
  if (status === 429) return 'throttled'
  if (status >= 500) return 'unavailable'
  if (typeof document?.error !== 'string') return 'not-a-storage'
  return number !== undefined && ENDED.has(number) ? 'expired-credentials' : 'bad-credentials'
}
