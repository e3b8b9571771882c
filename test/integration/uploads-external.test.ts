// Proves uploads and imports of external datasets: the bucket holds what was sent, the index what the bucket holds, and no sync is surprised by either.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { findFolderFaults } from '../support/invariants.ts'
import { type SyncBench, withSync } from '../support/sync.ts'
import { putFile, sendFile } from '../support/uploads.ts'

let bench: SyncBench
let datasetId: string

beforeAll(async () => {
  bench = await withSync({ folder: 'folder-1' })
})
afterAll(() => bench?.close())
beforeEach(async () => {
  for (const key of bench.bucket.keys()) bench.bucket.remove(key)
  datasetId = await bench.addDataset()
})

const call = (method: string, url: string, json?: unknown) =>
  bench.api.call(bench.api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
const importAll = (rows: unknown) => call('POST', `/datasets/${datasetId}/imports`, rows)
const rows = async () =>
  (
    await bench.api.database.pool.query<{ path: string; id: string; state: number }>(
      `select r.path || i.name as path, lpad(to_hex(i.dataset_no), 8, '0') || lpad(to_hex(i.item_no), 16, '0') as id, i.state
         from item i join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no join dataset d on d.dataset_no = i.dataset_no where d.id = $1
        order by (r.path || i.name) collate "C"`,
      [datasetId],
    )
  ).rows

/** Syncs, and expects that nothing but what is listed came, went or changed. */
async function expectQuietSync(expected: { added?: number; changed?: number } = {}) {
  const { body } = await bench.sync(datasetId)
  expect(body.status).toBe('success')
  const { rows: runs } = await bench.api.database.pool.query(
    `select added, changed from sync_run r join dataset d on d.dataset_no = r.dataset_no where d.id = $1 order by run_no desc limit 1`,
    [datasetId],
  )
  expect(runs[0]).toEqual({ added: 0, changed: 0, ...expected })
  const { rows: datasets } = await bench.api.database.pool.query<{ no: number }>('select dataset_no as no from dataset')
  for (const { no } of datasets) expect(await findFolderFaults(bench.api.database.pool, no)).toEqual([])
}

test('an upload is written below the driver’s folder, and the next sync finds nothing to do', async () => {
  const item = await putFile(bench.api, datasetId, {
    path: '/x/a.jpg',
    bytes: 'bytes',
    contentType: 'image/jpeg',
    metadata: { user: { a: 1 } },
  })
  expect(item).toMatchObject({
    filename: '/x/a.jpg',
    creator: bench.api.owner.email,
    metadata: { user: { a: 1 }, system: { size: 5 } },
  })
  expect(bench.bucket.keys()).toEqual(['folder-1/x/a.jpg'])
  expect(bench.bucket.get('folder-1/x/a.jpg')?.toString()).toBe('bytes')
  await expectQuietSync()
  await expectQuietSync()
  const over = await sendFile(bench.api, datasetId, { path: '/x/a.jpg', bytes: 'others', mode: 'overwrite' })
  expect(over.headers['x-item-op']).toBe('overwrite')
  expect(over.body).toMatchObject({ id: item.id, metadata: { user: { a: 1 }, system: { size: 6 } } })
  expect(over.body.metadata.system.storage.changedInStorage).toBeUndefined()
  expect(bench.bucket.get('folder-1/x/a.jpg')?.toString()).toBe('others')
  await expectQuietSync()
  expect(await rows()).toHaveLength(1)
})

test('an object that nobody has indexed is not overwritten unasked, but indexed', async () => {
  bench.bucket.put('folder-1/there.txt', Buffer.from('theirs'), 'text/plain')
  const answer = await sendFile(bench.api, datasetId, { path: '/there.txt', bytes: 'mine', mode: 'skip' })
  expect(answer.status, answer.text).toBe(200)
  expect(bench.bucket.get('folder-1/there.txt')?.toString()).toBe('theirs')
  expect((await call('GET', `/items/${answer.body.id}`)).body.metadata.system.size).toBe(6)
  bench.bucket.put('folder-1/asked.txt', Buffer.from('theirs'), 'text/plain')
  await putFile(bench.api, datasetId, { path: '/asked.txt', bytes: 'mine', mode: 'overwrite' })
  expect(bench.bucket.get('folder-1/asked.txt')?.toString()).toBe('mine')
  await expectQuietSync()
})

test('a file of external storage is neither moved nor renamed, and the platform’s own folder takes no uploads', async () => {
  const item = await putFile(bench.api, datasetId, { path: '/fixed.txt', bytes: 'f' })
  const patched = await call('PATCH', `/items/${item.id}`, { filename: '/other.txt' })
  expect([patched.status, patched.body.code]).toEqual([409, 'item.bound_to_storage'])
  expect(patched.body.message).toContain('external storage')
  const folder = await bench.api.call(bench.api.owner, 'POST', `/api/v1/datasets/${datasetId}/items`, {
    form: { type: 'dir', path: 'target' },
  })
  expect((await call('PUT', `/datasets/${datasetId}/items/${folder.body.id}`, [item.id])).status).toBe(409)
  const reserved = await sendFile(bench.api, datasetId, { path: '/.dataloop/x.txt', bytes: 'x' })
  expect([reserved.status, reserved.body.code]).toEqual([400, 'item.reserved_path'])
  expect(bench.bucket.keys()).toEqual(['folder-1/fixed.txt'])
})

test('imports take every form of a storage id, and a second import changes nothing', async () => {
  const { bucket } = bench.bucket
  for (const name of ['a.jpg', 'sub/b.jpg', 'c:d.jpg'])
    bench.bucket.put(`folder-1/${name}`, Buffer.from(name), 'image/jpeg')
  for (const [storageId, path] of [
    [`${bucket}:folder-1/a.jpg`, '/a.jpg'],
    ['folder-1:sub/b.jpg', '/sub/b.jpg'],
    ['folder-1/c:d.jpg', '/c:d.jpg'],
    ['sub/b.jpg', '/sub/b.jpg'],
    ['folder-1/a.jpg', '/a.jpg'],
  ] as const) {
    const answer = await importAll([{ filename: path, storageId }])
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body[0]).toMatchObject({
      filename: path,
      creator: bench.api.owner.email,
      metadata: { system: { size: path.length - 1 } },
    })
  }
  expect((await rows()).map((row) => row.path)).toEqual(['a.jpg', 'c:d.jpg', 'sub/b.jpg'])
  const whole = await importAll([{ filename: '/folder-1/sub/b.jpg', storageId: 'folder-1:sub/b.jpg' }])
  expect(whole.body[0].filename).toBe('/sub/b.jpg')
  const again = await importAll([{ filename: null, storageId: 'folder-1/a.jpg' }])
  expect(again.headers['x-item-op']).toBe('exist')
  bench.bucket.put('folder-1/a.jpg', Buffer.from('longer now'), 'image/jpeg')
  const newer = await importAll([{ filename: '/a.jpg', storageId: 'folder-1/a.jpg' }])
  expect(newer.headers['x-item-op']).toBe('overwrite')
  expect(newer.body[0].metadata.system.size).toBe(10)
  await expectQuietSync()
})

test('an import under another path keeps that path through syncs and streams its object', async () => {
  bench.bucket.put('folder-1/deep/e.txt', Buffer.from('deep'), 'text/plain')
  const answer = await importAll([{ filename: '/e.txt', storageId: 'folder-1:deep/e.txt' }])
  expect(answer.headers['x-item-op']).toBe('created')
  const { id } = answer.body[0]
  await expectQuietSync({ added: 1 })
  await expectQuietSync()
  expect(await rows()).toEqual([
    { path: 'deep/e.txt', id: expect.any(String), state: 0 },
    { path: 'e.txt', id, state: 0 },
  ])
  const stream = await call('GET', `/items/${id}/stream`)
  expect(stream.status).toBe(307)
  expect(stream.headers.location).toContain('/folder-1/deep/e.txt?')
  bench.bucket.put('folder-1/deep/e.txt', Buffer.from('deeper'), 'text/plain')
  const again = await importAll([{ filename: '/e.txt', storageId: 'folder-1:deep/e.txt' }])
  expect(again.body[0]).toMatchObject({ id, metadata: { system: { size: 6 } } })
  expect((await call('PATCH', `/items/${id}`, { filename: '/elsewhere/f.txt' })).body.filename).toBe('/elsewhere/f.txt')
  bench.bucket.put('folder-1/e.txt', Buffer.from('real'), 'text/plain')
  await expectQuietSync({ added: 1, changed: 1 })
  expect((await call('DELETE', `/items/${id}`)).status).toBe(200)
  expect(bench.bucket.keys()).toContain('folder-1/deep/e.txt')
})

test('of many imports each is judged by itself; what is not there or not ours is refused', async () => {
  bench.bucket.put('folder-1/ok.txt', Buffer.from('ok'), 'text/plain')
  bench.bucket.put('outside.txt', Buffer.from('no'), 'text/plain')
  bench.bucket.put('folder-1/.dataloop/own.txt', Buffer.from('no'), 'text/plain')
  const mixed = await importAll(['folder-1/ok.txt', 'folder-1/gone.txt'].map((storageId) => ({ storageId })))
  expect(mixed.status).toBe(200)
  expect(mixed.body).toMatchObject([{ filename: '/ok.txt' }, { filename: null, error: { code: 'storage.not_found' } }])
  expect((await importAll([{ filename: '/x', storageId: 'outside.txt' }])).status).toBe(404)
  expect((await importAll([{ filename: '/x', storageId: 'folder-1/.dataloop/own.txt' }])).body.code).toBe(
    'item.reserved_path',
  )
  expect((await importAll([])).status).toBe(400)
  const { body } = await call('POST', '/datasets', {
    name: 'own',
    projects: [bench.projectId],
    createDefaultRecipe: false,
  })
  expect((await call('POST', `/datasets/${body.id}/imports`, [{ storageId: 'x' }])).body.code).toBe(
    'dataset.not_external',
  )
})

test('a deleted item’s file stays in the bucket and comes back with the next sync', async () => {
  const item = await putFile(bench.api, datasetId, { path: '/back.txt', bytes: 'b' })
  await call('DELETE', `/items/${item.id}`)
  expect(await rows()).toEqual([])
  await expectQuietSync({ added: 1 })
  expect((await rows()).map((row) => row.path)).toEqual(['back.txt'])
})

test('a file that appears at the path of such an import does not take its place, and no sync stumbles over it', async () => {
  bench.bucket.put('folder-1/far/g.txt', Buffer.from('far'), 'text/plain')
  const answer = await importAll([{ filename: '/g.txt', storageId: 'folder-1/far/g.txt' }])
  const { id } = answer.body[0]
  bench.bucket.put('folder-1/g.txt', Buffer.from('near, longer'), 'text/plain')
  for (let syncs = 0; syncs < 3; syncs++) {
    expect((await bench.sync(datasetId)).body.status).toBe('success')
    expect((await rows()).map((row) => row.path)).toEqual(['far/g.txt', 'g.txt'])
  }
  const item = (await call('GET', `/items/${id}`)).body
  expect(item.metadata.system.size).toBe(3)
  expect((await call('GET', `/items/${id}/stream`)).headers.location).toContain('/folder-1/far/g.txt?')
})

test('what is uploaded or deleted while a sync waits or runs is so when the sync has ended', async () => {
  for (let at = 0; at < 50; at++) bench.bucket.put(`folder-1/s/${at}.txt`, Buffer.from(`old ${at}`), 'text/plain')
  const first = await call('POST', `/datasets/${datasetId}/sync`)
  const item = await putFile(bench.api, datasetId, {
    path: '/s/7.txt',
    bytes: 'newer than the sync',
    mode: 'overwrite',
  })
  await putFile(bench.api, datasetId, { path: '/s/new.txt', bytes: 'new' })
  await bench.work()
  expect((await call('GET', `/commands/${first.body.id}`)).body.status).toBe('success')
  expect(await rows()).toHaveLength(51)
  expect((await call('GET', `/items/${item.id}`)).body).toMatchObject({
    filename: '/s/7.txt',
    metadata: { system: { size: 19 } },
  })

  const second = await call('POST', `/datasets/${datasetId}/sync`)
  expect((await call('DELETE', `/items/${item.id}`)).status).toBe(200)
  await bench.work()
  expect((await call('GET', `/commands/${second.body.id}`)).body.status).toBe('success')
  expect((await rows()).map((row) => row.path)).not.toContain('s/7.txt')
  await expectQuietSync({ added: 1 })
  expect((await rows()).map((row) => row.path)).toContain('s/7.txt')
})
