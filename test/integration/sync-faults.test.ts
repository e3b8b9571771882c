// Proves that a storage that answers wrongly ends a sync with its own code and a sentence, and that nothing that was indexed is touched by it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultyS3, type ScriptedAnswer, startFaultyS3 } from '../fakes/s3-faults.ts'
import { inByteOrder, type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
let faulty: FaultyS3
let datasetId: string
let before: unknown[]

beforeAll(async () => {
  bench = await withSync()
  faulty = await startFaultyS3()
  for (let n = 0; n < 30; n++) bench.bucket.put(`f/${n}.txt`, Buffer.from(String(n)), 'text/plain')
  datasetId = await bench.addDataset({ sync: true })
  await bench.work()
  before = await rowsOf()
})
afterAll(async () => {
  await bench.close()
  await faulty.stop()
})

/** Every column of every item, so that the least change shows. */
async function rowsOf() {
  const { rows } = await bench.api.deps.db.query(
    'select i.item_no::text, i.dir_no, i.name, i.size_bytes, i.etag, i.state, i.ticket, i.xmin::text from item i join dataset d using (dataset_no) where d.id = $1 order by 1',
    [datasetId],
  )
  return rows
}

/** The driver leads elsewhere, as after a change of DNS or a broken gateway. */
async function leadTo(endpoint: string, bucket = bench.bucket.bucket) {
  await bench.api.deps.db.query(
    `update driver set epoch = epoch + 1, config = config || jsonb_build_object('endpoint', $2::text, 'bucket', $3::text) where id = $1`,
    [bench.driverId, endpoint, bucket],
  )
}

const page = (inner: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</ListBucketResult>`
const head = '<Name>sluice-demo</Name><Prefix></Prefix><EncodingType>url</EncodingType><MaxKeys>1000</MaxKeys>'
const problem = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret words of the provider</Message></Error>`

const faults: readonly [string, ScriptedAnswer, string][] = [
  ['an empty answer with status 200', { body: '' }, 'storage.not_a_storage'],
  [
    'a login page with status 200',
    { headers: { 'content-type': 'text/html' }, body: '<html><body>Log in</body></html>' },
    'storage.not_a_storage',
  ],
  [
    'a page that is cut off',
    { body: page(`${head}<KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents><Key>f/0.txt`).slice(0, -20) },
    'storage.invalid_answer',
  ],
  ['a page without IsTruncated', { body: page(`${head}<KeyCount>0</KeyCount>`) }, 'storage.invalid_answer'],
  [
    'a page of another bucket',
    { body: page(`${head.replace('sluice-demo', 'other')}<KeyCount>0</KeyCount><IsTruncated>false</IsTruncated>`) },
    'storage.invalid_answer',
  ],
  [
    'more to follow, and no way to get it',
    { body: page(`${head}<KeyCount>0</KeyCount><IsTruncated>true</IsTruncated>`) },
    'storage.invalid_answer',
  ],
  ['no such bucket', { status: 404, body: problem('NoSuchBucket') }, 'storage.unknown_bucket'],
  ['denied', { status: 403, body: problem('AccessDenied') }, 'storage.denied'],
  ['a wrong secret', { status: 403, body: problem('SignatureDoesNotMatch') }, 'storage.bad_credentials'],
  ['an unknown key id', { status: 403, body: problem('InvalidAccessKeyId') }, 'storage.bad_credentials'],
  ['an expired token', { status: 400, body: problem('ExpiredToken') }, 'storage.expired_credentials'],
  ['another region', { status: 301, body: problem('PermanentRedirect') }, 'storage.wrong_region'],
  ['clocks that differ', { status: 403, body: problem('RequestTimeTooSkewed') }, 'storage.clock_skew'],
]

describe('a sync of a storage that answers wrongly', () => {
  test.each(faults)('%s', async (_name, answer, code) => {
    await leadTo(faulty.endpoint)
    faulty.script(answer)
    const command = await bench.sync(datasetId)
    expect(command.body).toMatchObject({ status: 'failed', errorCode: code })
    expect(command.body.error.length).toBeGreaterThan(30)
    expect(command.body.error).not.toContain('secret words')
    expect(await rowsOf()).toEqual(before)
  })

  test('a host that cannot be reached', { timeout: 120_000 }, async () => {
    const gone = await startFaultyS3()
    await gone.stop()
    await leadTo(gone.endpoint)
    // Unreachable is worth waiting for; cancelled here, because five minutes are too long for a test.
    const command = await bench.api.call(bench.api.owner, 'POST', `/api/v1/datasets/${datasetId}/sync`)
    await bench.workOnce()
    const run = await bench.api.call(bench.api.owner, 'GET', `/api/v1/datasets/${datasetId}/syncs`)
    expect(run.body.items[0]).toMatchObject({ state: 'running', errorCode: 'storage.unreachable' })
    expect(run.body.items[0].error).toContain('cannot be reached')
    await bench.api.call(bench.api.owner, 'POST', `/api/v1/commands/${command.body.id}/abort`)
    expect(await rowsOf()).toEqual(before)
  })

  test('once it answers again, the next sync is well', async () => {
    await leadTo(bench.bucket.endpoint)
    bench.bucket.put('f/new.txt', Buffer.from('new'), 'text/plain')
    expect((await bench.sync(datasetId)).body).toMatchObject({
      status: 'success',
      spec: { counts: { added: 1, changed: 0 } },
    })
    expect(await bench.items(datasetId)).toEqual(
      inByteOrder([...Array.from({ length: 30 }, (_, n) => `f/${n}.txt`), 'f/new.txt']),
    )
  })
})
