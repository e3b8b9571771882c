// Proves that the S3 driver does what every storage driver must against MinIO, built from its source where Go is on the machine.
import { afterAll, beforeAll, describe } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { storageConformance } from '../conformance/storage.suite.ts'
import { type Minio, missingForMinio, startMinio } from '../emulators/minio.ts'

const missing = await missingForMinio()
if (missing !== null) console.warn(`LEFT OUT: the S3 suite against MinIO; ${missing}.`)

/** Its objects are files: no part of a key is empty, longer than a file's name, or dots with space around. */
function canName(key: string): boolean {
  const parts = key.replace(/\/$/, '').split('/')
  return parts.every((part) => part !== '' && Buffer.byteLength(part) <= 255 && !/^\s*\.{1,2}\s*$/.test(part))
}

const cutsSlash = 'takes the slash off a key’s start, and so names another object'
const faults = {
  'Keys: round trip of "/leading-slash"': cutsSlash,
  'Keys: round trip of "//two-leading"': cutsSlash,
  'Listing: the prefix “/da” finds nothing': cutsSlash,
  'Listing: the prefix “da//” finds nothing': 'refuses to list a prefix with two slashes',
}

describe.skipIf(missing !== null)('MinIO', () => {
  let minio: Minio

  beforeAll(async () => {
    minio = await startMinio()
  })
  afterAll(async () => minio?.stop())

  storageConformance(
    'S3 against MinIO',
    async () => {
      await minio.createBucket('bucket')
      const { endpoint, region, accessKey, secretKey } = minio
      const storage = createS3Storage({
        bucket: 'bucket',
        endpoint,
        region,
        accessKeyId: accessKey,
        secretAccessKey: new Secret(secretKey),
      })
      return {
        storage,
        backdoor: { canName, keys: () => minio.keys('bucket') },
        close: () => storage.close(),
      }
    },
    { modelRuns: 12, faults },
  )
})
