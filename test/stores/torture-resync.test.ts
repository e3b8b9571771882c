// Proves on a real S3 (Ceph) that every odd key there is goes unharmed through syncs with small pages: what is an item, changes, goes and comes back is just
// that, and nothing is dropped in silence.

import { isUtf8 } from 'node:buffer'
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import { openEgress } from '#storage/egress.ts'
import { openStorage } from '#storage/open.ts'
import { tortureResync } from '../conformance/torture.suite.ts'
import { type Ceph, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { connectApi } from '../support/sync.ts'

const missing = await missingForCeph()
if (missing.length > 0) {
  console.warn(`LEFT OUT: key torture on Ceph; no ${missing.join(', ')}. Install ${cephPackages}.`)
}

describe.skipIf(missing.length > 0)('Ceph', () => {
  let ceph: Ceph
  let client: S3Client
  let buckets = 0

  beforeAll(async () => {
    ceph = await startCeph()
    // The SDK sends keys as they are, those included that the product makes no address for.
    client = new S3Client({
      endpoint: ceph.endpoint,
      region: ceph.region,
      forcePathStyle: true,
      credentials: { accessKeyId: ceph.accessKey, secretAccessKey: ceph.secretKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    })
  })
  afterAll(async () => {
    client?.destroy()
    await ceph?.stop()
  })

  tortureResync({
    name: 'Ceph',
    async open(folder, wrap) {
      const Bucket = `torture-${++buckets}`
      await ceph.createBucket(Bucket)
      const address = { ...ceph, bucket: Bucket }
      const synced = await connectApi(address, {
        folder,
        override: { openStorage: async (spec) => wrap(await openStorage(spec, openEgress)) },
      })
      return {
        synced,
        async put(key, bytes) {
          await client.send(new PutObjectCommand({ Bucket, Key: key.toString(), Body: bytes }))
        },
        async remove(key) {
          await client.send(new DeleteObjectCommand({ Bucket, Key: key.toString() }))
        },
        close: () => synced.close(),
      }
    },
    // It refuses NUL and what is longer; other bytes than text the SDK cannot send.
    canHold: (key) => key.length <= 1024 && isUtf8(key) && !key.includes(0),
    pageSizes: [3],
    otherSizes: [1000, 61, 1000, 7],
    hasMd5: true,
    aloneMax: 4,
  })
})
