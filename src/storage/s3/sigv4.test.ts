// Proves that addresses and headers signed by hand are, byte for byte, those of the official presigner and signer, odd keys included.
import { createHash, createHmac } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { bucketAddress, encodeSegment } from './address.ts'
import { Signer } from './sigv4.ts'

const nowMs = Date.UTC(2026, 1, 3, 4, 5, 6, 789)
const keys = [
  'a.txt',
  'dir/with space/ä ö.jpg',
  'plus+and%percent%2F%46.bin',
  "quotes'()*!~&=?#;:@$,.txt",
  '//leading//double',
  'trailing/',
  'emoji-😀/\u{1F600}.png',
  'line\nbreak\r\ttab',
  'back\\slash',
  'e\u0301 and \u00e9',
  '__proto__',
  'x'.repeat(1024),
]

const cases = [
  { name: 'AWS, virtual host', bucket: 'plain-bucket', region: 'eu-central-1' },
  { name: 'AWS, dotted bucket', bucket: 'dotted.bucket', region: 'us-east-1' },
  { name: 'own endpoint, path style', bucket: 'b-1', region: 'default', endpoint: 'http://127.0.0.1:9000' },
  { name: 'session token', bucket: 'b-1', region: 'default', endpoint: 'https://s3.example.org', token: 'tok+en/==' },
]

describe.each(cases)('presigned addresses equal the official ones: $name', (c) => {
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
  const client = new S3Client({
    region: c.region,
    credentials: { ...credentials, ...(c.token ? { sessionToken: c.token } : {}) },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(c.endpoint ? { endpoint: c.endpoint, forcePathStyle: true } : {}),
  })
  const signer = new Signer({
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: new Secret(credentials.secretAccessKey),
    sessionToken: c.token ? new Secret(c.token) : undefined,
    region: c.region,
  })
  const address = bucketAddress({ bucket: c.bucket, region: c.region, endpoint: c.endpoint })

  async function official(key: string, type?: string, disposition?: string): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: c.bucket,
      Key: key,
      ResponseContentType: type,
      ResponseContentDisposition: disposition,
    })
    return getSignedUrl(client, command, { expiresIn: 900, signingDate: new Date(nowMs) })
  }

  test.each(keys)('GET %j', async (key) => {
    const query = {
      'response-content-type': 'image/png',
      'response-content-disposition': `inline; filename="a b+c.png"`,
    }
    const plain = { method: 'GET' as const, address, key, ttlSeconds: 900, nowMs }
    expect(signer.presign(plain)).toBe(await official(key))
    expect(signer.presign({ ...plain, query })).toBe(
      await official(key, query['response-content-type'], query['response-content-disposition']),
    )
  })

  test('PUT with a signed content type', async () => {
    const command = new PutObjectCommand({ Bucket: c.bucket, Key: 'up/ä.png', ContentType: 'image/png' })
    const options = { expiresIn: 60, signingDate: new Date(nowMs), signableHeaders: new Set(['content-type', 'host']) }
    const ours = { method: 'PUT' as const, address, key: 'up/ä.png', ttlSeconds: 60, nowMs, contentType: 'image/png' }
    expect(signer.presign(ours)).toBe(await getSignedUrl(client, command, options))
  })

  test('any key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), async (key) => {
        expect(signer.presign({ method: 'GET', address, key, ttlSeconds: 900, nowMs })).toBe(await official(key))
      }),
      { numRuns: 150 },
    )
  })
})

test('headers of a listing equal the official signer’s', async () => {
  class Sha256 {
    readonly #hash
    constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
      this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer)
    }
    update(data: string | Uint8Array) {
      this.#hash.update(data)
    }
    async digest() {
      return new Uint8Array(this.#hash.digest())
    }
  }
  for (const token of [undefined, 'session/token+=']) {
    const keyOf = { accessKeyId: 'AKID', secretAccessKey: 'secret', ...(token ? { sessionToken: token } : {}) }
    const official = new SignatureV4({
      service: 's3',
      region: 'eu-west-1',
      uriEscapePath: false,
      credentials: keyOf,
      sha256: Sha256 as never,
    })
    const query = { 'list-type': '2', prefix: "a b/+%'ä", 'encoding-type': 'url' }
    const signed = await official.sign(
      { method: 'GET', protocol: 'http:', hostname: 'h', path: '/b/', query, headers: { host: 'h:81' } } as never,
      { signingDate: new Date(nowMs) },
    )
    const signer = new Signer({
      accessKeyId: 'AKID',
      secretAccessKey: new Secret('secret'),
      sessionToken: token === undefined ? undefined : new Secret(token),
      region: 'eu-west-1',
    })
    const text = `encoding-type=url&list-type=2&prefix=${encodeSegment(query.prefix)}`
    const ours = signer.headers('GET', 'h:81', '/b/', text, nowMs)
    expect(ours).toEqual((signed as unknown as { headers: unknown }).headers)
  }
})

test('the key of a day is not used on the next, nor with another secret', () => {
  const address = bucketAddress({ bucket: 'bucket', region: 'us-east-1' })
  const make = (secret: string) =>
    new Signer({ accessKeyId: 'same', secretAccessKey: new Secret(secret), region: 'us-east-1' })
  const signer = make('one')
  const at = (s: Signer, ms: number) => s.presign({ method: 'GET', address, key: 'k', ttlSeconds: 60, nowMs: ms })
  const today = at(signer, nowMs)
  expect(at(signer, nowMs + 86_400_000)).toBe(at(make('one'), nowMs + 86_400_000))
  expect(at(signer, nowMs)).toBe(today)
  expect(at(make('two'), nowMs)).not.toBe(today)
})
