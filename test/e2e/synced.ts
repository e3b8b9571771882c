// A dataset that is there already, made through the API: for tests whose subject is not how it came to be.
import type { Client } from '#client/client.ts'
import { owner, type Stage } from './stage.ts'

/** What stands when a test begins. */
export interface Synced {
  readonly client: Client
  readonly projectId: string
  readonly driverId: string
  readonly datasetId: string
}

/** Connects the stage's bucket and syncs it whole. */
export async function syncBucket(stage: Stage, datasetName = 'street scenes'): Promise<Synced> {
  const client = await stage.as(owner.email, owner.password)
  const { bucket, endpoint, region, accessKey, secretKey } = stage.bucket
  const { id: projectId } = await client.createProject({ body: { name: 'Streets' } })
  const [org] = await client.listOrgs()
  const integration = await client.createIntegration({
    params: { orgId: org!.id },
    body: { name: 'ceph keys', type: 's3', options: { key: accessKey, secret: secretKey } },
  })
  const driver = await client.createDriver({
    body: {
      name: 'ceph bucket',
      type: 's3',
      integrationId: integration.id,
      integrationType: 's3',
      metadata: { system: { projectId } },
      payload: { bucketName: bucket, endpoint, region, path: '' },
      allowExternalDelete: false,
    },
  })
  const { id: datasetId } = await client.createDataset({
    body: { name: datasetName, projects: [projectId], driver: driver.id, sync: true, createDefaultRecipe: true },
  })
  await waitForSyncs(client, datasetId)
  return { client, projectId, driverId: driver.id, datasetId }
}

/** Waits until no sync of a dataset has anything to do by itself; answers the last one. */
export async function waitForSyncs(client: Client, datasetId: string) {
  const until = Date.now() + 60_000
  for (;;) {
    const { items } = await client.listSyncs({ params: { datasetId } })
    const last = items[0]
    if (last !== undefined && items.every(({ state }) => !['queued', 'running'].includes(state))) return last
    if (Date.now() > until) throw new Error(`the sync is not over: ${JSON.stringify(last)}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** Makes somebody who can log in and is in the project with a role. Such people come by themselves or by single sign-on; a bot is given its password. */
export async function addSomebody(
  { client, projectId }: Synced,
  role: 'annotator' | 'annotationManager' | 'engineer',
): Promise<{ email: string; password: string }> {
  const bot = await client.createBot({ params: { projectId }, body: { name: role, returnCredentials: true } })
  await client.updateProjectMember({ params: { projectId, member: bot.email }, body: { role } })
  return { email: bot.email, password: bot.password! }
}
