// Proves the life of a dataset that is deleted at a later time: out of sight, restored exactly, gone when its time has come; and what the dialog is told.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DELETE_AHEAD_MS_MAX, removeDueDatasets, sweepDataset } from '#core/datasets/datasets.ts'
import { auditDataPoints, repairDataPoints } from '#core/quota/quota.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'
import { addDriver, addIntegration, openBucket } from '../support/drivers.ts'

const DAY_MS = 86_400_000
let api: TestApi
let aheadMs = 0
let projectId: string
beforeAll(async () => {
  api = await withApi({ clock: { now: () => Date.now() + aheadMs } })
  projectId = await api.addProject()
})
afterAll(() => api.close())

const call = (method: string, path: string, json?: unknown, actor: Actor = api.owner) =>
  api.call(actor, method, `/api/v1${path}`, json === undefined ? {} : { json })
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString()
const remove = (id: string, query: Record<string, string> = {}) =>
  call('DELETE', `/datasets/${id}?${new URLSearchParams(query)}`)
const names = async () =>
  (await call('POST', '/datasets/query', { filter: {}, context: { projects: [projectId] } })).body.items.map(
    (dataset: { name: string }) => dataset.name,
  )
const used = async (): Promise<number> => (await call('GET', `/orgs/${api.orgId}/dataPoints`)).body.used

async function seed(name: string, keys = ['a.jpg', 'f/b.jpg']): Promise<SeededDataset> {
  const seeded = await seedDataset(api.deps.db, keys, { projectId, name })
  await repairDataPoints(api.deps.db)
  return seeded
}

/** All that a person sees of a dataset. */
async function sight({ datasetId, idOf }: SeededDataset): Promise<unknown[]> {
  const query = (resource: string) => call('POST', `/datasets/${datasetId}/query`, { resource, filter: {} })
  const answers = [
    await call('GET', `/datasets/${datasetId}`),
    await query('items'),
    await query('annotations'),
    await call('GET', `/items/${idOf('f/b.jpg')}`),
    await call('GET', `/datasets/${datasetId}/directoryTree`),
  ]
  return answers.map(({ status, body }) => (status === 200 ? body : status))
}

test('until its time it is nowhere to be seen, its name is free, and a restore brings everything back as it was', async () => {
  const seeded = await seed('later')
  const box = {
    type: 'box',
    label: 'cat',
    coordinates: [
      { x: 1, y: 1 },
      { x: 2, y: 2 },
    ],
  }
  const [annotation] = (await call('POST', `/items/${seeded.idOf('a.jpg')}/annotations`, [box, box])).body
  const before = await sight(seeded)
  const points = await used()
  const targetDate = inDays(7)
  expect((await remove(seeded.datasetId, { targetDate })).body).toEqual({ id: seeded.datasetId, deletesAt: targetDate })

  expect(await names()).not.toContain('later')
  expect(await sight(seeded)).toEqual([404, 404, 404, 404, 404])
  const hidden = [
    await call('GET', `/annotations/${annotation.id}`),
    await call('PATCH', `/items/${seeded.idOf('a.jpg')}`, { metadata: { user: { x: 1 } } }),
    await call('POST', `/items/${seeded.idOf('a.jpg')}/annotations`, [box]),
    await call('POST', `/datasets/${seeded.datasetId}/sync`),
    await call('POST', `/datasets/${seeded.datasetId}/clone`, { name: 'copy' }),
  ]
  expect(hidden.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404])
  const listed = (await call('GET', `/projects/${projectId}/deletedDatasets`)).body
  expect(listed).toEqual([
    {
      id: seeded.datasetId,
      name: 'later',
      itemsCount: 2,
      annotationsCount: 2,
      deletedAt: expect.any(String),
      deletedBy: 'owner@example.com',
      deletesAt: targetDate,
    },
  ])
  expect(await used()).toBe(points)

  await call('POST', '/datasets', { name: 'later', projects: [projectId] })
  expect(await names()).toContain('later')
  const taken = await call('POST', `/datasets/${seeded.datasetId}/restore`)
  expect([taken.status, taken.body.code]).toEqual([400, 'dataset.name_taken'])
  const restored = await call('POST', `/datasets/${seeded.datasetId}/restore`, { name: 'again' })
  expect([restored.status, restored.body.name, restored.body.readonly]).toEqual([200, 'again', false])
  expect(await sight(seeded)).toEqual([{ ...(before[0] as object), name: 'again' }, ...before.slice(1)])
  expect((await call('GET', `/projects/${projectId}/deletedDatasets`)).body).toEqual([])
  expect((await call('POST', `/datasets/${seeded.datasetId}/restore`)).body.code).toBe('dataset.not_deleted')
  expect(await auditDataPoints(api.deps.db)).toEqual([])
})

test('when its time has come it is gone with its rows and its data points, and not before', async () => {
  const seeded = await seed('due')
  const points = await used()
  await remove(seeded.datasetId, { targetDate: inDays(2) })
  expect(await removeDueDatasets(api.deps)).toBe(0)
  aheadMs = 3 * DAY_MS
  try {
    expect(await removeDueDatasets(api.deps)).toBe(1)
    expect(await removeDueDatasets(api.deps)).toBe(0)
  } finally {
    aheadMs = 0
  }
  expect((await call('POST', `/datasets/${seeded.datasetId}/restore`)).status).toBe(404)
  expect(await used()).toBe(points - 2)
  expect(await sweepDataset(api.deps.db, seeded.datasetNo, new AbortController().signal)).toBe(true)
  expect(await auditDataPoints(api.deps.db)).toEqual([])
})

test('what the SDK sends deletes at once; one that awaits its deletion is gone at once only by force', async () => {
  const seeded = await seed('forced')
  await remove(seeded.datasetId, { targetDate: inDays(2) })
  for (const query of [{}, { targetDate: inDays(1) }]) {
    const again = await remove(seeded.datasetId, query as Record<string, string>)
    expect([again.status, again.body.code]).toEqual([409, 'dataset.awaits_deletion'])
    expect(again.body.details.deletesAt).toMatch(/Z$/)
  }
  expect((await remove(seeded.datasetId, { force: 'true' })).body).toEqual({ id: seeded.datasetId, deletesAt: null })
  expect((await remove(seeded.datasetId, { force: 'true' })).status).toBe(404)
  const plain = await seed('plain')
  expect((await remove(plain.datasetId)).body).toEqual({ id: plain.datasetId, deletesAt: null })
  expect((await call('GET', `/datasets/${plain.datasetId}/deletion`)).status).toBe(404)
})

test('a time that is none, past or too far, and a date together with force are refused, and nothing is deleted', async () => {
  const seeded = await seed('kept')
  const past = inDays(-1)
  const far = new Date(Date.now() + DELETE_AHEAD_MS_MAX + DAY_MS).toISOString()
  for (const query of [
    { targetDate: 'tomorrow' },
    { targetDate: past },
    { targetDate: far },
    { targetDate: inDays(1), force: 'true' },
    { force: 'yes' },
  ]) {
    const refused = await remove(seeded.datasetId, query as unknown as Record<string, string>)
    expect([refused.status, refused.body.code]).toEqual([400, 'request.invalid'])
  }
  expect(await names()).toContain('kept')
  const all = await call('POST', '/datasets/query', {
    filter: {},
    context: { projects: [projectId] },
    systemSpace: true,
  })
  const system = all.body.items.find((dataset: { name: string }) => dataset.name === 'Binaries')
  expect((await remove(system.id, { targetDate: inDays(1) })).body.code).toBe('dataset.system_stays')
})

test('annotators and other people cannot delete, restore or see it', async () => {
  const seeded = await seed('guarded')
  const annotator = await api.addUser('annotator@example.com', 'member')
  await api.join(projectId, annotator, 'annotator')
  const stranger = await api.addUser('stranger@example.com', 'member')
  const { datasetId } = seeded
  const ways = [
    ['DELETE', `/datasets/${datasetId}?targetDate=${inDays(1)}`],
    ['POST', `/datasets/${datasetId}/restore`],
    ['GET', `/datasets/${datasetId}/deletion`],
    ['GET', `/projects/${projectId}/deletedDatasets`],
  ] as const
  for (const [method, path] of ways) {
    expect((await call(method, path, undefined, annotator)).status).toBe(403)
    expect((await call(method, path, undefined, stranger)).status).toBe(404)
  }
})

test('one that was read-only is read-only again, and its sync ends', async () => {
  const seeded = await seed('frozen')
  await call('PATCH', `/datasets/${seeded.datasetId}`, { readonly: true })
  const { rows } = await api.deps.db.query<{ id: string }>(
    `with c as (insert into command (id, type, status, creator_id) values ('0123456789abcdef01234567', 'datasetSync', 'created', $2) returning id)
     insert into sync_run (command_id, dataset_no, driver_epoch, mode, state, ticket, creator_id)
     select c.id, $1, 1, 'load', 'queued', 1, $2 from c returning command_id as id`,
    [seeded.datasetNo, api.owner.userId],
  )
  await remove(seeded.datasetId, { targetDate: inDays(1) })
  const run = await api.deps.db.query('select state from sync_run where command_id = $1', [rows[0]!.id])
  expect(run.rows).toEqual([{ state: 'canceled' }])
  expect((await call('POST', `/datasets/${seeded.datasetId}/restore`)).body.readonly).toBe(true)
})

test('the dialog is told which other datasets read the same files, and what goes with the dataset', async () => {
  const bucket = await openBucket()
  try {
    const place = { projectId, integrationId: await addIntegration(api), bucket }
    const driverId = await addDriver(api, place)
    const below = await addDriver(api, { ...place, payload: { path: 'below' }, more: { name: 'd2' } })
    const [first, , third] = await Promise.all([
      seedDataset(api.deps.db, ['a.jpg'], { projectId, driverId, name: 'first' }),
      seedDataset(api.deps.db, ['a.jpg'], { projectId, driverId, name: 'second' }),
      seedDataset(api.deps.db, ['a.jpg'], { projectId, driverId, name: 'third' }),
      seedDataset(api.deps.db, ['a.jpg'], { projectId, driverId: below, name: 'inside' }),
    ])
    await remove(third.datasetId, { targetDate: inDays(1) })
    const told = (await call('GET', `/datasets/${first.datasetId}/deletion`)).body
    expect(told).toMatchObject({
      itemsCount: 1,
      annotationsCount: 0,
      dataPoints: 1,
      clonesCount: 0,
      driver: driverId,
      otherDatasetsCount: 2,
      overlappingDatasetsCount: 1,
      deletesAt: null,
    })
    expect(
      told.otherDatasets.map(({ name, awaitsDeletion }: Record<string, unknown>) => [name, awaitsDeletion]),
    ).toEqual(
      expect.arrayContaining([
        ['second', false],
        ['third', true],
      ]),
    )
    // It can come back, so its driver has to stay.
    expect((await call('DELETE', `/drivers/${driverId}`)).status).toBe(400)
  } finally {
    await bucket.close()
  }
})
