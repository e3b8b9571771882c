// Proves that work on many items touches exactly the items that were meant: whatever is asked for, whoever writes meanwhile, wherever the worker is killed; and
// that what was removed stays restorable for 30 days and as long as an older look at the storage could bring it back.
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { markMissing } from '#core/catalog/catalog.ts'
import { removeDataset } from '#core/datasets/datasets.ts'
import { cancelItemTask, continueItemTask, reviveItemTasks, sweepRemoved, workOnItems } from '#core/items/items.ts'
import { repairDataPoints, setDataPointsMax } from '#core/quota/quota.ts'
import { type DbClient, withTransaction } from '#db/connect.ts'
import { systemClock } from '#lib/clock.ts'
import { graphileQueue, migrateQueue } from '#queue/graphile-worker.ts'
import { startJobs } from '../../src/jobs/jobs.ts'
import { type Answer, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, type SeedItem, seedDataset } from '../support/catalog.ts'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'

const never = new AbortController().signal

let api: TestApi
let projectId: string
let nowMs = Date.now()
const queued: string[] = []
beforeAll(async () => {
  api = await withApi({
    clock: { now: () => nowMs },
    queue: { enqueue: async (_tx, _job, payload) => void queued.push((payload as { commandId: string }).commandId) },
  })
  projectId = await api.addProject()
})
afterAll(() => api.close())
beforeEach(() => {
  queued.length = 0
  nowMs = Date.now()
})

async function seed(objects: readonly (string | SeedItem)[], driverId?: string): Promise<SeededDataset> {
  // What is asked from now on is asked after these were written.
  await api.deps.db.query(`select nextval('ticket') from generate_series(1, 2)`)
  const dataset = await seedDataset(api.deps.db, objects, { projectId, ...(driverId && { driverId }) })
  await repairDataPoints(api.deps.db)
  return dataset
}

const call = (method: string, url: string, json?: unknown): Promise<Answer> =>
  api.call(api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
const post = (dataset: SeededDataset, url: string, json: unknown) =>
  call('POST', `/datasets/${dataset.datasetId}${url}`, json)

interface Row {
  readonly key: string
  readonly state: number
  readonly flags: number
}

async function rowsOf({ datasetNo }: SeededDataset): Promise<Row[]> {
  const { rows } = await api.deps.db.query<Row>(
    `select d.path || i.name as key, i.state, i.flags from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
      where i.dataset_no = $1 order by 1`,
    [datasetNo],
  )
  return rows
}
const keysOf = async (dataset: SeededDataset) => (await rowsOf(dataset)).map((row) => row.key)

async function expectSound(...datasets: SeededDataset[]): Promise<void> {
  for (const { datasetNo } of datasets) expect(await findFolderFaults(api.deps.db, datasetNo)).toEqual([])
  const points = await dataPointsOf(api.deps.db, api.orgId)
  expect(points.used).toBe(points.rows)
}

const inOrder = (keys: readonly string[]) => keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

describe('what is asked for', () => {
  const seedItem = fc.record({
    key: fc
      .tuple(fc.constantFrom('', 'a/', 'a/b/', 'ü/', '.h/'), fc.constantFrom('x', 'y', 'z.jpg', '%', "o'k", '日'))
      .map((parts) => parts.join('')),
    state: fc.constantFrom(0, 1, 1, 2),
    flags: fc.constantFrom(0, 4, 8, 12),
    sizeBytes: fc.nat(1000),
  })
  const wanted = fc.oneof(
    fc.constant({ all: true } as const),
    fc.constantFrom('', 'a', 'a/b').map((dir) => ({ filter: { dir: `/${dir}` } })),
    fc.constant({ filter: { size: { $lt: 500 }, $or: [{ hidden: true }, { filename: '/a/**' }] } }),
    fc.array(fc.nat(40), { maxLength: 8 }).map((places) => ({ places })),
  )
  type Asked = { all: true } | { filter: Record<string, unknown> } | { places: number[] }

  /** What the request names, worked out from the seeds alone. */
  function isNamed(asked: Asked, item: SeedItem & { sizeBytes: number }, place: number): boolean {
    if ('all' in asked) return true
    if ('places' in asked) return asked.places.includes(place)
    const { dir } = asked.filter as { dir?: string }
    const path = item.key.slice(0, item.key.lastIndexOf('/') + 1)
    if (dir !== undefined) return `/${path.slice(0, -1)}` === dir
    return item.sizeBytes < 500 && (item.key.startsWith('.h/') || item.key.startsWith('a/'))
  }

  test('is done to exactly those, and restoring undoes it; everything else stays as it is', async () => {
    const others = await seed([{ key: 'other', state: 1, flags: 8 }])
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(seedItem, { selector: (item) => item.key, minLength: 1, maxLength: 20 }),
        wanted,
        fc.constantFrom('missing' as const, 'changed' as const),
        async (items, asked, what) => {
          const dataset = await seed(items)
          const before = await rowsOf(dataset)
          const body =
            'places' in asked
              ? {
                  itemIds: [
                    ...asked.places.flatMap((at) => (items[at] ? [dataset.idOf(items[at].key)] : [])),
                    'nope',
                    others.idOf('other'),
                  ],
                }
              : asked
          const isHit = (item: SeedItem) => (what === 'missing' ? item.state === 1 : (item.flags! & 8) !== 0)
          const hit = items.filter((item, place) => isHit(item) && isNamed(asked, item, place))
          const { status, body: answer } = await post(dataset, `/${what}/clear`, body)
          expect([status, answer]).toEqual([200, { count: hit.length, command: null }])
          const gone = new Set(hit.map((item) => item.key))
          expect(await rowsOf(dataset)).toEqual(
            what === 'missing'
              ? before.filter((row) => !gone.has(row.key))
              : before.map((row) => (gone.has(row.key) ? { ...row, flags: row.flags & ~8 } : row)),
          )
          await expectSound(dataset, others)
          const { removed } = (await call('GET', `/datasets/${dataset.datasetId}/removed`)).body
          expect(removed).toHaveLength(what === 'missing' ? hit.length : 0)
          expect((await post(dataset, '/removed/restore', { all: true })).body.count).toBe(removed.length)
          if (what === 'missing') expect(await rowsOf(dataset)).toEqual(before)
          await expectSound(dataset, others)
        },
      ),
      { numRuns: 60 },
    )
    expect(await rowsOf(others)).toEqual([{ key: 'other', state: 1, flags: 8 }])
  })

  test('is refused when it is not clear what is meant', async () => {
    const dataset = await seed(['a'])
    for (const body of [
      {},
      { all: false },
      { all: true, itemIds: [] },
      { filter: 'x' },
      [],
      { itemIds: Array(5001).fill('x') },
    ])
      expect((await post(dataset, '/missing/clear', body)).body.code, JSON.stringify(body)).toBe('request.invalid')
    expect((await post(dataset, '/missing/clear', { filter: { nope: 1 } })).body).toMatchObject({
      code: 'query.invalid',
      details: { place: 'filter.nope' },
    })
    await api.deps.db.query('update dataset set is_readonly = true where id = $1', [dataset.datasetId])
    for (const url of ['/missing/clear', '/changed/clear', '/removed/restore'])
      expect((await post(dataset, url, { all: true })).body.code).toBe('dataset.readonly')
  })
})

/**
 * Runs `work` while another transaction has done something and not committed; the work waits for it. Then that does one thing more and commits. Answers
 * whether it could: where the two waited for each other, the database has ended one of them.
 */
async function whileHeld(
  change: (tx: DbClient) => Promise<unknown>,
  work: () => Promise<unknown>,
  then: (tx: DbClient) => Promise<unknown> = async () => {},
): Promise<boolean> {
  const client = await api.deps.db.connect()
  try {
    await client.query('begin')
    await change(client)
    const working = work()
    for (;;) {
      const { rows } = await api.deps.db.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if (rows.length > 0) break
      await new Promise((done) => setTimeout(done, 5))
    }
    const isDone = await then(client).then(
      () => true,
      (error: { code?: string }) => {
        if (error.code !== '40P01') throw error
        return false
      },
    )
    await client.query(isDone ? 'commit' : 'rollback')
    await working
    return isDone
  } finally {
    client.release()
  }
}

describe('somebody else', () => {
  test('who finds the file at that moment keeps the item in the dataset', async () => {
    const dataset = await seed([
      { key: 'ghost', state: 1 },
      { key: 'other', state: 1 },
    ])
    await whileHeld(
      (tx) =>
        tx.query(`update item set state = 0, missing_at = null where dataset_no = $1 and name = 'ghost'`, [
          dataset.datasetNo,
        ]),
      async () => expect((await post(dataset, '/missing/clear', { all: true })).body.count).toBe(1),
    )
    expect(await rowsOf(dataset)).toEqual([{ key: 'ghost', state: 0, flags: 0 }])
  })

  test('who locks the same items in another order makes it begin again, not fail', async () => {
    // The database ends whichever of the two has waited for a second first; until it was the clearing.
    for (let hasBegunAgain = false; !hasBegunAgain; ) {
      const dataset = await seed([
        { key: 'first', state: 1 },
        { key: 'second', state: 1 },
      ])
      const touch = (name: string) => (tx: DbClient) =>
        tx.query('update item set updated_at = now() where dataset_no = $1 and name = $2', [dataset.datasetNo, name])
      hasBegunAgain = await whileHeld(
        touch('second'),
        async () =>
          expect((await post(dataset, '/missing/clear', { all: true })).body).toEqual({ count: 2, command: null }),
        touch('first'),
      )
      await expectSound(dataset)
    }
  })

  test('who has looked for the file while it is put back is not overruled by an older look', async () => {
    const dataset = await seed([{ key: 'ghost', state: 1 }])
    await post(dataset, '/missing/clear', { all: true })
    await whileHeld(
      (tx) => tx.query('update removed set ticket = ticket + 1000 where dataset_no = $1', [dataset.datasetNo]),
      async () => expect((await post(dataset, '/removed/restore', { all: true })).body.count).toBe(1),
    )
    const { rows } = await api.deps.db.query('select ticket from item where dataset_no = $1', [dataset.datasetNo])
    expect(rows).toEqual([{ ticket: 1001 }])
  })

  test('who marks more items as missing after the request does not make it take those', async () => {
    const dataset = await seed([
      'late',
      ...Array.from({ length: 5_001 }, (_, at) => ({ key: `ghost-${at}`, state: 1 })),
    ])
    const { body } = await post(dataset, '/missing/clear', { all: true })
    expect(body).toMatchObject({ count: 5_001, command: { type: 'missingClear', status: 'created' } })
    const { rows } = await api.deps.db.query<{ ticket: number }>(`select nextval('ticket') as ticket`)
    const late = `${BigInt(`0x${dataset.idOf('late').slice(8)}`)}`
    await withTransaction(api.deps.db, (tx) =>
      markMissing(tx, { datasetNo: dataset.datasetNo, orgId: api.orgId, ticket: rows[0]!.ticket, nowMs }, [late]),
    )
    await continueItemTask(api.deps, queued.shift()!, never)
    expect(await rowsOf(dataset)).toEqual([{ key: 'late', state: 1, flags: 0 }])
    await expectSound(dataset)
  })

  test('who restores the same items at the same time restores them once', async () => {
    const dataset = await seed([
      { key: 'a/1', state: 1 },
      { key: 'a/2', state: 1 },
    ])
    await post(dataset, '/missing/clear', { all: true })
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(dataset, '/removed/restore', { all: true })))
    expect(answers.map(({ body }) => body.count).sort()).toEqual([0, 0, 0, 0, 0, 2])
    expect(await keysOf(dataset)).toEqual(['a/1', 'a/2'])
    await expectSound(dataset)
  })
})

describe('more than 5,000 items', () => {
  const ITEMS = 12_500
  const ghosts = Array.from({ length: ITEMS }, (_, at) => ({ key: `d${at % 7}/ghost-${at}`, state: 1 }))
  const live = ['d0/live', 'top', 'z/live']

  test('are cleared by a command, a chunk a transaction, wherever its worker stops', async () => {
    const dataset = await seed([...ghosts, ...live])
    const { body } = await post(dataset, '/missing/clear', { filter: { type: 'file', filename: '/**' } })
    expect(body).toMatchObject({
      count: ITEMS,
      command: { status: 'created', spec: { datasetId: dataset.datasetId, count: ITEMS } },
    })
    const commandId = body.command.id
    const command = async () => (await call('GET', `/commands/${commandId}`)).body
    expect((await keysOf(dataset)).length).toBe(ITEMS + 3)
    // Told to stop: it does one chunk and puts itself into the queue again.
    const stopped = AbortSignal.abort()
    expect(queued).toEqual([commandId])
    await continueItemTask(api.deps, queued.shift()!, stopped)
    expect(queued).toEqual([commandId])
    expect((await keysOf(dataset)).length).toBe(ITEMS + 3 - 5_000)
    expect(await command()).toMatchObject({ status: 'in-progress', progress: 40 })
    await expectSound(dataset)
    // Killed: its lease runs out, and the clockwork finds it.
    queued.length = 0
    await reviveItemTasks(api.deps)
    expect(queued).toEqual([])
    await api.deps.db.query(`update item_task set lease_until = now() - interval '1 second'`)
    await reviveItemTasks(api.deps)
    expect(queued).toEqual([commandId])
    // Two workers at once do nothing twice.
    await Promise.all([continueItemTask(api.deps, commandId, never), continueItemTask(api.deps, commandId, never)])
    expect(await keysOf(dataset)).toEqual(live)
    expect(await command()).toMatchObject({ status: 'success', progress: 100, spec: { count: ITEMS } })
    await continueItemTask(api.deps, commandId, never)
    expect((await command()).status).toBe('success')
    await expectSound(dataset)

    const back = await post(dataset, '/removed/restore', { all: true })
    expect(back.body).toMatchObject({ count: ITEMS, command: { type: 'removedRestore' } })
    await continueItemTask(api.deps, back.body.command.id, never)
    expect((await call('GET', `/datasets/${dataset.datasetId}/counts`)).body).toMatchObject({
      items: ITEMS + 3,
      missing: ITEMS,
    })
    await expectSound(dataset)
  })

  test('are taken up by a worker of the real queue', async () => {
    const dataset = await seed([...ghosts, ...live])
    await migrateQueue(api.deps.db)
    const deps = { ...api.deps, clock: systemClock, queue: graphileQueue }
    const workers = await startJobs(deps)
    try {
      const { command } = await workOnItems(deps, api.owner, dataset.datasetNo, 'clear-missing', { all: true })
      for (let status = 'created'; status !== 'success'; ) {
        status = (await call('GET', `/commands/${command!.id}`)).body.status
        expect(['created', 'in-progress', 'success']).toContain(status)
      }
    } finally {
      await workers.stop()
    }
    expect(await keysOf(dataset)).toEqual(live)
  })

  test('stay as far as they are when the command is stopped, or their dataset deleted', async () => {
    const dataset = await seed([...ghosts, ...live])
    const start = async () => (await post(dataset, '/missing/clear', { all: true })).body.command.id as string
    const first = await start()
    await continueItemTask(api.deps, first, AbortSignal.abort())
    await cancelItemTask(api.deps, first)
    await continueItemTask(api.deps, first, never)
    expect((await call('GET', `/commands/${first}`)).body).toMatchObject({ status: 'canceled', spec: { count: 5_000 } })
    expect((await keysOf(dataset)).length).toBe(ITEMS + 3 - 5_000)
    const second = await start()
    await removeDataset(api.deps, dataset.datasetNo)
    await continueItemTask(api.deps, second, never)
    const { rows } = await api.deps.db.query('select status from command where id = $1', [second])
    expect(rows).toEqual([{ status: 'canceled' }])
  })

  test('are restored as far as the quota goes, and the command says what was lacking', async () => {
    const dataset = await seed(ghosts)
    const { body } = await post(dataset, '/missing/clear', { all: true })
    await continueItemTask(api.deps, body.command.id, never)
    const { used } = await dataPointsOf(api.deps.db, api.orgId)
    await setDataPointsMax(api.deps.db, api.orgId, used + 6_000)
    try {
      const restore = (await post(dataset, '/removed/restore', { all: true })).body
      await continueItemTask(api.deps, restore.command.id, never)
      expect((await call('GET', `/commands/${restore.command.id}`)).body).toMatchObject({
        status: 'failed',
        errorCode: 'quota.exceeded',
        spec: { count: 5_000 },
      })
      await expectSound(dataset)
      const { removed } = (await call('GET', `/datasets/${dataset.datasetId}/removed?limit=1000`)).body
      // All or nothing, when the caller waits for it.
      const ids = Array.from({ length: 1_000 }, (_, at) => removed[at].id)
      await setDataPointsMax(api.deps.db, api.orgId, used + 5_999)
      expect((await post(dataset, '/removed/restore', { ids })).body).toMatchObject({
        code: 'quota.exceeded',
        details: { needed: 1_000, free: 999 },
      })
      expect((await keysOf(dataset)).length).toBe(5_000)
      expect((await post(dataset, '/removed/restore', { ids: ids.slice(1) })).body.count).toBe(999)
      await expectSound(dataset)
    } finally {
      await setDataPointsMax(api.deps.db, api.orgId, null)
    }
  })
})

describe('what was removed', () => {
  test('is listed the latest first, in pages that meet everything once', async () => {
    const keys = Array.from({ length: 11 }, (_, at) => `d/${at}`)
    const dataset = await seed(keys.map((key) => ({ key, state: 1 })))
    for (const [at, key] of keys.entries()) {
      // Some at the same moment.
      nowMs = Date.now() + Math.floor(at / 3) * 1000
      await post(dataset, '/missing/clear', { itemIds: [dataset.idOf(key)] })
    }
    const seen: { filename: string; removedAt: string }[] = []
    for (let after = ''; ; ) {
      const { body } = await call('GET', `/datasets/${dataset.datasetId}/removed?limit=2${after}`)
      seen.push(...body.removed)
      if (body.next === null) break
      after = `&after=${body.next}`
    }
    expect(inOrder(seen.map((each) => each.filename))).toEqual(inOrder(keys.map((key) => `/${key}`)))
    const times = seen.map((each) => each.removedAt)
    expect(times).toEqual(times.toSorted().reverse())
    for (const after of ['x', 'MS4y%21', Buffer.from(`${'9'.repeat(17)}.${'9'.repeat(19)}`).toString('base64url')])
      expect((await call('GET', `/datasets/${dataset.datasetId}/removed?after=${after}`)).status).toBe(400)
  })

  /** Lets what was removed from a dataset have been removed so many days earlier. */
  const age = ({ datasetNo }: SeededDataset, days: number) =>
    api.deps.db.query(`update removed set removed_at = removed_at - make_interval(days => $2) where dataset_no = $1`, [
      datasetNo,
      days,
    ])

  test('can be restored for 30 days, and is then forgotten', async () => {
    const dataset = await seed([{ key: 'old', state: 1 }, { key: 'new', state: 1 }, 'live'])
    await post(dataset, '/missing/clear', { itemIds: [dataset.idOf('old')] })
    await age(dataset, 1)
    await post(dataset, '/missing/clear', { itemIds: [dataset.idOf('new')] })
    await age(dataset, 29)
    nowMs -= 60_000
    expect(await sweepRemoved(api.deps, never)).toBe(0)
    expect((await call('GET', `/datasets/${dataset.datasetId}/removed`)).body.removed).toHaveLength(2)
    nowMs += 120_000
    const { removed } = (await call('GET', `/datasets/${dataset.datasetId}/removed`)).body
    expect(removed.map((each: { filename: string }) => each.filename)).toEqual(['/new'])
    expect((await post(dataset, '/removed/restore', { ids: [dataset.idOf('old')] })).body.count).toBe(0)
    expect(await sweepRemoved(api.deps, AbortSignal.abort())).toBe(0)
    expect(await sweepRemoved(api.deps, never)).toBe(1)
    expect((await post(dataset, '/removed/restore', { all: true })).body.count).toBe(1)
    expect(await keysOf(dataset)).toEqual(['live', 'new'])
  })

  test('stays as long as an older look at the storage could still bring it back', async () => {
    const { rows } = await api.deps.db.query<{ no: number }>(
      `insert into source (org_id, provider, fingerprint) values ($1, 's3', 'sweep') returning source_no as no`,
      [api.orgId],
    )
    const driverId = 'd'.repeat(24)
    await api.deps.db.query(
      `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, 'sweep', 's3', '', '{}', $4)`,
      [driverId, projectId, rows[0]!.no, api.owner.userId],
    )
    const dataset = await seed([{ key: 'ghost', state: 1 }], driverId)
    await post(dataset, '/missing/clear', { all: true })
    await age(dataset, 31)
    const { rows: kept } = await api.deps.db.query<{ ticket: number }>(
      'select ticket from removed where dataset_no = $1',
      [dataset.datasetNo],
    )
    const ticket = kept[0]!.ticket
    const raiseFloor = (floor: number) =>
      api.deps.db.query('update source set floor = $2 where source_no = $1', [rows[0]!.no, floor])
    await raiseFloor(ticket - 1)
    expect(await sweepRemoved(api.deps, never)).toBe(0)
    await raiseFloor(ticket + 5)
    // Another dataset's sync may have raised the floor while one of this dataset is still on its way.
    const command = (await post(dataset, '/sync', {})).body
    await api.deps.db.query('update sync_run set ticket = $2 where command_id = $1', [command.id, ticket])
    expect(await sweepRemoved(api.deps, never)).toBe(0)
    await api.deps.db.query('update sync_run set ticket = $2 where command_id = $1', [command.id, ticket + 1])
    expect(await sweepRemoved(api.deps, never)).toBe(1)
  })

  test('of a deleted dataset is forgotten in time as well', async () => {
    const dataset = await seed([{ key: 'ghost', state: 1 }])
    await post(dataset, '/missing/clear', { all: true })
    await removeDataset(api.deps, dataset.datasetNo)
    await age(dataset, 31)
    expect(await sweepRemoved(api.deps, never)).toBe(1)
  })
})
