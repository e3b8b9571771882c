// Proves the settings of a dataset's syncs: reading and changing them, what a preview tells before anything is changed, and syncs by the clock.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { syncSettingsOf } from '#core/patterns/patterns.ts'
import { newId } from '#lib/ids.ts'
import { startDueRescans } from '../../src/jobs/rescan.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let projectId: string
let driverId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
  driverId = await addDriver()
})
afterAll(() => api.close())

const nothing = { include: [], exclude: [], matchMoved: false, rescan: null }
const jpg = { kind: 'glob', pattern: '*.jpg' }
const tmp = { kind: 'glob', pattern: 'tmp/' }
const numbers = { kind: 'regex', pattern: '^\\d+$' }

async function addDriver(): Promise<string> {
  const id = newId(Date.now())
  const { rows } = await api.deps.db.query<{ source_no: number }>(
    `insert into source (org_id, provider, fingerprint) values ($1, 's3', $2) returning source_no`,
    [api.orgId, id],
  )
  await api.deps.db.query(
    `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, 'd', 's3', '', '{}', $4)`,
    [id, projectId, rows[0]!.source_no, api.owner.userId],
  )
  return id
}

/** A dataset that could be synced, with these items. */
async function addDataset(keys: Parameters<typeof seedDataset>[1] = []): Promise<SeededDataset> {
  return await seedDataset(api.deps.db, keys, { projectId, driverId })
}

const settings = (method: string, { datasetId }: SeededDataset, json?: unknown, actor: Actor = api.owner) =>
  api.call(actor, method, `/api/v1/datasets/${datasetId}/syncSettings`, json === undefined ? {} : { json })

const preview = (given: unknown, { datasetId }: SeededDataset) =>
  api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/syncSettings/preview`, { json: given })

describe('settings', () => {
  test('are those of a dataset that takes everything, until somebody changes a part of them', async () => {
    const dataset = await addDataset()
    expect((await settings('GET', dataset)).body).toEqual(nothing)
    const rescan = { everyMinutes: 60, mode: 'reconcile' }
    expect((await settings('PATCH', dataset, { include: [jpg], rescan })).body).toEqual({
      ...nothing,
      include: [jpg],
      rescan,
    })
    const second = await settings('PATCH', dataset, { exclude: [tmp, numbers], matchMoved: true, rescan: null })
    expect(second.body).toEqual({ include: [jpg], exclude: [tmp, numbers], matchMoved: true, rescan: null })
    expect((await settings('GET', dataset)).body).toEqual(second.body)
    const { rows } = await api.deps.db.query('select options from dataset where dataset_no = $1', [dataset.datasetNo])
    expect(syncSettingsOf(rows[0]!.options)).toEqual(second.body)
  })

  test('keep every character of a pattern, and the dataset’s other options', async () => {
    const dataset = await addDataset()
    await api.deps.db.query(`update dataset set options = '{"indexDriver": "v2"}' where dataset_no = $1`, [
      dataset.datasetNo,
    ])
    const exclude = [{ kind: 'glob', pattern: ' \u0001é\\* 😀 ' }]
    expect((await settings('PATCH', dataset, { exclude })).body.exclude).toEqual(exclude)
    expect((await settings('GET', dataset)).body.exclude).toEqual(exclude)
    const shown = await api.call(api.owner, 'GET', `/api/v1/datasets/${dataset.datasetId}`)
    expect(shown.body.indexDriver).toBe('v2')
  })

  test('lose nothing when two people change different parts at once', async () => {
    const dataset = await addDataset()
    const parts = [
      { include: [jpg] },
      { exclude: [tmp] },
      { matchMoved: true },
      { rescan: { everyMinutes: 5, mode: 'sync' } },
    ]
    await Promise.all(parts.map((part) => settings('PATCH', dataset, part)))
    expect((await settings('GET', dataset)).body).toEqual(Object.assign({}, ...parts))
  })

  test('with a pattern that cannot be used are refused with its place, and nothing is changed', async () => {
    const dataset = await addDataset()
    await settings('PATCH', dataset, { include: [jpg] })
    const answer = await settings('PATCH', dataset, {
      matchMoved: true,
      exclude: [tmp, { kind: 'regex', pattern: '(a' }],
    })
    expect([answer.status, answer.body.code]).toEqual([400, 'patterns.invalid'])
    expect(answer.body.details).toEqual([{ path: 'exclude.1.pattern', message: 'missing closing ): (a' }])
    expect(answer.body.message).toContain('exclude.1.pattern')
    expect((await settings('GET', dataset)).body).toEqual({ ...nothing, include: [jpg] })
  })

  test('count the patterns of both lists together', async () => {
    const dataset = await addDataset()
    const many = Array.from({ length: 60 }, (_, n) => ({ kind: 'glob', pattern: `*.${n}` }))
    expect((await settings('PATCH', dataset, { include: many })).status).toBe(200)
    expect((await settings('PATCH', dataset, { exclude: many })).body.code).toBe('patterns.invalid')
  })

  test.each([
    [{ rescan: { everyMinutes: 4, mode: 'sync' } }],
    [{ rescan: { everyMinutes: 5.5, mode: 'sync' } }],
    [{ rescan: { everyMinutes: 60, mode: 'always' } }],
    [{ include: [{ kind: 'glob', pattern: '' }] }],
    [{ include: [{ kind: 'glob', pattern: 'a\0' }] }],
    [{ include: [{ kind: 'glob', pattern: '\ud800' }] }],
    [{ include: [{ kind: 'extglob', pattern: 'a' }] }],
    [{ exclude: [{ kind: 'glob', pattern: 'x'.repeat(1001) }] }],
    [{ exclude: Array.from({ length: 101 }, () => jpg) }],
  ])('%j is refused', async (change) => {
    const answer = await settings('PATCH', await addDataset(), change)
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid'])
  })
})

describe('a preview', () => {
  test('of keys tells which are kept out and by which rule, also by none of those that take', async () => {
    const keys = ['a.jpg', 'tmp/a.jpg', 'x/tmp/b.jpg', '123', 'a.png', ' a.jpg ', '😀.jpg']
    const { body } = await preview({ include: [jpg], exclude: [tmp, numbers], keys }, await addDataset(['item.jpg']))
    expect(body).toEqual({
      looked: 7,
      total: 7,
      isComplete: true,
      keptOut: 5,
      byRule: [
        { rule: tmp, count: 2 },
        { rule: null, count: 2 },
        { rule: numbers, count: 1 },
      ],
      samples: [
        { path: 'tmp/a.jpg', rule: tmp },
        { path: 'x/tmp/b.jpg', rule: tmp },
        { path: '123', rule: numbers },
        { path: 'a.png', rule: null },
        { path: ' a.jpg ', rule: null },
      ],
    })
  })

  test('of a dataset looks at its items, those that are kept out now too, but not at missing ones', async () => {
    const dataset = await addDataset([
      'a.jpg',
      'tmp/a.jpg',
      { key: 'tmp/out.jpg', state: 2 },
      { key: 'tmp/gone.jpg', state: 1 },
      'tmp/.hidden',
    ])
    const { body } = await preview({ exclude: [tmp] }, dataset)
    expect(body).toMatchObject({ looked: 4, total: 4, isComplete: true, keptOut: 3, byRule: [{ rule: tmp, count: 3 }] })
    expect((await preview({}, dataset)).body).toMatchObject({ looked: 4, keptOut: 0, byRule: [], samples: [] })
    expect((await preview({ include: [tmp] }, await addDataset())).body).toMatchObject({
      looked: 0,
      total: 0,
      isComplete: true,
    })
  })

  test('refuses patterns that cannot be used, and changes nothing', async () => {
    const dataset = await addDataset()
    expect((await preview({ include: [{ kind: 'glob', pattern: '[' }] }, dataset)).body.code).toBe('patterns.invalid')
    await preview({ include: [jpg] }, dataset)
    expect((await settings('GET', dataset)).body).toEqual(nothing)
  })

  test('of very many items looks at some, spread over all of them', async () => {
    const dataset = await addDataset(['a/1', 'b/1'])
    // 60,000 items were made at one time and 90,000 much later, as by two syncs.
    await api.deps.db.query(
      `insert into item (item_no, size_bytes, ticket, dataset_no, dir_no, type_no, name, etag)
       select ((1770000000000 + n + case when n > 60000 then 10000000 else 0 end) << 21), 1, 1, $1, case when n > 60000 then 3 else 2 end, 1,
              'item ' || n, ''
         from generate_series(1, 150000) n`,
      [dataset.datasetNo],
    )
    await api.deps.db.query('update dir set deep_items = 150002 where dataset_no = $1 and dir_no = 1', [
      dataset.datasetNo,
    ])
    const rule = { kind: 'glob', pattern: 'b/' }
    const { body } = await preview({ exclude: [rule] }, dataset)
    expect(body).toMatchObject({ total: 150_002, isComplete: false, byRule: [{ rule }] })
    expect(body.looked).toBeGreaterThan(50_000)
    expect(body.looked).toBeLessThanOrEqual(100_000)
    expect(body.keptOut / body.looked).toBeCloseTo(0.6, 1)
    expect(body.samples).toHaveLength(100)
  })
})

describe('a dataset that is synced by the clock', () => {
  beforeEach(async () => {
    await api.deps.db.query(`update sync_run set state = 'success'`)
    await api.deps.db.query(`update dataset set options = '{}'`)
  })

  /** A dataset with a rescan every hour. */
  async function addScheduled(mode = 'sync', actor: Actor = api.owner): Promise<SeededDataset> {
    const dataset = await addDataset()
    expect((await settings('PATCH', dataset, { rescan: { everyMinutes: 60, mode } }, actor)).status).toBe(200)
    return dataset
  }

  /** A sync of the dataset that was started so many minutes ago. */
  async function addRun({ datasetNo }: SeededDataset, state: string, minutesAgo: number): Promise<void> {
    await api.deps.db.query(
      `with made as (insert into command (id, type, status, creator_id) values ($1, 'datasetSync', 'created', $2) returning id)
       insert into sync_run (command_id, dataset_no, driver_epoch, mode, state, ticket, creator_id, created_at)
       select id, $3, 1, 'load', $4, 1, $2, now() - make_interval(mins => $5) from made`,
      [newId(Date.now()), api.owner.userId, datasetNo, state, minutesAgo],
    )
  }

  async function runsOf({ datasetNo }: SeededDataset): Promise<{ state: string; creator: string }[]> {
    const { rows } = await api.deps.db.query<{ state: string; creator: string }>(
      `select r.state, u.email as creator from sync_run r join user_account u on u.id = r.creator_id where dataset_no = $1 order by run_no`,
      [datasetNo],
    )
    return rows
  }

  test('is synced when its interval has passed since the last sync began, in the name of who set it', async () => {
    const engineer = await api.addUser('engineer@example.com', 'member')
    await api.join(projectId, engineer, 'engineer')
    const dataset = await addScheduled('sync', engineer)
    await addRun(dataset, 'success', 59)
    expect(await startDueRescans(api.deps)).toBe(0)
    await api.deps.db.query(
      `update sync_run set created_at = created_at - interval '8 minutes' where dataset_no = $1`,
      [dataset.datasetNo],
    )
    expect(await startDueRescans(api.deps)).toBe(1)
    expect(await runsOf(dataset)).toEqual([
      { state: 'success', creator: 'owner@example.com' },
      { state: 'queued', creator: 'engineer@example.com' },
    ])
    expect(await startDueRescans(api.deps)).toBe(0)
  })

  test('is synced in an owner’s name when who set it has left the project', async () => {
    const leaver = await api.addUser('leaver@example.com', 'member')
    await api.join(projectId, leaver, 'engineer')
    const dataset = await addScheduled('sync', leaver)
    await addRun(dataset, 'failed', 120)
    await api.call(api.owner, 'DELETE', `/api/v1/projects/${projectId}/members/${leaver.email}`)
    expect(await startDueRescans(api.deps)).toBe(1)
    expect((await runsOf(dataset)).at(-1)).toEqual({ state: 'queued', creator: 'owner@example.com' })
  })

  test('waits its interval from its own making when it was never synced', async () => {
    const dataset = await addScheduled()
    expect(await startDueRescans(api.deps)).toBe(0)
    await api.deps.db.query(
      `update dataset set created_at = created_at - interval '70 minutes' where dataset_no = $1`,
      [dataset.datasetNo],
    )
    expect(await startDueRescans(api.deps)).toBe(1)
    expect(await runsOf(dataset)).toHaveLength(1)
  })

  test.each(['queued', 'running', 'paused', 'parked'])('is left alone while a sync of it is %s', async (state) => {
    const dataset = await addScheduled()
    await addRun(dataset, state, 500)
    expect(await startDueRescans(api.deps)).toBe(0)
    await api.deps.db.query(`update sync_run set state = 'canceled' where dataset_no = $1`, [dataset.datasetNo])
    expect(await startDueRescans(api.deps)).toBe(1)
  })

  test('is left alone while it cannot be synced, and when the rescan is taken back', async () => {
    const [readonly, clone, disconnected, stopped] = [
      await addScheduled(),
      await addScheduled(),
      await addScheduled(),
      await addScheduled(),
    ]
    for (const each of [readonly, clone, disconnected, stopped]) await addRun(each, 'success', 500)
    const change = (sql: string, dataset: SeededDataset) =>
      api.deps.db.query(`update dataset set ${sql} where dataset_no = $1`, [dataset.datasetNo])
    await change('is_readonly = true', readonly)
    await change(`kind = 'clone'`, clone)
    await change('driver_id = null', disconnected)
    await settings('PATCH', stopped, { rescan: null })
    expect(await startDueRescans(api.deps)).toBe(0)
  })

  test('is synced once when many processes look at the same time', async () => {
    const datasets = [await addScheduled(), await addScheduled('reconcile'), await addScheduled()]
    for (const each of datasets) await addRun(each, 'success', 500)
    const started = await Promise.all(Array.from({ length: 8 }, () => startDueRescans(api.deps)))
    expect(started.reduce((sum, n) => sum + n, 0)).toBe(3)
    for (const each of datasets) expect((await runsOf(each)).map((run) => run.state)).toEqual(['success', 'queued'])
    const { rows } = await api.deps.db.query(
      `select dataset_no from sync_run where state = 'queued' and options ->> 'reconcile' = 'true'`,
    )
    expect(rows).toEqual([{ dataset_no: datasets[1]!.datasetNo }])
  })

  test('does not fall due at the same moment as others that were synced together with it', async () => {
    const datasets = await Promise.all(Array.from({ length: 12 }, () => addScheduled()))
    for (const each of datasets) await addRun(each, 'success', 62)
    const early = await startDueRescans(api.deps)
    expect(early).toBeGreaterThan(0)
    expect(early).toBeLessThan(12)
    await api.deps.db.query(`update sync_run set created_at = created_at - interval '5 minutes'`)
    expect(await startDueRescans(api.deps)).toBe(12 - early)
  })
})
