// Proves what users see of files that went or changed in a bucket: items that say so, filters and counts that find exactly them, clearing that touches no
// bucket and loses nothing that comes back, restoring without the file, folders that appear and disappear with what they hold.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Item } from '#contract/items.ts'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'
import { type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
let datasetId: string
let datasetNo: number

beforeAll(async () => {
  bench = await withSync()
})
afterAll(() => bench.close())

const put = (key: string, text = key) => bench.bucket.put(key, Buffer.from(text), 'text/plain')
const call = (method: string, url: string, json?: unknown) =>
  bench.api.call(bench.api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
const inDataset = (method: string, url: string, json?: unknown) => call(method, `/datasets/${datasetId}${url}`, json)

async function sync(body: Record<string, unknown> = {}) {
  const { body: command } = await inDataset('POST', '/sync', body)
  await bench.work()
  expect((await call('GET', `/commands/${command.id}`)).body.status).toBe('success')
}

beforeEach(async () => {
  for (const key of bench.bucket.keys()) bench.bucket.remove(key)
  await bench.api.deps.db.query('update driver set mark = null')
  for (const key of ['top.txt', 'a/1.txt', 'a/2.txt', 'a/b/3.txt', 'a/b/4.txt', 'c/d/5.txt', '.h/6.txt']) put(key)
  datasetId = await bench.addDataset()
  const { rows } = await bench.api.deps.db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
    datasetId,
  ])
  datasetNo = rows[0]!.no
  await sync()
})

const item = async (path: string): Promise<Item> =>
  (await inDataset('GET', `/items/by-path?path=${encodeURIComponent(path)}`)).body
const storage = async (path: string) => (await item(path)).metadata.system.storage!
const stream = async (id: string) => {
  const { status, body } = await call('GET', `/items/${id}/stream`)
  return [status, body?.code]
}

async function found(filter: unknown): Promise<string[]> {
  const { body } = await inDataset('POST', '/query', { filter })
  expect(body.message, JSON.stringify(filter)).toBeUndefined()
  expect(body.totalItemsCount).toBe(body.items.length)
  return body.items.map((each: Item) => each.filename).sort()
}

async function folders(): Promise<string[]> {
  const { body } = await inDataset('GET', '/directoryTree')
  const names = (node: { value: { filename: string }; children: never[] }): string[] => [
    node.value.filename,
    ...node.children.flatMap(names),
  ]
  const inTree = names(body).sort()
  const asItems = await found({ type: 'dir' })
  expect(asItems).toEqual(inTree.slice(1))
  return inTree
}

async function expectSound() {
  expect(await findFolderFaults(bench.api.deps.db, datasetNo)).toEqual([])
  const points = await dataPointsOf(bench.api.deps.db, bench.api.orgId)
  expect(points.used).toBe(points.rows)
}

async function counts(dir = '/') {
  const { items, missing, changed, excluded, hidden } = (await inDataset('GET', `/counts?dir=${dir}`)).body
  return { items, missing, changed, excluded, hidden }
}

describe('a file that is gone', () => {
  test('leaves an item that says so since when; filters and counts find exactly those, until it is back', async () => {
    const before = await item('/a/1.txt')
    expect(Object.keys(before.metadata.system.storage!)).not.toContain('missingSince')
    for (const key of ['a/1.txt', 'a/b/3.txt']) bench.bucket.remove(key)
    const startedAt = new Date().toISOString()
    await sync()
    const ghost = await item('/a/1.txt')
    expect(ghost.id).toBe(before.id)
    expect(ghost.metadata.system.storage).toMatchObject({
      state: 'missing',
      etag: before.metadata.system.storage!.etag,
    })
    const since = ghost.metadata.system.storage!.missingSince!
    expect(since >= startedAt && since <= new Date().toISOString()).toBe(true)
    const field = 'metadata.system.storage'
    for (const filter of [
      { [`${field}.state`]: 'missing' },
      { type: 'file', hidden: false, [`${field}.state`]: { $in: ['missing', 'excluded'] } },
      { [`${field}.missingSince`]: { $exists: true } },
      { [`${field}.missingSince`]: { $gte: startedAt } },
    ])
      expect(await found(filter), JSON.stringify(filter)).toEqual(['/a/1.txt', '/a/b/3.txt'])
    expect(await found({ [`${field}.missingSince`]: { $lt: startedAt } })).toEqual([])
    expect(await found({ dir: '/a/b', state: 'missing' })).toEqual(['/a/b/3.txt'])
    expect(await counts()).toEqual({ items: 7, missing: 2, changed: 0, excluded: 0, hidden: 1 })
    expect(await counts('/a')).toEqual({ items: 4, missing: 2, changed: 0, excluded: 0, hidden: 0 })
    expect(await counts('/a/b')).toEqual({ items: 2, missing: 1, changed: 0, excluded: 0, hidden: 0 })

    expect(await stream(ghost.id)).toEqual([404, 'item.missing_in_storage'])
    put('a/1.txt')
    // Not synced yet: the item still says missing, and its user gets the file all the same.
    expect((await stream(ghost.id))[0]).toBe(307)
    await sync()
    expect(await storage('/a/1.txt')).toMatchObject({ state: 'available' })
    expect(Object.keys(await storage('/a/1.txt'))).not.toContain('missingSince')
    expect(await found({ state: 'missing' })).toEqual(['/a/b/3.txt'])
    await expectSound()
  })

  test('is cleared from the dataset without a word to the bucket, and comes back with the file as the item it was', async () => {
    const before = await item('/a/b/3.txt')
    await bench.api.deps.db.query(`update item set metadata = '{"user": {"label": "cat"}}' where name = '3.txt'`)
    for (const key of ['a/1.txt', 'a/b/3.txt', 'a/b/4.txt']) bench.bucket.remove(key)
    await sync()
    const used = (await dataPointsOf(bench.api.deps.db, bench.api.orgId)).used
    const asked: string[] = []
    bench.onRequest((method, url) => asked.push(`${method} ${url}`))
    const all = (await found({ type: 'file' })).length
    // Those that are there are named as well; only the missing ones go.
    const itemIds = [before.id, (await item('/a/b/4.txt')).id, (await item('/top.txt')).id]
    expect((await inDataset('POST', '/missing/clear', { itemIds })).body).toEqual({ count: 2, command: null })
    expect((await found({ type: 'file' })).length).toBe(all - 2)
    expect((await dataPointsOf(bench.api.deps.db, bench.api.orgId)).used).toBe(used - 2)
    expect((await call('GET', `/items/${before.id}`)).body.code).toBe('item.not_found')
    expect(await folders()).toEqual(['/', '/.h', '/a', '/c', '/c/d'])
    expect((await inDataset('GET', '/folders?dir=/a')).body.folders).toEqual([])
    expect((await inDataset('GET', '/items?dir=/a/b')).body.code).toBe('item.not_found')
    expect((await inDataset('GET', '/items/by-path?path=/a/b')).body.code).toBe('item.not_found')
    const { removed } = (await inDataset('GET', '/removed')).body
    expect(removed.map((each: { filename: string; reason: string }) => [each.filename, each.reason]).sort()).toEqual([
      ['/a/b/3.txt', 'cleared'],
      ['/a/b/4.txt', 'cleared'],
    ])
    expect(asked).toEqual([])
    bench.onRequest(null)
    await expectSound()

    put('a/b/3.txt')
    await sync()
    const back = await item('/a/b/3.txt')
    expect(back).toMatchObject({
      id: before.id,
      metadata: { user: { label: 'cat' }, system: { storage: { state: 'available' } } },
    })
    expect(await folders()).toEqual(['/', '/.h', '/a', '/a/b', '/c', '/c/d'])
    expect(
      (await inDataset('GET', '/removed')).body.removed.map((each: { filename: string }) => each.filename),
    ).toEqual(['/a/b/4.txt'])
    await expectSound()
  })

  test('that a sync under way has already seen again is not lost by clearing it meanwhile', async () => {
    const { id } = await item('/a/1.txt')
    bench.bucket.remove('a/1.txt')
    await sync()
    put('a/1.txt')
    // The sync has begun, and so its look at the storage is newer than the mark.
    await inDataset('POST', '/sync')
    expect((await inDataset('POST', '/missing/clear', { all: true })).body.count).toBe(1)
    await bench.work()
    expect(await item('/a/1.txt')).toMatchObject({ id, metadata: { system: { storage: { state: 'available' } } } })
    await expectSound()
  })

  test('and was cleared or reconciled away by mistake is put back without the file, as missing since then', async () => {
    for (const key of ['a/1.txt', 'c/d/5.txt']) bench.bucket.remove(key)
    await sync()
    const ghost = await item('/a/1.txt')
    await inDataset('POST', '/missing/clear', { filter: { dir: '/a' } })
    await inDataset('POST', '/missing/clear', { filter: { dir: '/nope' } })
    expect(await found({ state: 'missing' })).toEqual(['/c/d/5.txt'])
    bench.bucket.remove('a/2.txt')
    await sync({ reconcile: true })
    const { removed } = (await inDataset('GET', '/removed')).body
    const facts = removed.map(({ filename, reason, missingSince }: Record<string, string>) => [
      filename,
      reason,
      missingSince,
    ])
    expect(facts.sort()).toEqual([
      ['/a/1.txt', 'cleared', ghost.metadata.system.storage!.missingSince],
      ['/a/2.txt', 'gone', null],
      ['/c/d/5.txt', 'gone', expect.any(String)],
    ])
    expect(new Date(removed[0].restorableUntil).getTime() - new Date(removed[0].removedAt).getTime()).toBe(
      30 * 86_400_000,
    )
    const ids = removed.map((each: { id: string }) => each.id)
    expect((await inDataset('POST', '/removed/restore', { ids })).body).toEqual({ count: 3, command: null })
    expect((await inDataset('POST', '/removed/restore', { ids })).body.count).toBe(0)
    expect((await inDataset('GET', '/removed')).body).toEqual({ removed: [], next: null })
    expect(await item('/a/1.txt')).toMatchObject({
      id: ghost.id,
      metadata: {
        system: { storage: { state: 'missing', missingSince: ghost.metadata.system.storage!.missingSince } },
      },
    })
    expect(await found({ state: 'missing' })).toEqual(['/a/1.txt', '/a/2.txt', '/c/d/5.txt'])
    await expectSound()
    await sync()
    expect(await found({ state: 'missing' })).toEqual(['/a/1.txt', '/a/2.txt', '/c/d/5.txt'])
    put('a/2.txt')
    await sync()
    expect(await found({ state: 'missing' })).toEqual(['/a/1.txt', '/c/d/5.txt'])
    await expectSound()
  })
})

test('while nothing is missing or changed, what is not is everything', async () => {
  for (const filter of [
    { state: { $ne: 'missing' } },
    { state: { $nin: ['missing', 'excluded'] } },
    { missingSince: { $exists: false } },
    { missingSince: { $ne: '2026-01-01' } },
    { changedInStorage: { $ne: true } },
    { changedInStorage: false },
    { $or: [{ state: 'missing' }, { changedInStorage: true }, { name: '*' }] },
  ])
    expect(await found({ type: 'file', dir: '/a', ...filter }), JSON.stringify(filter)).toEqual([
      '/a/1.txt',
      '/a/2.txt',
    ])
  expect(await found({ changedInStorage: true })).toEqual([])
})

describe('a file that changed', () => {
  test('marks its item until somebody says that they know; the next change marks it again', async () => {
    const { id } = await item('/a/1.txt')
    put('a/1.txt', 'other bytes')
    put('top.txt', 'other bytes too')
    await sync()
    expect(await item('/a/1.txt')).toMatchObject({ id, metadata: { system: { storage: { changedInStorage: true } } } })
    const marked = 'metadata.system.storage.changedInStorage'
    expect(await found({ [marked]: true })).toEqual(['/a/1.txt', '/top.txt'])
    expect(await found({ [marked]: { $ne: true }, type: 'file', dir: '/a' })).toEqual(['/a/2.txt'])
    expect(await found({ [marked]: false, dir: '/a' })).toEqual(['/a/2.txt'])
    expect(await counts()).toMatchObject({ changed: 2 })
    expect(await counts('/a')).toMatchObject({ changed: 1 })
    expect((await inDataset('POST', '/changed/clear', { itemIds: [id, (await item('/a/2.txt')).id] })).body.count).toBe(
      1,
    )
    expect(Object.keys(await storage('/a/1.txt'))).not.toContain('changedInStorage')
    expect(await found({ [marked]: { $exists: true } })).toEqual(['/top.txt'])
    await expectSound()
    await sync()
    expect(await counts()).toMatchObject({ changed: 1 })
    put('a/1.txt', 'changed once more')
    await sync()
    expect(await found({ [marked]: true })).toEqual(['/a/1.txt', '/top.txt'])
    expect((await inDataset('POST', '/changed/clear', { all: true })).body.count).toBe(2)
    expect(await found({ [marked]: true })).toEqual([])
  })
})

describe('a file that patterns keep out', () => {
  test('stays visible as excluded; reconciled away and put back it is excluded, not missing', async () => {
    const keepOut = (pattern: string) => inDataset('PATCH', '/syncSettings', { exclude: [{ kind: 'glob', pattern }] })
    await keepOut('a/**')
    await sync()
    expect(await found({ state: 'excluded' })).toEqual(['/a/1.txt', '/a/2.txt', '/a/b/3.txt', '/a/b/4.txt'])
    expect(await counts()).toMatchObject({ items: 7, missing: 0, excluded: 4 })
    expect(await counts('/a/b')).toMatchObject({ excluded: 2 })
    expect((await stream((await item('/a/1.txt')).id))[0]).toBe(307)
    expect((await inDataset('POST', '/missing/clear', { all: true })).body.count).toBe(0)
    await keepOut('c/**')
    await sync({ reconcile: true })
    expect(await found({ state: 'excluded' })).toEqual([])
    const { removed } = (await inDataset('GET', '/removed')).body
    expect(removed).toMatchObject([{ filename: '/c/d/5.txt', reason: 'excluded', missingSince: null }])
    expect(await folders()).toEqual(['/', '/.h', '/a', '/a/b'])
    expect((await inDataset('GET', '/removed?reason=gone')).body.removed).toEqual([])
    expect((await inDataset('POST', '/removed/restore', { all: true })).body.count).toBe(1)
    expect(await found({ state: 'excluded' })).toEqual(['/c/d/5.txt'])
    expect(await folders()).toEqual(['/', '/.h', '/a', '/a/b', '/c', '/c/d'])
    await expectSound()
  })
})
