// Proves that names around the borders of folders, and names that only bytes tell apart, are compared right wherever pages, batches and ranges begin and end.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryBucket } from '#storage/memory/memory.ts'
import { borderKeys, dotKeys, wildKeys } from '../conformance/key-zoo.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addBareDataset, ingest, newBucketName } from '../support/ingest.ts'
import { findFolderFaults } from '../support/invariants.ts'
import { inByteOrder } from '../support/sync.ts'

let api: TestApi
let projectId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
})
afterAll(() => api.close())

const names = [...borderKeys, ...dotKeys, ...wildKeys.filter((key) => /^(?:order|twins|blank)\//i.test(key))]
/** For each name whether it is there before and after, and changed. */
const fates = fc.array(fc.constantFrom('stays', 'stays', 'stays', 'goes', 'comes', 'changes', 'never'), {
  minLength: names.length,
  maxLength: names.length,
})
const size = fc.record({
  pageMax: fc.integer({ min: 1, max: 7 }),
  batchRows: fc.integer({ min: 1, max: 25 }),
  connectionsMax: fc.integer({ min: 1, max: 8 }),
})

async function rowsOf<Row extends object>(datasetNo: number, columns: string, more = ''): Promise<Row[]> {
  const { rows } = await api.deps.db.query<Row>(
    `select d.path || i.name as path, ${columns} from item i join dir d using (dataset_no, dir_no) ${more} where i.dataset_no = $1`,
    [datasetNo],
  )
  return rows
}

test('what is new, changed, absent and the same', { timeout: 120_000 }, async () => {
  const seen = { runs: 0, keys: names.length, compared: 0 }
  await fc.assert(
    fc.asyncProperty(fates, size, async (given, setting) => {
      const datasetNo = await addBareDataset(api, projectId)
      const name = newBucketName()
      const bucket = memoryBucket(name)
      const of = (...wanted: string[]) => names.filter((_, at) => wanted.includes(given[at]!))
      const put = (key: string, text: string) => bucket.put(Buffer.from(key), Buffer.from(text), { modifiedMs: 1e12 })
      for (const key of of('stays', 'goes', 'changes')) put(key, key)
      await ingest(api, { ...setting, datasetNo, bucket: name, mode: 'load' })
      for (const key of of('goes')) bucket.delete(Buffer.from(key))
      for (const key of of('comes', 'changes')) put(key, `${key}, other`)
      const { runNo } = await ingest(api, { ...setting, datasetNo, bucket: name, mode: 'compare' })
      const absent = await rowsOf<{ path: string }>(
        datasetNo,
        '1',
        `join absence a on a.item_no = i.item_no and a.run_no = ${runNo}`,
      )
      expect(inByteOrder(absent.map(({ path }) => path))).toEqual(inByteOrder(of('goes')))
      const rows = await rowsOf<{ path: string; bytes: number }>(datasetNo, 'i.size_bytes as bytes')
      const wanted = of('stays', 'goes').map((key) => [key, Buffer.byteLength(key)] as const)
      const other = of('comes', 'changes').map((key) => [key, Buffer.byteLength(key) + 7] as const)
      expect(Object.fromEntries(rows.map(({ path, bytes }) => [`=${path}`, bytes]))).toEqual(
        Object.fromEntries([...wanted, ...other].map(([key, bytes]) => [`=${key}`, bytes])),
      )
      const counted = await api.deps.db.query('select added, changed, unchanged from sync_run where run_no = $1', [
        runNo,
      ])
      expect(counted.rows[0]).toEqual({
        added: of('comes').length,
        changed: of('changes').length,
        unchanged: of('stays').length,
      })
      expect(await findFolderFaults(api.deps.db, datasetNo)).toEqual([])
      seen.runs++
      seen.compared += rows.length
    }),
    { numRuns: 60 },
  )
  console.info(`Borders: ${JSON.stringify(seen)}`)
})
