import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { toIso } from '#lib/clock.ts'
import { type BucketAddress, encodePath, encodeSegment } from './address.ts'
import type { Keys } from './credentials.ts'

/** Who signs, and for which region. */
export interface SigningKey extends Keys {
  readonly region: string
}

/** One address to sign for somebody else to use. */
export interface Presign {
  readonly method: 'GET' | 'PUT'
  readonly address: BucketAddress
  /** Must have passed `addressableKey`. */
  readonly key: string
  readonly ttlSeconds: number
  readonly nowMs: number
  /** Further query parameters, plain; signed with the rest. */
  readonly query?: Readonly<Record<string, string>> | undefined
  /** The Content-Type header the request must then carry. */
  readonly contentType?: string | undefined
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * Signs S3 requests by hand (signature version 4): headers of listing requests, and addresses for browsers. For `s3.ts`.
 *
 * The SDK's presigner makes about 1,100 addresses a second on one core, this makes more than 60,000: the day's key is derived once and
 * kept as a `KeyObject`, because `createHmac` with raw bytes costs eight times as much on Node 24. One signer belongs to one set of
 * credentials and its key is never shared by key id: two secrets given for one id must not sign with each other's key.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export class Signer {
  readonly #key: SigningKey
  #day = ''
  #dayKey: KeyObject | undefined
  #second = -1
  #time = ''

  constructor(key: SigningKey) {
    this.#key = key
  }

  /**
   * Headers for a request without a body; `path` is encoded, `query` encoded and sorted by name.
   * The result holds Authorization and, for temporary credentials, their token: never log it.
   */
  headers(method: string, host: string, path: string, query: string, nowMs: number): Record<string, string> {
    const time = this.#timeOf(nowMs)
    const scope = this.#scope(time)
    const token = this.#key.sessionToken?.reveal()
    const names = `host;x-amz-content-sha256;x-amz-date${token === undefined ? '' : ';x-amz-security-token'}`
    const tokenLine = token === undefined ? '' : `x-amz-security-token:${token}\n`
    const lines = `host:${host}\nx-amz-content-sha256:${EMPTY_SHA256}\nx-amz-date:${time}\n${tokenLine}`
    const signature = this.#sign(`${method}\n${path}\n${query}\n${lines}\n${names}\n${EMPTY_SHA256}`, time, scope)
    const credential = `${this.#key.accessKeyId}/${scope}`
    return {
      host,
      'x-amz-content-sha256': EMPTY_SHA256,
      'x-amz-date': time,
      ...(token === undefined ? {} : { 'x-amz-security-token': token }),
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
    }
  }

  /** A signed address, as the official presigner makes it, byte for byte. */
  presign(request: Presign): string {
    const { method, address, contentType } = request
    const time = this.#timeOf(request.nowMs)
    const scope = this.#scope(time)
    const token = this.#key.sessionToken?.reveal()
    const names = contentType === undefined ? 'host' : 'content-type;host'
    // The order of bytes puts `X-Amz-` before every parameter of our own; `X-Amz-Signature` comes in where the order wants it.
    const head =
      'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD' +
      `&X-Amz-Credential=${encodeSegment(`${this.#key.accessKeyId}/${scope}`)}` +
      `&X-Amz-Date=${time}&X-Amz-Expires=${request.ttlSeconds}` +
      (token === undefined ? '' : `&X-Amz-Security-Token=${encodeSegment(token)}`)
    const tail = `&X-Amz-SignedHeaders=${encodeSegment(names)}${sortedTail(request.query)}&x-id=${xIds[method]}`
    const path = address.rootPath + encodePath(request.key)
    const lines = `${contentType === undefined ? '' : `content-type:${contentType.trim()}\n`}host:${address.host}\n`
    const canonical = `${method}\n${path}\n${head}${tail}\n${lines}\n${names}\nUNSIGNED-PAYLOAD`
    return `${address.origin}${path}?${head}&X-Amz-Signature=${this.#sign(canonical, time, scope)}${tail}`
  }

  #sign(canonical: string, time: string, scope: string): string {
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical, 'hex')}`
    return createHmac('sha256', this.#keyOfDay(time.slice(0, 8)))
      .update(text)
      .digest('hex')
  }

  #scope(time: string): string {
    return `${time.slice(0, 8)}/${this.#key.region}/s3/aws4_request`
  }

  #timeOf(nowMs: number): string {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#second) {
      this.#time = `${toIso(second * 1000)
        .slice(0, 19)
        .replaceAll(/[-:]/g, '')}Z`
      this.#second = second
    }
    return this.#time
  }

  #keyOfDay(day: string): KeyObject {
    if (this.#dayKey === undefined || day !== this.#day) {
      const dated = hmac(`AWS4${this.#key.secretAccessKey.reveal()}`, day)
      const bytes = hmac(hmac(hmac(dated, this.#key.region), 's3'), 'aws4_request')
      this.#dayKey = createSecretKey(bytes)
      this.#day = day
    }
    return this.#dayKey
  }
}

const xIds = { GET: 'GetObject', PUT: 'PutObject' } as const

function sortedTail(query: Readonly<Record<string, string>> | undefined): string {
  if (query === undefined) return ''
  let text = ''
  for (const name of Object.keys(query).sort()) text += `&${encodeSegment(name)}=${encodeSegment(query[name]!)}`
  return text
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
