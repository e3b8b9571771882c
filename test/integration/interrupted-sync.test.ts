// Proves that a sync survives its server: interrupted by SIGTERM or kill -9 in the middle, it goes on at the next start and every object is an item once.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Client, createClient } from '#client/client.ts'
import { makeDataDir, type ServerProcess, startServerProcess } from '#test/support/server.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'

const OBJECTS = 12_000
const owner = { email: 'owner@example.com', password: 'long enough' }
const keys = { accessKeyId: 'KEY', secretKey: 'secret' }

let data: Awaited<ReturnType<typeof makeDataDir>>
let bucket: Bucket
beforeEach(async () => {
  data = await makeDataDir()
  // Slow enough that the sync is still at work when it is interrupted, whatever the machine.
  bucket = await startBucket({ port: 0, listingMs: 300, ...keys })
  for (let i = 0; i < OBJECTS; i++)
    bucket.put(`frames/${i % 7}/${String(i).padStart(6, '0')}.txt`, Buffer.from(String(i)), 'text/plain')
})
afterEach(async () => {
  await bucket.close()
  await data.remove()
})

const start = () =>
  startServerProcess({
    SLUICE_DATA_DIR: data.path,
    SLUICE_OWNER_EMAIL: owner.email,
    SLUICE_OWNER_PASSWORD: owner.password,
    SLUICE_ORG_NAME: 'Frames',
    // Few, so that the listing takes several rounds.
    SLUICE_LIST_CONNECTIONS: '2',
  })

async function logIn(server: ServerProcess): Promise<Client> {
  const body = { type: 'user_credentials', username: owner.email, password: owner.password } as const
  const { id_token } = await createClient({ baseUrl: server.url }).createToken({ body })
  return createClient({ baseUrl: server.url, token: id_token })
}

/** Connects the bucket and starts the first sync of a dataset. */
async function startSync(client: Client): Promise<string> {
  const org = (await client.listOrgs())[0]!
  const project = await client.createProject({ body: { name: 'Frames' } })
  const options = { key: keys.accessKeyId, secret: keys.secretKey }
  const integration = await client.createIntegration({
    params: { orgId: org.id },
    body: { name: 'keys', type: 's3', options },
  })
  const driver = await client.createDriver({
    body: {
      name: 'bucket',
      type: 's3',
      integrationId: integration.id,
      metadata: { system: { projectId: project.id } },
      payload: { bucketName: bucket.bucket, region: bucket.region, endpoint: bucket.endpoint },
    },
  })
  return (
    await client.createDataset({ body: { name: 'frames', projects: [project.id], driver: driver.id, sync: true } })
  ).id
}

const lastRun = async (client: Client, datasetId: string) =>
  (await client.listSyncs({ params: { datasetId } })).items[0]!

test.each(['SIGTERM', 'SIGKILL'] as const)(
  '%s in the middle of a sync',
  async (signal) => {
    const first = await start()
    const client = await logIn(first)
    const datasetId = await startSync(client)
    await expect
      .poll(async () => (await lastRun(client, datasetId)).counts.listed, { timeout: 20_000, interval: 20 })
      .toBeGreaterThan(0)
    const interrupted = await lastRun(client, datasetId)
    process.kill(first.pid, signal)
    const how = await first.ended
    expect(how).toBe(signal === 'SIGTERM' ? 0 : 137)
    expect(interrupted.state).toBe('running')
    expect(interrupted.counts.listed).toBeLessThan(OBJECTS)

    const second = await start()
    const again = await logIn(second)
    await expect
      .poll(async () => (await lastRun(again, datasetId)).state, { timeout: 60_000, interval: 100 })
      .toBe('success')
    const run = await lastRun(again, datasetId)
    expect(run.commandId).toBe(interrupted.commandId)
    // What was committed before counts once, and is not listed again from the start.
    expect(run.counts).toMatchObject({ listed: OBJECTS, added: OBJECTS, changed: 0 })
    expect(await again.countItems({ params: { datasetId } })).toMatchObject({
      items: OBJECTS,
      folders: expect.any(Number),
      skipped: [],
    })
    await second.stop()
  },
  120_000,
)
