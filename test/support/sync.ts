// A dataset on a real S3 server in this process, whose syncs a test runs slice by slice.
import { randomBytes } from 'node:crypto'
import type { Deps } from '#core/deps.ts'
import { continueSync } from '#core/sync/sync.ts'
import type { Queue } from '#queue/queue.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { type Answer, type TestApi, withApi } from './api.ts'

/** The API with a bucket behind it. */
export interface SyncBench {
  readonly api: TestApi
  readonly bucket: Bucket
  readonly projectId: string
  readonly driverId: string
  /** Makes a dataset on the driver; answers its id. */
  addDataset(options?: { sync?: boolean; name?: string }): Promise<string>
  /** Does all queued slices until nothing is queued; delays are skipped. */
  work(signal?: AbortSignal): Promise<void>
  /** Tells of every request to the bucket from now on. */
  onRequest(listener: ((method: string, url: string) => void) | null): void
  /** Starts a sync, does its work and gives the command as it then is. */
  sync(datasetId: string): Promise<Answer>
  /** Paths of all items, in order, straight from the tables. */
  items(datasetId: string): Promise<string[]>
  close(): Promise<void>
}

const secretKey = 'bucket-secret-for-tests'

/** Starts a bucket and the API and connects them; `folder` is the driver's folder. */
export async function withSync(options: { folder?: string; override?: Partial<Deps> } = {}): Promise<SyncBench> {
  let listener: ((method: string, url: string) => void) | null = null
  const bucket = await startBucket({
    port: 0,
    accessKeyId: 'bucket-key',
    secretKey,
    onRequest: (method, url) => listener?.(method, url),
  })
  const queued: number[] = []
  const queue: Queue = {
    enqueue: async (_tx, job, payload) => {
      if (job === 'sync.slice') queued.push((payload as { runNo: number }).runNo)
    },
  }
  const api = await withApi({ queue, ...options.override })
  const projectId = await api.addProject()
  const must = async (method: string, url: string, json?: unknown) => {
    const answer = await api.call(api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
    if (answer.status >= 400) throw new Error(`${method} ${url} answered ${answer.status}: ${answer.text}`)
    return answer
  }
  const integration = await must('POST', `/orgs/${api.orgId}/integrations`, {
    name: 'keys',
    type: 's3',
    options: { key: 'bucket-key', secret: secretKey },
  })
  const driver = await must('POST', '/drivers', {
    name: 'bucket',
    type: 's3',
    integrationId: integration.body.id,
    integrationType: 's3',
    metadata: { system: { projectId } },
    payload: {
      bucketName: bucket.bucket,
      endpoint: bucket.endpoint,
      region: bucket.region,
      path: options.folder ?? '',
    },
    allowExternalDelete: false,
  })
  const work: SyncBench['work'] = async (signal = new AbortController().signal) => {
    while (queued.length > 0 && !signal.aborted) await continueSync(api.deps, queued.shift()!, signal)
  }
  return {
    api,
    bucket,
    projectId,
    driverId: driver.body.id,
    addDataset: async ({ sync = false, name = `dataset ${randomBytes(4).toString('hex')}` } = {}) =>
      (await must('POST', '/datasets', { name, projects: [projectId], driver: driver.body.id, sync })).body.id,
    work,
    onRequest: (given) => {
      listener = given
    },
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
    close: async () => {
      await api.close()
      await bucket.close()
    },
  }
}
