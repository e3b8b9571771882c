// A dataset on the fake of Google Cloud Storage, whose syncs a test runs slice by slice.
import { randomBytes } from 'node:crypto'
import { readConfig } from '#config/config.ts'
import { continueSync } from '#core/sync/sync.ts'
import type { Queue } from '#queue/queue.ts'
import { openEgress } from '#storage/egress.ts'
import { type FakeGcs, startFakeGcs } from '../fakes/gcs.ts'
import type { FakeBucket } from '../fakes/gcs-bucket.ts'
import type { FakeAccount } from '../fakes/gcs-identity.ts'
import { type Actor, type Answer, type TestApi, withApi } from './api.ts'

/** The API with the fake behind it, as an operator sets it up who has a Google identity. */
export interface GcsBench {
  readonly api: TestApi
  readonly fake: FakeGcs
  /** The operator's own account. */
  readonly principal: FakeAccount
  readonly projectId: string
  call(method: string, url: string, json?: unknown, actor?: Actor): Promise<Answer>
  /** The same, for what must not fail. */
  must(method: string, url: string, json?: unknown): Promise<Answer>
  addBucket(): FakeBucket
  /** Makes an integration of one of Google's kinds; answers its id. */
  addIntegration(type: string, options: unknown): Promise<string>
  /** Sends a driver in the SDK's shape. */
  sendDriver(integrationId: string, type: string, payload: object, more?: object): Promise<Answer>
  /** Makes a dataset on a driver, syncs it and answers its id and the command. */
  syncNew(driverId: string): Promise<{ datasetId: string; command: Answer }>
  /** Does all queued slices of syncs. */
  work(): Promise<void>
  close(): Promise<void>
}

/** Starts fake and API; `settings` are further settings of the operator. */
export async function withGcs(settings: Readonly<Record<string, string>> = {}): Promise<GcsBench> {
  const fake = await startFakeGcs()
  const principal = fake.addAccount({ email: 'sluice@operator.iam.gserviceaccount.com' })
  const queued: number[] = []
  const queue: Queue = {
    enqueue: async (_tx, job, payload) => {
      if (job === 'sync.slice') queued.push((payload as { runNo: number }).runNo)
    },
  }
  const config = readConfig({
    SLUICE_DATA_DIR: '/nonexistent',
    SLUICE_GCP_ENDPOINT: fake.endpoint,
    SLUICE_GCP_PRINCIPAL_EMAIL: principal.email,
    SLUICE_GCP_PRINCIPAL_KEY: principal.keyFile,
    ...settings,
  })
  const api = await withApi({ queue, config, egress: openEgress })
  const projectId = await api.addProject()
  const call: GcsBench['call'] = (method, url, json, actor = api.owner) =>
    api.call(actor, method, `/api/v1${url}`, json === undefined ? {} : { json })
  const must: GcsBench['must'] = async (method, url, json) => {
    const answer = await call(method, url, json)
    if (answer.status >= 400) throw new Error(`${method} ${url} answered ${answer.status}: ${answer.text}`)
    return answer
  }
  const work = async () => {
    while (queued.length > 0) await continueSync(api.deps, queued.shift()!, new AbortController().signal)
  }
  return {
    api,
    fake,
    principal,
    projectId,
    call,
    must,
    addBucket: () => fake.addBucket(`bucket-${randomBytes(4).toString('hex')}`),
    addIntegration: async (type, options) =>
      (await must('POST', `/orgs/${api.orgId}/integrations`, { name: type, type, options })).body.id,
    sendDriver: (integrationId, type, payload, more = {}) =>
      call('POST', '/drivers', {
        name: `driver ${randomBytes(4).toString('hex')}`,
        type: 'gcs',
        integrationId,
        integrationType: type,
        metadata: { system: { projectId } },
        payload: { storageClass: '', region: null, path: '', ...payload },
        allowExternalDelete: true,
        ...more,
      }),
    syncNew: async (driver) => {
      const name = `dataset ${randomBytes(4).toString('hex')}`
      const dataset = await must('POST', '/datasets', { name, projects: [projectId], driver, sync: false })
      const command = await must('POST', `/datasets/${dataset.body.id}/sync`, {})
      await work()
      return { datasetId: dataset.body.id, command: await must('GET', `/commands/${command.body.id}`) }
    },
    work,
    close: async () => {
      await api.close()
      await fake.stop()
    },
  }
}
