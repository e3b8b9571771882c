// Proves that hierarchical accounts (Data Lake Storage Gen2) are synced exactly: directories are no items, whatever the order of pages; a listing that is cut
// off begins anew and leaves nothing out; and one that takes longer than a slice still ends.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { createAzureStorage } from '#storage/azure/azure.ts'
import { type HierarchicalContainer, startHierarchical } from '../fakes/azure-hierarchical.ts'
import { connectStorage, inByteOrder, type SyncedApi } from '../support/sync.ts'

const accountKey = Buffer.alloc(64, 7).toString('base64')
let lake: HierarchicalContainer
let synced: SyncedApi | undefined

beforeEach(async () => {
  lake = await startHierarchical('lake')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await synced?.close()
  synced = undefined
  await lake.close()
})

async function connect(path = 'data'): Promise<SyncedApi> {
  synced = await connectStorage({
    integration: { type: 'azure-account-key', options: { key: 'account', secret: accountKey } },
    driver: { type: 'azureDatalakeGen2', payload: { containerName: 'lake', endpoint: lake.endpoint, path } },
  })
  return synced
}

function put(...names: string[]): void {
  for (const name of names) lake.files.set(name, Buffer.from(`bytes of ${name}`))
}

async function counts(api: SyncedApi, datasetId: string) {
  const { body } = await api.api.call(api.api.owner, 'GET', `/api/v1/datasets/${datasetId}/syncs`)
  return body.items[0]
}

describe('a hierarchical account', () => {
  test('directories are markers and no items, in every order of pages', async () => {
    const names = ['a-b.txt', 'a/x.txt', 'a/y/z.txt', 'a.txt', 'a!.txt', 'é/😀/～.png', 'é/～/x', 'b/c/d/e/f.bin']
    put(...names.map((name) => `data/${name}`), 'data-not/x', 'other/y')
    lake.emptyDirectories.add('data/empty')
    lake.emptyDirectories.add('data/a/empty/deeper')
    lake.pageMax = 3
    const api = await connect()
    const datasetId = await api.addDataset({ sync: true })
    await api.work()
    expect(await api.items(datasetId)).toEqual(inByteOrder(names))
    // a, a/y, a/empty, a/empty/deeper, b, b/c, b/c/d, b/c/d/e, empty, é, é/😀, é/～
    expect(await counts(api, datasetId)).toMatchObject({
      state: 'success',
      counts: { added: names.length, skipped: 0, markers: 12 },
    })
    lake.files.delete('data/a/y/z.txt')
    lake.files.delete('data/é/～/x')
    put('data/a/y/new.txt')
    expect((await api.sync(datasetId)).body).toMatchObject({
      status: 'success',
      spec: { counts: { added: 1, changed: 0, unchanged: names.length - 2, missing: 2 } },
    })
  })

  test('a directory is no object', async () => {
    put('data/a/x.txt')
    const storage = createAzureStorage({
      account: 'account',
      container: 'lake',
      endpoint: lake.endpoint,
      credentials: { kind: 'account-key', accountKey: new Secret(accountKey) },
    })
    expect(await storage.stat('data/a')).toBeNull()
    await expect(storage.read('data/a')).rejects.toMatchObject({ kind: 'not-found' })
    expect(await storage.stat('data/a/x.txt')).toMatchObject({ sizeBytes: 21 })
    const [outcome] = await storage.remove(['data/a'])
    expect(outcome).toMatchObject({ ok: false, error: { kind: 'conflict' } })
    await storage.close()
  })

  test('a listing that breaks off begins anew, and then is exact', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `d${i % 7}/f${i}`)
    put(...names.map((name) => `data/${name}`))
    lake.pageMax = 20
    const api = await connect()
    const datasetId = await api.addDataset({ sync: true })
    let pages = 0
    const stop = new AbortController()
    lake.onPage = () => {
      if (++pages === 6) stop.abort()
      return 0
    }
    await api.work(stop.signal)
    expect((await api.items(datasetId)).length).toBeLessThan(names.length)
    lake.markers.length = 0
    lake.onPage = null
    await api.work()
    expect(lake.markers[0]).toBe('')
    expect(await api.items(datasetId)).toEqual(inByteOrder(names))
    // In the middle of a re-sync as well: what was not seen again before the end is not taken for gone.
    lake.files.delete('data/d0/f0')
    const again = new AbortController()
    pages = 0
    lake.onPage = () => {
      if (++pages === 4) again.abort()
      return 0
    }
    await api.api.call(api.api.owner, 'POST', `/api/v1/datasets/${datasetId}/sync`)
    await api.work(again.signal)
    expect(await counts(api, datasetId)).toMatchObject({ state: 'running' })
    lake.onPage = null
    await api.work()
    expect(await counts(api, datasetId)).toMatchObject({
      state: 'success',
      counts: { added: 0, changed: 0, missing: 1 },
    })
  })

  test('a busy account is asked again, and nothing is lost', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `f${i}`)
    put(...names.map((name) => `data/${name}`))
    lake.pageMax = 10
    const api = await connect()
    let pages = 0
    lake.onPage = () => (++pages % 3 === 0 ? 503 : 0)
    const datasetId = await api.addDataset({ sync: true })
    await api.work()
    expect(await api.items(datasetId)).toEqual(inByteOrder(names))
  })

  test('a listing that takes longer than a slice may is not begun anew for ever', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `f${i}`)
    put(...names.map((name) => `data/${name}`))
    lake.pageMax = 4
    const api = await connect()
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    // The slice's five minutes, and nobody else's, are a twentieth of a second.
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms === 5 * 60_000 ? 50 : ms))
    lake.pageMs = 20
    const datasetId = await api.addDataset({ sync: true })
    await api.work()
    expect(await api.items(datasetId)).toEqual(inByteOrder(names))
    expect(lake.markers.filter((marker) => marker === '').length).toBeLessThanOrEqual(3)
  })
})
