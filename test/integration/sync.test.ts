// Proves that a sync makes exactly the bucket's files items, keeps folders and counters exact, survives being stopped anywhere, and never removes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sweepDataset } from '#core/datasets/datasets.ts'
import { reviveSyncs } from '#core/sync/sync.ts'
import type { SyncBench } from '../support/sync.ts'
import { withSync } from '../support/sync.ts'

let bench: SyncBench

beforeAll(async () => {
  bench = await withSync()
})
afterAll(() => bench.close())

const put = (key: string, text = key) => bench.bucket.put(key, Buffer.from(text), 'text/plain')

/** Counters of every folder, as they are kept and as a count of the rows gives them. */
async function folderCounters(datasetId: string) {
  const { rows } = await bench.api.deps.db.query(
    `select r.path, r.items, r.bytes, r.deep_items, r.deep_bytes,
            (select count(*) from item i where i.dataset_no = r.dataset_no and i.dir_no = r.dir_no) as real_items,
            (select coalesce(sum(size_bytes), 0)::bigint from item i where i.dataset_no = r.dataset_no and i.dir_no = r.dir_no) as real_bytes,
            (select count(*) from item i join dir c on c.dataset_no = i.dataset_no and c.dir_no = i.dir_no
              where i.dataset_no = r.dataset_no and starts_with(c.path, r.path)) as real_deep
       from dir r join dataset d on d.dataset_no = r.dataset_no where d.id = $1`,
    [datasetId],
  )
  return rows
}

async function expectExactCounters(datasetId: string) {
  for (const row of await folderCounters(datasetId)) {
    expect({ path: row.path, items: row.items, bytes: row.bytes, deep: row.deep_items }).toEqual({
      path: row.path,
      items: row.real_items,
      bytes: row.real_bytes,
      deep: row.real_deep,
    })
  }
}

describe('first sync', () => {
  test('every file is an item; markers and the hidden folder are not; counters are exact', async () => {
    const files = [
      'a.txt',
      'photos/1.jpg',
      'photos/2.jpg',
      'photos/deep/er/3.jpg',
      'a//b',
      '/lead',
      'photos/é.jpg',
      'photos/😀.png',
      'x+y %41?#.txt',
    ]
    for (const key of files) put(key)
    put('photos/', '')
    put('.dataloop/thumbnails/1.jpg')
    put('photos/.dataloop/2.jpg')
    const datasetId = await bench.addDataset({ sync: true })
    const running = await bench.api.call(bench.api.owner, 'GET', `/api/v1/datasets/${datasetId}`)
    expect(running.body.isSyncing).toBe(true)
    await bench.work()
    expect(await bench.items(datasetId)).toEqual(
      [...files].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    )
    await expectExactCounters(datasetId)
    const dataset = await bench.api.call(bench.api.owner, 'GET', `/api/v1/datasets/${datasetId}`)
    expect(dataset.body).toMatchObject({ isSyncing: false, itemsCount: files.length })
    const syncs = await bench.api.call(bench.api.owner, 'GET', `/api/v1/datasets/${datasetId}/syncs`)
    expect(syncs.body.items[0]).toMatchObject({
      state: 'success',
      counts: { added: files.length, markers: 1, hidden: 2, skipped: 0, listed: files.length + 3 },
    })
    expect(syncs.body.lastSyncedAt).not.toBeNull()
  })

  test('while one runs a second is refused with 423 and the words the SDK looks for', async () => {
    const datasetId = await bench.addDataset({ sync: true })
    const second = await bench.api.call(bench.api.owner, 'POST', `/api/v1/datasets/${datasetId}/sync`)
    expect(second.status).toBe(423)
    expect(second.body.message).toContain('as it is already being synced.')
    await bench.work()
    expect((await bench.sync(datasetId)).body.status).toBe('success')
  })
})

describe('manual sync', () => {
  test('adds what is new, refreshes what changed, keeps ids, never removes', async () => {
    put('m/keep.txt', 'same')
    put('m/change.txt', 'before')
    put('m/gone.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const before = await idsOf(datasetId)
    put('m/change.txt', 'after, and longer')
    put('m/new/deep.txt')
    bench.bucket.remove('m/gone.txt')
    const command = await bench.sync(datasetId)
    expect(command.body).toMatchObject({
      status: 'success',
      progress: 100,
      spec: { datasetId, counts: { added: 1, changed: 1 } },
    })
    const after = await idsOf(datasetId)
    for (const [path, id] of before) expect(after.get(path)).toBe(id)
    expect(after.has('m/new/deep.txt')).toBe(true)
    expect(after.has('m/gone.txt')).toBe(true)
    await expectExactCounters(datasetId)
  })

  test('a bucket without a change writes no row', async () => {
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const written = () =>
      bench.api.deps.db.query<{ xmin: string }>(
        `select string_agg(i.xmin::text, ',' order by i.item_no) as xmin from item i join dataset d on d.dataset_no = i.dataset_no where d.id = $1`,
        [datasetId],
      )
    const before = (await written()).rows
    const command = await bench.sync(datasetId)
    expect(command.body.spec.counts).toMatchObject({ added: 0, changed: 0 })
    expect((await written()).rows).toEqual(before)
  })
})

describe('being stopped', () => {
  test('a run that is stopped at every request goes on where it was, and ends exact', async () => {
    for (let n = 0; n < 5000; n++) put(`many/${String(n % 50).padStart(3, '0')}/${n}.bin`, String(n))
    const datasetId = await bench.addDataset({ sync: true })
    let slices = 0
    for (let isRunning = true; isRunning; slices++) {
      const stop = new AbortController()
      let requests = 0
      // A slice that gets two pages and then is told to stop.
      bench.onRequest((_method, url) => {
        if (url.includes('list-type=2') && ++requests === 3) stop.abort()
      })
      await bench.work(stop.signal)
      isRunning = stop.signal.aborted
    }
    bench.onRequest(null)
    expect(slices).toBeGreaterThan(2)
    const expected = bench.bucket.keys().filter((key) => !key.includes('.dataloop/') && key !== 'photos/')
    expect(await bench.items(datasetId)).toEqual(expected)
    await expectExactCounters(datasetId)
    const { rows } = await bench.api.deps.db.query<{ listed: number; added: number }>(
      'select listed, added from sync_run r join dataset d using (dataset_no) where d.id = $1',
      [datasetId],
    )
    // Nothing is counted twice, however often it was stopped.
    expect(rows[0]).toMatchObject({ listed: bench.bucket.keys().length, added: expected.length })
  })

  test('a worker that lost its lease does not go on; another does', async () => {
    for (let n = 0; n < 5000; n++) put(`many/${String(n % 50).padStart(3, '0')}/${n}.bin`, String(n))
    const datasetId = await bench.addDataset({ sync: true })
    const losses: Promise<unknown>[] = []
    bench.onRequest(() => {
      losses.push(bench.api.deps.db.query(`update sync_run set fence = fence + 1 where state = 'running'`))
    })
    await bench.work()
    bench.onRequest(null)
    // One that comes late would take the lease from the next worker as well.
    await Promise.all(losses)
    // What was committed before the lease was lost is there; that nothing is afterwards, test/integration/run-lease.test.ts shows to the statement.
    const expected = bench.bucket.keys().filter((key) => !key.includes('.dataloop/') && key !== 'photos/')
    expect((await bench.items(datasetId)).length).toBeLessThan(expected.length)
    await bench.api.deps.db.query(
      `update sync_run set lease_until = now() - interval '1 second' where state = 'running'`,
    )
    await reviveSyncs(bench.api.deps)
    await bench.work()
    expect(await bench.items(datasetId)).toEqual(expected)
  })

  test('canceling keeps what is there and lets the next sync start', async () => {
    const datasetId = await bench.addDataset()
    const { body } = await bench.api.call(bench.api.owner, 'POST', `/api/v1/datasets/${datasetId}/sync`)
    const aborted = await bench.api.call(bench.api.owner, 'POST', `/api/v1/commands/${body.id}/abort`)
    expect(aborted.body.status).toBe('canceled')
    await bench.work()
    expect((await bench.sync(datasetId)).body.status).toBe('success')
  })
})

describe('what goes wrong', () => {
  test('a bucket whose rights are taken away ends the run with the reason; what is there stays', async () => {
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const before = await bench.items(datasetId)
    const integrations = await bench.api.call(bench.api.owner, 'GET', `/api/v1/orgs/${bench.api.orgId}/integrations`)
    const rotate = (secret: string) =>
      bench.api.call(bench.api.owner, 'PATCH', `/api/v1/orgs/${bench.api.orgId}/integrations`, {
        json: {
          integrationId: integrations.body[0].id,
          credentials: { options: { key: 'bucket-key', secret }, type: 's3' },
        },
      })
    await rotate('a wrong secret')
    const command = await bench.sync(datasetId)
    expect(command.body).toMatchObject({ status: 'failed', errorCode: 'storage.bad_credentials' })
    expect(await bench.items(datasetId)).toEqual(before)
    await rotate('bucket-secret-for-tests')
    expect((await bench.sync(datasetId)).body.status).toBe('success')
  })

  test('a deleted dataset is gone at once, also for its running sync, and its rows are swept', async () => {
    const datasetId = await bench.addDataset({ sync: true })
    const { rows } = await bench.api.deps.db.query<{ dataset_no: number }>(
      'select dataset_no from dataset where id = $1',
      [datasetId],
    )
    let isDeleted = false
    bench.onRequest(() => {
      if (!isDeleted) void bench.api.call(bench.api.owner, 'DELETE', `/api/v1/datasets/${datasetId}`)
      isDeleted = true
    })
    await bench.work()
    bench.onRequest(null)
    expect((await bench.api.call(bench.api.owner, 'GET', `/api/v1/datasets/${datasetId}`)).status).toBe(404)
    expect(await sweepDataset(bench.api.deps.db, rows[0]!.dataset_no, new AbortController().signal)).toBe(true)
    const left = await bench.api.deps.db.query(
      'select 1 from item where dataset_no = $1 union all select 1 from dir where dataset_no = $1',
      [rows[0]!.dataset_no],
    )
    expect(left.rows).toEqual([])
  })
})

async function idsOf(datasetId: string): Promise<Map<string, string>> {
  const { rows } = await bench.api.deps.db.query<{ path: string; id: string }>(
    `select r.path || i.name as path, i.item_no::text as id from item i
       join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no
       join dataset d on d.dataset_no = i.dataset_no where d.id = $1`,
    [datasetId],
  )
  return new Map(rows.map((row) => [row.path, row.id]))
}
