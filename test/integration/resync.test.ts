// Proves that a second look at a bucket tells the truth and nothing else: what changed, went, came back and moved, what needs approval, what a plan says.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SyncRun } from '#contract/syncs.ts'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'
import { type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
let datasetId: string
let folder = 0

beforeAll(async () => {
  bench = await withSync()
})
afterAll(() => bench.close())

const put = (key: string, text = key) => bench.bucket.put(key, Buffer.from(text), 'text/plain')
const call = (method: string, url: string, json?: unknown) =>
  bench.api.call(bench.api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })

interface Row {
  readonly path: string
  readonly id: string
  readonly state: number
  readonly flags: number
  readonly etag: string
  readonly missing_at: Date | null
}

async function rowsOf(): Promise<Map<string, Row>> {
  const { rows } = await bench.api.deps.db.query<Row>(
    `select r.path || i.name as path, i.item_no::text as id, i.state, i.flags, encode(i.etag, 'hex') as etag, i.missing_at
       from item i join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no join dataset d on d.dataset_no = i.dataset_no where d.id = $1`,
    [datasetId],
  )
  return new Map(rows.map((row) => [row.path, row]))
}

async function sync(body: Record<string, unknown> = {}): Promise<SyncRun> {
  const command = await call('POST', `/datasets/${datasetId}/sync`, body)
  expect(command.text).toContain('"id"')
  await bench.work()
  const { body: run } = await call('GET', `/datasets/${datasetId}/syncs/${command.body.id}`)
  await expectSound()
  return run
}

async function expectSound(): Promise<void> {
  const { rows } = await bench.api.deps.db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
    datasetId,
  ])
  expect(await findFolderFaults(bench.api.deps.db, rows[0]!.no)).toEqual([])
  const points = await dataPointsOf(bench.api.deps.db, bench.api.orgId)
  expect(points.used).toBe(points.rows)
}

const counts = (run: SyncRun) =>
  Object.fromEntries(Object.entries(run.counts).filter(([name, n]) => n > 0 && name !== 'requests'))

beforeEach(async () => {
  // Everything of one test lies in a bucket folder of its own, with a driver of its own.
  for (const key of bench.bucket.keys()) bench.bucket.remove(key)
  await bench.api.deps.db.query('update driver set mark = null')
  folder++
  for (let at = 0; at < 60; at++) put(`a/${at % 6}/f${String(at).padStart(3, '0')}.txt`, `${folder}-${at}`)
  put('a/top.txt')
  datasetId = await bench.addDataset()
  expect((await sync()).state).toBe('success')
})

describe('what happened in the bucket', () => {
  test('a change keeps the item, refreshes it and marks it as changed', async () => {
    const before = (await rowsOf()).get('a/3/f003.txt')!
    put('a/3/f003.txt', 'quite different')
    expect(counts(await sync())).toEqual({ listed: 62, changed: 1, unchanged: 60, hidden: 1 })
    const after = (await rowsOf()).get('a/3/f003.txt')!
    expect(after.id).toBe(before.id)
    expect(after.etag).not.toBe(before.etag)
    expect(after.flags & 8).toBe(8)
  })

  test('nothing changed: no row is written and no row of an item is read', async () => {
    const before = await bench.api.deps.db.query(
      `select string_agg(ctid::text || xmin::text, ',' order by item_no) as all from item`,
    )
    expect(counts(await sync())).toEqual({ listed: 62, unchanged: 61, hidden: 1 })
    const after = await bench.api.deps.db.query(
      `select string_agg(ctid::text || xmin::text, ',' order by item_no) as all from item`,
    )
    expect(after.rows).toEqual(before.rows)
  })

  test('a file that is gone is marked missing and stays; when it is back, so is the item', async () => {
    const before = (await rowsOf()).get('a/2/f002.txt')!
    bench.bucket.remove('a/2/f002.txt')
    expect(counts(await sync())).toEqual({ listed: 61, unchanged: 60, missing: 1, hidden: 1 })
    expect((await rowsOf()).get('a/2/f002.txt')).toMatchObject({
      id: before.id,
      state: 1,
      missing_at: expect.any(Date),
    })
    expect(counts(await sync())).toEqual({ listed: 61, unchanged: 60, hidden: 1 })
    put('a/2/f002.txt', 'here again')
    expect(counts(await sync())).toEqual({ listed: 62, unchanged: 60, returned: 1, hidden: 1 })
    expect((await rowsOf()).get('a/2/f002.txt')).toMatchObject({ id: before.id, state: 0, missing_at: null })
  })

  test('a whole folder that is gone, and one that is new', async () => {
    for (let at = 0; at < 60; at += 6) bench.bucket.remove(`a/0/f${String(at).padStart(3, '0')}.txt`)
    for (let at = 0; at < 5; at++) put(`z/new/${at}.txt`)
    expect(counts(await sync())).toEqual({ listed: 57, added: 5, unchanged: 51, missing: 10, hidden: 1 })
  })

  test('an item that was removed and comes back has its id and metadata again', async () => {
    const before = (await rowsOf()).get('a/top.txt')!
    await bench.api.deps.db.query(`update item set metadata = '{"user": {"note": "kept"}}' where item_no = $1`, [
      before.id,
    ])
    bench.bucket.remove('a/top.txt')
    expect(counts(await sync({ reconcile: true }))).toEqual({ listed: 61, unchanged: 60, removed: 1, hidden: 1 })
    expect((await rowsOf()).has('a/top.txt')).toBe(false)
    put('a/top.txt')
    expect(counts(await sync())).toEqual({ listed: 62, added: 1, unchanged: 60, hidden: 1 })
    expect((await rowsOf()).get('a/top.txt')!.id).toBe(before.id)
    const { rows } = await bench.api.deps.db.query('select metadata from item where item_no = $1', [before.id])
    expect(rows[0]!.metadata).toEqual({ user: { note: 'kept' } })
  })

  test('a reconcile removes also what earlier syncs have marked', async () => {
    bench.bucket.remove('a/2/f002.txt')
    expect((await sync()).counts.missing).toBe(1)
    bench.bucket.remove('a/3/f003.txt')
    expect((await sync({ reconcile: true })).counts).toMatchObject({ missing: 0, removed: 2 })
    expect((await rowsOf()).size).toBe(59)
  })

  test('forceRescan finds what a wrong fingerprint hides', async () => {
    put('a/1/f001.txt', 'changed behind our back')
    // In a folder of which the listing shows what its fingerprint says.
    await bench.api.deps.db.query(`update item set etag = '\\x00' where name = 'f008.txt'`)
    expect(counts(await sync({ forceRescan: true }))).toMatchObject({ changed: 2 })
  }, 60_000)
})

describe('the brake', () => {
  test('an empty bucket parks the run, and approving marks exactly that set', async () => {
    for (const key of bench.bucket.keys()) if (key.startsWith('a/')) bench.bucket.remove(key)
    const parked = await sync()
    expect(parked).toMatchObject({
      state: 'parked',
      errorCode: 'sync.parked',
      report: { absent: { brake: 'empty-bucket', count: 61 } },
    })
    expect([...(await rowsOf()).values()].filter(({ state }) => state !== 0)).toEqual([])
    const url = `/datasets/${datasetId}/syncs/${parked.commandId}/approve`
    expect((await call('POST', url, { set: '61-0' })).body.code).toBe('sync.set_changed')
    expect((await call('POST', url, { set: parked.report.absent!.set })).body.state).toBe('queued')
    await bench.work()
    expect([...(await rowsOf()).values()].filter(({ state }) => state === 1)).toHaveLength(61)
    expect((await call('GET', `/commands/${parked.commandId}`)).body.status).toBe('success')
    await expectSound()
  })

  test('more than 50 missing of few parks; a new sync gives the parked one up', async () => {
    for (const key of bench.bucket.keys())
      if (/^a\/[0-5]/.test(key) && !key.endsWith('f000.txt')) bench.bucket.remove(key)
    const parked = await sync()
    expect(parked).toMatchObject({ state: 'parked', report: { absent: { brake: 'too-many-missing', allowed: 50 } } })
    for (let at = 0; at < 60; at++) put(`a/${at % 6}/f${String(at).padStart(3, '0')}.txt`, `${folder}-${at}`)
    expect((await sync()).state).toBe('success')
    expect((await call('GET', `/datasets/${datasetId}/syncs/${parked.commandId}`)).body.state).toBe('canceled')
  })

  test('another bucket behind the same name is noticed', async () => {
    for (const key of bench.bucket.keys()) bench.bucket.remove(key)
    for (let at = 0; at < 30; at++) put(`a/${at % 6}/f${String(at).padStart(3, '0')}.txt`, `other ${at}`)
    put('a/5/more.txt')
    expect(await sync()).toMatchObject({ state: 'parked', report: { absent: { brake: 'other-bucket', count: 31 } } })
  })

  test('refused credentials park the run, and it goes on when they work again', async () => {
    const { body } = await call('GET', `/orgs/${bench.api.orgId}/integrations`)
    const rotate = (secret: string) =>
      call('PATCH', `/orgs/${bench.api.orgId}/integrations`, {
        integrationId: body[0].id,
        credentials: { options: { key: 'bucket-key', secret }, type: 's3' },
      })
    await rotate('a wrong secret')
    const parked = await sync()
    expect(parked).toMatchObject({ state: 'parked', errorCode: 'storage.bad_credentials' })
    await rotate('bucket-secret-for-tests')
    expect((await call('POST', `/datasets/${datasetId}/syncs/${parked.commandId}/resume`)).status).toBe(200)
    await bench.work()
    expect((await call('GET', `/datasets/${datasetId}/syncs/${parked.commandId}`)).body.state).toBe('success')
  })
})

describe('plans, moves, patterns and quota', () => {
  test('a plan changes nothing and tells what a sync does; applying it does that', async () => {
    put('b/new.txt')
    put('a/1/f001.txt', 'other')
    for (let at = 3; at < 60; at++) bench.bucket.remove(`a/${at % 6}/f${String(at).padStart(3, '0')}.txt`)
    const before = await rowsOf()
    const plan = await sync({ dryRun: true })
    expect(plan).toMatchObject({
      state: 'success',
      counts: { added: 1, changed: 1, missing: 0 },
      report: { absent: { count: 57, brake: 'too-many-missing' }, dataPoints: { needed: 1, free: null } },
    })
    expect(await rowsOf()).toEqual(before)
    // Whom the brake does not let approve, a plan does not either.
    const developer = await bench.api.addUser('developer@example.com')
    await bench.api.join(bench.projectId, developer, 'engineer')
    const refused = await bench.api.call(developer, 'POST', `/api/v1/datasets/${datasetId}/sync`, {
      json: { apply: plan.commandId },
    })
    expect([refused.status, refused.body.code]).toEqual([403, 'access.forbidden'])
    const applied = await sync({ apply: plan.commandId })
    expect(applied).toMatchObject({ state: 'success', counts: { added: 1, changed: 1, missing: 57 } })
  })

  test('moved files keep their items when that is wanted, and uncertain pairs are listed', async () => {
    await call('PATCH', `/datasets/${datasetId}/syncSettings`, { matchMoved: true })
    const before = (await rowsOf()).get('a/4/f004.txt')!
    bench.bucket.remove('a/4/f004.txt')
    put('moved/here.txt', `${folder}-4`)
    bench.bucket.remove('a/5/f005.txt')
    put('moved/twin1.txt', `${folder}-5`)
    put('moved/twin2.txt', `${folder}-5`)
    const run = await sync()
    expect(run.counts).toMatchObject({ added: 3, moved: 1, missing: 1 })
    expect((await rowsOf()).get('moved/here.txt')).toMatchObject({ id: before.id, state: 0 })
    expect((await rowsOf()).has('a/4/f004.txt')).toBe(false)
    expect(run.report.absent!.uncertainMoves).toEqual([
      { from: ['a/5/f005.txt'], to: expect.arrayContaining(['moved/twin1.txt', 'moved/twin2.txt']) },
    ])
  })

  test('a pattern keeps new files out, marks those that are there, and takes them back when it goes', async () => {
    put('notes.md')
    await call('PATCH', `/datasets/${datasetId}/syncSettings`, {
      exclude: [
        { kind: 'glob', pattern: '*.md' },
        { kind: 'glob', pattern: 'a/1/' },
      ],
    })
    expect((await sync()).counts).toMatchObject({ added: 0, missing: 0, excluded: 21 })
    expect([...(await rowsOf()).values()].filter(({ state }) => state === 2)).toHaveLength(10)
    await call('PATCH', `/datasets/${datasetId}/syncSettings`, { exclude: [] })
    expect((await sync()).counts).toMatchObject({ added: 1, returned: 10 })
  })

  test('a first sync without enough data points adds nothing and says the numbers; a later one adds what it may', async () => {
    const used = (await call('GET', `/orgs/${bench.api.orgId}/dataPoints`)).body.used
    await call('PATCH', `/orgs/${bench.api.orgId}/dataPoints`, { max: used + 60 })
    datasetId = await bench.addDataset()
    const run = await sync()
    expect(run).toMatchObject({ state: 'failed', errorCode: 'quota.exceeded' })
    expect(run.error).toMatch(/61 files.*60 are free/s)
    expect((await rowsOf()).size).toBe(0)
    await call('PATCH', `/orgs/${bench.api.orgId}/dataPoints`, { max: used + 61 })
    expect(await sync()).toMatchObject({ state: 'success', counts: { added: 61 } })
    put('one-too-many.txt')
    put('a/0/f000.txt', 'but changes are taken')
    expect(await sync()).toMatchObject({
      state: 'failed',
      errorCode: 'quota.exceeded',
      counts: { changed: 1, overQuota: 1 },
    })
    await call('PATCH', `/orgs/${bench.api.orgId}/dataPoints`, { max: null })
    expect(await sync()).toMatchObject({ state: 'success', counts: { added: 1 } })
  })
})

describe('steering', () => {
  test('a server that stops while absences are confirmed has not failed, and the next one goes on', async () => {
    bench.bucket.remove('a/2/f002.txt')
    const command = await call('POST', `/datasets/${datasetId}/sync`)
    const stopping = new AbortController()
    bench.onRequest((_method, url) => {
      // Confirmations ask for few entries; the walk for a whole page.
      if (url.includes('max-keys=8')) stopping.abort()
    })
    await bench.work(stopping.signal)
    bench.onRequest(null)
    expect(stopping.signal.aborted).toBe(true)
    const { rows } = await bench.api.deps.db.query(
      'select state, attempts, error from sync_run where command_id = $1',
      [command.body.id],
    )
    expect(rows[0]).toEqual({ state: 'running', attempts: 0, error: null })
    await bench.work()
    expect((await call('GET', `/datasets/${datasetId}/syncs/${command.body.id}`)).body).toMatchObject({
      state: 'success',
      counts: { missing: 1 },
    })
    await expectSound()
  })

  test('a paused run goes on where it was, and a second sync is refused meanwhile', async () => {
    for (let at = 0; at < 2500; at++) put(`big/${String(at).padStart(5, '0')}.txt`)
    const command = await call('POST', `/datasets/${datasetId}/sync`)
    const url = `/datasets/${datasetId}/syncs/${command.body.id}`
    expect((await call('POST', `${url}/pause`)).body.state).toBe('paused')
    expect((await call('POST', `/datasets/${datasetId}/sync`)).body.code).toBe('dataset.already_syncing')
    expect((await call('POST', `${url}/resume`)).body.state).toBe('queued')
    await bench.work()
    expect((await call('GET', url)).body).toMatchObject({ state: 'success', counts: { added: 2500 } })
    await expectSound()
  })
})
