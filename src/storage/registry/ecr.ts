import { createHash, createHmac } from 'node:crypto'
import { systemClock, toIso } from '#lib/clock.ts'
import { Secret } from '#lib/secret.ts'
import { type Exchanger, readText } from './exchange.ts'
import { registryError, toTimedError, untrusted } from './failures.ts'
import type { Account, AccountSource } from './login.ts'

/** An AWS key that may ask for tokens of an account's registry (`ecr:GetAuthorizationToken`). */
export interface EcrKey {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  /** For temporary keys. */
  readonly sessionToken?: Secret | undefined
  readonly region: string
  /** Where the API answers when it is not AWS's own address: for tests. */
  readonly endpoint?: string | undefined
}

/** A token lives 12 hours; it is renewed this long before its end. */
const MARGIN_MS = 10 * 60_000
const ANSWER_BYTES_MAX = 64 * 1024
const CALL_MS = 30_000
const TARGET = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken'
const where = { op: 'login' }

/** Host of an AWS account's registry. */
export function ecrHost(account: string, region: string): string {
  return `${account}.dkr.ecr.${region}.${domainOf(region)}`
}

function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
}

/**
 * User and password of Amazon's registry: the call `GetAuthorizationToken`, whose answer is kept until ten minutes before its end.
 *
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 */
export function ecrAccounts(key: EcrKey, exchanger: Exchanger): AccountSource {
  let held: Promise<{ account: Account; endsMs: number }> | undefined
  let madeMs = 0
  return {
    async get() {
      if (held !== undefined && systemClock.now() >= (await held).endsMs - MARGIN_MS) held = undefined
      if (held === undefined) {
        madeMs = systemClock.now()
        const fresh = authorize(key, exchanger)
        held = fresh
        fresh.catch(() => {
          if (held === fresh) held = undefined
        })
      }
      return (await held).account
    },
    renew() {
      // A token that was just made and is refused will not be better the next time.
      if (held === undefined || systemClock.now() - madeMs < 60_000) return false
      held = undefined
      return true
    },
  }
}

async function authorize(key: EcrKey, exchanger: Exchanger): Promise<{ account: Account; endsMs: number }> {
  const clock = AbortSignal.timeout(CALL_MS)
  try {
    const url = new URL(key.endpoint ?? `https://api.ecr.${key.region}.${domainOf(key.region)}/`)
    const body = '{}'
    const headers = signedHeaders(key, { host: url.host, path: url.pathname, body, nowMs: systemClock.now() })
    const answer = await exchanger.send({ url, method: 'POST', headers, body, signal: clock })
    const text = await readText(answer, ANSWER_BYTES_MAX)
    if (answer.status !== 200) throw failure(answer.status, text)
    return accountOf(text)
  } catch (error) {
    throw toTimedError(error, where, clock)
  }
}

function accountOf(text: string): { account: Account; endsMs: number } {
  const data = (parsed(text)?.authorizationData as Record<string, unknown>[] | undefined)?.[0]
  const token = data?.authorizationToken
  const [username, password] = typeof token === 'string' ? splitOnce(Buffer.from(token, 'base64').toString('utf8')) : []
  if (!username || !password) throw untrusted('it holds no token', where)
  const ends = data?.expiresAt
  const endsMs = typeof ends === 'number' ? ends * 1000 : systemClock.now() + 12 * 3600_000
  return { account: { username, password: new Secret(password) }, endsMs }
}

function splitOnce(text: string): string[] {
  const at = text.indexOf(':')
  return at < 0 ? [] : [text.slice(0, at), text.slice(at + 1)]
}

function failure(status: number, text: string) {
  const type = String(parsed(text)?.__type ?? '').replace(/^.*#/, '')
  const providerCode = /^[A-Za-z]{1,64}$/.test(type) ? type : undefined
  if (status === 429 || /Throttl|TooManyRequests/.test(type)) return registryError('throttled', where, { providerCode })
  if (status >= 500) return registryError('unavailable', where, { providerCode })
  if (/Expired/.test(type)) return registryError('expired-credentials', where, { providerCode })
  if (type === 'AccessDeniedException') {
    const message = 'AWS denied the key a token for the registry. Grant ecr:GetAuthorizationToken to it.'
    return registryError('forbidden', where, { providerCode, message })
  }
  if (/UnrecognizedClient|InvalidSignature|IncompleteSignature|InvalidClientTokenId|MissingAuthentication/.test(type))
    return registryError('bad-credentials', where, { providerCode })
  return registryError(providerCode === undefined ? 'not-a-storage' : 'invalid', where, { providerCode })
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/**
 * The headers of a signed POST (signature version 4) to the API of Amazon's registry; `path` is encoded and there is no query. Exported for its test, which
 * holds it against AWS's own signer.
 */
export function signedHeaders(
  key: EcrKey,
  request: { readonly host: string; readonly path: string; readonly body: string; readonly nowMs: number },
): Record<string, string> {
  const time = `${toIso(request.nowMs).slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  const token = key.sessionToken?.reveal()
  const signed: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: request.host,
    'x-amz-date': time,
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
    'x-amz-target': TARGET,
  }
  const names = Object.keys(signed).join(';')
  const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
  const canonical = `POST\n${request.path}\n\n${lines.join('')}\n${names}\n${sha256(request.body)}`
  const scope = `${time.slice(0, 8)}/${key.region}/ecr/aws4_request`
  const parts = [time.slice(0, 8), key.region, 'ecr', 'aws4_request']
  const signing = parts.reduce<string | Buffer>(hmac, `AWS4${key.secretAccessKey.reveal()}`)
  const signature = createHmac('sha256', signing)
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`)
    .digest('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return { ...signed, authorization }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
