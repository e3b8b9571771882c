// Proves that batches that are written at the same time leave exactly the listed keys, with folders and counters that agree, in both modes, and
// that whatever was committed when a batch fails is what the saved ranges say.
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FolderTree } from '#core/sync/folder.ts'
import { Ingest } from '#core/sync/ingest.ts'
import { MediaTypes } from '#core/catalog/catalog.ts'
import { systemClock } from '#lib/clock.ts'
import { noForeground } from '#lib/foreground.ts'
import { createMemoryStorage, memoryBucket } from '#storage/memory/memory.ts'
import { type WalkRange, walk } from '#storage/walk/walk.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { inByteOrder } from '../support/sync.ts'

let api: TestApi
let projectId: string
let types: MediaTypes
let made = 0

beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
  types = await MediaTypes.load(api.deps.db)
})
afterAll(() => api.close())

let datasetNo: number
beforeEach(async () => {
  datasetNo = await addDataset()
})

async function addDataset(): Promise<number> {
  const { body } = await api.call(api.owner, 'POST', '/api/v1/datasets', {
    json: { name: `d${made++}`, projects: [projectId] },
  })
  const { rows } = await api.deps.db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
    body.id,
  ])
  return rows[0]!.no
}

async function addRun(mode: 'load' | 'compare'): Promise<number> {
  const { rows } = await api.deps.db.query<{ run_no: number }>(
    `with c as (insert into command (id, type, status, creator_id) values (md5(random()::text), 'datasetSync', 'in-progress', $3) returning id)
     insert into sync_run (command_id, dataset_no, driver_epoch, mode, state, ticket, fence, creator_id)
     select c.id, $1, 1, $2, 'running', nextval('ticket'), 1, $3 from c returning run_no`,
    [datasetNo, mode, api.owner.userId],
  )
  return rows[0]!.run_no
}

interface Setting {
  readonly keys: readonly string[]
  readonly mode: 'load' | 'compare'
  readonly batchRows: number
  readonly pageMax: number
  readonly connectionsMax?: number
  /** Fails the given COPY, counted from 1. */
  readonly failAt?: number
  readonly ranges?: WalkRange[]
  readonly runNo?: number
}

/** Lists the keys and ingests them, as a slice does. */
async function ingest(setting: Setting): Promise<number> {
  const name = `ingest-${made++}`
  for (const key of setting.keys)
    memoryBucket(name).put(Buffer.from(key), Buffer.from(key), { modifiedMs: 1_700_000_000_000 })
  const storage = createMemoryStorage({ name })
  const runNo = setting.runNo ?? (await addRun(setting.mode))
  const none = Buffer.alloc(0)
  const ranges = setting.ranges ?? [{ no: 1, from: none, to: null, cursor: none, isDone: false, keys: 0 }]
  const clients = await Promise.all([1, 2, 3].map(() => api.deps.db.connect()))
  let copies = 0
  for (const client of clients) {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    // biome-ignore lint/suspicious/noExplicitAny: the one seam at which a test can make a COPY fail.
    client.query = ((...args: any[]) => {
      if (args[0]?.text?.startsWith?.('copy ') && ++copies === setting.failAt) throw new Error('the cable was pulled')
      return query(...args)
    }) as typeof client.query
  }
  const tree = new FolderTree('.dataloop')
  for (const range of ranges)
    for (const key of [range.from, range.cursor, range.to]) if (key?.length) tree.share(key.toString(), [])
  const { rows } = await api.deps.db.query<{ path: string; dir_no: number }>(
    'select path, dir_no from dir where dataset_no = $1',
    [datasetNo],
  )
  const known = new Map(rows.map((row) => [row.path, row.dir_no]))
  for (const folder of tree.shared()) folder.no = known.get(folder.path) ?? 0
  const ticket = Number((await api.deps.db.query<{ n: number }>(`select nextval('ticket') as n`)).rows[0]!.n)
  const sink = new Ingest({
    clients,
    clock: systemClock,
    foreground: noForeground,
    tree,
    target: {
      runNo,
      fence: 1,
      datasetNo,
      sourceNo: 0,
      orgId: api.orgId,
      ticket,
      folder: Buffer.alloc(0),
      mode: setting.mode,
      writes: 'all',
      isForced: false,
    },
    datasetNo,
    ticket,
    patterns: null,
    folderBytes: 0,
    types,
    ranges,
    batchRows: setting.batchRows,
    onStopAsked: () => {},
  })
  try {
    await walk({
      storage: {
        ...storage,
        can: storage.can,
        list: (query) => storage.list({ ...query, entriesMax: setting.pageMax }),
      },
      prefix: '',
      ranges,
      connectionsMax: setting.connectionsMax ?? 6,
      mayListBelow: true,
      signal: new AbortController().signal,
      cost: { requests: 0 },
      onPage: (range, page, reach) => sink.takePage(range, page, reach),
      onRange: (range) => sink.noteRange(range),
    })
    await sink.drain()
  } finally {
    for (const client of clients) client.release(true)
  }
  return runNo
}

/** What the tables hold: paths in order, and every folder whose counters are not those of its rows. */
async function stateOf() {
  const items = await api.deps.db.query<{ path: string }>(
    `select r.path || i.name as path from item i join dir r using (dataset_no, dir_no) where i.dataset_no = $1 order by (r.path || i.name) collate "C"`,
    [datasetNo],
  )
  const wrong = await api.deps.db.query(
    `select r.path, r.items, r.deep_items, r.deep_bytes from dir r where r.dataset_no = $1 and (r.items, r.deep_items, r.deep_bytes) is distinct from (
       (select count(*) from item i where i.dataset_no = $1 and i.dir_no = r.dir_no),
       (select count(*) from item i join dir c using (dataset_no, dir_no) where i.dataset_no = $1 and starts_with(c.path, r.path)),
       (select coalesce(sum(i.size_bytes), 0)::bigint from item i join dir c using (dataset_no, dir_no) where i.dataset_no = $1 and starts_with(c.path, r.path)))`,
    [datasetNo],
  )
  return { paths: items.rows.map((row) => row.path), wrong: wrong.rows }
}

const segment = fc.constantFrom('a', 'b', 'cam-1', 'cam-2', '2024', '', 'é', 'x y')
const key = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.integer({ min: 0, max: 60 }))
  .map(([folders, n]) => `${folders.map((folder) => `${folder}/`).join('')}f${n}`)

describe.each(['load', 'compare'] as const)('%s', (mode) => {
  test('many small batches at once leave exactly the keys, whatever the tree', async () => {
    await fc.assert(
      fc
        .asyncProperty(
          fc.uniqueArray(key, { minLength: 1, maxLength: 300 }),
          fc.integer({ min: 1, max: 30 }),
          fc.integer({ min: 1, max: 9 }),
          async (keys, batchRows, pageMax) => {
            await ingest({ keys, mode, batchRows, pageMax })
            const { paths, wrong } = await stateOf()
            expect(paths).toEqual(inByteOrder(keys))
            expect(wrong).toEqual([])
          },
        )
        .beforeEach(async () => {
          datasetNo = await addDataset()
        }),
      { numRuns: 25 },
    )
  })

  test('a batch that fails leaves what its saved ranges say, and going on from them leaves exactly the keys', async () => {
    const keys = Array.from({ length: 600 }, (_, n) => `d${n % 7}/e${n % 3}/f${n}`)
    for (const failAt of [1, 2, 5, 9, 14]) {
      datasetNo = await addDataset()
      const runNo = await addRun(mode)
      await expect(ingest({ keys, mode, batchRows: 30, pageMax: 8, failAt, runNo })).rejects.toThrow(
        'the cable was pulled',
      )
      const partial = await stateOf()
      expect(partial.wrong).toEqual([])
      const { rows } = await api.deps.db.query<{
        range_no: number
        from_key: Buffer
        to_key: Buffer | null
        cursor: Buffer
        is_done: boolean
      }>('select range_no, from_key, to_key, cursor, is_done from sync_range where run_no = $1', [runNo])
      const taken = (path: string) => {
        const bytes = Buffer.from(path)
        return rows.some((row) => bytes.compare(row.from_key) > 0 && bytes.compare(row.cursor) <= 0)
      }
      expect(partial.paths).toEqual(inByteOrder(keys.filter(taken)))
      const ranges = rows
        .filter((row) => !row.is_done)
        .map((row) => ({
          no: row.range_no,
          from: row.from_key,
          to: row.to_key,
          cursor: row.cursor,
          isDone: false,
          keys: 0,
        }))
      await ingest({ keys, mode, batchRows: 30, pageMax: 8, runNo, ...(rows.length > 0 && { ranges }) })
      const whole = await stateOf()
      expect(whole.paths).toEqual(inByteOrder(keys))
      expect(whole.wrong).toEqual([])
    }
  })
})

test('ids grow with the order of commits and carry one creation time a block', async () => {
  await ingest({ keys: Array.from({ length: 500 }, (_, n) => `k${n}`), mode: 'load', batchRows: 50, pageMax: 10 })
  const { rows } = await api.deps.db.query<{ distinct_ids: number; n: number; first_ms: number }>(
    'select count(distinct item_no)::int as distinct_ids, count(*)::int as n, (min(item_no) >> 21)::bigint as first_ms from item where dataset_no = $1',
    [datasetNo],
  )
  expect(rows[0]).toMatchObject({ distinct_ids: 500, n: 500 })
  expect(Math.abs(rows[0]!.first_ms - Date.now())).toBeLessThan(600_000)
})
