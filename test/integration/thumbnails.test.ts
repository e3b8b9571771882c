// Proves where thumbnails are kept, that many who ask get one, and that they use no data points, and that a bucket which takes
// no writes keeps nobody from looking.
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditDataPoints } from '#core/quota/quota.ts'
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
