// Proves that of any key it is told why it is an item or none, each answer caused for real: by the bucket, by people, by a sync that is under way.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drainHints } from '#core/hints/hints.ts'
import { type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
let datasetId = ''

beforeAll(async () => {
  bench = await withSync({ folder: 'data' })
  for (const key of [
    'data/in.txt',
    'data/deep/er.jpg',
    'data/../up.txt',
    'data//slash.txt',
    'data/gone.txt',
    'data/out.tmp',
  ])
    put(key)
  put('data/folder/', '')
  put('data/.dataloop/thumb.jpg')
  put('database/other.txt')
  datasetId = await bench.addDataset()
  await bench.sync(datasetId)
})
afterAll(() => bench.close())

const put = (key: string, text = key) => bench.bucket.put(key, Buffer.from(text), 'text/plain')

async function explain(key: string, of = datasetId) {
  const url = `/api/v1/datasets/${of}/explain?key=${encodeURIComponent(key)}`
  const answer = await bench.api.call(bench.api.owner, 'GET', url)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

const hint = (keys: string[], removed = false) =>
  bench.api.call(bench.api.owner, 'POST', `/api/v1/drivers/${bench.driverId}/hints`, { json: { keys, removed } })
const drain = () => drainHints(bench.api.deps, new AbortController().signal)
const api = (method: string, path: string, json: unknown, of = datasetId) =>
  bench.api.call(bench.api.owner, method, `/api/v1/datasets/${of}${path}`, { json })

describe('a key may be written', () => {
  test.each([
    ['data/in.txt', 'full-key'],
    ['/data/in.txt', 'full-key'],
    ['in.txt', 'path'],
    ['/in.txt', 'path-after-slash'],
  ])('as %s', async (typed, reading) => {
    expect(await explain(typed)).toMatchObject({ code: 'indexed', key: 'data/in.txt', reading })
  })

  test('with a slash that is part of it: the file that is known is the one that is meant', async () => {
    expect(await explain('/slash.txt')).toMatchObject({ code: 'indexed', key: 'data//slash.txt', reading: 'path' })
    expect(await explain('//slash.txt')).toMatchObject({ code: 'indexed', key: 'data//slash.txt' })
  })
})

describe('the answer is', () => {
  test('indexed, with the item, since when, the last complete sync and what the storage says', async () => {
    const answer = await explain('deep/er.jpg')
    const items = await bench.api.call(bench.api.owner, 'GET', `/api/v1/items/${answer.itemId}`)
    expect(items.body.filename).toBe('/deep/er.jpg')
    expect(answer).toMatchObject({
      code: 'indexed',
      sync: { state: 'success' },
      storage: { found: true, sizeBytes: 16, error: null },
      remarks: [],
    })
    expect(Date.now() - Date.parse(answer.since)).toBeLessThan(600_000)
  })

  test('unaddressable: an item without an address', async () => {
    expect(await explain('data/../up.txt')).toMatchObject({ code: 'unaddressable', storage: { found: true } })
  })

  test('marker, hidden folder, outside the folder', async () => {
    expect((await explain('folder/')).code).toBe('marker')
    expect(await explain('.dataloop/thumb.jpg')).toMatchObject({ code: 'hidden-folder', storage: { found: null } })
    expect(await explain('database/other.txt')).toMatchObject({ code: 'outside-folder' })
    for (const key of ['never.txt', 'deep/never.txt', 'data/other/never.txt'])
      expect((await explain(key)).code).toBe('not-in-storage')
  })

  test('missing since a time, and that it is back; removed and why', async () => {
    bench.bucket.remove('data/gone.txt')
    expect(await explain('gone.txt')).toMatchObject({ code: 'indexed', remarks: [{ code: 'gone-since' }] })
    await bench.sync(datasetId)
    const missing = await explain('gone.txt')
    expect(missing).toMatchObject({ code: 'missing', storage: { found: false }, remarks: [] })
    expect(Date.now() - Date.parse(missing.since)).toBeLessThan(600_000)
    put('data/gone.txt')
    expect(await explain('gone.txt')).toMatchObject({ code: 'missing', remarks: [{ code: 'back-since' }] })
    bench.bucket.remove('data/gone.txt')
    await api('POST', '/missing/clear', { all: true })
    const cleared = await explain('gone.txt')
    expect(cleared).toMatchObject({ code: 'removed', reason: 'cleared', itemId: missing.itemId })
    put('data/gone.txt')
    expect(await explain('gone.txt')).toMatchObject({ code: 'not-synced', remarks: [{ code: 'removed-before' }] })
    await hint(['data/gone.txt'])
    expect((await explain('gone.txt')).code).toBe('waiting')
    await drain()
    expect(await explain('gone.txt')).toMatchObject({ code: 'indexed', itemId: missing.itemId })
    bench.bucket.remove('data/gone.txt')
    await hint(['data/gone.txt'], true)
    await drain()
    expect(await explain('gone.txt')).toMatchObject({ code: 'removed', reason: 'gone' })
  })

  test('excluded, by which rule; also of what was no item before', async () => {
    const rule = { kind: 'glob', pattern: '*.tmp' }
    await api('PATCH', '/syncSettings', { exclude: [rule] })
    expect(await explain('out.tmp')).toMatchObject({ code: 'indexed', remarks: [{ code: 'excluded-too' }] })
    await bench.sync(datasetId)
    put('data/new.tmp')
    for (const key of ['out.tmp', 'new.tmp']) expect(await explain(key)).toMatchObject({ code: 'excluded', rule })
    expect((await explain('never.tmp')).code).toBe('not-in-storage')
    await api('PATCH', '/syncSettings', { exclude: [], include: [{ kind: 'glob', pattern: '*.txt' }] })
    expect(await explain('new.tmp')).toMatchObject({ code: 'excluded', rule: null })
    await api('PATCH', '/syncSettings', { include: [] })
    expect(await explain('out.tmp')).toMatchObject({ code: 'excluded', remarks: [{ code: 'not-excluded-any-more' }] })
    await bench.sync(datasetId)
    expect((await explain('out.tmp')).code).toBe('indexed')
  })

  test('skipped, with the reason', async () => {
    put(`data/${'x'.repeat(2_601)}`)
    await bench.sync(datasetId)
    expect(await explain('x'.repeat(2_601))).toMatchObject({ code: 'skipped', reason: 'too-long' })
    bench.bucket.remove(`data/${'x'.repeat(2_601)}`)
  })

  test('not in the storage, asked just now; in the storage and to be added by the next sync', async () => {
    expect(await explain('data/never.txt')).toMatchObject({ code: 'not-in-storage', storage: { found: false } })
    put('data/fresh.txt')
    expect(await explain('fresh.txt')).toMatchObject({ code: 'not-synced', storage: { found: true } })
    bench.bucket.remove('data/fresh.txt')
  })
})

describe('while something is in the way', () => {
  test('a sync that is under way has not reached it, or has passed it', async () => {
    for (let n = 0; n < 1_500; n++) put(`data/many/${String(n).padStart(4, '0')}`)
    const other = await bench.addDataset({ sync: true })
    expect(await explain('many/0001', other)).toMatchObject({ code: 'not-reached', sync: { state: 'queued' } })
    const stop = new AbortController()
    let pages = 0
    bench.onRequest((_method, url) => {
      if (url.includes('list-type=2') && ++pages === 3) stop.abort()
    })
    await bench.work(stop.signal)
    bench.onRequest(null)
    expect((await explain('many/1499', other)).code).toBe('not-reached')
    put('data/a-new-one')
    expect(await explain('a-new-one', other)).toMatchObject({ code: 'not-synced' })
    bench.bucket.remove('data/a-new-one')
    const { rows } = await bench.api.deps.db.query<{ id: string }>(
      `select command_id as id from sync_run where state in ('queued', 'running')`,
    )
    for (const { id } of rows) await bench.api.call(bench.api.owner, 'POST', `/api/v1/commands/${id}/abort`)
  })

  test('data points are used up: by a sync, and by a hint that waits', async () => {
    const limit = (max: number | null) =>
      bench.api.call(bench.api.owner, 'PATCH', `/api/v1/orgs/${bench.api.orgId}/dataPoints`, { json: { max } })
    await bench.sync(datasetId)
    expect((await limit(1)).status).toBe(200)
    put('data/one-more.txt')
    await hint(['data/one-more.txt'])
    await drain()
    expect(await explain('one-more.txt')).toMatchObject({ code: 'over-quota', remarks: [{ code: 'waiting-too' }] })
    await bench.api.deps.db.query('delete from dirty')
    await bench.sync(datasetId)
    expect(await explain('one-more.txt')).toMatchObject({ code: 'over-quota', sync: { state: 'failed' } })
    await limit(null)
    await bench.sync(datasetId)
    expect((await explain('one-more.txt')).code).toBe('indexed')
  })

  test('the storage refuses us, or does not answer; what the database knows is told all the same', async () => {
    const integrations = await bench.api.call(bench.api.owner, 'GET', `/api/v1/orgs/${bench.api.orgId}/integrations`)
    const rotate = (secret: string) =>
      bench.api.call(bench.api.owner, 'PATCH', `/api/v1/orgs/${bench.api.orgId}/integrations`, {
        json: {
          integrationId: integrations.body[0].id,
          credentials: { options: { key: 'bucket-key', secret }, type: 's3' },
        },
      })
    await rotate('a wrong secret')
    expect(await explain('nobody-knows.txt')).toMatchObject({
      code: 'forbidden',
      storage: { found: null, error: 'storage.bad_credentials' },
    })
    expect(await explain('in.txt')).toMatchObject({ code: 'indexed', storage: { found: null } })
    await rotate('bucket-secret-for-tests')
    expect((await explain('nobody-knows.txt')).code).toBe('not-in-storage')
    await bench.bucket.close()
    expect(await explain('nobody-knows.txt')).toMatchObject({ code: 'storage-silent', storage: { found: null } })
    expect((await explain('in.txt')).code).toBe('indexed')
  })

  test('there is no storage driver', async () => {
    const made = await bench.api.call(bench.api.owner, 'POST', '/api/v1/datasets', {
      json: { name: 'own storage', projects: [bench.projectId] },
    })
    expect((await explain('in.txt', made.body.id)).code).toBe('not-external')
  })
})
