// Proves at every border that a page, a batch or a range can have that exactly what is gone is found absent and exactly what changed is written: folders that
// begin, end or lie across it, markers, names and borders of bytes that are no text.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { MediaTypes } from '#core/catalog/catalog.ts'
import { compareBatch } from '#core/sync/compare/compare.ts'
import { Batch } from '#core/sync/rows/batch.ts'
import { FolderStack, FolderTree } from '#core/sync/rows/folder.ts'
import { withTransaction } from '#db/connect.ts'
import { pageOf } from '#storage/entry-page.ts'
import { type MemoryBucket, memoryBucket } from '#storage/memory/memory.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addBareDataset, ingest, newBucketName } from '../support/ingest.ts'
import { findFolderFaults } from '../support/invariants.ts'
import { inByteOrder } from '../support/sync.ts'

/** In byte order; a folder before, between and behind files, one that is only a part of another's name, an empty part, and bytes above ASCII. */
const FILES = inByteOrder([
  '/lead',
  'a',
  'a!/x',
  'a/1',
  'a/2',
  'a/b/1',
  'a/b/c/1',
  'a/b/c/2',
  'a/c',
  'a0',
  'aé',
  'b//1',
  'b/1',
  'b/s/',
  'é/1',
  'é/2',
  'éa',
  'ｚ/1',
])
/** What a listing also shows and a page may end with. */
const OTHERS: readonly [string, string][] = [
  ['a/', ''],
  ['a\x80', 'no text'],
  ['\xc3', 'no text'],
  ['a/b/\xc3', 'no text'],
  ['é\0', 'no text'],
]
const FIRST_MS = 1_700_000_000_000

let api: TestApi
let types: MediaTypes
let datasetNo: number
let name: string
let bucket: MemoryBucket

beforeAll(async () => {
  api = await withApi()
  types = await MediaTypes.load(api.deps.db)
})
afterAll(() => api.close())
beforeEach(async () => {
  datasetNo = await addBareDataset(api, await api.addProject())
  name = newBucketName()
  bucket = memoryBucket(name)
  for (const file of FILES) put(file)
  for (const [key, text] of OTHERS) {
    const bytes = key.startsWith('é') ? Buffer.from(key) : Buffer.from(key, 'latin1')
    bucket.put(bytes, Buffer.from(text), { modifiedMs: FIRST_MS })
  }
  await ingest(api, { datasetNo, bucket: name, mode: 'load', batchRows: 100, pageMax: 100 })
})

const put = (file: string, text = file) =>
  void bucket.put(Buffer.from(file), Buffer.from(text), { modifiedMs: FIRST_MS })

interface Sizes {
  readonly pageMax: number
  readonly batchRows: number
}

/** Lists again; answers what was not there, how many rows were written, and how many were found as they were. */
async function compare({ pageMax, batchRows }: Sizes) {
  const { runNo } = await ingest(api, {
    datasetNo,
    bucket: name,
    mode: 'compare',
    pageMax,
    batchRows,
    connectionsMax: 1,
  })
  const { rows } = await api.deps.db.query<{ path: string }>(
    `select d.path || i.name as path from absence a join item i on i.dataset_no = $1 and i.item_no = a.item_no
       join dir d on d.dataset_no = $1 and d.dir_no = i.dir_no where a.run_no = $2`,
    [datasetNo, runNo],
  )
  const { rows: runs } = await api.deps.db.query<{ added: number; changed: number; unchanged: number }>(
    'select added, changed, unchanged from sync_run where run_no = $1',
    [runNo],
  )
  return { absent: inByteOrder(rows.map(({ path }) => path)), ...runs[0]! }
}

/** Removes files, lists, puts them back. */
async function expectAbsent(files: readonly string[], sizes: Sizes): Promise<void> {
  for (const file of files) bucket.delete(Buffer.from(file))
  const unchanged = FILES.length - files.length
  expect(await compare(sizes), JSON.stringify({ files, ...sizes })).toEqual({
    absent: files,
    added: 0,
    changed: 0,
    unchanged,
  })
  for (const file of files) put(file)
}

const SIZES: readonly Sizes[] = [
  { pageMax: 1, batchRows: 1 },
  { pageMax: 2, batchRows: 1 },
  { pageMax: 3, batchRows: 1 },
  { pageMax: 2, batchRows: 5 },
  { pageMax: 100, batchRows: 100 },
]

test.each(SIZES)(
  'pages of $pageMax, batches of $batchRows: every file that goes is absent, and no other',
  async (sizes) => {
    await expectAbsent([], sizes)
    for (const file of FILES) await expectAbsent([file], sizes)
  },
  60_000,
)

test.each(SIZES)(
  'pages of $pageMax, batches of $batchRows: every folder that goes is absent, and no other',
  async (sizes) => {
    for (const folder of ['a!/', 'a/', 'a/b/', 'a/b/c/', 'b/', 'b//', 'é/', 'ｚ/'])
      await expectAbsent(
        FILES.filter((file) => file.startsWith(folder)),
        sizes,
      )
    await expectAbsent(FILES.slice(9), sizes)
  },
  60_000,
)

test.each(SIZES)(
  'pages of $pageMax, batches of $batchRows: every file that changes is written, and no other',
  async (sizes) => {
    for (const file of FILES) {
      put(file, 'changed')
      expect(await compare(sizes), file).toEqual({ absent: [], added: 0, changed: 1, unchanged: FILES.length - 1 })
    }
    expect(await findFolderFaults(api.deps.db, datasetNo)).toEqual([])
  },
  60_000,
)

test('ranges that meet at any key, within one batch, whichever of their pages come first', async () => {
  const keys = [...bucket.from(Buffer.alloc(0))].map(({ key }) => key)
  for (const [at, cut] of keys.entries())
    for (const end of [at + 1, at + 3].filter((index) => index < keys.length - 1))
      for (const order of [
        [0, 1, 2],
        [1, 0, 2],
        [1, 2, 0],
      ])
        for (const gone of [null, keys[at]!, keys[at + 1]!, keys[end]!, keys.at(-1)!]) {
          const pages = [keys.slice(0, at + 1), keys.slice(at + 1, end + 1), keys.slice(end + 1)]
          const absent = await absentInBatch(cut, pages, order, gone)
          const isFile = gone !== null && FILES.includes(gone.toString())
          expect(absent, `${cut} ${keys[end]} ${order} without ${gone}`).toEqual(isFile ? [gone.toString()] : [])
        }
}, 60_000)

/** Compares one batch: the first page is of a range up to the cut, the others are of one from there on. */
async function absentInBatch(
  cut: Buffer,
  pages: readonly (readonly Buffer[])[],
  order: readonly number[],
  gone: Buffer | null,
): Promise<string[]> {
  const { rows } = await api.deps.db.query<{ ticket: number }>(`select nextval('ticket') as ticket`)
  const settings = { datasetNo, ticket: rows[0]!.ticket, folderBytes: 0, types, patterns: null }
  const batch = new Batch(1, settings)
  const tree = new FolderTree('.dataloop')
  tree.share(cut.toString(), [])
  const none = Buffer.alloc(0)
  const ranges = [
    { no: 1, from: none, to: cut, cursor: none, isDone: false, keys: 0 },
    { no: 2, from: cut, to: null, cursor: cut, isDone: false, keys: 0 },
  ]
  const stacks = ranges.map(() => new FolderStack(tree))
  for (const place of order) {
    const at = place === 0 ? 0 : 1
    const objects = pages[place]!.filter((key) => gone === null || !key.equals(gone)).map((key) => bucket.get(key)!)
    const page = pageOf(objects, { prefixes: [], token: place === 2 ? undefined : 'more' })
    const cursor = place === 0 ? cut : pages[place]!.at(-1)!
    batch.takePage(ranges[at]!, page, { cursor, isDone: place !== 1 }, stacks[at]!)
    ranges[at]!.cursor = cursor
  }
  const found = await withTransaction(api.deps.db, (client) =>
    compareBatch(client, { ...settings, isForced: false }, batch),
  )
  expect([found.added.length, found.changed.length, found.disputed.length]).toEqual([0, 0, 0])
  const itemNos = [...found.absent.pieces(1000)].flatMap((piece) => piece.itemNos)
  const { rows: absent } = await api.deps.db.query<{ path: string }>(
    `select d.path || i.name as path from item i join dir d using (dataset_no, dir_no)
      where i.dataset_no = $1 and (i.item_no = any($2::bigint[]) or i.dir_no = any($3::int[]))`,
    [datasetNo, itemNos, found.absentFolders],
  )
  batch.rows.release()
  return absent.map(({ path }) => path)
}
