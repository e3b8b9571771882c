import { setTimeout as sleep } from 'node:timers/promises'
import type { Api, BucketTarget } from './api.ts'
import { credentials, region } from './credentials.ts'

/** A dataset on a bucket, made through the HTTP API, not yet synced. */
export interface IndexedDataset {
  readonly id: string
  readonly projectId: string
}

/** Makes project, integration, driver and dataset for a bucket; `name` must be new on this server. */
export async function makeDataset(
  api: Api,
  orgId: string,
  target: BucketTarget,
  name: string,
): Promise<IndexedDataset> {
  const project = await api.call<{ id: string }>('POST', '/projects', { name })
  const integration = await api.call<{ id: string }>('POST', `/orgs/${orgId}/integrations`, {
    name,
    type: 's3',
    options: { key: credentials.accessKeyId, secret: credentials.secretAccessKey },
  })
  const driver = await api.call<{ id: string }>('POST', '/drivers', {
    name,
    type: 's3',
    integrationId: integration.id,
    integrationType: 's3',
    metadata: { system: { projectId: project.id } },
    payload: { bucketName: target.bucket, region, path: '', storageClass: '', endpoint: target.url },
    allowExternalDelete: false,
  })
  const dataset = await api.call<{ id: string }>('POST', '/datasets', {
    name,
    projects: [project.id],
    driver: driver.id,
    createDefaultRecipe: false,
    sync: false,
  })
  return { id: dataset.id, projectId: project.id }
}

/** An empty dataset without a driver, for rows that are put into the tables directly. */
export async function makeBareDataset(api: Api, name: string): Promise<IndexedDataset> {
  const project = await api.call<{ id: string }>('POST', '/projects', { name })
  const dataset = await api.call<{ id: string }>('POST', '/datasets', {
    name,
    projects: [project.id],
    createDefaultRecipe: false,
  })
  return { id: dataset.id, projectId: project.id }
}

interface Command {
  readonly id: string
  readonly status: string
  readonly progress: number
  readonly error: string | null
}

// Fine enough for a wall time of seconds, rare enough to cost the server nothing that shows.
const pollMs = 50

/** Polls between two looks at the run itself: rare, since that is a longer answer. */
const pollsPerLook = 40

/**
 * Starts a sync and waits for its command to end; answers the seconds from the request to the poll that saw the end. Throws when it fails, and
 * when its run waits for somebody, which nobody here would ever answer.
 */
export async function syncAndWait(api: Api, datasetId: string): Promise<number> {
  const started = performance.now()
  let command = await api.call<Command>('POST', `/datasets/${datasetId}/sync`)
  for (let polls = 1; command.status !== 'success'; polls++) {
    if (['failed', 'canceled', 'aborted'].includes(command.status))
      throw new Error(`the sync ${command.status}: ${command.error}`)
    if (polls % pollsPerLook === 0) await expectUnparked(api, datasetId)
    await sleep(pollMs)
    command = await api.call<Command>('GET', `/commands/${command.id}`)
  }
  return (performance.now() - started) / 1000
}

/** What the last run of a dataset came to. */
export interface LastRun {
  readonly state: string
  readonly counts: Readonly<Record<string, number>>
  readonly error: string | null
}

/** The last run of a dataset. */
export async function lastRun(api: Api, datasetId: string): Promise<LastRun> {
  const { items } = await api.call<{ items: LastRun[] }>('GET', `/datasets/${datasetId}/syncs`)
  return items[0]!
}

async function expectUnparked(api: Api, datasetId: string): Promise<void> {
  const { state, error } = await lastRun(api, datasetId)
  if (['parked', 'paused'].includes(state)) throw new Error(`the sync is ${state}: ${error}`)
}
