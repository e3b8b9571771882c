// Short ways to a bucket, an integration and a driver for tests of what lies above them.
import { expect } from 'vitest'
import { newId } from '#lib/ids.ts'
import { type Bucket, type BucketAction, startBucket } from '../../src/demo/bucket.ts'
import type { Actor, Answer, TestApi } from './api.ts'

/** The key that buckets of `openBucket` take. */
export const bucketKey = { key: 'TESTKEY0001', secret: 'test/Secret+0001=' }

/** Starts a bucket called `photos` that takes `bucketKey`. */
export function openBucket(denied: readonly BucketAction[] = []): Promise<Bucket> {
  return startBucket({ port: 0, bucket: 'photos', accessKeyId: bucketKey.key, secretKey: bucketKey.secret, denied })
}

/** Makes an S3 integration of the first organization, of `bucketKey` unless other options are given; answers its id. */
export async function addIntegration(api: TestApi, options: Record<string, string> = bucketKey): Promise<string> {
  const json = { type: 's3', name: 'i1', options }
  const answer = await api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/integrations`, { json })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

/** What a driver is made of; everything has a value that works with `openBucket`. */
export interface DriverParts {
  readonly projectId: string
  readonly integrationId?: string | null
  readonly bucket?: Bucket
  readonly payload?: Record<string, unknown>
  readonly more?: Record<string, unknown>
  readonly actor?: Actor
  readonly path?: string
}

/** Sends a driver in the very shape of the SDK, to `/drivers` unless another path is given. */
export function sendDriver(api: TestApi, parts: DriverParts): Promise<Answer> {
  const { projectId, integrationId, bucket, payload, more, actor, path } = parts
  const json = {
    integrationId: integrationId ?? null,
    integrationType: integrationId ? 's3' : null,
    name: 'd1',
    metadata: { system: { projectId } },
    type: 's3',
    payload: {
      bucketName: 'photos',
      storageClass: '',
      region: 'us-east-1',
      path: '',
      ...(bucket === undefined ? {} : { endpoint: bucket.endpoint }),
      ...payload,
    },
    creator: (actor ?? api.owner).email,
    ...more,
  }
  return api.call(actor ?? api.owner, 'POST', `/api/v1${path ?? '/drivers'}`, { json })
}

/** The same, for tests that need the driver only; answers its id. */
export async function addDriver(api: TestApi, parts: DriverParts): Promise<string> {
  const answer = await sendDriver(api, parts)
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

/** Puts a dataset row on a driver, without a sync. */
export async function addDatasetRow(api: TestApi, projectId: string, driverId: string, name: string): Promise<string> {
  const id = newId(api.deps.clock.now())
  await api.database.pool.query(
    'insert into dataset (id, project_id, driver_id, name, creator_id, updater_id) values ($1, $2, $3, $4, $5, $5)',
    [id, projectId, driverId, name, api.owner.userId],
  )
  return id
}
