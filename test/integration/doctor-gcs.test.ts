// Proves that the role generated for Google Cloud is enough: an account that holds it and nothing else passes check, sync, stream and upload, deletes only when that was chosen, and each right taken from it is told by its probe.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDriver } from '#core/drivers/drivers.ts'
import { type GcsBench, withGcs } from '../support/gcs.ts'
import { putFile } from '../support/uploads.ts'

let bench: GcsBench
beforeAll(async () => {
  bench = await withGcs()
})
afterAll(() => bench?.close())

async function generated(bucket: string, allowExternalDelete: boolean): Promise<string[]> {
  const { body } = await bench.must('POST', '/drivers/policies', {
    type: 'gcs',
    integrationType: 'gcs',
    metadata: { system: { projectId: bench.projectId } },
    payload: { bucket, path: 'in' },
    allowExternalDelete,
  })
  return body.documents.find((one: { name: string }) => one.name === 'custom-role').document.includedPermissions
}

async function integrationWith(permissions: string[]): Promise<string> {
  const account = bench.fake.addAccount({ permissions })
  return bench.addIntegration('gcs', { key: '', secret: '', content: account.keyFile })
}

test.each([false, true])('the generated role is enough, with the choice to delete: %s', async (allowExternalDelete) => {
  const bucket = bench.addBucket()
  bucket.put('in/a.txt', Buffer.from('bytes of a'))
  bucket.put('out/b.txt', Buffer.from('b'))
  const integrationId = await integrationWith(await generated(bucket.name, allowExternalDelete))
  const payload = { bucket: bucket.name, path: 'in' }
  const driver = await bench.sendDriver(integrationId, 'gcs', payload, { allowExternalDelete })
  expect([driver.status, driver.body.state], driver.text).toEqual([200, 'ready'])
  expect((await bench.call('GET', `/drivers/${driver.body.id}/test`)).status).toBe(204)
  const { datasetId, command } = await bench.syncNew(driver.body.id)
  expect(command.body).toMatchObject({ status: 'success', spec: { counts: { added: 1 } } })
  const item = await putFile(bench.api, datasetId, { path: '/new/c.txt', bytes: 'new' })
  expect(bucket.get('in/new/c.txt')?.bytes.toString()).toBe('new')
  const stream = await bench.call('GET', `/items/${item.id}/stream`)
  expect(await (await fetch(String(stream.headers.location))).text()).toBe('new')
  const { storage } = await openDriver(bench.api.deps, driver.body.id)
  const [outcome] = await storage.remove(['in/new/c.txt'])
  expect(outcome?.ok).toBe(allowExternalDelete)
  expect(bucket.get('in/new/c.txt') === undefined).toBe(allowExternalDelete)
})

test('each right of the generated role that lacks is told by its own probe, with its name', async () => {
  const bucket = bench.addBucket()
  const all = await generated(bucket.name, true)
  for (const [permission, name] of [
    ['storage.objects.list', 'list'],
    ['storage.objects.get', 'read'],
    ['storage.objects.create', 'write'],
    ['storage.objects.delete', 'delete'],
  ] as const) {
    const integrationId = await integrationWith(all.filter((one) => one !== permission))
    const { body } = await bench.must('POST', '/drivers/doctor', {
      type: 'gcs',
      integrationId,
      metadata: { system: { projectId: bench.projectId } },
      payload: { bucket: bucket.name },
      allowExternalDelete: true,
    })
    expect([name, body.code]).toEqual([name, 'driver.check_failed'])
    const probe = body.probes.find((one: { name: string }) => one.name === name)
    expect(probe).toMatchObject({ ok: false, code: 'storage.denied', remedy: expect.stringContaining(permission) })
  }
})

test('under a condition for a folder nothing else is listed, also where a file to remove is gone', async () => {
  const bucket = bench.addBucket()
  bucket.put('in/a.txt', Buffer.from('a'))
  const integrationId = await integrationWith(await generated(bucket.name, true))
  const payload = { bucket: bucket.name, path: 'in' }
  const driver = await bench.sendDriver(integrationId, 'gcs', payload, { allowExternalDelete: true })
  bench.fake.seen.length = 0
  const { storage } = await openDriver(bench.api.deps, driver.body.id)
  expect(await storage.remove(['in/gone.txt'])).toEqual([{ key: 'in/gone.txt', ok: true }])
  await bench.syncNew(driver.body.id)
  const lists = bench.fake.seen.filter(({ method, target }) => method === 'GET' && /\/o\?/.test(target))
  expect(lists.length).toBeGreaterThan(1)
  for (const { target } of lists)
    expect(new URL(target, 'http://x').searchParams.get('prefix'), target).toMatch(/^in\//)
})
