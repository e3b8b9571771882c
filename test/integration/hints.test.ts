// Proves that hints are followed by reading: whatever they say, the index is what the bucket is, for every dataset on it, within quota, and nothing is deleted.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { drainHints } from '#core/hints/hints.ts'
import { type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
const requests: string[] = []

beforeAll(async () => {
  bench = await withSync()
  bench.onRequest((method, url) => requests.push(`${method} ${url}`))
})
beforeEach(() => void requests.splice(0))
// All datasets are on one bucket; those of former tests are not to be brought up to date by later ones.
afterEach(() => bench.api.deps.db.query('update dataset set is_readonly = true'))
afterAll(() => bench.close())

const put = (key: string, text = key) => bench.bucket.put(key, Buffer.from(text), 'text/plain')
const drain = () => drainHints(bench.api.deps, new AbortController().signal)

async function hint(keys: readonly string[], removed?: boolean, driverId = bench.driverId) {
  const answer = await bench.api.call(bench.api.owner, 'POST', `/api/v1/drivers/${driverId}/hints`, {
    json: { keys, ...(removed === undefined ? {} : { removed }) },
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

async function rowsOf(datasetId: string) {
  const { rows } = await bench.api.deps.db.query<{
    path: string
    state: number
    flags: number
    id: string
    size: number
  }>(
    `select f.path || i.name as path, i.state, i.flags, i.item_no::text as id, i.size_bytes as size
       from item i join dataset d using (dataset_no) join dir f on f.dataset_no = i.dataset_no and f.dir_no = i.dir_no
      where d.id = $1 order by (f.path || i.name) collate "C"`,
    [datasetId],
  )
  return rows
}

async function dirtyKeys() {
  const { rows } = await bench.api.deps.db.query<{ key: string; code: string | null }>(
    `select convert_from(key, 'UTF8') as key, error_code as code from dirty order by key`,
  )
  return rows
}

/** Lets the waits of keys that failed pass. */
const soon = () => bench.api.deps.db.query('update dirty set not_before = null')

/** Makes another driver of the same bucket; answers its id. */
async function addDriverOf(path: string, integrationId?: string): Promise<string> {
  const first = await bench.api.call(bench.api.owner, 'GET', `/api/v1/drivers/${bench.driverId}`)
  const { endpoint, bucketName, region, name } = first.body
  const answer = await bench.api.call(bench.api.owner, 'POST', '/api/v1/drivers', {
    json: {
      name: `${name} ${path}`,
      type: 's3',
      integrationId: integrationId ?? first.body.integrationId,
      integrationType: 's3',
      metadata: { system: { projectId: bench.projectId } },
      payload: { endpoint, bucketName, region, path },
    },
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

async function addDatasetOf(driver: string): Promise<string> {
  const answer = await bench.api.call(bench.api.owner, 'POST', '/api/v1/datasets', {
    json: { name: `of ${driver}`, projects: [bench.projectId], driver, sync: false },
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

describe('a hint', () => {
  test('of a new file adds it with its folders, of a changed one refreshes it, of a gone one marks or removes it', async () => {
    put('h/old.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const [old] = await rowsOf(datasetId)
    put('h/old.txt', 'another text')
    put('h/deep/er/new.jpg')
    expect(await hint(['h/old.txt', 'h/deep/er/new.jpg'])).toEqual({ marked: 2, ignored: [] })
    expect((await drain()).outcomes).toEqual({ changed: 1, added: 1 })
    const rows = await rowsOf(datasetId)
    expect(rows.map(({ path, state, flags, size }) => ({ path, state, flags, size }))).toEqual([
      { path: 'h/deep/er/new.jpg', state: 0, flags: 0, size: 17 },
      { path: 'h/old.txt', state: 0, flags: 8, size: 12 },
    ])
    expect(rows[1]!.id).toBe(old!.id)
    bench.bucket.remove('h/old.txt')
    bench.bucket.remove('h/deep/er/new.jpg')
    await hint(['h/old.txt'])
    await hint(['h/deep/er/new.jpg'], true)
    expect((await drain()).outcomes).toEqual({ missing: 1, removed: 1 })
    expect((await rowsOf(datasetId)).map(({ path, state }) => ({ path, state }))).toEqual([
      { path: 'h/old.txt', state: 1 },
    ])
    expect(await dirtyKeys()).toEqual([])
    expect(requests.filter((request) => /^(DELETE|POST)/.test(request))).toEqual([])
  })

  test('that comes twice, or too late, changes nothing: the bucket is asked', async () => {
    put('late/a.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const before = await rowsOf(datasetId)
    // The file was deleted and is there again: the event of its deletion comes last, and twice.
    await hint(['late/a.txt'], true)
    await hint(['late/a.txt'], true)
    expect((await drain()).outcomes).toMatchObject({ none: expect.any(Number) })
    expect(await rowsOf(datasetId)).toEqual(before)
    expect(requests.filter((request) => request.startsWith('DELETE'))).toEqual([])
  })

  test('of a file that was removed and is back brings the same item with its metadata', async () => {
    put('back/a.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const [item] = (await rowsOf(datasetId)).filter(({ path }) => path === 'back/a.txt')
    const db = bench.api.deps.db
    await db.query(`update item set metadata = '{"user": {"label": "cat"}}' where item_no = $1`, [item!.id])
    bench.bucket.remove('back/a.txt')
    await hint(['back/a.txt'], true)
    await drain()
    expect((await rowsOf(datasetId)).map(({ path }) => path)).not.toContain('back/a.txt')
    put('back/a.txt', 'other words')
    await hint(['back/a.txt'])
    await drain()
    const { rows } = await db.query('select metadata, flags, state from item where item_no = $1', [item!.id])
    expect(rows).toEqual([{ metadata: { user: { label: 'cat' } }, flags: 8, state: 0 }])
  })

  test('outside the driver’s folder or in the hidden one is left out and told; the others count', async () => {
    const driverId = await addDriverOf('in/')
    const keys = ['in/a.txt', 'inside/b.txt', 'in/', 'in/.dataloop/thumbnails/a.jpg', 'in/deep/.dataloop/x']
    expect(await hint(keys, false, driverId)).toEqual({
      marked: 1,
      ignored: [
        { key: 'inside/b.txt', reason: 'outside-folder' },
        { key: 'in/', reason: 'outside-folder' },
        { key: 'in/.dataloop/thumbnails/a.jpg', reason: 'hidden-folder' },
        { key: 'in/deep/.dataloop/x', reason: 'hidden-folder' },
      ],
    })
    await drain()
    expect(await dirtyKeys()).toEqual([])
  })

  test('updates every dataset that holds the key, by one reading', async () => {
    put('nest/ed/1.txt')
    const outer = await bench.addDataset()
    const inner = await addDatasetOf(await addDriverOf('nest/ed'))
    for (const datasetId of [outer, inner]) await bench.sync(datasetId)
    put('nest/ed/2.txt')
    requests.splice(0)
    await hint(['nest/ed/2.txt'])
    await drain()
    expect((await rowsOf(inner)).map(({ path }) => path)).toEqual(['1.txt', '2.txt'])
    expect((await rowsOf(outer)).map(({ path }) => path)).toContain('nest/ed/2.txt')
    expect(requests.filter((request) => request.includes('list-type=2'))).toHaveLength(1)
  })

  test('that nobody needs costs no request', async () => {
    const driverId = await addDriverOf('empty-handed')
    requests.splice(0)
    await hint(['empty-handed/a.txt'], false, driverId)
    await drain()
    expect(await dirtyKeys()).toEqual([])
    expect(requests).toEqual([])
  })

  test('follows the dataset’s patterns, and shows what cannot be an item with its reason', async () => {
    const datasetId = await bench.addDataset()
    put('pat/keep.txt')
    put('pat/out.tmp')
    await bench.sync(datasetId)
    const json = { exclude: [{ kind: 'glob', pattern: '*.tmp' }] }
    await bench.api.call(bench.api.owner, 'PATCH', `/api/v1/datasets/${datasetId}/syncSettings`, { json })
    put('pat/new.tmp')
    const long = `pat/${'y'.repeat(2_601)}`
    put(long)
    await hint(['pat/out.tmp', 'pat/new.tmp', long])
    await drain()
    const states = new Map((await rowsOf(datasetId)).map(({ path, state }) => [path, state]))
    expect([states.get('pat/out.tmp'), states.has('pat/new.tmp'), states.has(long)]).toEqual([2, false, false])
    const skipped = () =>
      bench.api.deps.db.query(`select reason from skipped join dataset d using (dataset_no) where d.id = $1`, [
        datasetId,
      ])
    expect((await skipped()).rows).toEqual([{ reason: 'too-long' }])
    bench.bucket.remove(long)
    await hint([long])
    await drain()
    expect((await skipped()).rows).toEqual([])
  })

  test('of an object that became a folder marker tells that the file is gone', async () => {
    put('mark/x/', 'a file with a slash')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const stateOf = async () => (await rowsOf(datasetId)).find(({ path }) => path === 'mark/x/')?.state
    expect(await stateOf()).toBe(0)
    put('mark/x/', '')
    await hint(['mark/x/'])
    await drain()
    expect(await stateOf()).toBe(1)
  })
})

describe('many hints', () => {
  test('for one key are one row and one reading; a key that is marked during a pass waits for the next', async () => {
    put('hot.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    for (let n = 0; n < 50; n++) await hint(['hot.txt'])
    expect(await dirtyKeys()).toHaveLength(1)
    let marked: Promise<unknown> | null = null
    bench.onRequest((method, url) => {
      requests.push(`${method} ${url}`)
      if (url.includes('list-type=2')) marked ??= hint(['hot.txt'])
    })
    requests.splice(0)
    const report = await drain()
    await marked
    bench.onRequest((method, url) => requests.push(`${method} ${url}`))
    expect(report.read).toBe(1)
    await drain()
    expect(await dirtyKeys()).toEqual([])
  })

  test('for neighbours share their requests, and two workers share the keys', async () => {
    const keys = Array.from({ length: 600 }, (_, n) => `burst/${String(n).padStart(4, '0')}`)
    for (const key of keys) put(key)
    const datasetId = await bench.addDataset()
    for (const key of keys.slice(0, 300)) bench.bucket.remove(key)
    await bench.sync(datasetId)
    for (const key of keys.slice(300)) bench.bucket.remove(key)
    for (const key of keys.slice(0, 300)) put(key)
    await hint(keys, true)
    const reports = await Promise.all([drain(), drain()])
    expect(reports.reduce((sum, { read }) => sum + read, 0)).toBe(600)
    expect(reports.reduce((sum, { requests: sent }) => sum + sent, 0)).toBeLessThan(120)
    const rows = (await rowsOf(datasetId)).filter(({ path }) => path.startsWith('burst/'))
    expect(rows.map(({ path }) => path)).toEqual(keys.slice(0, 300))
    expect(await dirtyKeys()).toEqual([])
  })
})

describe('what cannot be followed', () => {
  test('for want of data points is kept, told, and added by itself when there are enough; changes go on', async () => {
    put('quota/old.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const limit = (max: number | null) =>
      bench.api.call(bench.api.owner, 'PATCH', `/api/v1/orgs/${bench.api.orgId}/dataPoints`, { json: { max } })
    await limit(1)
    put('quota/old.txt', 'changed meanwhile')
    put('quota/new.txt')
    await hint(['quota/old.txt', 'quota/new.txt'])
    await drain()
    const find = async (path: string) => (await rowsOf(datasetId)).find((row) => row.path === path)
    expect([(await find('quota/old.txt'))?.size, await find('quota/new.txt')]).toEqual([17, undefined])
    expect(await dirtyKeys()).toEqual([{ key: 'quota/new.txt', code: 'quota.exceeded' }])
    const told = await bench.api.call(bench.api.owner, 'GET', '/api/v1/notifications')
    expect(told.body.items[0]).toMatchObject({ code: 'quota.exceeded', resource: { type: 'dataset' } })
    await limit(null)
    await soon()
    await drain()
    expect((await find('quota/new.txt'))?.state).toBe(0)
    expect(await dirtyKeys()).toEqual([])
  })

  test('because the storage refuses stays with the reason, as it was; another driver that is let in reads for all', async () => {
    put('ref/a.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const refused = await bench.api.call(bench.api.owner, 'POST', `/api/v1/orgs/${bench.api.orgId}/integrations`, {
      json: { name: 'refused', type: 's3', options: { key: 'bucket-key', secret: 'not the secret at all' } },
    })
    const db = bench.api.deps.db
    const { rows } = await db.query<{ id: string }>('select integration_id as id from driver where id = $1', [
      bench.driverId,
    ])
    const connectBy = (integrationId: string, condition = 'true') =>
      db.query(`update driver set integration_id = $1, epoch = epoch + 1 where ${condition}`, [integrationId])
    await connectBy(refused.body.id)
    bench.bucket.remove('ref/a.txt')
    await hint(['ref/a.txt'], true)
    await drain()
    expect(await dirtyKeys()).toEqual([{ key: 'ref/a.txt', code: 'storage.bad_credentials' }])
    expect((await rowsOf(datasetId)).find(({ path }) => path === 'ref/a.txt')?.state).toBe(0)
    const other = await addDriverOf('ref', rows[0]!.id)
    await soon()
    await drain()
    expect((await rowsOf(datasetId)).find(({ path }) => path === 'ref/a.txt')).toBeUndefined()
    expect(await dirtyKeys()).toEqual([])
    await connectBy(rows[0]!.id, `id <> '${other}'`)
  })
})
