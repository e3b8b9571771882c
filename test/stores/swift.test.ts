// Proves that the S3 driver does what every storage driver must on an S3-compatible storage of the old kind (OpenStack Swift), within what its check found out.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { createS3Storage, type S3Options } from '#storage/s3/s3.ts'
import { storageConformance } from '../conformance/storage.suite.ts'
import { missingForSwift, type Swift, startSwift, swiftPackages } from '../emulators/swift.ts'

const missing = await missingForSwift()
if (missing.length > 0) {
  console.warn(`LEFT OUT: the S3 suites against Swift; no ${missing.join(', ')}. Install ${swiftPackages}.`)
}

describe.skipIf(missing.length > 0)('Swift', () => {
  let swift: Swift
  let buckets = 0

  beforeAll(async () => {
    swift = await startSwift()
  })
  afterAll(async () => swift?.stop())

  async function newBucket(): Promise<S3Options> {
    const bucket = `bucket-${++buckets}`
    await swift.createBucket(bucket)
    const { endpoint, region, accessKey, secretKey } = swift
    return { bucket, endpoint, region, accessKeyId: accessKey, secretAccessKey: new Secret(secretKey) }
  }

  storageConformance(
    'S3 against Swift',
    async () => {
      const options = await newBucket()
      const bucket = options.bucket
      const unknown = createS3Storage(options)
      const { capabilities: known } = await unknown.check({ folder: '', allowDelete: true })
      await unknown.close()
      const storage = createS3Storage({ ...options, known })
      return {
        storage,
        backdoor: { canName: () => true, keys: () => swift.keys(bucket) },
        close: () => storage.close(),
      }
    },
    { modelRuns: 8 },
  )

  test('its check finds out that it overlooks conditions of writes', async () => {
    const storage = createS3Storage(await newBucket())
    const report = await storage.check({ folder: 'folder/', allowDelete: true })
    expect(report.ok).toBe(true)
    expect(report.probes.filter(({ ok }) => !ok)).toEqual([])
    expect(report.capabilities).toMatchObject({ write_if_absent: false })
    await storage.close()
  })
})
