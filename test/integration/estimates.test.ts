// Proves that the planner knows how large a dataset is as soon as a sync or a clone has filled it, however little it is beside the rest of the table.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { continueDatasetTask } from '#core/clones/clones.ts'
import { seedDataset } from '../support/catalog.ts'
import { type SyncBench, withSync } from '../support/sync.ts'

const OBJECTS = 3_000
const FOLDERS = 1_000

let bench: SyncBench
let syncedId: string
beforeAll(async () => {
  bench = await withSync()
  const { db } = bench.api.deps
  const others = Array.from({ length: 40_000 }, (_, n) => `${n % 400}/${n}`)
  await seedDataset(db, others, { projectId: bench.projectId })
  // From here on the database looks at nothing by itself: what it is told is all it learns.
  for (const table of ['annotation', 'dir', 'dir_segment', 'item'])
    await db.query(`alter table ${table} set (autovacuum_enabled = false)`)
  await db.query('analyze')
  for (let n = 0; n < OBJECTS; n++) bench.bucket.put(`${n % FOLDERS}/${n}.jpg`, Buffer.from('x'), 'image/jpeg')
  syncedId = await bench.addDataset()
})
afterAll(() => bench.close())

/** Rows that the planner expects of a dataset, as a share of those there are. */
async function expectedShare(datasetId: string, table: 'item' | 'dir', rowCount: number): Promise<number> {
  const { db } = bench.api.deps
  const dataset = await db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [datasetId])
  const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    `explain (format json) select 1 from ${table} where dataset_no = ${dataset.rows[0]!.no}`,
  )
  return rows[0]!['QUERY PLAN'][0].Plan['Plan Rows'] / rowCount
}

async function expectKnown(datasetId: string): Promise<void> {
  for (const [table, rowCount] of [
    ['item', OBJECTS],
    ['dir', FOLDERS],
  ] as const) {
    const share = await expectedShare(datasetId, table, rowCount)
    expect(share, table).toBeGreaterThan(1 / 4)
    expect(share, table).toBeLessThan(4)
  }
}

test('of a dataset that was synced', async () => {
  // Why this is needed at all: without a word the planner takes it for nearly nothing.
  expect(await expectedShare(syncedId, 'item', OBJECTS)).toBeLessThan(1 / 4)
  expect((await bench.sync(syncedId)).body.status).toBe('success')
  await expectKnown(syncedId)
})

test('of a clone', async () => {
  const { api } = bench
  const json = { name: 'copy' }
  const started = await api.call(api.owner, 'POST', `/api/v1/datasets/${syncedId}/clone`, { json })
  expect(started.status, started.text).toBe(200)
  await continueDatasetTask(api.deps, started.body.id, new AbortController().signal)
  const { body: command } = await api.call(api.owner, 'GET', `/api/v1/commands/${started.body.id}`)
  expect(command.status, JSON.stringify(command.error)).toBe('success')
  await expectKnown(command.spec.returnedModelId)
})
