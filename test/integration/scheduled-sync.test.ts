// Proves patterns, the schedule and the quota with real syncs of a bucket: what is kept out, what a scheduled reconcile removes, what is counted.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditDataPoints } from '#core/quota/quota.ts'
import { startDueRescans } from '../../src/jobs/rescan.ts'
import { type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
beforeAll(async () => {
  bench = await withSync({ folder: 'photos' })
})
afterAll(() => bench.close())

const settings = (datasetId: string, json: unknown) =>
  bench.api.call(bench.api.owner, 'PATCH', `/api/v1/datasets/${datasetId}/syncSettings`, { json })

const put = (key: string) => bench.bucket.put(key, Buffer.from('x'), 'image/jpeg')

/** Items that are there, by path: neither missing nor kept out. */
async function liveItems(datasetId: string): Promise<string[]> {
  const { rows } = await bench.api.deps.db.query<{ path: string }>(
    `select r.path || i.name as path from item i
       join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no
       join dataset d on d.dataset_no = i.dataset_no where d.id = $1 and i.state = 0 order by 1`,
    [datasetId],
  )
  return rows.map((row) => row.path)
}

async function usedIs(expected: number): Promise<void> {
  const url = `/api/v1/orgs/${bench.api.orgId}/dataPoints`
  expect((await bench.api.call(bench.api.owner, 'GET', url)).body.used).toBe(expected)
  expect(await auditDataPoints(bench.api.deps.db)).toEqual([])
}

/** As if so many minutes had passed since the last syncs. */
async function wait(minutes: number): Promise<void> {
  await bench.api.deps.db.query('update sync_run set created_at = created_at - make_interval(mins => $1)', [minutes])
}

test('a sync takes what the patterns take, below the driver’s folder, and only that is counted', async () => {
  for (const key of [
    'a.jpg',
    'photos/a.jpg',
    'photos/b.JPG',
    'photos/tmp/c.jpg',
    'photos/x/tmp/d.jpg',
    'photos/x/e.jpg',
  ])
    put(key)
  const datasetId = await bench.addDataset()
  await settings(datasetId, {
    include: [{ kind: 'regex', pattern: '(?i)\\.jpg$' }],
    exclude: [{ kind: 'glob', pattern: '/tmp/' }],
  })
  expect((await bench.sync(datasetId)).body.status).toBe('success')
  expect(await liveItems(datasetId)).toEqual(['a.jpg', 'b.JPG', 'x/e.jpg', 'x/tmp/d.jpg'])
  await usedIs(4)
  await bench.api.call(bench.api.owner, 'DELETE', `/api/v1/datasets/${datasetId}`)
  await usedIs(0)
})

test('a scheduled reconcile finds by itself what was added and what is gone (UP-14)', async () => {
  const datasetId = await bench.addDataset()
  await bench.sync(datasetId)
  await settings(datasetId, { rescan: { everyMinutes: 30, mode: 'reconcile' } })
  const before = await liveItems(datasetId)
  bench.bucket.remove('photos/a.jpg')
  put('photos/new.jpg')
  expect(await startDueRescans(bench.api.deps)).toBe(0)
  await wait(40)
  expect(await startDueRescans(bench.api.deps)).toBe(1)
  await bench.work()
  expect(await liveItems(datasetId)).toEqual([...before.filter((path) => path !== 'a.jpg'), 'new.jpg'].sort())
  await usedIs(before.length)
  expect(await startDueRescans(bench.api.deps)).toBe(0)
})

test('scheduled syncs tell people when they found something, in one notification a dataset, and keep still otherwise', async () => {
  put('photos/told/1.jpg')
  const datasetId = await bench.addDataset()
  await settings(datasetId, {
    include: [{ kind: 'glob', pattern: 'told/' }],
    rescan: { everyMinutes: 30, mode: 'sync' },
  })
  const told = async () => {
    const { body } = await bench.api.call(bench.api.owner, 'GET', '/api/v1/notifications')
    return body.items
      .filter((notice: { resource: { id: string } }) => notice.resource.id === datasetId)
      .map((notice: { text: string }) => notice.text)
  }
  const rescan = async () => {
    await wait(40)
    await startDueRescans(bench.api.deps)
    await bench.work()
    return told()
  }
  await bench.sync(datasetId)
  const byHand = await told()
  expect(byHand).toHaveLength(1)
  expect(await rescan()).toEqual(byHand)
  put('photos/told/2.jpg')
  expect(await rescan()).toEqual(expect.arrayContaining([expect.stringContaining('1 added')]))
  put('photos/told/3.jpg')
  expect(await rescan()).toHaveLength(2)
  await settings(datasetId, { rescan: null })
})

test('a first sync that needs more than is free adds nothing and says both numbers (IS-04)', async () => {
  const { api } = bench
  const url = `/api/v1/orgs/${api.orgId}/dataPoints`
  const { used } = (await api.call(api.owner, 'GET', url)).body
  await api.call(api.owner, 'PATCH', url, { json: { max: used + 99 } })
  for (let n = 0; n < 100; n++) put(`photos/hundred/${n}`)
  const datasetId = await bench.addDataset()
  await settings(datasetId, { include: [{ kind: 'glob', pattern: 'hundred/' }] })
  const { body } = await bench.sync(datasetId)
  expect([body.status, body.errorCode]).toEqual(['failed', 'quota.exceeded'])
  for (const said of ['quota', '100', '99']) expect(body.error).toContain(said)
  expect(await bench.items(datasetId)).toEqual([])
  await usedIs(used)
  await api.call(api.owner, 'PATCH', url, { json: { max: used + 100 } })
  expect((await bench.sync(datasetId)).body.status).toBe('success')
  await usedIs(used + 100)
})
