import { ApiError, type Client, createClient } from '#client/client.ts'
import type { Bucket } from './bucket.ts'

/** Who logs in to the demo. */
export interface DemoOwner {
  readonly email: string
  readonly password: string
}

/** The names of what the demo makes. */
export const names = {
  project: 'Demo',
  integration: 'Sample bucket keys',
  driver: 'Sample bucket',
  dataset: 'Sample pictures',
} as const

/** What the demo has made, or found from its last start. */
export interface Prepared {
  readonly client: Client
  readonly datasetId: string
  /** From the start of the sync to its end. */
  readonly syncSeconds: number
}

/** What the demo is told of its bucket's credentials. */
export interface BucketKeys {
  readonly accessKeyId: string
  readonly secretKey: string
}

const SYNC_MS = 120_000
const POLL_MS = 100

/**
 * Makes project, integration, driver and dataset through the HTTP API, as a person would, and waits for the sync.
 *
 * Everything that is there already is used again; a bucket that moved to another port is told to its driver.
 */
export async function prepare(baseUrl: string, owner: DemoOwner, bucket: Bucket, keys: BucketKeys): Promise<Prepared> {
  const client = await logIn(baseUrl, owner)
  const org = (await client.listOrgs())[0]
  if (org === undefined) throw new Error(`${owner.email} is in no organization`)
  const project =
    (await client.listProjects()).find((each) => each.name === names.project) ??
    (await client.createProject({ body: { name: names.project } }))
  const integration =
    (await client.listIntegrations({ params: { orgId: org.id } })).find((each) => each.name === names.integration) ??
    (await client.createIntegration({
      params: { orgId: org.id },
      body: { name: names.integration, type: 's3', options: { key: keys.accessKeyId, secret: keys.secretKey } },
    }))
  const driver = await findDriver(client, { projectId: project.id, integrationId: integration.id, bucket })
  const startedMs = Date.now()
  const { datasetId, isNew } = await findDataset(client, project.id, driver.id)
  await waitForSync(client, isNew ? await firstCommand(client, datasetId) : await syncAgain(client, datasetId))
  return { client, datasetId, syncSeconds: (Date.now() - startedMs) / 1000 }
}

async function logIn(baseUrl: string, owner: DemoOwner): Promise<Client> {
  const body = { type: 'user_credentials', username: owner.email, password: owner.password } as const
  const { id_token } = await createClient({ baseUrl }).createToken({ body })
  return createClient({ baseUrl, token: id_token })
}

async function findDriver(
  client: Client,
  o: { projectId: string; integrationId: string; bucket: Bucket },
): Promise<{ id: string }> {
  const found = (await client.listDrivers({ query: { projectId: o.projectId } })).find(
    (each) => each.name === names.driver,
  )
  if (found === undefined) {
    return await client.createDriver({
      body: {
        name: names.driver,
        type: 's3',
        integrationId: o.integrationId,
        metadata: { system: { projectId: o.projectId } },
        payload: { bucketName: o.bucket.bucket, region: o.bucket.region, endpoint: o.bucket.endpoint, path: '' },
      },
    })
  }
  if (found.endpoint === o.bucket.endpoint) return found
  return await client.updateDriver({
    params: { driverId: found.id },
    body: { payload: { endpoint: o.bucket.endpoint } },
  })
}

async function findDataset(
  client: Client,
  projectId: string,
  driverId: string,
): Promise<{ datasetId: string; isNew: boolean }> {
  const { items } = await client.queryDatasets({ body: { context: { projects: [projectId] } } })
  const found = items.find((each) => each.name === names.dataset)
  if (found !== undefined) return { datasetId: found.id, isNew: false }
  const made = await client.createDataset({
    body: { name: names.dataset, projects: [projectId], driver: driverId, sync: true },
  })
  return { datasetId: made.id, isNew: true }
}

async function firstCommand(client: Client, datasetId: string): Promise<string> {
  const { items } = await client.listSyncs({ params: { datasetId } })
  if (items[0] === undefined) throw new Error('the dataset was made without its first sync')
  return items[0].commandId
}

async function syncAgain(client: Client, datasetId: string): Promise<string> {
  try {
    return (await client.syncDataset({ params: { datasetId } })).id
  } catch (error) {
    // A sync of the last start that was cut off is being finished; it will do.
    if (error instanceof ApiError && error.code === 'dataset.already_syncing')
      return await firstCommand(client, datasetId)
    throw error
  }
}

async function waitForSync(client: Client, commandId: string): Promise<void> {
  const until = Date.now() + SYNC_MS
  for (;;) {
    const command = await client.getCommand({ params: { commandId } })
    if (command.status === 'success') return
    if (['failed', 'timeout', 'canceled', 'aborted'].includes(command.status)) {
      throw new Error(`the sync ended as ${command.status}: ${command.error ?? 'no reason given'}`)
    }
    if (Date.now() > until) throw new Error(`the sync is still ${command.status} after ${SYNC_MS / 1000} s`)
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}
