// A dataset on a real S3, whose syncs a test runs slice by slice.
import { randomBytes } from 'node:crypto'
import type { Deps } from '#core/deps.ts'
import { continueSync } from '#core/sync/sync.ts'
import type { Queue } from '#queue/queue.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { type Answer, type TestApi, withApi } from './api.ts'

/** Where a bucket is and with which keys it is reached. */
export interface BucketAddress {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
}

/** The API with a storage behind it. */
export interface SyncedApi {
  readonly api: TestApi
  readonly projectId: string
  readonly driverId: string
  /** Makes a dataset on the driver; answers its id. */
  addDataset(options?: { sync?: boolean; name?: string }): Promise<string>
  /** Does all queued slices until nothing is queued; delays are skipped. */
  work(signal?: AbortSignal): Promise<void>
  /** Does one slice. */
  workOnce(): Promise<void>
  /** Starts a sync, does its work and gives the command as it then is. */
  sync(datasetId: string): Promise<Answer>
  /** Paths of all items, in order, straight from the tables. */
  items(datasetId: string): Promise<string[]>
  close(): Promise<void>
}

/** Connects the API to a bucket of S3; `folder` is the driver's folder. */
export async function connectApi(
  address: BucketAddress,
  options: { folder?: string; readOnly?: boolean; override?: Partial<Deps> } = {},
): Promise<SyncedApi> {
  const { bucket, endpoint, region, accessKey, secretKey } = address
  return connectStorage(
    {
      integration: { type: 's3', options: { key: accessKey, secret: secretKey } },
      driver: {
        type: 's3',
        payload: { bucketName: bucket, endpoint, region, path: options.folder ?? '', readOnly: options.readOnly },
      },
    },
    options.override,
  )
}

/** An integration and a driver that uses it, as a caller of the API describes them. */
export interface ConnectionSpec {
  /** Null: none is needed. */
  readonly integration: { readonly type: string; readonly options: Readonly<Record<string, unknown>> } | null
  readonly driver: { readonly type: string; readonly payload: Readonly<Record<string, unknown>> }
}

/** Connects the API to any storage. */
export async function connectStorage(spec: ConnectionSpec, override: Partial<Deps> = {}): Promise<SyncedApi> {
  const queued: number[] = []
  const queue: Queue = {
    enqueue: async (_tx, job, payload) => {
      if (job === 'sync.slice') queued.push((payload as { runNo: number }).runNo)
    },
  }
  const api = await withApi({ queue, ...override })
  const projectId = await api.addProject()
  const must = async (method: string, url: string, json?: unknown) => {
    const answer = await api.call(api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
    if (answer.status >= 400) throw new Error(`${method} ${url} answered ${answer.status}: ${answer.text}`)
    return answer
  }
  const integration =
    spec.integration === null
      ? null
      : await must('POST', `/orgs/${api.orgId}/integrations`, { name: 'keys', ...spec.integration })
  const driver = await must('POST', '/drivers', {
    name: 'bucket',
    integrationId: integration?.body.id ?? null,
    integrationType: spec.integration?.type ?? null,
    metadata: { system: { projectId } },
    ...spec.driver,
    allowExternalDelete: false,
  })
  const work: SyncedApi['work'] = async (signal = new AbortController().signal) => {
    while (queued.length > 0 && !signal.aborted) await continueSync(api.deps, queued.shift()!, signal)
  }
  return {
    api,
    projectId,
    driverId: driver.body.id,
    addDataset: async ({ sync = false, name = `dataset ${randomBytes(4).toString('hex')}` } = {}) =>
      (await must('POST', '/datasets', { name, projects: [projectId], driver: driver.body.id, sync })).body.id,
    work,
    workOnce: () => continueSync(api.deps, queued.shift()!, new AbortController().signal),
    sync: async (datasetId) => {
      const command = await must('POST', `/datasets/${datasetId}/sync`)
      await work()
      return must('GET', `/commands/${command.body.id}`)
    },
    items: async (datasetId) => {
      const { rows } = await api.deps.db.query<{ path: string }>(
        `select r.path || i.name as path from item i
           join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no
           join dataset d on d.dataset_no = i.dataset_no where d.id = $1 order by (r.path || i.name) collate "C"`,
        [datasetId],
      )
      return rows.map((row) => row.path)
    },
    close: () => api.close(),
  }
}

/** The API with a bucket of this process behind it. */
export interface SyncBench extends SyncedApi {
  readonly bucket: Bucket
  /** Tells of every request to the bucket from now on. */
  onRequest(listener: ((method: string, url: string) => void) | null): void
}

/** Starts a bucket and the API and connects them. */
export async function withSync(options: { folder?: string } = {}): Promise<SyncBench> {
  const keys = { accessKeyId: 'bucket-key', secretKey: 'bucket-secret-for-tests' }
  let listener: ((method: string, url: string) => void) | null = null
  const bucket = await startBucket({ port: 0, ...keys, onRequest: (method, url) => listener?.(method, url) })
  const connected = await connectApi({ ...bucket, accessKey: keys.accessKeyId, secretKey: keys.secretKey }, options)
  return {
    ...connected,
    bucket,
    onRequest: (given) => {
      listener = given
    },
    close: async () => {
      await connected.close()
      await bucket.close()
    },
  }
}

/** Order of keys in a listing. */
export function inByteOrder(keys: Iterable<string>): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
