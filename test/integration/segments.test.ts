// Proves of each thing that can happen to a large folder between two syncs that the second one finds it, though it looks only at the segments that changed.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { isBorder, markMissing } from '#core/catalog/catalog.ts'
import { withTransaction } from '#db/connect.ts'
import { type MemoryBucket, memoryBucket } from '#storage/memory/memory.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addBareDataset, ingest, newBucketName } from '../support/ingest.ts'
import { findFolderFaults, findSegmentFaults } from '../support/invariants.ts'

const FIRST_MS = 1_700_000_000_000
const KEYS = Array.from({ length: 3_000 }, (_, n) => `flat/img_${String(n).padStart(5, '0')}.jpg`)
const nameOf = (key: string) => Buffer.from(key.slice('flat/'.length))
const BORDERS = KEYS.flatMap((key, at) => (isBorder(nameOf(key), 0, nameOf(key).length) ? [at] : []))
/** Two borders that follow each other in the middle, with something between them. */
const MIDDLE = BORDERS.findIndex((at, n) => n > 2 && BORDERS[n + 1]! - at > 3)
const [A, B] = [BORDERS[MIDDLE]!, BORDERS[MIDDLE + 1]!]

let api: TestApi
let datasetNo: number
let name: string
let bucket: MemoryBucket
beforeAll(async () => {
  api = await withApi()
})
afterAll(() => api.close())
beforeEach(async () => {
  datasetNo = await addBareDataset(api, await api.addProject())
  name = newBucketName()
  bucket = memoryBucket(name)
  for (const key of KEYS) put(key)
  await ingest(api, { datasetNo, bucket: name, mode: 'load', batchRows: 1_000, pageMax: 1_000, connectionsMax: 1 })
  await look()
  const { rows } = await api.deps.db.query<{ n: number }>(
    'select count(*) as n from dir_segment where dataset_no = $1',
    [datasetNo],
  )
  // All but those that a page begins or ends in.
  expect(rows[0]!.n).toBeGreaterThan(BORDERS.length - 4)
})

const put = (key: string, text = key) => void bucket.put(Buffer.from(key), Buffer.from(text), { modifiedMs: FIRST_MS })
const remove = (keys: readonly string[]) => {
  for (const key of keys) bucket.delete(Buffer.from(key))
}

/** Lists again; answers which items were not there and what was written. Small pages are compared row by row. */
async function look(pageMax = 1_000, beforeWriting?: () => Promise<void>) {
  const { runNo } = await ingest(api, {
    datasetNo,
    bucket: name,
    mode: 'compare',
    batchRows: 1_000,
    pageMax,
    connectionsMax: 1,
    ...(beforeWriting && { beforeWriting }),
  })
  const { rows } = await api.deps.db.query<{ path: string }>(
    `select d.path || i.name as path from absence a join item i on i.dataset_no = $1 and i.item_no = a.item_no
       join dir d on d.dataset_no = $1 and d.dir_no = i.dir_no where a.run_no = $2 order by 1`,
    [datasetNo, runNo],
  )
  const { rows: runs } = await api.deps.db.query<Record<string, number>>(
    'select added, changed, returned from sync_run where run_no = $1',
    [runNo],
  )
  expect(await findFolderFaults(api.deps.db, datasetNo)).toEqual([])
  expect(await findSegmentFaults(api.deps.db, datasetNo)).toEqual([])
  return { absent: rows.map(({ path }) => path), ...runs[0]! }
}

/** Marks items as missing, as somebody does who has read their keys. */
async function mark(keys: readonly string[]): Promise<void> {
  const { rows } = await api.deps.db.query<{ no: string; ticket: number }>(
    `select i.item_no::text as no, nextval('ticket') as ticket from item i join dir d using (dataset_no, dir_no)
      where i.dataset_no = $1 and d.path || i.name = any($2::text[])`,
    [datasetNo, keys],
  )
  const target = { datasetNo, orgId: api.orgId, ticket: rows[0]!.ticket, nowMs: FIRST_MS }
  const itemNos = rows.map(({ no }) => no)
  await withTransaction(api.deps.db, async (tx) => expect(await markMissing(tx, target, itemNos)).toBe(keys.length))
}

const nothing = { absent: [], added: 0, changed: 0, returned: 0 }

test('a file that is gone is found again and again until somebody marks it', async () => {
  for (const at of [0, A, A + 1, B, B + 1, KEYS.length - 1]) {
    const gone = [KEYS[at]!]
    remove(gone)
    expect(await look()).toEqual({ ...nothing, absent: gone })
    expect(await look()).toEqual({ ...nothing, absent: gone })
    put(gone[0]!)
    expect(await look()).toEqual(nothing)
  }
})

test('a whole segment that is gone is found, with the border it ends at', async () => {
  const gone = KEYS.slice(A + 1, B + 1)
  remove(gone)
  expect(await look()).toEqual({ ...nothing, absent: gone })
  expect(await look()).toEqual({ ...nothing, absent: gone })
})

test('a whole segment that is gone is found also when it was not kept: the one behind it does not speak for it', async () => {
  put(KEYS[A + 1]!, 'another text')
  // Row by row: the segment is forgotten, and not made anew.
  expect(await look(100)).toEqual({ ...nothing, changed: 1 })
  const gone = KEYS.slice(A + 1, B + 1)
  remove(gone)
  expect(await look()).toEqual({ ...nothing, absent: gone })
})

test('a segment is not kept when one of its files was marked between reading and writing it', async () => {
  put(KEYS[A + 1]!, 'another text')
  await look(100)
  let isMarked = false
  await look(1_000, async () => {
    if (isMarked) return
    isMarked = true
    await mark([KEYS[A + 2]!])
  })
  expect(isMarked).toBe(true)
  expect(await look()).toEqual({ ...nothing, returned: 1 })
})

test('the rest of a segment that is gone is found when its border was marked first', async () => {
  const gone = KEYS.slice(A + 1, B + 1)
  remove(gone)
  await mark([KEYS[B]!])
  expect(await look()).toEqual({ ...nothing, absent: gone.slice(0, -1) })
})

test('a marked file that is back is found', async () => {
  for (const at of [A, A + 1]) {
    remove([KEYS[at]!])
    await mark([KEYS[at]!])
    put(KEYS[at]!)
    expect(await look()).toEqual({ ...nothing, returned: 1 })
    expect(await look()).toEqual(nothing)
  }
})

test('what was written row by row is found when it is as before again', async () => {
  for (const key of [KEYS[A]!, KEYS[A + 1]!, KEYS.at(-1)!]) {
    put(key, 'another text')
    expect(await look(100)).toEqual({ ...nothing, changed: 1 })
    put(key)
    expect(await look()).toEqual({ ...nothing, changed: 1 })
  }
})

test('what is new is found before the first border, behind the last one and between, also when it is a border itself', async () => {
  const fresh = ['flat/a', 'flat/zzz', `${KEYS[A]!}.new`]
  for (let n = 0; fresh.length < 4; n++) {
    const border = nameOf(`${KEYS[A + 1]!}.${n}`)
    if (isBorder(border, 0, border.length)) fresh.push(`${KEYS[A + 1]!}.${n}`)
  }
  for (const key of fresh) {
    put(key)
    expect(await look()).toEqual({ ...nothing, added: 1 })
    expect(await look()).toEqual(nothing)
  }
})
