// Proves that an export of what changed holds exactly that: whatever is done to items and annotations between two exports, the earlier one with the changes applied
// is the later one; across parts, versions and queries, and that it says so where there is nothing to compare with.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { continueExport, sweepExports } from '#core/exports/exports.ts'
import { sweepObjects } from '#core/objects/objects.ts'
import type { Queue } from '#queue/queue.ts'
import { type Sent, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

const queued: string[] = []
const queue: Queue = {
  enqueue: async (_tx, job, payload) => {
    if (job === 'export.slice') queued.push((payload as { commandId: string }).commandId)
  },
}
let api: TestApi
let projectId: string

beforeAll(async () => {
  api = await withApi({ queue })
  projectId = await api.addProject()
})
afterAll(() => api?.close())

const call = (method: string, path: string, sent?: Sent) => api.call(api.owner, method, `/api/v1${path}`, sent)

/** Items in the platform's own store, which may be renamed. */
async function seed(keys: readonly string[]): Promise<SeededDataset> {
  const dataset = await seedDataset(api.database.pool, [...keys], { projectId })
  await api.database.pool.query(`update item set object_key = 'of/' || item_no where dataset_no = $1`, [
    dataset.datasetNo,
  ])
  return dataset
}

interface Row {
  readonly id: string
  readonly filename?: string
  readonly deleted?: true
  readonly annotations?: { label: string }[]
  readonly metadata?: { user?: unknown }
}

interface Done {
  readonly rows: Row[]
  readonly result: {
    mode: string
    fromVersion: number | null
    toVersion: number
    totalRecords: number
    manifestUrl: string | null
  }
}

async function parts(of: SeededDataset, json: Record<string, unknown>): Promise<Done> {
  const answer = await call('POST', `/datasets/${of.datasetId}/export/v3`, { json })
  expect(answer.status, answer.text).toBe(200)
  for (let id = queued.shift(); id !== undefined; id = queued.shift())
    await continueExport(api.deps, id, AbortSignal.timeout(60_000))
  const { body: command } = await call('GET', `/commands/${answer.body.id}`)
  expect(command, JSON.stringify(command)).toMatchObject({ status: 'success' })
  const result = command.spec.exportResult
  const rows: Row[] = []
  if (result.manifestUrl !== null) {
    const { body: manifest } = await call('GET', result.manifestUrl.split('/api/v1')[1])
    expect(manifest.version).toEqual({ fromVersion: result.fromVersion, toVersion: result.toVersion })
    for (const file of manifest.files) {
      const { text } = await call('GET', file.path.split('/api/v1')[1])
      rows.push(
        ...text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Row),
      )
    }
  }
  expect(rows).toHaveLength(result.totalRecords)
  return { rows, result }
}

const full = (of: SeededDataset, more = {}) => parts(of, { mode: 'full', ...more })
const diff = (of: SeededDataset, fromVersion?: number, more = {}) =>
  parts(of, { mode: 'diff', ...(fromVersion !== undefined && { fromVersion }), ...more })
const names = ({ rows }: Done) => rows.map(({ filename, deleted, id }) => (deleted ? `gone ${id}` : filename)).sort()
const annotate = (itemId: string, label: string) =>
  call('POST', `/items/${itemId}/annotations`, { json: [{ type: 'class', label }] })

test('gives what was added, changed, renamed, annotated and removed since, and a version to go on from', async () => {
  const of = await seed(['a', 'b', 'c', 'd', 'e', 'f'])
  const label = (await annotate(of.idOf('f'), 'old')).body[0].id
  const first = await full(of)
  expect((await diff(of, first.result.toVersion)).result).toMatchObject({
    mode: 'diff',
    fromVersion: first.result.toVersion,
    totalRecords: 0,
  })
  await call('PATCH', `/items/${of.idOf('a')}`, { json: { metadata: { user: { n: 1 } } } })
  await call('PATCH', `/items/${of.idOf('b')}`, { json: { filename: '/moved/b' } })
  await annotate(of.idOf('c'), 'new')
  await call('DELETE', `/items/${of.idOf('d')}`)
  await call('DELETE', `/annotations/${label}`)
  const second = await diff(of, first.result.toVersion)
  expect(names(second)).toEqual(['/a', '/c', '/f', '/moved/b', `gone ${of.idOf('d')}`].sort())
  expect(second.rows.find(({ filename }) => filename === '/c')!.annotations).toMatchObject([{ label: 'new' }])
  expect((await diff(of, second.result.toVersion)).rows).toEqual([])
  expect((await diff(of)).rows).toEqual([])
  expect(names(await diff(of, first.result.toVersion))).toEqual(names(second))
})

test('does not depend on the address that the server was reached by', async () => {
  const of = await seed(['x'])
  const first = await full(of)
  const headers = { host: 'elsewhere.example:99' }
  const answer = await call('POST', `/datasets/${of.datasetId}/export/v3`, {
    json: { mode: 'diff', fromVersion: first.result.toVersion },
    headers,
  } as Sent)
  for (let id = queued.shift(); id !== undefined; id = queued.shift())
    await continueExport(api.deps, id, AbortSignal.timeout(60_000))
  const { body } = await call('GET', `/commands/${answer.body.id}`)
  expect(body.spec.exportResult.totalRecords).toBe(0)
})

describe('of a query', () => {
  const filters = (dir: string) => ({ filters: { itemsQuery: { filter: { $and: [{ dir }] } } } })

  test('tells what left it, and goes on from the last of the same', async () => {
    const of = await seed(['p/a', 'p/b', 'q/c'])
    await full(of, filters('/p'))
    await full(of)
    const moved = await call('PATCH', `/items/${of.idOf('p/a')}`, { json: { filename: '/q/a' } })
    expect(moved.status, moved.text).toBe(200)
    expect(names(await diff(of, undefined, filters('/p')))).toEqual([`gone ${of.idOf('p/a')}`])
  })

  test('against an export of everything, takes for gone only what is gone', async () => {
    const of = await seed(['p/a', 'p/b', 'q/c', 'q/d'])
    const all = await full(of)
    await call('PATCH', `/items/${of.idOf('p/b')}`, { json: { metadata: { user: { n: 1 } } } })
    await call('DELETE', `/items/${of.idOf('q/c')}`)
    const changed = await diff(of, all.result.toVersion, filters('/p'))
    expect(names(changed)).toEqual(['/p/b', `gone ${of.idOf('q/c')}`].sort())
  })
})

test('gives everything and says so where there is nothing to compare with', async () => {
  const of = await seed(['a', 'b'])
  expect((await diff(of)).result).toMatchObject({ mode: 'full', fromVersion: null, totalRecords: 2 })
  expect((await diff(of, 0)).result).toMatchObject({ mode: 'full', fromVersion: null, totalRecords: 2 })
})

test('refuses a version that is not there yet, and one that is no number of one', async () => {
  const of = await seed(['a'])
  const { result } = await full(of)
  for (const [fromVersion, code] of [
    [result.toVersion + 10, 'export.version_unknown'],
    [-1, 'request.invalid'],
    ['two', 'request.invalid'],
  ]) {
    const answer = await call('POST', `/datasets/${of.datasetId}/export/v3`, { json: { mode: 'diff', fromVersion } })
    expect([answer.status, answer.body.code]).toEqual([400, code])
  }
})

test('compares with an export whose files are not kept any more, but not with one that was forgotten', async () => {
  const of = await seed(['a', 'b'])
  const { result } = await full(of)
  const age = async (days: number) => {
    await api.database.pool.query(
      `update export_task set created_at = now() - make_interval(days => $2) where dataset_no = $1 and version = $3`,
      [of.datasetNo, days, result.toVersion],
    )
    await sweepExports(api.deps)
    await sweepObjects(api.deps, AbortSignal.timeout(30_000), -60_000)
  }
  await age(8)
  expect((await call('GET', result.manifestUrl!.split('/api/v1')[1]!)).status).toBe(404)
  expect((await diff(of, result.toVersion)).result).toMatchObject({ mode: 'diff', totalRecords: 0 })
  await age(91)
  expect((await diff(of, result.toVersion)).result).toMatchObject({ mode: 'full', totalRecords: 2 })
})

test('across many parts', async () => {
  const keys = Array.from({ length: 12_000 }, (_, at) => `n/${String(at).padStart(5, '0')}`)
  const of = await seed(keys)
  const first = await full(of)
  const changed = [0, 4_999, 5_000, 5_001, 9_999, 11_999]
  const removed = [1, 5_002, 10_000]
  for (const at of changed)
    await call('PATCH', `/items/${of.idOf(keys[at!]!)}`, { json: { metadata: { user: { at } } } })
  for (const at of removed) await call('DELETE', `/items/${of.idOf(keys[at]!)}`)
  const second = await diff(of, first.result.toVersion)
  expect(names(second)).toEqual(
    [...changed.map((at) => `/${keys[at]}`), ...removed.map((at) => `gone ${of.idOf(keys[at]!)}`)].sort(),
  )
}, 120_000)

/** What one can do to an item between exports. */
const change = fc.record({
  what: fc.constantFrom('metadata', 'rename', 'annotate', 'forget', 'delete'),
  at: fc.nat({ max: 7 }),
  value: fc.nat({ max: 3 }),
})

test('whatever happens, an export with the later changes applied is the export of now', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 6 }), { minLength: 1, maxLength: 3 }), async (rounds) => {
      const keys = Array.from({ length: 8 }, (_, at) => `k${at}`)
      const of = await seed(keys)
      const known = new Map((await full(of)).rows.map((row) => [row.id, row]))
      for (const round of rounds) {
        for (const { what, at, value } of round) {
          const id = of.idOf(keys[at]!)
          if (what === 'metadata') await call('PATCH', `/items/${id}`, { json: { metadata: { user: { value } } } })
          if (what === 'rename') await call('PATCH', `/items/${id}`, { json: { filename: `/r${value}/k${at}` } })
          if (what === 'annotate') await annotate(id, `l${value}`)
          if (what === 'delete') await call('DELETE', `/items/${id}`)
          if (what === 'forget')
            await call('POST', `/datasets/${of.datasetId}/query`, {
              json: { resource: 'annotations', delete: true, filter: { $and: [{ itemId: id }] } },
            })
        }
        for (const row of (await diff(of)).rows) {
          if (row.deleted) expect(known.delete(row.id)).toBe(true)
          else known.set(row.id, row)
        }
        const now = await full(of)
        expect([...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(now.rows)
      }
    }),
    { numRuns: 12 },
  )
}, 120_000)
