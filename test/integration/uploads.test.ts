// Proves uploads to the platform's own storage: what is sent is what is kept and given back, once, with exact counters, whatever is sent again or breaks off.
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sweepObjects } from '#core/objects/objects.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'
import { addDataset, putFile, sendFile } from '../support/uploads.ts'

let api: TestApi
let datasetId: string

beforeAll(async () => {
  api = await withApi()
  datasetId = await addDataset(api, await api.addProject())
})
afterAll(() => api?.close())

const get = (url: string, headers = {}) => api.call(api.owner, 'GET', `/api/v1${url}`, { headers })
const patch = (id: string, json: unknown, query = '') =>
  api.call(api.owner, 'PATCH', `/api/v1/items/${id}${query}`, { json })
const objects = async () =>
  (await readdir(join(api.deps.config.dataDir, 'objects'), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  ).length

async function expectSound() {
  const { rows } = await api.database.pool.query<{ no: number }>('select dataset_no as no from dataset')
  for (const { no } of rows) expect(await findFolderFaults(api.database.pool, no)).toEqual([])
  const { used, rows: items } = await dataPointsOf(api.database.pool, api.orgId)
  expect(used).toBe(items)
}

test('a file comes back byte for byte, with what was said about it and exactly the keys of an item', async () => {
  const bytes = randomBytes(100_000)
  const answer = await sendFile(api, datasetId, {
    path: '/a/b/photo.jpg',
    bytes,
    metadata: { user: { shot: 1 } },
    description: 'hi 😀',
  })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.headers['x-item-op']).toBe('created')
  const { body: item } = await get(`/items/${answer.body.id}`)
  expect(item).toEqual(answer.body)
  expect(Object.keys(item).sort()).toEqual([
    'annotated',
    'annotations',
    'annotationsCount',
    'createdAt',
    'creator',
    'dataset',
    'datasetId',
    'description',
    'dir',
    'filename',
    'hidden',
    'id',
    'metadata',
    'name',
    'stream',
    'thumbnail',
    'type',
    'updatedAt',
    'updatedBy',
    'url',
  ])
  expect(item).toMatchObject({
    filename: '/a/b/photo.jpg',
    dir: '/a/b',
    name: 'photo.jpg',
    creator: api.owner.email,
    description: 'hi \\u1f600',
    metadata: { user: { shot: 1 }, system: { size: bytes.length, mimetype: 'image/jpeg' } },
  })
  const stream = await api.app.inject({
    method: 'GET',
    url: `/api/v1/items/${item.id}/stream`,
    headers: { authorization: `Bearer ${api.owner.token}` },
  })
  expect(stream.rawPayload.equals(bytes)).toBe(true)
  const part = await get(`/items/${item.id}/stream`, { range: 'bytes=99990-' })
  expect(part.status).toBe(206)
  expect(part.headers['content-range']).toBe('bytes 99990-99999/100000')
  await expectSound()
})

test('an empty file is kept and streams with any range', async () => {
  const item = await putFile(api, datasetId, { path: '/empty.txt' })
  expect(item.metadata.system.size).toBe(0)
  const stream = await get(`/items/${item.id}/stream`, { range: 'bytes=0-' })
  expect([stream.status, stream.text]).toEqual([200, ''])
})

test('skip keeps the file and tells the size that was sent; overwrite replaces it and keeps the id', async () => {
  const first = await putFile(api, datasetId, {
    path: '/twice.bin',
    bytes: 'first',
    metadata: { user: { kept: true } },
    description: 'one',
  })
  const skipped = await sendFile(api, datasetId, {
    path: '/twice.bin',
    bytes: 'longer than first',
    mode: 'skip',
    description: 'two',
  })
  expect(skipped.headers['x-item-op']).toBe('exist')
  expect(skipped.body).toMatchObject({ id: first.id, description: 'one', metadata: { system: { size: 17 } } })
  expect((await get(`/items/${first.id}`)).body.metadata.system.size).toBe(5)
  expect((await get(`/items/${first.id}/stream`)).text).toBe('first')
  const over = await sendFile(api, datasetId, {
    path: '/twice.bin',
    bytes: 'second!',
    mode: 'overwrite',
    metadata: { user: { more: 1 } },
    description: 'two',
  })
  expect(over.headers['x-item-op']).toBe('overwrite')
  expect(over.body).toMatchObject({
    id: first.id,
    description: 'two',
    metadata: { user: { kept: true, more: 1 }, system: { size: 7 } },
  })
  expect((await get(`/items/${first.id}/stream`)).text).toBe('second!')
  expect((await get(`/items/${first.id}`)).body.metadata.system.storage.changedInStorage).toBeUndefined()
  await expectSound()
})

test('ten uploads at once into new folders, and five of the same path, leave one item a path', async () => {
  const many = Array.from({ length: 10 }, (_, at) =>
    putFile(api, datasetId, { path: `/at/once/${at % 3}/f${at}.bin`, bytes: `b${at}` }),
  )
  expect(new Set((await Promise.all(many)).map((item) => item.id)).size).toBe(10)
  const same = await Promise.all(
    Array.from({ length: 5 }, () => putFile(api, datasetId, { path: '/same.bin', bytes: 'x', mode: 'overwrite' })),
  )
  expect(new Set(same.map((item) => item.id)).size).toBe(1)
  await expectSound()
})

test('metadata is merged, null takes a name away, and the system part wants its switch', async () => {
  const item = await putFile(api, datasetId, {
    path: '/meta.json',
    bytes: '{}',
    metadata: { user: { a: { x: 1, y: 2 }, b: [1] } },
  })
  const changed = await patch(item.id, {
    metadata: { user: { a: { x: null }, c: 'n' }, system: { tags: { t: true } } },
    unknown: 1,
  })
  expect(changed.body.metadata.user).toEqual({ a: { y: 2 }, b: [1], c: 'n' })
  expect(changed.body.metadata.system.tags).toBeUndefined()
  const system = await patch(item.id, { metadata: { system: { tags: { t: true }, size: 99 } } }, '?system=true')
  expect(system.body.metadata.system).toMatchObject({ tags: { t: true }, size: 2 })
  expect((await patch(item.id, { description: 'd𝄞' })).body.description).toBe('d\\u1d11e')
  expect((await patch(item.id, { description: '' })).body.description).toBeUndefined()
})

test('an item is renamed and moved, its folder appears, and a taken path is 409', async () => {
  const item = await putFile(api, datasetId, { path: '/move/me.txt', bytes: 'm' })
  const other = await putFile(api, datasetId, { path: '/move/other.txt', bytes: 'o' })
  const moved = await patch(item.id, { filename: '/moved/.deep/it.txt' })
  expect(moved.body).toMatchObject({ id: item.id, filename: '/moved/.deep/it.txt', dir: '/moved/.deep', hidden: true })
  expect((await patch(item.id, { filename: '/move/other.txt' })).body.code).toBe('item.exists')
  expect((await patch(other.id, { filename: '/move/other.txt' })).status).toBe(200)
  expect((await get(`/items/${item.id}/stream`)).text).toBe('m')
  const folder = await api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/items`, {
    form: { type: 'dir', path: '/target' },
  })
  expect(folder.body).toMatchObject({ type: 'dir', filename: '/target', name: 'target', dir: '/' })
  const put = await api.call(api.owner, 'PUT', `/api/v1/datasets/${datasetId}/items/${folder.body.id}`, {
    json: [item.id, other.id],
  })
  expect(put.status, put.text).toBe(200)
  expect((await get(`/items/${item.id}`)).body).toMatchObject({ filename: '/target/it.txt', hidden: false })
  await expectSound()
})

test('a folder is made once, stays empty, is renamed with all in it, and is deleted with all in it', async () => {
  const make = () =>
    api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/items`, { form: { type: 'dir', path: '/made/inside' } })
  const [first, again] = [(await make()).body, (await make()).body]
  expect(again.id).toBe(first.id)
  expect((await get(`/datasets/${datasetId}/items/by-path?path=/made`)).body.type).toBe('dir')
  const file = await putFile(api, datasetId, { path: '/made/inside/deep/f.txt', bytes: 'f' })
  const made = (await get(`/datasets/${datasetId}/items/by-path?path=/made`)).body
  expect((await patch(made.id, { filename: '/.renamed' })).body).toMatchObject({ filename: '/.renamed', hidden: true })
  expect((await get(`/items/${file.id}`)).body).toMatchObject({ filename: '/.renamed/inside/deep/f.txt', hidden: true })
  await expectSound()
  expect((await api.call(api.owner, 'DELETE', `/api/v1/items/${made.id}`)).status).toBe(200)
  expect((await get(`/items/${file.id}`)).status).toBe(404)
  expect((await get(`/items/${made.id}`)).status).toBe(404)
  await expectSound()
})

test('a deleted item is gone, its object soon too; a malformed id is 400', async () => {
  await sweepObjects(api.deps, AbortSignal.timeout(60_000), -60_000)
  const before = await objects()
  const item = await putFile(api, datasetId, { path: '/gone.bin', bytes: 'gone' })
  expect(await objects()).toBe(before + 1)
  expect((await api.call(api.owner, 'DELETE', `/api/v1/items/${item.id}`)).status).toBe(200)
  expect((await api.call(api.owner, 'DELETE', `/api/v1/items/${item.id}`)).status).toBe(404)
  expect((await api.call(api.owner, 'DELETE', '/api/v1/items/not-an-id')).status).toBe(400)
  expect(await sweepObjects(api.deps, AbortSignal.timeout(60_000))).toBe(0)
  expect(await sweepObjects(api.deps, AbortSignal.timeout(60_000), -60_000)).toBe(1)
  expect(await objects()).toBe(before)
  await expectSound()
})

test('a link keeps what its file says, gives what it leads to, and a broken one is 404', async () => {
  const target = await putFile(api, datasetId, { path: '/target.png', bytes: 'picture' })
  const link = (info: unknown) =>
    JSON.stringify({ type: 'link', shebang: 'dataloop', metadata: { dltype: 'link', linkInfo: info } })
  const bytes = link({ type: 'id', ref: target.id, datasetId })
  const item = await putFile(api, datasetId, { path: '/l_link.json', bytes })
  expect(item.metadata.system).toMatchObject({
    size: bytes.length,
    mimetype: 'image/png',
    shebang: { dltype: 'link', linkInfo: { ref: target.id } },
  })
  expect((await get(`/items/${item.id}`)).body.metadata.system.size).toBe(7)
  expect((await get(`/items/${item.id}/stream`)).text).toBe('picture')
  const url = await putFile(api, datasetId, {
    path: '/u_link.json',
    bytes: link({ type: 'url', ref: 'https://example.com/x.mp4?a=b' }),
  })
  expect(url.metadata.system.mimetype).toBe('video/mp4')
  const redirect = await get(`/items/${url.id}/stream`)
  expect([redirect.status, redirect.headers.location]).toEqual([307, 'https://example.com/x.mp4?a=b'])
  const file = await putFile(api, datasetId, {
    path: '/f_link.json',
    bytes: link({ type: 'url', ref: 'file:///etc/passwd' }),
  })
  expect((await get(`/items/${file.id}/stream`)).body.code).toBe('item.link_broken')
  const broken = await sendFile(api, datasetId, {
    path: '/b_link.json',
    bytes: link({ type: 'id', ref: 'f'.repeat(24) }),
  })
  expect(broken.body.code).toBe('item.link_broken')
  await api.call(api.owner, 'DELETE', `/api/v1/items/${target.id}`)
  expect((await get(`/items/${item.id}/stream`)).status).toBe(404)
})

test('a revision replaces the file; what breaks off, has no path or no file is refused and leaves nothing', async () => {
  const item = await putFile(api, datasetId, { path: '/rev.txt', bytes: 'one' })
  const form = (await import('../support/uploads.ts')).uploadForm
  const revised = await api.call(
    api.owner,
    'POST',
    `/api/v1/items/${item.id}/revisions`,
    await form({ path: 'rev.txt', bytes: 'two!' }),
  )
  expect(revised.body).toMatchObject({ id: item.id, metadata: { system: { size: 4 } } })
  const before = await objects()
  const whole = await form({ path: '/broken.bin', bytes: randomBytes(50_000) })
  const url = `/api/v1/datasets/${datasetId}/items`
  const broken = await api.call(api.owner, 'POST', url, { ...whole, payload: whole.payload.subarray(0, 30_000) })
  expect([broken.status, broken.body.code]).toEqual([400, 'request.invalid'])
  for (const path of ['', '/', `/${'x'.repeat(3000)}`, '/a\0b'])
    expect((await sendFile(api, datasetId, { path, bytes: 'x' })).status, path).toBe(path === '/' ? 400 : 400)
  expect((await api.call(api.owner, 'POST', url, { form: { type: 'file', path: '/x' } })).status).toBe(415)
  expect((await api.call(api.owner, 'POST', url, { payload: 'x', contentType: 'multipart/form-data' })).status).toBe(
    400,
  )
  const bad = await api.call(api.owner, 'POST', '/api/v1/datasets/query', {
    payload: 'x',
    contentType: 'multipart/form-data; boundary=b',
  })
  expect(bad.status).toBe(415)
  expect(await objects()).toBe(before)
  expect(await readdir(join(api.deps.config.dataDir, 'incoming'))).toEqual([])
  await expectSound()
})

test('a read-only or locked dataset takes nothing and loses nothing', async () => {
  const item = await putFile(api, datasetId, { path: '/held.txt', bytes: 'held' })
  for (const [set, code] of [
    ['is_readonly = true', 'dataset.readonly'],
    [`locked_until = now() + interval '1 hour'`, 'dataset.locked'],
  ]) {
    await api.database.pool.query(`update dataset set ${set} where id = $1`, [datasetId])
    expect((await sendFile(api, datasetId, { path: '/new.txt', bytes: 'n' })).body.code).toBe(code)
    expect((await patch(item.id, { description: 'x' })).body.code).toBe(code)
    expect((await patch(item.id, { filename: '/x.txt' })).body.code).toBe(code)
    expect((await api.call(api.owner, 'DELETE', `/api/v1/items/${item.id}`)).body.code).toBe(code)
    await api.database.pool.query('update dataset set is_readonly = false, locked_until = null where id = $1', [
      datasetId,
    ])
  }
})

test('a picture tells its sides as soon as it is there, and nothing stays of them when another file comes', async () => {
  const blank = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: 'teal' } })
  const put = async (bytes: Buffer | string) =>
    (await putFile(api, datasetId, { path: '/side.jpg', bytes, mode: 'overwrite' })).metadata.system
  const turned = await blank(40, 20).withMetadata({ orientation: 6 }).jpeg().toBuffer()
  expect(await put(turned)).toMatchObject({ width: 40, height: 20, exif: { Orientation: 6 } })
  const upright = await put(await blank(30, 10).png().toBuffer())
  expect(upright).toMatchObject({ width: 30, height: 10 })
  expect(upright.exif).toBeUndefined()
  for (const bytes of ['no picture', '']) {
    const none = await put(bytes)
    expect([none.width, none.height, none.size]).toEqual([undefined, undefined, bytes.length])
  }
})
