// Checks signatures of version 4 as AWS's documents describe them, for fakes; it shares no code with what signs.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Keys that a fake knows. */
export interface KnownKey {
  readonly secret: string
  /** What `x-amz-security-token` must be; left out: there must be none. */
  readonly token?: string | undefined
}

/** Who signed a request: the id of a known key, or the code of AWS's refusal. */
export type Signer = { readonly keyId: string } | { readonly refusal: string }

const hex = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** Tells who signed a request in its headers. `body` null: the payload is not looked at (`UNSIGNED-PAYLOAD` or its stated hash is taken). */
export function signerOf(
  request: IncomingMessage,
  body: Buffer | null,
  keyOf: (keyId: string) => KnownKey | undefined,
): Signer {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/(\w+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
  const match = pattern.exec(request.headers.authorization ?? '')
  if (match === null) return { refusal: 'MissingAuthenticationToken' }
  const [, keyId, date, region, service, names, signature] = match as unknown as [string, ...string[]]
  const key = keyOf(keyId!)
  if (key === undefined) return { refusal: 'InvalidClientTokenId' }
  if (request.headers['x-amz-security-token'] !== key.token) return { refusal: 'InvalidToken' }
  const [path, query = ''] = request.url!.split('?')
  const payload = body === null ? String(request.headers['x-amz-content-sha256'] ?? hex('')) : hex(body)
  const lines = names!.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`)
  const canonical = [request.method, path, sorted(query), lines.join(''), names, payload].join('\n')
  const time = String(request.headers['x-amz-date'])
  const text = ['AWS4-HMAC-SHA256', time, `${date}/${region}/${service}/aws4_request`, hex(canonical)].join('\n')
  const signing = hmac(hmac(hmac(hmac(`AWS4${key.secret}`, date!), region!), service!), 'aws4_request')
  const expected = createHmac('sha256', signing).update(text).digest()
  return timingSafeEqual(expected, Buffer.from(signature!, 'hex'))
    ? { keyId: keyId! }
    : { refusal: 'SignatureDoesNotMatch' }
}

function sorted(query: string): string {
  return query === '' ? '' : query.split('&').sort().join('&')
}
