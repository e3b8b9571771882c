// Proves that a second listing of a bucket finds exactly what was added, changed and is absent, whatever the tree, pages, batches and order of the keys,
// that the folders' counters and fingerprints then agree with their rows, and that an unchanged bucket costs no row.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { markMissing } from '#core/catalog/catalog.ts'
import { noteUnseen } from '#core/sync/compare/compare-by-name.ts'
import { withTransaction } from '#db/connect.ts'
import { type MemoryBucket, memoryBucket } from '#storage/memory/memory.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addBareDataset, ingest, newBucketName } from '../support/ingest.ts'
import { findFolderFaults, findSegmentFaults } from '../support/invariants.ts'
import { inByteOrder } from '../support/sync.ts'

let api: TestApi
let projectId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
})
afterAll(() => api.close())

const segment = fc.constantFrom('a', 'b', 'ab', 'a.', 'a0', 'cam-1', '', 'é', '\u{ff5e}', '\u{1f600}', 'x y')
const key = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.integer({ min: 0, max: 40 }))
  .map(([folders, n]) => `${folders.map((folder) => `${folder}/`).join('')}f${n}`)

type Fate = 'same' | 'change' | 'touch' | 'remove' | 'late'
const fate = fc.constantFrom<Fate>('same', 'same', 'same', 'change', 'touch', 'remove', 'late')

const FIRST_MS = 1_700_000_000_000
const put = (bucket: MemoryBucket, name: string, text: string, modifiedMs: number) =>
  bucket.put(Buffer.from(name), Buffer.from(text), { modifiedMs })

interface Row {
  readonly path: string
  readonly item_no: string
  readonly bytes: number
  readonly is_changed: boolean
}

async function rowsOf(datasetNo: number): Promise<Row[]> {
  const { rows } = await api.deps.db.query<Row>(
    `select d.path || i.name as path, i.item_no::text, i.size_bytes as bytes, (i.flags & 8) = 8 as is_changed
       from item i join dir d using (dataset_no, dir_no) where i.dataset_no = $1 order by (d.path || i.name) collate "C"`,
    [datasetNo],
  )
  return rows
}

async function absentOf(datasetNo: number, runNo: number): Promise<string[]> {
  const { rows } = await api.deps.db.query<{ path: string }>(
    `select d.path || i.name as path from absence a join item i on i.dataset_no = $1 and i.item_no = a.item_no
       join dir d on d.dataset_no = $1 and d.dir_no = i.dir_no where a.run_no = $2`,
    [datasetNo, runNo],
  )
  return inByteOrder(rows.map((row) => row.path))
}

const fates = fc.uniqueArray(fc.tuple(key, fate), { minLength: 1, maxLength: 250, selector: ([name]) => name })
const sizes = fc.record({
  batchRows: fc.integer({ min: 1, max: 60 }),
  pageMax: fc.integer({ min: 1, max: 12 }),
  connectionsMax: fc.integer({ min: 1, max: 8 }),
  isForced: fc.boolean(),
})

describe.each([
  ['in order', false],
  ['in no order', true],
])('keys %s', (_, isScrambled) => {
  test('what was added, changed and is absent is found exactly, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fates, sizes, async (given, size) => {
        const datasetNo = await addBareDataset(api, projectId)
        const name = newBucketName()
        const bucket = memoryBucket(name)
        for (const [path, what] of given) if (what !== 'late') put(bucket, path, path, FIRST_MS)
        const setting = { ...size, datasetNo, bucket: name, isScrambled }
        await ingest(api, { ...setting, mode: 'load' })
        const before = new Map((await rowsOf(datasetNo)).map((row) => [row.path, row]))
        for (const [path, what] of given) {
          if (what === 'remove') bucket.delete(Buffer.from(path))
          if (what === 'late') put(bucket, path, path, FIRST_MS)
          if (what === 'change') put(bucket, path, `${path} changed`, FIRST_MS + 1)
          if (what === 'touch') put(bucket, path, path, FIRST_MS + 1)
        }
        const { runNo, ticket } = await ingest(api, { ...setting, mode: 'compare' })
        if (isScrambled) await noteUnseen(api.deps.db, { runNo, datasetNo, ticket })
        const of = (...wanted: Fate[]) => given.filter(([, what]) => wanted.includes(what)).map(([path]) => path)
        expect(await absentOf(datasetNo, runNo)).toEqual(inByteOrder(of('remove')))
        const after = await rowsOf(datasetNo)
        expect(after.map((row) => row.path)).toEqual(inByteOrder(given.map(([path]) => path)))
        for (const row of after) {
          const what = given.find(([path]) => path === row.path)![1]
          expect(row.is_changed).toBe(what === 'change')
          expect(row.bytes).toBe(Buffer.byteLength(row.path) + (what === 'change' ? 8 : 0))
          if (what !== 'late') expect(row.item_no).toBe(before.get(row.path)!.item_no)
        }
        expect(await findFolderFaults(api.deps.db, datasetNo)).toEqual([])
        const { rows } = await api.deps.db.query<Record<string, number>>(
          'select added, changed, unchanged from sync_run where run_no = $1',
          [runNo],
        )
        expect(rows[0]).toEqual({
          added: of('late').length,
          changed: of('change', 'touch').length,
          unchanged: of('same').length,
        })
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})

const nameAt = (n: number) => `flat/img_${String(n).padStart(5, '0')}.jpg`
const change = fc.record({
  at: fc.integer({ min: 0, max: 4_000 }),
  length: fc.integer({ min: 1, max: 30 }),
  what: fc.constantFrom('change', 'remove', 'add', 'mark'),
})

test('a large folder is looked at in segments that always agree with its items, whatever happens between syncs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { maxLength: 6 }), { minLength: 2, maxLength: 4 }),
      fc.record({ batchRows: fc.integer({ min: 700, max: 1800 }), pageMax: fc.integer({ min: 700, max: 1000 }) }),
      async (rounds, size) => {
        const datasetNo = await addBareDataset(api, projectId)
        const name = newBucketName()
        const bucket = memoryBucket(name)
        for (let n = 0; n < 4_000; n += 2) put(bucket, nameAt(n), `${n}`, FIRST_MS)
        const setting = { ...size, datasetNo, bucket: name, connectionsMax: 3 }
        await ingest(api, { ...setting, mode: 'load' })
        await ingest(api, { ...setting, mode: 'compare' })
        const { rows } = await api.deps.db.query('select 1 from dir_segment where dataset_no = $1', [datasetNo])
        expect(rows.length).toBeGreaterThan(3)
        let missing = new Set<string>()
        for (const [round, changes] of rounds.entries()) {
          for (const { at, length, what } of changes)
            for (let n = at; n < at + length; n++) {
              const key = Buffer.from(nameAt(n))
              if (what === 'remove') bucket.delete(key)
              if (what === 'add' || (what === 'change' && bucket.get(key)))
                put(bucket, nameAt(n), `${n} ${round}`, FIRST_MS + round)
            }
          const { runNo, ticket } = await ingest(api, { ...setting, mode: 'compare' })
          expect(await findSegmentFaults(api.deps.db, datasetNo)).toEqual([])
          const listed = new Set([...bucket.from(Buffer.alloc(0))].map((object) => object.key.toString()))
          const gone = (await rowsOf(datasetNo))
            .map((row) => row.path)
            .filter((path) => !listed.has(path) && !missing.has(path))
          expect(await absentOf(datasetNo, runNo)).toEqual(inByteOrder(gone))
          // Some of what is absent is marked, as a confirmation would; the rest stays live and must be found again.
          if (changes.some(({ what }) => what === 'mark')) {
            await markAbsent(datasetNo, runNo, ticket)
            missing = new Set([...missing, ...gone])
          }
          for (const path of listed) missing.delete(path)
          expect(await findFolderFaults(api.deps.db, datasetNo)).toEqual([])
          expect(await findSegmentFaults(api.deps.db, datasetNo)).toEqual([])
        }
      },
    ),
    { numRuns: 25 },
  )
}, 240_000)

async function markAbsent(datasetNo: number, runNo: number, ticket: number): Promise<void> {
  const { rows } = await api.deps.db.query<{ item_no: string }>('select item_no::text from absence where run_no = $1', [
    runNo,
  ])
  const target = { datasetNo, orgId: api.orgId, ticket: ticket + 1, nowMs: FIRST_MS }
  await withTransaction(api.deps.db, (tx) =>
    markMissing(
      tx,
      target,
      rows.map((row) => row.item_no),
    ),
  )
}
