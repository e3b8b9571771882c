// Proves that addresses signed by hand for Cloud Storage are, byte for byte, those of Google's own library, odd keys included, and that HMAC ones are right.
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto'
import { Storage } from '@google-cloud/storage'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { hmacIdentity, presign, rsaIdentity } from './v4.ts'

const nowMs = Date.UTC(2026, 1, 3, 4, 5, 6, 789)
const email = 'signer@project.iam.gserviceaccount.com'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const identity = rsaIdentity(email, () => privateKey)
const official = new Storage({
  projectId: 'project',
  credentials: { client_email: email, private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
})
const origin = 'https://storage.googleapis.com'
const keys = [
  'a.txt',
  'dir/with space/ä ö.jpg',
  'plus+and%percent%2F%46.bin',
  "quotes'()*!~&=?#;:@$,.txt",
  '//leading//double',
  'trailing/',
  'emoji-😀/\u{1F600}.png',
  'back\\slash',
  'e\u0301 and \u00e9',
  'x'.repeat(1024),
]

beforeEach(() => void vi.useFakeTimers({ now: nowMs, toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

async function theirs(key: string, more: object = {}): Promise<string> {
  const config = { version: 'v4', action: 'read', expires: nowMs + 900_000, ...more } as const
  return (await official.bucket('photos').file(key).getSignedUrl(config))[0]
}
const ours = (key: string, more: object = {}) =>
  presign(identity, { method: 'GET', origin, bucket: 'photos', key, ttlSeconds: 900, nowMs, ...more }) as string

/** The order of parameters is free: the signature is of the sorted ones. */
const parts = (url: string) => [url.split('?')[0], url.split('?')[1]!.split('&').sort()]

describe('addresses by a service account’s key', () => {
  test.each(keys)('GET %j', async (key) => {
    expect(parts(ours(key))).toEqual(parts(await theirs(key)))
    const disposition = `attachment; filename="a b.png"; filename*=UTF-8''%C3%A9.png`
    const query = { 'response-content-type': 'image/png', 'response-content-disposition': disposition }
    const more = { responseType: 'image/png', responseDisposition: disposition }
    expect(parts(ours(key, { query }))).toEqual(parts(await theirs(key, more)))
  })

  test('PUT with a signed content type', async () => {
    const url = await theirs('up/ä.png', { action: 'write', contentType: 'image/png' })
    expect(parts(ours('up/ä.png', { method: 'PUT', contentType: 'image/png' }))).toEqual(parts(url))
  })

  test('any key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), async (key) => {
        expect(parts(ours(key))).toEqual(parts(await theirs(key)))
      }),
      { numRuns: 60 },
    )
  })
})

test('addresses by an HMAC key follow the documentation, on one day and on the next', () => {
  const signer = hmacIdentity('GOOG1EXAMPLE', new Secret('the+secret/='))
  for (const ms of [nowMs, nowMs + 86_400_000, nowMs]) {
    const url = presign(signer, {
      method: 'GET',
      origin,
      bucket: 'photos',
      key: 'a b',
      ttlSeconds: 60,
      nowMs: ms,
    }) as string
    const [path, query] = url.slice(origin.length).split('?')
    const signature = /&X-Goog-Signature=([0-9a-f]+)$/.exec(query!)![1]
    const time = /X-Goog-Date=(\w+)/.exec(query!)![1]!
    const day = time.slice(0, 8)
    const text = query!.replace(/&X-Goog-Signature=.*/, '')
    expect(text).toContain(`X-Goog-Credential=GOOG1EXAMPLE%2F${day}%2Fauto%2Fstorage%2Fgoog4_request`)
    const canonical = `GET\n${path}\n${text}\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD`
    let key: Buffer | string = 'GOOG4the+secret/='
    for (const step of [day, 'auto', 'storage', 'goog4_request']) key = createHmac('sha256', key).update(step).digest()
    const hash = createHash('sha256').update(canonical).digest('hex')
    const wanted = `GOOG4-HMAC-SHA256\n${time}\n${day}/auto/storage/goog4_request\n${hash}`
    expect(signature).toBe(createHmac('sha256', key).update(wanted).digest('hex'))
  }
})
