// Proves that the sample bucket speaks S3: the official SDK lists, reads, writes and removes through it, and errors have S3's own codes.
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bucket, startBucket } from './bucket.ts'
import { oddKeys } from './samples.ts'

let bucket: Bucket
let client: S3Client
const options = { port: 0, accessKeyId: 'AKIASAMPLE', secretKey: 'sample/secret+key' }

const connect = (accessKeyId: string, secretAccessKey: string, region = 'us-east-1') =>
  new S3Client({
    endpoint: bucket.endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
  })

beforeAll(async () => {
  bucket = await startBucket(options)
  client = connect(options.accessKeyId, options.secretKey)
})
afterAll(() => bucket.close())

/** Every key and folded prefix that the pages of a listing give, in order. */
async function listAll(query: { prefix?: string; delimiter?: string; after?: string; pageSize: number }) {
  const keys: string[] = []
  const prefixes: string[] = []
  let token: string | undefined
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket.bucket,
        Prefix: query.prefix,
        Delimiter: query.delimiter,
        StartAfter: query.after,
        MaxKeys: query.pageSize,
        EncodingType: 'url',
        ContinuationToken: token,
      }),
    )
    const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
    keys.push(...(page.Contents ?? []).map((entry) => decode(entry.Key!)))
    prefixes.push(...(page.CommonPrefixes ?? []).map((entry) => decode(entry.Prefix!)))
    expect(page.KeyCount).toBe((page.Contents ?? []).length + (page.CommonPrefixes ?? []).length)
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
  return { keys, prefixes }
}

describe('with odd keys in it', () => {
  beforeAll(async () => {
    for (const key of oddKeys) {
      await client.send(
        new PutObjectCommand({ Bucket: bucket.bucket, Key: key, Body: Buffer.from(key), ContentType: 'text/plain' }),
      )
    }
  })

  test('every key can be put, read, headed and reached by a signed address, byte for byte', async () => {
    for (const Key of oddKeys) {
      const got = await client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key }))
      expect(Buffer.from(await got.Body!.transformToByteArray())).toEqual(Buffer.from(Key))
      expect((await client.send(new HeadObjectCommand({ Bucket: bucket.bucket, Key }))).ContentLength).toBe(
        Buffer.byteLength(Key),
      )
      // A URL parser folds “.” segments away, so such keys cannot be fetched by address; the product refuses to sign them.
      if (Key.split('/').some((segment) => segment === '.' || segment === '..')) continue
      const answer = await fetch(
        await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket.bucket, Key }), { expiresIn: 60 }),
      )
      expect([answer.status, Buffer.from(await answer.arrayBuffer())]).toEqual([200, Buffer.from(Key)])
    }
  })

  test('a listing gives them once each in the order of their bytes, whatever the page size', async () => {
    const expected = [...oddKeys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.option(fc.nat(oddKeys.length - 1)), async (pageSize, at) => {
        const after = at === null ? undefined : expected[at]!
        const { keys } = await listAll({ pageSize, ...(after === undefined ? {} : { after }) })
        expect(keys).toEqual(after === undefined ? expected : expected.slice(at! + 1))
      }),
      { numRuns: 30 },
    )
  })

  test('folded and prefixed listings agree with an oracle, whatever the page size', async () => {
    const prefixes = [
      '',
      ...new Set(oddKeys.flatMap((key) => (key.includes('/') ? [key.slice(0, key.indexOf('/') + 1)] : []))),
    ]
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.constantFrom(...prefixes), async (pageSize, prefix) => {
        const below = oddKeys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
        const folded = new Set(
          below.filter((rest) => rest.includes('/')).map((rest) => prefix + rest.slice(0, rest.indexOf('/') + 1)),
        )
        const page = await listAll({ prefix, delimiter: '/', pageSize })
        expect(new Set(page.prefixes)).toEqual(folded)
        expect(page.prefixes.length).toBe(folded.size)
        expect(new Set(page.keys)).toEqual(
          new Set(below.filter((rest) => !rest.includes('/')).map((rest) => prefix + rest)),
        )
      }),
      { numRuns: 40 },
    )
  })
})

test('ranges are those of the bytes', async () => {
  bucket.put('range', Buffer.from('0123456789'), 'text/plain')
  const read = async (Range: string) => {
    const got = await client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key: 'range', Range }))
    return [await got.Body!.transformToString(), got.ContentRange]
  }
  expect(await read('bytes=2-4')).toEqual(['234', 'bytes 2-4/10'])
  expect(await read('bytes=7-')).toEqual(['789', 'bytes 7-9/10'])
  expect(await read('bytes=-3')).toEqual(['789', 'bytes 7-9/10'])
  expect(await read('bytes=5-99')).toEqual(['56789', 'bytes 5-9/10'])
  await expect(read('bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange' })
})

test('removing, alone or many at once, is idempotent', async () => {
  for (const key of ['r1', 'r&2', 'r3']) bucket.put(key, Buffer.from('x'), 'text/plain')
  await client.send(new DeleteObjectCommand({ Bucket: bucket.bucket, Key: 'r1' }))
  await client.send(new DeleteObjectCommand({ Bucket: bucket.bucket, Key: 'r1' }))
  const Objects = [{ Key: 'r&2' }, { Key: 'r3' }, { Key: 'never' }]
  expect(
    (await client.send(new DeleteObjectsCommand({ Bucket: bucket.bucket, Delete: { Objects } }))).Deleted,
  ).toHaveLength(3)
  expect(bucket.keys().filter((key) => key.startsWith('r') && key !== 'range')).toEqual([])
})

test('a conditional put does not overwrite', async () => {
  const put = () =>
    client.send(new PutObjectCommand({ Bucket: bucket.bucket, Key: 'once', Body: 'a', IfNoneMatch: '*' }))
  await put()
  await expect(put()).rejects.toMatchObject({ name: 'PreconditionFailed' })
})

test('each refusal has S3’s own code', async () => {
  const list = (c: S3Client, Bucket = bucket.bucket) => c.send(new ListObjectsV2Command({ Bucket }))
  await expect(list(connect('nobody', 'x'))).rejects.toMatchObject({ name: 'InvalidAccessKeyId' })
  await expect(list(connect(options.accessKeyId, 'wrong'))).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
  await expect(list(connect(options.accessKeyId, options.secretKey, 'eu-west-3'))).rejects.toMatchObject({
    name: 'AuthorizationHeaderMalformed',
  })
  await expect(list(client, 'another')).rejects.toMatchObject({ name: 'NoSuchBucket' })
  await expect(client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key: 'absent' }))).rejects.toMatchObject({
    name: 'NoSuchKey',
  })
  expect((await fetch(`${bucket.endpoint}/${bucket.bucket}/range`)).status).toBe(403)
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket.bucket, Key: 'range' }), {
    expiresIn: 60,
  })
  expect((await fetch(url.replace('/range?', '/once?'))).status).toBe(403)
  const old = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket.bucket, Key: 'range' }), {
    expiresIn: 60,
    signingDate: new Date(Date.now() - 120_000),
  })
  expect(await (await fetch(old)).text()).toContain('<Code>AccessDenied</Code><Message>Request has expired')
})

test('a right that is taken away is refused and the others still work', async () => {
  const readOnly = await startBucket({ ...options, denied: ['PutObject', 'DeleteObject'] })
  try {
    const c = new S3Client({
      endpoint: readOnly.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretKey },
      maxAttempts: 1,
    })
    await expect(c.send(new DeleteObjectCommand({ Bucket: readOnly.bucket, Key: 'x' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    })
    expect((await c.send(new ListObjectsV2Command({ Bucket: readOnly.bucket }))).KeyCount).toBe(0)
  } finally {
    await readOnly.close()
  }
})
