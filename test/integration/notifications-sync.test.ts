// Proves on the real command that a sync in the background thread is seen live in an open window, agrees with its command, and that stopping waits for no window.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { watchNotifications } from '#client/notifications.ts'
import { makeDataDir, type ServerProcess, startServerProcess } from '#test/support/server.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import { prepare } from '../../src/demo/prepare.ts'

const owner = { email: 'owner@example.com', password: 'correct horse battery' }
const keys = { accessKeyId: 'NOTICES', secretKey: 'notices-secret' }

let data: Awaited<ReturnType<typeof makeDataDir>>
let server: ServerProcess
let bucket: Bucket
beforeAll(async () => {
  data = await makeDataDir()
  bucket = await startBucket({ port: 0, ...keys })
  server = await startServerProcess({
    SLUICE_DATA_DIR: data.path,
    SLUICE_OWNER_EMAIL: owner.email,
    SLUICE_OWNER_PASSWORD: owner.password,
    SLUICE_ORG_NAME: 'Birds',
  })
})
afterAll(async () => {
  await server?.stop()
  await bucket?.close()
  await data?.remove()
})

test('a sync is seen live from its start to its end', async () => {
  for (let no = 0; no < 50; no++) bucket.put(`birds/${no}.txt`, Buffer.from(String(no)), 'text/plain')
  const { client, datasetId } = await prepare(server.url, owner, bucket, keys)
  const before = await client.listNotifications()
  expect(before.items).toMatchObject([
    { code: 'sync.finished', count: 1, resource: { type: 'dataset', id: datasetId } },
  ])
  expect(before.unread).toBe(1)

  const window = new AbortController()
  const codes: string[] = []
  let unread = before.unread
  const watching = (async () => {
    for await (const news of watchNotifications(client, { position: before.position, signal: window.signal })) {
      if (news.kind === 'unread') unread = news.unread
      if (news.kind === 'notification' && news.notification.id !== before.items[0]!.id)
        codes.push(news.notification.code)
    }
  })()
  const command = await client.syncDataset({ params: { datasetId } })
  await expect.poll(() => codes.at(-1), { timeout: 15_000 }).toBe('sync.finished')
  await expect.poll(() => unread).toBe(2)
  expect(codes.filter((code) => !['sync.started', 'sync.progress', 'sync.finished'].includes(code))).toEqual([])
  expect(await client.getCommand({ params: { commandId: command.id } })).toMatchObject({ status: 'success' })
  const { items } = await client.listInboxMessages({ query: {} })
  expect(items.map((message) => [message.notificationCode, message.resourceId])).toEqual([
    ['sync.finished', datasetId],
    ['sync.finished', datasetId],
  ])

  // A plan is not told as if it had been done.
  await client.syncDataset({ params: { datasetId }, body: { dryRun: true } })
  const latest = async () => (await client.listNotifications()).items[0]
  await expect.poll(async () => (await latest())?.text, { timeout: 15_000 }).toMatch(/^A plan, nothing was changed\./)
  expect(await latest()).toMatchObject({ code: 'sync.finished' })

  // The window is still open.
  expect(await server.stop()).toBe(0)
  window.abort()
  await watching
})
