// Proves that a sync and whatever is done to its dataset or driver at the same time end with a clear answer each and an index that is right.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sweepDataset } from '#core/datasets/datasets.ts'
import { runSlice } from '#core/sync/slice.ts'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'
import { inByteOrder, type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
let datasetId: string
const keys = Array.from({ length: 2400 }, (_, n) => `d${n % 9}/f${String(n).padStart(5, '0')}.txt`)

beforeAll(async () => {
  bench = await withSync()
  for (const key of keys) bench.bucket.put(key, Buffer.from(key), 'text/plain')
})
afterAll(() => bench.close())
beforeEach(async () => {
  datasetId = await bench.addDataset()
})

const call = (method: string, url: string, json?: unknown) =>
  bench.api.call(bench.api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })

async function numberOf(): Promise<number> {
  const { rows } = await bench.api.deps.db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
    datasetId,
  ])
  return rows[0]!.no
}

async function expectWhole(): Promise<void> {
  expect(await bench.items(datasetId)).toEqual(inByteOrder(keys))
  expect(await findFolderFaults(bench.api.deps.db, await numberOf())).toEqual([])
  const points = await dataPointsOf(bench.api.deps.db, bench.api.orgId)
  expect(points.used).toBe(points.rows)
}

/** Does something once, when the bucket is asked for its second page. */
function atSecondPage(work: () => Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let pages = 0
    bench.onRequest((method, url) => {
      if (method !== 'GET' || !url.includes('list-type=2') || ++pages !== 2) return
      bench.onRequest(null)
      work().then(resolve, reject)
    })
  })
}

test('two syncs asked for at once: one runs, the other is told so', async () => {
  const answers = await Promise.all([1, 2, 3, 4].map(() => call('POST', `/datasets/${datasetId}/sync`)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 423, 423, 423])
  await bench.work()
  await expectWhole()
})

test('two workers take the same run: one works, the other leaves it alone', async () => {
  const command = await call('POST', `/datasets/${datasetId}/sync`)
  const { rows } = await bench.api.deps.db.query<{ run_no: number }>(
    'select run_no from sync_run where command_id = $1',
    [command.body.id],
  )
  const signal = new AbortController().signal
  await Promise.all([1, 2, 3].map(() => runSlice(bench.api.deps, rows[0]!.run_no, signal)))
  await bench.work()
  expect((await call('GET', `/commands/${command.body.id}`)).body.status).toBe('success')
  await expectWhole()
})

test('syncs of two datasets on one driver, at once', async () => {
  const other = await bench.addDataset()
  await call('POST', `/datasets/${datasetId}/sync`)
  await call('POST', `/datasets/${other}/sync`)
  await Promise.all([bench.work(), bench.work()])
  await expectWhole()
  datasetId = other
  await expectWhole()
})

test('the dataset is deleted under its sync: nothing of it is left, and its data points are free again', async () => {
  const datasetNo = await numberOf()
  const deleted = atSecondPage(() => call('DELETE', `/datasets/${datasetId}`))
  const command = await call('POST', `/datasets/${datasetId}/sync`)
  await bench.work()
  expect(await deleted).toMatchObject({ status: 200 })
  expect((await call('GET', `/datasets/${datasetId}`)).status).toBe(404)
  expect((await call('GET', `/commands/${command.body.id}`)).body.status).not.toBe('success')
  expect(await sweepDataset(bench.api.deps.db, datasetNo, new AbortController().signal)).toBe(true)
  for (const table of ['item', 'dir', 'skipped', 'removed', 'sync_run']) {
    const { rows } = await bench.api.deps.db.query(`select 1 from ${table} where dataset_no = $1 limit 1`, [datasetNo])
    expect([table, rows.length]).toEqual([table, 0])
  }
  const points = await dataPointsOf(bench.api.deps.db, bench.api.orgId)
  expect(points.used).toBe(points.rows)
})

test('the folder of the driver cannot be changed under a sync, and the sync goes on', async () => {
  const changed = atSecondPage(() => call('PATCH', `/drivers/${bench.driverId}`, { payload: { path: 'd3' } }))
  await call('POST', `/datasets/${datasetId}/sync`)
  await bench.work()
  expect(await changed).toMatchObject({ status: 400, body: { code: 'driver.in_use' } })
  await expectWhole()
})

test('the credentials are replaced under a sync: what it has is kept, and the next one completes it', async () => {
  const { body } = await call('GET', `/orgs/${bench.api.orgId}/integrations`)
  const second = await call('POST', `/orgs/${bench.api.orgId}/integrations`, {
    name: 'more keys',
    type: 's3',
    options: { key: 'bucket-key', secret: 'bucket-secret-for-tests' },
  })
  const replaced = atSecondPage(() =>
    call('PATCH', `/drivers/${bench.driverId}`, { integrationId: second.body.id, validate: false }),
  )
  const command = await call('POST', `/datasets/${datasetId}/sync`)
  await bench.work()
  expect(await replaced).toMatchObject({ status: 200 })
  expect(['success', 'failed']).toContain((await call('GET', `/commands/${command.body.id}`)).body.status)
  await call('PATCH', `/drivers/${bench.driverId}`, { integrationId: body[0].id })
  expect((await bench.sync(datasetId)).body.status).toBe('success')
  await expectWhole()
})

test('many things at once to one dataset: every answer is clear and the index is right', async () => {
  expect((await bench.sync(datasetId)).body.status).toBe('success')
  for (let at = 0; at < 40; at++) bench.bucket.remove(keys[at]!)
  await call('POST', `/datasets/${datasetId}/sync`)
  const asked = await Promise.all([
    bench.work(),
    call('POST', `/datasets/${datasetId}/sync`),
    call('PATCH', `/datasets/${datasetId}/syncSettings`, { exclude: [{ kind: 'glob', pattern: '*.tmp' }] }),
    call('POST', `/datasets/${datasetId}/sync`, { reconcile: true }),
    call('GET', `/datasets/${datasetId}/syncs`),
  ])
  for (const answer of asked) if (answer) expect([200, 423]).toContain(answer.status)
  await bench.work()
  for (let at = 0; at < 40; at++) bench.bucket.put(keys[at]!, Buffer.from(keys[at]!), 'text/plain')
  expect((await bench.sync(datasetId)).body.status).toBe('success')
  await expectWhole()
})
