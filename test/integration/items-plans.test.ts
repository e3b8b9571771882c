// Proves that what people and the SDK do all day is served by indexes at any size: no statement of a folder page, child folders, an item by path, a page by
// id or their totals reads a table from end to end; and that what is rare (missing, changed, excluded) is found through indexes that hold nothing else.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Deps } from '#core/deps.ts'
import { countItems, getItem, getItemByPath, listFolderItems, listFolders, queryItems } from '#core/items/items.ts'
import type { DbPool } from '#db/connect.ts'
import { COUNT_CAP } from '../../src/core/items/query/total.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { SEED_MS, type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let dataset: SeededDataset
const keys = [
  ...Array.from({ length: 15_000 }, (_, index) => `set/cam-${index % 150}/frame_${String(index).padStart(6, '0')}.jpg`),
  ...Array.from({ length: 10_000 }, (_, index) => `flat/obj_${String(index).padStart(6, '0')}.bin`),
  '.hidden/x',
]
/** Every thousandth item is missing, changed or kept out. */
const rare = keys.map((key, index) => {
  if (index % 1000 === 1) return { key, state: 1, missingMs: SEED_MS + index }
  if (index % 1000 === 2) return { key, flags: 8 }
  return index % 1000 === 3 ? { key, state: 2 } : key
})
beforeAll(async () => {
  api = await withApi()
  dataset = await seedDataset(api.database.pool, rare)
  await seedDataset(
    api.database.pool,
    Array.from({ length: 500 }, (_, index) => `other/${index}`),
  )
  await api.database.pool.query('analyze')
})
afterAll(() => api.close())

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

/** Does some work and gives every plan node of the statements it sent that touched the catalog, each run again under EXPLAIN ANALYZE. */
async function plansOf(work: (deps: Deps) => Promise<unknown>): Promise<Plan[]> {
  const sent: { text: string; values: unknown[] }[] = []
  const recording = (target: { query: unknown }): never =>
    new Proxy(target, {
      get(pool, name) {
        if (name === 'query') {
          return (text: string, values: unknown[] = []) => {
            sent.push({ text, values })
            return (pool as DbPool).query(text, values)
          }
        }
        if (name === 'connect') return async () => recording((await (pool as DbPool).connect()) as never)
        const value = Reflect.get(pool, name)
        return typeof value === 'function' ? value.bind(pool) : value
      },
    }) as never
  await work({ ...api.deps, db: recording(api.deps.db) })
  const nodes: Plan[] = []
  for (const { text, values } of sent.filter((each) => /^select[\s\S]*\b(item|dir)\b/.test(each.text))) {
    const { rows } = await api.database.pool.query(`explain (analyze, format json) ${text}`, values)
    const visit = (plan: Plan): void => {
      nodes.push(plan)
      plan.Plans?.forEach(visit)
    }
    visit(rows[0]['QUERY PLAN'][0].Plan)
  }
  expect(nodes.length).toBeGreaterThan(0)
  return nodes
}

const byQuery =
  (filter: unknown, more: Record<string, unknown> = {}) =>
  (deps: Deps) =>
    queryItems(deps, dataset.datasetNo, { filter, ...more }, 'http://x')
const shown = { hidden: false, type: 'file' }
const middle = () => dataset.idOf('flat/obj_005000.bin')

const cases: [string, (deps: Deps) => Promise<unknown>][] = [
  ['a page of a flat folder', (deps) => page(deps, '/flat', 'obj_007000.bin')],
  ['a page of a small folder', (deps) => page(deps, '/set/cam-77')],
  ['child folders', (deps) => listFolders(deps, dataset.datasetNo, { dir: '/set', limit: 100, withHidden: false })],
  ['an item by path', (deps) => getItemByPath(deps, dataset.datasetNo, '/flat/obj_009999.bin', 'http://x')],
  ['an item by id', (deps) => getItem(deps, middle(), 'http://x')],
  ['the SDK’s first page', byQuery(shown, { sort: { id: 'ascending' }, pageSize: 100 })],
  [
    'the SDK’s next page by id',
    (deps) => byQuery({ $and: [shown, { id: { $gt: middle() } }] }, { sort: { id: 'ascending' }, pageSize: 100 })(deps),
  ],
  [
    'the SDK’s page backwards',
    (deps) =>
      byQuery(
        { $and: [shown, { id: { $lt: middle() } }] },
        { sort: { createdAt: 'descending', id: 'descending' }, pageSize: 100 },
      )(deps),
  ],
  [
    'the SDK’s item by path',
    byQuery({ type: 'file', filename: '/flat/obj_000100.bin' }, { sort: { id: 'ascending' } }),
  ],
  ['a folder by path', byQuery({ type: 'dir', filename: '/set/cam-3' })],
  ['one folder by query', byQuery({ ...shown, dir: '/set/cam-3' }, { sort: { id: 'ascending' } })],
  [
    'a few folders by query',
    byQuery(
      { $or: [{ dir: '/set/cam-3' }, { dir: '/set/cam-3*' }], $and: [shown] },
      { sort: { id: 'ascending' }, pageSize: 10 },
    ),
  ],
  ['one folder by name', byQuery({ ...shown, dir: '/flat' }, { sort: { name: 'ascending' }, pageSize: 100 })],
  ['an item by $in', (deps) => byQuery({ id: { $in: [middle()] } })(deps)],
]
const page = (deps: Deps, dir: string, after?: string) =>
  listFolderItems(
    deps,
    dataset.datasetNo,
    {
      dir,
      limit: 100,
      withHidden: false,
      after: after === undefined ? undefined : Buffer.from(after).toString('base64url'),
    },
    'http://x',
  )

const byMark: [string, string, Record<string, unknown>][] = [
  ['state missing', 'item_missing', { 'metadata.system.storage.state': 'missing' }],
  ['missingSince', 'item_missing', { 'metadata.system.storage.missingSince': { $gte: '2026-01-01T00:00:01Z' } }],
  ['changedInStorage', 'item_changed', { 'metadata.system.storage.changedInStorage': true }],
  ['state excluded', 'item_excluded', { 'metadata.system.storage.state': 'excluded' }],
]
test.each(byMark)(
  'what has %s is found by its own index, as pages, in a folder and as a total',
  async (_name, index, mark) => {
    const pages = { sort: { id: 'ascending' }, pageSize: 5 }
    for (const filter of [
      mark,
      { ...shown, ...mark },
      { $and: [shown, mark, { id: { $gt: middle() } }] },
      { ...mark, dir: '/flat' },
    ]) {
      for (const more of [pages, { pageSize: 0 }]) {
        const nodes = await plansOf(byQuery(filter, more))
        const asked = JSON.stringify({ filter, more })
        expect(
          nodes.map((node) => node['Index Name']),
          asked,
        ).toContain(index)
        const touched = nodes
          .filter((node) => node['Relation Name'] === 'item')
          .map((node) => (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'])
        expect(Math.max(...touched), asked).toBeLessThan(60)
      }
    }
  },
)

test('counts read the indexes of what is rare, and no item besides', async () => {
  for (const dir of ['/', '/set']) {
    const nodes = await plansOf((deps) => countItems(deps, dataset.datasetNo, dir))
    const indexes = nodes.flatMap((node) => (node['Index Name']?.startsWith('item_') ? [node['Index Name']] : []))
    expect([...new Set(indexes)].sort()).toEqual(['item_changed', 'item_excluded', 'item_hidden', 'item_missing'])
    expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'item')).toEqual([])
  }
})

test.each(cases)('%s', async (name, work) => {
  const nodes = await plansOf(work)
  const scans = nodes.filter((node) => node['Relation Name'] === 'item')
  expect(scans.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
  // Whatever the node is called: not many more rows of items are touched than are shown, and at most so many counted.
  const touched = scans.map(
    (node) => (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
  )
  expect(Math.max(0, ...touched)).toBeLessThan(
    name.includes('page by id') || name.includes('backwards') ? COUNT_CAP + 2 : 2_500,
  )
})
