// Proves that the counters of annotations of items, datasets and data points, the flag `annotated`, what queries find and what an export holds agree with a recount,
// after any sequence of adding, changing, deleting one by one, by filter and with their items, cloning and exporting.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteAnnotations } from '#core/annotations/annotations.ts'
import { continueDatasetTask, DATASET_TASK_JOB } from '#core/clones/clones.ts'
import { continueExport, EXPORT_JOB } from '#core/exports/exports.ts'
import { continueItemTask, continueQueryWork, ITEM_TASK_JOB, QUERY_WORK_JOB } from '#core/items/items.ts'
import { auditDataPoints } from '#core/quota/quota.ts'
import type { Queue } from '#queue/queue.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { findFolderFaults } from '../support/invariants.ts'
import { addDataset, putFile } from '../support/uploads.ts'

const queued: { job: string; id: string }[] = []
const queue: Queue = {
  enqueue: async (_tx, job, payload) => void queued.push({ job, id: (payload as { commandId: string }).commandId }),
}
const workers: Readonly<Record<string, (id: string, signal: AbortSignal) => Promise<unknown>>> = {
  [DATASET_TASK_JOB]: (id, signal) => continueDatasetTask(api.deps, id, signal),
  [EXPORT_JOB]: (id, signal) => continueExport(api.deps, id, signal),
  [ITEM_TASK_JOB]: (id, signal) => continueItemTask(api.deps, id, signal),
  [QUERY_WORK_JOB]: (id, signal) => continueQueryWork(api.deps, id, signal, { deleteAnnotations }),
}
let api: TestApi
let projectId: string

beforeAll(async () => {
  api = await withApi({ queue })
  projectId = await api.addProject()
})
afterAll(() => api?.close())

async function call(method: string, path: string, json?: unknown) {
  const answer = await api.call(api.owner, method, `/api/v1${path}`, json === undefined ? {} : { json })
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300)
  return answer.body
}

async function work(): Promise<void> {
  for (let next = queued.shift(); next !== undefined; next = queued.shift())
    await workers[next.job]?.(next.id, AbortSignal.timeout(30_000))
}

/** Does what becomes a command, and answers what came of it. */
async function done(path: string, json: unknown) {
  const { id } = await call('POST', path, json)
  await work()
  const command = await call('GET', `/commands/${id}`)
  expect(command, JSON.stringify(command)).toMatchObject({ status: 'success' })
  return command.spec
}

interface Shown {
  readonly id: string
  readonly annotationsCount: number
  readonly annotated: boolean
}

async function itemsOf(datasetId: string): Promise<Shown[]> {
  return (
    await call('POST', `/datasets/${datasetId}/query`, { resource: 'items', filter: { $and: [{ type: 'file' }] } })
  ).items
}

/** Every way to count agrees. */
async function check(datasetId: string): Promise<void> {
  const { pool } = api.database
  const { rows } = await pool.query<{ no: number; annotated: number; annotations: number; points: number }>(
    'select dataset_no as no, annotated::int, annotations::int, annotation_points::int as points from dataset where id = $1',
    [datasetId],
  )
  const { no, annotated, annotations, points } = rows[0]!
  const counted = await pool.query<{ no: string; n: number; points: number }>(
    `select item_no::text as no, count(*)::int as n, sum(points)::int as points from annotation where dataset_no = $1 group by 1`,
    [no],
  )
  const sum = (of: (row: { n: number; points: number }) => number) =>
    counted.rows.reduce((all, row) => all + of(row), 0)
  expect([annotated, annotations, points]).toEqual([counted.rows.length, sum(({ n }) => n), sum((row) => row.points)])
  const dataset = await call('GET', `/datasets/${datasetId}`)
  expect([dataset.annotated, dataset.annotationsCount]).toEqual([annotated, annotations])
  const items = await itemsOf(datasetId)
  expect(items.reduce((all, item) => all + item.annotationsCount, 0)).toBe(annotations)
  for (const item of items) {
    expect(item.annotated).toBe(item.annotationsCount > 0)
    expect(await call('GET', `/items/${item.id}/annotations`)).toHaveLength(item.annotationsCount)
  }
  const count = async (query: Record<string, unknown>) =>
    (await call('POST', `/datasets/${datasetId}/query`, { ...query, pageSize: 0 })).totalItemsCount
  expect(await count({ resource: 'annotations', filter: {} })).toBe(annotations)
  expect(await count({ resource: 'items', filter: { $and: [{ annotated: true }, { type: 'file' }] } })).toBe(annotated)
  expect(await findFolderFaults(pool, no)).toEqual([])
}

async function exported(datasetId: string): Promise<number> {
  const { outputItemId } = await done(`/datasets/${datasetId}/export`, {
    exportType: 'json',
    annotations: { include: true },
  })
  const list = (await call('GET', `/items/${outputItemId}/stream`)) as { annotations: unknown[] }[]
  return list.reduce((all, item) => all + item.annotations.length, 0)
}

const step = fc.record({
  kind: fc.constantFrom(
    'add',
    'add',
    'add',
    'change',
    'delete',
    'delete-by-label',
    'delete-of-item',
    'delete-item',
    'clone',
    'clone-item',
    'export',
  ),
  at: fc.nat({ max: 3 }),
  count: fc.integer({ min: 1, max: 3 }),
  label: fc.constantFrom('cat', 'dog'),
})

let made = 0

test('whatever was done', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const first = await addDataset(api, projectId)
      for (const name of ['a', 'b', 'c']) await putFile(api, first, { path: `/${name}.txt`, bytes: name })
      const datasets = [first]
      for (const { kind, at, count, label } of steps) {
        const datasetId = datasets[at % datasets.length]!
        const items = await itemsOf(datasetId)
        const item = items[at % Math.max(1, items.length)]
        if (kind === 'clone') {
          const params = { withItemsAnnotations: count > 1, withMetadata: true }
          const spec = { name: `clone ${made++}`, filter: null, cloneDatasetParams: params }
          datasets.push((await done(`/datasets/${datasetId}/clone`, spec)).returnedModelId)
        }
        if (kind === 'export') {
          const { annotationsCount } = await call('GET', `/datasets/${datasetId}`)
          expect(await exported(datasetId)).toBe(annotationsCount)
        }
        if (item === undefined) continue
        const annotations = (await call('GET', `/items/${item.id}/annotations`)) as { id: string }[]
        const annotation = annotations[at % Math.max(1, annotations.length)]
        if (kind === 'add') {
          const snapshots_ = Array.from({ length: at }, (_, frame) => ({ frame, label }))
          const one = { type: 'class', label, metadata: { system: { snapshots_ } } }
          await call(
            'POST',
            `/items/${item.id}/annotations`,
            Array.from({ length: count }, () => one),
          )
        }
        if (kind === 'change' && annotation !== undefined)
          await call('PUT', `/annotations/${annotation.id}`, {
            label: 'changed',
            metadata: { system: { snapshots_: Array.from({ length: count }, (_, frame) => ({ frame })) } },
          })
        if (kind === 'delete' && annotation !== undefined) await call('DELETE', `/annotations/${annotation.id}`)
        const deleting = { resource: 'annotations', delete: true }
        if (kind === 'delete-by-label')
          await call('POST', `/datasets/${datasetId}/query`, { ...deleting, filter: { $and: [{ label }] } })
        if (kind === 'delete-of-item')
          await call('POST', `/datasets/${datasetId}/query`, { ...deleting, filter: { $and: [{ itemId: item.id }] } })
        if (kind === 'delete-item') await call('DELETE', `/items/${item.id}`)
        if (kind === 'clone-item')
          await done(`/items/${item.id}/clone`, {
            targetDatasetId: first,
            remoteFileName: `/copy/${made++}.txt`,
            allowMany: true,
            cloneDatasetParams: { withItemsAnnotations: true },
          })
        await work()
      }
      for (const datasetId of datasets) {
        await check(datasetId)
        await call('DELETE', `/datasets/${datasetId}`)
      }
      expect(await auditDataPoints(api.database.pool)).toEqual([])
    }),
    { numRuns: 25 },
  )
}, 240_000)
