// Proves that the sample bucket answers listings, reads and refusals as a real S3 (Ceph's RADOS Gateway) does, for the same objects.
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { makeSamples } from '../../src/demo/samples.ts'
import { type Ceph, startCeph } from '../emulators/ceph.ts'

const BUCKET = 'sluice-demo'
/** Every kind of sample, without the bulk of the pictures. */
const samples = makeSamples().filter(({ key }) => !/frame_0(?!00)/.test(key))

let ceph: Ceph
let sample: Bucket
let stores: readonly { name: string; client: S3Client; stranger: S3Client; liar: S3Client }[]

beforeAll(async () => {
  ceph = await startCeph()
  await ceph.createBucket(BUCKET)
  const keys = { accessKeyId: 'SAMPLE', secretKey: 'sample-secret' }
  sample = await startBucket({ port: 0, bucket: BUCKET, region: ceph.region, ...keys })
  const connect = (endpoint: string, accessKeyId: string, secretAccessKey: string) =>
    new S3Client({
      endpoint,
      region: ceph.region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: 1,
    })
  const store = (name: string, endpoint: string, key: string, secret: string) => ({
    name,
    client: connect(endpoint, key, secret),
    stranger: connect(endpoint, 'NOBODY', secret),
    liar: connect(endpoint, key, 'not the secret'),
  })
  stores = [
    store('ceph', ceph.endpoint, ceph.accessKey, ceph.secretKey),
    store('sample', sample.endpoint, keys.accessKeyId, keys.secretKey),
  ]
  for (const { client } of stores) {
    for (const { key, bytes, contentType } of samples) {
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: bytes, ContentType: contentType }))
    }
  }
})
afterAll(async () => {
  await sample?.close()
  await ceph?.stop()
})

/** What both answer, side by side. */
async function both<T>(ask: (store: (typeof stores)[number]) => Promise<T>): Promise<[T, T]> {
  const outcome = (store: (typeof stores)[number]) =>
    ask(store).catch(
      (error: { name: string; $metadata?: { httpStatusCode?: number } }) =>
        ({ refused: error.name, status: error.$metadata?.httpStatusCode }) as T,
    )
  return [await outcome(stores[0]!), await outcome(stores[1]!)]
}

const folder = 'odd names/'
test.each([
  {},
  { Prefix: folder },
  { Prefix: folder, Delimiter: '/' },
  { Delimiter: '/' },
  { Prefix: 'pictures/', Delimiter: '/' },
  { Prefix: 'nothing here' },
  { StartAfter: 'odd names/d' },
  { StartAfter: 'odd names/日', Prefix: folder },
  { MaxKeys: 1 },
  { MaxKeys: 0 },
  { Prefix: folder, Delimiter: '/', MaxKeys: 2 },
])('all pages of the listing %j', async (query) => {
  const pages = async (client: S3Client) => {
    const found = []
    let ContinuationToken: string | undefined
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: BUCKET, EncodingType: 'url', ...query, ContinuationToken }),
      )
      const decode = (text: string | undefined) => decodeURIComponent((text ?? '').replaceAll('+', '%20'))
      found.push({
        keys: (page.Contents ?? []).map((each) => [decode(each.Key), each.Size, each.ETag]),
        prefixes: (page.CommonPrefixes ?? []).map((each) => decode(each.Prefix)),
        isTruncated: page.IsTruncated,
        keyCount: page.KeyCount,
      })
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (ContinuationToken !== undefined && found.length < 500)
    return found
  }
  const [real, ours] = await both(({ client }) => pages(client))
  expect(ours).toEqual(real)
})

describe('objects', () => {
  test.each(samples.map(({ key }) => key))('%j is read alike', async (Key) => {
    const read = async (client: S3Client) => {
      const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
      const body = Buffer.from(await got.Body!.transformToByteArray()).toString('hex')
      return { body, etag: got.ETag, type: got.ContentType, bytes: got.ContentLength }
    }
    const [real, ours] = await both(({ client }) => read(client))
    expect(ours).toEqual(real)
  })

  test.each(['bytes=0-3', 'bytes=4-', 'bytes=-5', 'bytes=0-999999', 'bytes=999999-'])(
    'the range %s is cut alike',
    async (Range) => {
      const read = async (client: S3Client) => {
        const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'top level.txt', Range }))
        return {
          body: await got.Body!.transformToString(),
          range: got.ContentRange,
          status: got.$metadata.httpStatusCode,
        }
      }
      const [real, ours] = await both(({ client }) => read(client))
      expect(ours).toEqual(real)
    },
  )
})

test.each([
  [
    'an absent key',
    ({ client }: (typeof stores)[number]) => client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'absent' })),
  ],
  ['the head of an absent key', ({ client }) => client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'absent' }))],
  ['an absent bucket', ({ client }) => client.send(new ListObjectsV2Command({ Bucket: 'absent-bucket' }))],
  ['an unknown key id', ({ stranger }) => stranger.send(new ListObjectsV2Command({ Bucket: BUCKET }))],
  ['a wrong secret', ({ liar }) => liar.send(new ListObjectsV2Command({ Bucket: BUCKET }))],
  [
    'a put over what is there',
    ({ client }) =>
      client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'top level.txt', Body: 'x', IfNoneMatch: '*' })),
  ],
  [
    'a read of another version',
    ({ client }) => client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'top level.txt', IfMatch: '"0"' })),
  ],
] as [string, (store: (typeof stores)[number]) => Promise<unknown>][])('%s is refused alike', async (_name, ask) => {
  const [real, ours] = await both(ask)
  expect(real).toHaveProperty('refused')
  expect(ours).toEqual(real)
})

test('removing what is not there is no failure', async () => {
  const [real, ours] = await both(
    async ({ client }) =>
      (await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'absent' }))).$metadata.httpStatusCode,
  )
  expect(ours).toEqual(real)
})
