// Proves of the real command that a started server guards its connections, in the API and in the background work: its own port and what is inside are closed, the operator's list opens.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, createClient } from '#client/client.ts'
import type { Bucket } from '../../src/demo/bucket.ts'
import { bucketKey, openBucket } from '../support/drivers.ts'
import { makeDataDir, type ServerProcess, startServerProcess } from '../support/server.ts'

const owner = {
  SLUICE_OWNER_EMAIL: 'owner@example.com',
  SLUICE_OWNER_PASSWORD: 'first password',
  SLUICE_ORG_NAME: 'Birds',
}

let bucket: Bucket
let data: Awaited<ReturnType<typeof makeDataDir>>
let server: ServerProcess | undefined

beforeAll(async () => {
  bucket = await openBucket()
  bucket.put('a.jpg', Buffer.from('a'), 'image/jpeg')
  data = await makeDataDir()
})
afterAll(async () => {
  await server?.stop()
  await bucket.close()
  await data.remove()
})

async function start(env: Record<string, string>): Promise<Client> {
  await server?.stop()
  server = await startServerProcess({ SLUICE_DATA_DIR: data.path, ...owner, ...env })
  const body = {
    type: 'user_credentials',
    username: owner.SLUICE_OWNER_EMAIL,
    password: owner.SLUICE_OWNER_PASSWORD,
  } as const
  const { id_token } = await createClient({ baseUrl: server.url }).createToken({ body })
  return createClient({ baseUrl: server.url, token: id_token })
}

async function makeDriver(client: Client, endpoint: string, name = 'd'): Promise<string> {
  const org = (await client.listOrgs())[0]!
  const project = (await client.listProjects())[0] ?? (await client.createProject({ body: { name: 'p' } }))
  const integration =
    (await client.listIntegrations({ params: { orgId: org.id } }))[0] ??
    (await client.createIntegration({ params: { orgId: org.id }, body: { name: 'i', type: 's3', options: bucketKey } }))
  const driver = await client.createDriver({
    body: {
      name,
      type: 's3',
      integrationId: integration.id,
      metadata: { system: { projectId: project.id } },
      payload: { bucketName: 'photos', region: 'us-east-1', endpoint, path: '' },
    },
  })
  return driver.id
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )

test('a server that only its own machine reaches uses the storages of that machine, and not itself; its background work likewise', async () => {
  const client = await start({})
  for (const host of ['127.0.0.1', 'localhost', '127.1.2.3', '[::ffff:127.0.0.1]', '0.0.0.0'])
    expect([host, await codeOf(makeDriver(client, `http://${host}:${new URL(server!.url).port}`))]).toEqual([
      host,
      'storage.address_denied',
    ])
  expect(await codeOf(makeDriver(client, 'http://10.255.255.1:9000'))).toBe('storage.address_denied')
  const driver = await makeDriver(client, bucket.endpoint)
  const project = (await client.listProjects())[0]!
  const dataset = await client.createDataset({ body: { name: 's', projects: [project.id], driver, sync: true } })
  await expect
    .poll(async () => (await client.listSyncs({ params: { datasetId: dataset.id } })).items[0]?.state, {
      timeout: 30_000,
    })
    .toBe('success')
}, 120_000)

test('a server that others reach uses none of them, says in its log what it refused, and the operator’s list opens it again', async () => {
  const publicUrl = { SLUICE_PUBLIC_URL: 'https://sluice.example.com' }
  const closed = await start(publicUrl)
  expect(await codeOf(makeDriver(closed, bucket.endpoint, 'second'))).toBe('storage.address_denied')
  expect(server!.output()).toContain('"reason":"not a public address"')
  expect(server!.output()).not.toContain(bucketKey.secret)
  const opened = await start({ ...publicUrl, SLUICE_EGRESS_ALLOW: `127.0.0.1:${new URL(bucket.endpoint).port}` })
  expect(await codeOf(makeDriver(opened, bucket.endpoint, 'third'))).toBe('done')
}, 120_000)
