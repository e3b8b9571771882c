// Proves where thumbnails are kept, that many who ask get one, and that they use no data points, and that a bucket which takes
// no writes keeps nobody from looking.
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditDataPoints } from '#core/quota/quota.ts'
import { sweepThumbnails } from '#core/thumbnails/thumbnails.ts'
import { openEgress } from '#storage/egress.ts'
import { openStorage, type StorageSpec } from '#storage/open.ts'
import type { Storage } from '#storage/port.ts'
import { startBucket } from '../../src/demo/bucket.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'
import { connectApi } from '../support/sync.ts'
import { addDataset, putFile } from '../support/uploads.ts'

let api: TestApi
let datasetId: string
let picture: Buffer

beforeAll(async () => {
  api = await withApi()
  datasetId = await addDataset(api, await api.addProject())
  picture = await sharp({ create: { width: 600, height: 300, channels: 3, background: 'teal' } })
    .png()
    .toBuffer()
})
afterAll(() => api?.close())

const thumbnailOf = (id: string, of = api) => of.call(of.owner, 'GET', `/api/v1/items/${id}/thumbnail`)
const itemOf = async (id: string, of = api) => (await of.call(of.owner, 'GET', `/api/v1/items/${id}`)).body
const stored = async () =>
  (
    await api.database.pool.query<{ name: string }>(
      `select i.name from item i join dir d using (dataset_no, dir_no) where d.path like '.dataloop/thumbnails/%' order by 1`,
    )
  ).rows.map(({ name }) => name)

test('many who ask at once get one and the same, and the item keeps the time of its last change', async () => {
  const item = await putFile(api, datasetId, { path: '/a.png', bytes: picture })
  const answers = await Promise.all(Array.from({ length: 12 }, () => thumbnailOf(item.id)))
  expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200))
  expect(await stored()).toEqual([`${item.id}.jpg`])
  const after = await itemOf(item.id)
  expect(after.metadata.system).toMatchObject({ width: 600, height: 300 })
  expect((await itemOf(after.metadata.system.thumbnailId)).hidden).toBe(true)
  expect(after.updatedAt).toBe(item.updatedAt)
  const { rows } = await api.database.pool.query<{ no: number }>('select dataset_no as no from dataset')
  for (const { no } of rows) expect(await findFolderFaults(api.database.pool, no)).toEqual([])
  const { used, rows: counted } = await dataPointsOf(api.database.pool, api.orgId)
  expect(used).toBe(counted)
})

test('it uses no data point, so that it is made and kept when none is left', async () => {
  const item = await putFile(api, datasetId, { path: '/full.png', bytes: picture })
  const limit = (max: string) =>
    api.database.pool.query(`update data_points set points_max = ${max} where org_id = $1`, [api.orgId])
  const { used } = await dataPointsOf(api.database.pool, api.orgId)
  await limit('used')
  try {
    const answer = await thumbnailOf(item.id)
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'image/jpeg'])
    expect(await stored()).toContain(`${item.id}.jpg`)
    expect((await itemOf(item.id)).metadata.system).toMatchObject({ width: 600 })
  } finally {
    await limit('null')
  }
  expect((await dataPointsOf(api.database.pool, api.orgId)).used).toBe(used)
  const { thumbnailId } = (await itemOf(item.id)).metadata.system
  expect((await api.call(api.owner, 'DELETE', `/api/v1/items/${thumbnailId}`)).status).toBe(200)
  expect((await dataPointsOf(api.database.pool, api.orgId)).used).toBe(used)
  expect(await auditDataPoints(api.database.pool)).toEqual([])
})

test('an item that nobody may see has none to be seen', async () => {
  const item = await putFile(api, datasetId, { path: '/secret.png', bytes: picture })
  const stranger = await api.addUser('stranger@example.com')
  expect((await api.call(stranger, 'GET', `/api/v1/items/${item.id}/thumbnail`)).status).toBe(404)
  expect(await stored()).not.toContain(`${item.id}.jpg`)
})

test('somebody’s own thumbnailId leads to nobody else’s file', async () => {
  const [one, other] = await Promise.all(
    ['/one.png', '/other.txt'].map((path) => putFile(api, datasetId, { path, bytes: picture })),
  )
  const json = { metadata: { system: { thumbnailId: other.id } } }
  await api.call(api.owner, 'PATCH', `/api/v1/items/${one.id}?system=true`, { json })
  expect((await thumbnailOf(one.id)).status).toBe(200)
  expect((await itemOf(one.id)).metadata.system.thumbnailId).not.toBe(other.id)
})

test('of another width it is kept for widths that are usual, made for others, and made again for another file', async () => {
  const item = await putFile(api, datasetId, { path: '/wide.png', bytes: picture })
  const wide = async (width: number | string) => {
    const answer = await api.app.inject({
      method: 'GET',
      url: `/api/v1/items/${item.id}/thumbnail?width=${width}`,
      headers: { authorization: `Bearer ${api.owner.token}` },
    })
    return { status: answer.statusCode, bytes: answer.rawPayload, text: answer.payload }
  }
  const widthOf = async (width: number) => (await sharp((await wide(width)).bytes).metadata()).width
  const ours = async () => (await stored()).filter((name) => name.startsWith(item.id))
  expect([await widthOf(128), await widthOf(100), await widthOf(2048)]).toEqual([128, 100, 600])
  expect(await widthOf(128)).toBe(128)
  expect(await ours()).toEqual([`${item.id}-w128.jpg`, `${item.id}-w2048.jpg`])
  const other = await sharp({ create: { width: 100, height: 50, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  await putFile(api, datasetId, { path: '/wide.png', bytes: other, mode: 'overwrite' })
  expect(await widthOf(128)).toBe(100)
  for (const width of [0, 15, 2049, 'wide', '1.5', ''])
    expect(await wide(width)).toMatchObject({ status: 400, text: expect.stringContaining('request.invalid') })
})

test('it goes when its item is deleted or gets another file, and no other does', async () => {
  const [gone, changed, kept] = await Promise.all(
    ['gone', 'changed', 'kept'].map((name) => putFile(api, datasetId, { path: `/s/${name}.png`, bytes: picture })),
  )
  for (const { id } of [gone, changed, kept]) expect((await thumbnailOf(id)).status).toBe(200)
  const before = await stored()
  await api.call(api.owner, 'DELETE', `/api/v1/items/${gone.id}`)
  const other = await sharp(picture).negate().png().toBuffer()
  await putFile(api, datasetId, { path: '/s/changed.png', bytes: other, mode: 'overwrite' })
  const signal = AbortSignal.timeout(30_000)
  await sweepThumbnails(api.deps, signal)
  const after = await stored()
  expect(before.filter((name) => !after.includes(name)).sort()).toEqual(
    expect.arrayContaining([`${gone.id}.jpg`, `${changed.id}.jpg`]),
  )
  expect(after).toContain(`${kept.id}.jpg`)
  expect(await sweepThumbnails(api.deps, signal)).toBe(0)
  expect((await thumbnailOf(changed.id)).status).toBe(200)
  expect(await auditDataPoints(api.database.pool)).toEqual([])
})

test.each([
  ['nothing at all', '/empty.jpg', () => Buffer.alloc(0)],
  ['half a picture', '/half.png', () => picture.subarray(0, picture.length / 2)],
  ['text under the name of a picture', '/lies.jpg', () => Buffer.from('text')],
  ['a picture under the name of a text', '/picture.txt', () => picture],
  ['a drawing that is a program', '/drawn.svg', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['a drawing under another name', '/drawn.png', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
])('%s has none and says so', async (_, path, bytes) => {
  const item = await putFile(api, datasetId, { path, bytes: bytes() })
  const answer = await thumbnailOf(item.id)
  expect([answer.status, answer.body.code]).toEqual([404, 'thumbnail.not_available'])
  expect((await itemOf(item.id)).metadata.system.thumbnailId).toBeUndefined()
})

/** Opens buckets as ever, but their hidden folder takes no writes. */
async function openRefusing(spec: StorageSpec): Promise<Storage> {
  const storage = await openStorage(spec, openEgress)
  const write = storage.write.bind(storage)
  const refusing: Storage['write'] = (key, ...more) =>
    key.includes('/thumbnails/') ? Promise.reject(new Error('no')) : write(key, ...more)
  return Object.assign(storage, { write: refusing })
}

test.each([
  ['takes writes', openStorage, true],
  ['takes none', openRefusing, false],
] as const)('of a file in a bucket that %s', async (_, open, isInBucket) => {
  const keys = { accessKey: 'KEY', secretKey: 'secret' }
  const bucket = await startBucket({ port: 0, accessKeyId: keys.accessKey, secretKey: keys.secretKey })
  bucket.put('in/a.png', picture, 'image/png')
  const synced = await connectApi({ ...bucket, ...keys }, { folder: 'in', override: { openStorage: open } })
  try {
    const dataset = await synced.addDataset()
    await synced.sync(dataset)
    const { rows } = await synced.api.database.pool.query<{ id: string }>(
      `select lpad(to_hex(dataset_no), 8, '0') || lpad(to_hex(item_no), 16, '0') as id from item where name = 'a.png'`,
    )
    const id = rows[0]!.id
    const before = bucket.keys()
    const answer = await thumbnailOf(id, synced.api)
    // A signed address of the bucket, or the bytes of the platform's own store.
    expect(answer.status, answer.text).toBe(isInBucket ? 307 : 200)
    const added = bucket.keys().filter((key) => !before.includes(key))
    expect(added).toEqual(isInBucket ? [`in/.dataloop/thumbnails/${id}.jpg`] : [])
    await synced.sync(dataset)
    expect(await synced.items(dataset)).toEqual(['a.png'])
  } finally {
    await synced.close()
    await bucket.close()
  }
})
