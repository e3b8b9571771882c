// Proves that batches that are written at the same time leave exactly the listed keys, with folders and counters that agree, in both modes, and
// that whatever was committed when a batch fails is what the saved ranges say.
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { memoryBucket } from '#storage/memory/memory.ts'
import type { WalkRange } from '#storage/walk/walk.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addBareDataset, addRun as addRunOf, ingest as ingestBucket, newBucketName } from '../support/ingest.ts'
import { inByteOrder } from '../support/sync.ts'

let api: TestApi
let projectId: string

beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
})
afterAll(() => api.close())

let datasetNo: number
beforeEach(async () => {
  datasetNo = await addDataset()
})

const addDataset = () => addBareDataset(api, projectId)
const addRun = (mode: 'load' | 'compare') => addRunOf(api, datasetNo, mode)

interface Setting {
  readonly keys: readonly string[]
  readonly mode: 'load' | 'compare'
  readonly batchRows: number
  readonly pageMax: number
  readonly connectionsMax?: number
  readonly failAt?: number
  readonly ranges?: WalkRange[]
  readonly runNo?: number
  readonly badKey?: string
  readonly statements?: string[]
  readonly isFirstSlow?: boolean
}

/** Lists the keys and ingests them, as a slice does. */
async function ingest({ keys, ...setting }: Setting): Promise<number> {
  const bucket = newBucketName()
  for (const key of keys)
    memoryBucket(bucket).put(Buffer.from(key), Buffer.from(key), { modifiedMs: 1_700_000_000_000 })
  return (await ingestBucket(api, { ...setting, datasetNo, bucket })).runNo
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

test('nothing of a batch with a page that turns out to be bad is written', async () => {
  const keys = inByteOrder(Array.from({ length: 90 }, (_, n) => `d${n % 3}/f${String(n).padStart(3, '0')}`))
  const runNo = await addRun('load')
  const ranges = rangesAt([keys[29]!, keys[59]!])
  const setting = { keys, mode: 'load', batchRows: 100, pageMax: 10, connectionsMax: 3, runNo, ranges } as const
  await expect(ingest({ ...setting, badKey: keys[65]! })).rejects.toThrow('contradicts itself')
  const { rows } = await api.deps.db.query<{ from_key: Buffer; cursor: Buffer }>(
    'select from_key, cursor from sync_range where run_no = $1',
    [runNo],
  )
  const isTaken = (key: Buffer) => rows.some((row) => key.compare(row.from_key) > 0 && key.compare(row.cursor) <= 0)
  const { paths, wrong } = await stateOf()
  expect(wrong).toEqual([])
  expect(paths).toEqual(keys.filter((key) => isTaken(Buffer.from(key))))
})

/** Ranges that meet at these keys. */
function rangesAt(keys: readonly string[]): WalkRange[] {
  const borders = [Buffer.alloc(0), ...keys.map((key) => Buffer.from(key))]
  return borders.map((from, at) => ({
    no: at + 1,
    from,
    to: borders[at + 1] ?? null,
    cursor: from,
    isDone: false,
    keys: 0,
  }))
}

test('a batch that makes folders is committed before those that have files in them, however slow it is', async () => {
  const keys = ['one/folder/a', 'one/folder/b', 'one/folder/c']
  const ranges = rangesAt(keys.slice(0, 2))
  const statements: string[] = []
  const setting = { keys, mode: 'load', batchRows: 1, pageMax: 1, connectionsMax: 3, ranges } as const
  await ingest({ ...setting, isFirstSlow: true, statements })
  const makers = statements.filter((each) => each.endsWith('insert into dir'))
  const commits = statements.filter((each) => each.endsWith('commit'))
  expect(makers).toHaveLength(1)
  expect(commits).toHaveLength(3)
  expect(commits[0]!.split(' ')[0]).toBe(makers[0]!.split(' ')[0])
  expect(await stateOf()).toEqual({ paths: keys, wrong: [] })
})
