import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { S3Problem } from './bucket-problem.ts'

/** A request as the signature covers it. */
export interface SignedRead {
  readonly method: string
  readonly bucket: string
  /** Decoded; `''` for a request on the bucket. */
  readonly key: string
  /** Decoded; the last one wins where a name comes twice. */
  readonly query: ReadonlyMap<string, string>
  readonly rawPath: string
  readonly pairs: readonly (readonly [string, string])[]
  readonly headers: IncomingMessage['headers']
  /** `x-amz-content-sha256`, or `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string
}

/** Whom the bucket knows. */
export interface SignatureSetting {
  readonly region: string
  readonly keys: { readonly accessKeyId: string; readonly secretKey: string }
}

const SKEW_MS = 15 * 60_000
const EXPIRES_SECONDS_MAX = 604_800

/** Takes a request apart; the path is never normalised, so `a//b` and `a/../b` stay the keys they are. */
export function readRequest(request: IncomingMessage): SignedRead {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const rawPath = mark < 0 ? url : url.slice(0, mark)
  const pairs = (mark < 0 ? '' : url.slice(mark + 1))
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
      return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))] as const
    })
  const path = decode(rawPath).slice(1)
  const slash = path.indexOf('/')
  const query = new Map(pairs)
  return {
    method: request.method ?? 'GET',
    bucket: slash < 0 ? path : path.slice(0, slash),
    key: slash < 0 ? '' : path.slice(slash + 1),
    query,
    rawPath,
    pairs,
    headers: request.headers,
    payloadHash: query.has('X-Amz-Signature')
      ? 'UNSIGNED-PAYLOAD'
      : String(request.headers['x-amz-content-sha256'] ?? ''),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Problem(400, 'InvalidURI', "Couldn't parse the specified URI.")
  }
}

/**
 * Verifies a request's SigV4 signature, in its headers or in its address.
 *
 * Errors in S3's shapes: AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, AuthorizationHeaderMalformed.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export function verifySignature(read: SignedRead, setting: SignatureSetting): void {
  const claim = read.query.has('X-Amz-Signature') ? claimInAddress(read) : claimInHeaders(read)
  if (claim.accessKeyId !== setting.keys.accessKeyId) {
    const fields = { AWSAccessKeyId: claim.accessKeyId }
    throw new S3Problem(
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      fields,
    )
  }
  if (claim.region !== setting.region) {
    const message = `The authorization header is malformed; the region '${claim.region}' is wrong; expecting '${setting.region}'`
    throw new S3Problem(400, 'AuthorizationHeaderMalformed', message, { Region: setting.region })
  }
  if (!claim.signedHeaders.includes('host')) throw denied('The host header must be signed')
  const scope = `${claim.date.slice(0, 8)}/${claim.region}/s3/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${claim.date}\n${scope}\n${sha256(canonical(read, claim))}`
  const keys = [claim.date.slice(0, 8), claim.region, 's3', 'aws4_request']
  const key = keys.reduce<Buffer>((k, part) => hmac(k, part), Buffer.from(`AWS4${setting.keys.secretKey}`))
  const expected = hmac(key, text)
  const given = Buffer.from(claim.signature, 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new S3Problem(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      { AWSAccessKeyId: claim.accessKeyId },
    )
  }
}

interface Claim {
  readonly accessKeyId: string
  readonly region: string
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly date: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

function claimInHeaders(read: SignedRead): Claim {
  const header = read.headers.authorization
  if (header === undefined) throw denied('Access Denied')
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)$/.exec(header)
  if (match === null) throw new S3Problem(400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed.')
  const date = String(read.headers['x-amz-date'] ?? '')
  const at = parseDate(date)
  if (Math.abs(Date.now() - at) > SKEW_MS) {
    throw new S3Problem(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: date,
        ServerTime: new Date().toISOString(),
      },
    )
  }
  if (read.payloadHash === '')
    throw new S3Problem(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  return { ...parseCredential(match[1]!, date), signedHeaders: match[2]!.split(';'), signature: match[3]! }
}

function claimInAddress(read: SignedRead): Claim {
  const value = (name: string) => read.query.get(name) ?? ''
  const seconds = Number(value('X-Amz-Expires'))
  if (
    value('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256' ||
    !Number.isInteger(seconds) ||
    seconds < 1 ||
    seconds > EXPIRES_SECONDS_MAX
  ) {
    throw new S3Problem(
      400,
      'AuthorizationQueryParametersError',
      'Error parsing the X-Amz-Credential parameter; see the signing rules.',
    )
  }
  const at = parseDate(value('X-Amz-Date'))
  if (Date.now() > at + seconds * 1000) throw denied('Request has expired')
  if (at > Date.now() + SKEW_MS) throw denied('Request is not yet valid')
  const signedHeaders = value('X-Amz-SignedHeaders').split(';')
  return {
    ...parseCredential(value('X-Amz-Credential'), value('X-Amz-Date')),
    signedHeaders,
    signature: value('X-Amz-Signature'),
  }
}

function parseCredential(text: string, date: string): Pick<Claim, 'accessKeyId' | 'region' | 'date'> {
  const match = /^(.+)\/(\d{8})\/([^/]+)\/s3\/aws4_request$/.exec(text)
  if (match === null || match[2] !== date.slice(0, 8)) {
    throw new S3Problem(
      400,
      'AuthorizationHeaderMalformed',
      'The authorization header is malformed; the Credential is mal-formed.',
    )
  }
  return { accessKeyId: match[1]!, region: match[3]!, date }
}

function parseDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) throw denied('AWS authentication requires a valid Date or x-amz-date header')
  return Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`)
}

function canonical(read: SignedRead, claim: Claim): string {
  const path = read.rawPath
    .split('/')
    .map((segment) => encode(decode(segment)))
    .join('/')
  const query = read.pairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const headers = claim.signedHeaders.map((name) => `${name}:${headerValue(read.headers[name])}\n`).join('')
  return [read.method, path, query, headers, claim.signedHeaders.join(';'), read.payloadHash].join('\n')
}

function headerValue(value: string | string[] | undefined): string {
  return [value ?? ''].flat().join(',').trim().replace(/ +/g, ' ')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

function denied(message: string): S3Problem {
  return new S3Problem(403, 'AccessDenied', message)
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
