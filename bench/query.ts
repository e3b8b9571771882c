import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Api } from './api.ts'
import { caseResult } from './browse.ts'
import { BrowseTree, type GivenAt, seedTree } from './browse-seed.ts'
import { startDatabase, withPool } from './database.ts'
import { makeBareDataset } from './indexing.ts'
import { percentile } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { mix } from './replay/layouts.ts'
import { type GoalResult, goalOf, progress, type Result } from './report.ts'
import { startSluice } from './server.ts'

/** The SDK's page; the whole of a rare value fits. */
const PAGE = 1_000
/** Goals of issue 4, in milliseconds. */
const FILTER_P95_MS = 200
const COUNT_P95_MS = 100
const warmUps = 3

/** What an item was given: a value that a thousandth of all has, one that a tenth has, one of its own, a list, and one that the last tenth has. */
const givenAt: GivenAt = (index) => {
  const user = {
    label: labelOf(index),
    kind: kindOf(index),
    serial: index,
    tags: [`t${index % 100}`, `t${mix(index, 3) % 100}`],
    ...(index % 1_000_000 >= 900_000 && { late: true }),
  }
  return {
    document: JSON.stringify({ user, system: { tags: { train: index % 2 === 0 } } }),
    annotations: index % 10 === 0 ? 1 : 0,
  }
}
const labelOf = (index: number): string => `label-${mix(index, 1) % 1000}`
const kindOf = (index: number): string => `kind-${mix(index, 2) % 10}`

interface QueryCase {
  readonly name: string
  readonly goal: 'filter' | 'count' | null
  filter(number: number, count: number): unknown
  readonly more?: object
  readonly pageSize: number
}

const shown = { $and: [{ type: 'file' }, { hidden: false }] }
const byId = { sort: { id: 'ascending' } }
const cases: readonly QueryCase[] = [
  {
    name: 'a value that a thousandth has',
    goal: 'filter',
    filter: (n) => ({ 'metadata.user.label': labelOf(n) }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'a value that a tenth has',
    goal: 'filter',
    filter: (n) => ({ 'metadata.user.kind': kindOf(n) }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'a value that half have',
    goal: 'filter',
    filter: (n) => ({ 'metadata.system.tags.train': n % 2 === 0 }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'a value that the last tenth has, and nobody before',
    goal: null,
    filter: () => ({ 'metadata.user.late': true }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'a value of one item',
    goal: 'filter',
    filter: (n, count) => ({ 'metadata.user.serial': mix(n, 9) % count }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'a value that nobody has',
    goal: 'filter',
    filter: (n) => ({ 'metadata.user.label': `none-${n}` }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'an element of a list',
    goal: 'filter',
    filter: (n) => ({ 'metadata.user.tags': `t${n % 100}` }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'one of three values',
    goal: 'filter',
    filter: (n) => ({ 'metadata.user.label': { $in: [labelOf(n), labelOf(n + 1), 'x'] } }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'two values at once',
    goal: 'filter',
    filter: (n) => ({ 'metadata.user.kind': kindOf(n), 'metadata.user.label': labelOf(n) }),
    more: byId,
    pageSize: PAGE,
  },
  {
    name: 'joined: a label of annotations',
    goal: null,
    filter: () => ({}),
    more: { ...byId, join: { filter: { label: 'rare' } } },
    pageSize: PAGE,
  },
  { name: 'count: everything shown', goal: 'count', filter: () => ({}), pageSize: 0 },
  { name: 'count: annotated', goal: 'count', filter: () => ({ annotated: true }), pageSize: 0 },
  { name: 'count: not annotated', goal: 'count', filter: () => ({ annotated: false }), pageSize: 0 },
  {
    name: 'count: a value that a thousandth has',
    goal: null,
    filter: (n) => ({ 'metadata.user.label': labelOf(n) }),
    pageSize: 0,
  },
]

/** Queries through the HTTP API of the real server, one after the other: time from sending the request to having the whole answer. */
export async function benchQuery(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const calls = 10 * (options.rounds ?? 5)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-query-'))
  const database = await startDatabase()
  try {
    const databaseUrl = await database.create('query')
    const sluice = await startSluice({ databaseUrl, dataDir: join(folder, 'data'), connections: options.connections })
    try {
      const dataset = await makeBareDataset(sluice.api, 'query')
      progress(`filling ${n} items with documents`)
      await withPool(databaseUrl, async (pool) => {
        const { datasetNo } = await seedTree(pool, dataset.id, new BrowseTree(n), givenAt)
        await pool.query(
          `insert into annotation (dataset_no, annotation_no, item_no, type, label, creator_id, updater_id)
           select i.dataset_no, i.item_no, i.item_no, 'box', case when i.size_bytes % 100 = 0 then 'rare' else 'common' end, s.creator_id, s.creator_id
             from item i join dataset s on s.dataset_no = i.dataset_no where i.dataset_no = $1 and i.annotations > 0`,
          [datasetNo],
        )
        await pool.query(
          `update dataset s set annotated = c.count, annotations = c.count
             from (select count(*) as count from annotation where dataset_no = $1) c where s.dataset_no = $1`,
          [datasetNo],
        )
        await pool.query('vacuum (analyze) annotation')
      })
      await database.checkpoint()
      const times = cases.map((): number[] => [])
      for (let number = 0; number < calls + warmUps; number++) {
        for (const [index, item] of cases.entries()) {
          const ms = await timeCase(sluice.api, dataset.id, item, number, n)
          if (number >= warmUps) times[index]!.push(ms)
        }
      }
      return {
        bench: 'query',
        n,
        cases: cases.map((item, index) => caseResult(item.name, times[index]!)),
        goals: cases.flatMap((item, index) => goal(item, times[index]!)),
      }
    } finally {
      await sluice.stop()
    }
  } finally {
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function goal(item: QueryCase, times: readonly number[]): GoalResult[] {
  if (item.goal === null) return []
  const atMost = item.goal === 'count' ? COUNT_P95_MS : FILTER_P95_MS
  return [goalOf(`p95 ms: ${item.name}`, Math.round(percentile(times, 0.95)), { atMost })]
}

interface Found {
  readonly totalItemsCount: number
  readonly items: readonly { readonly metadata: { readonly user: { readonly label: string; readonly kind: string } } }[]
}

/** One call with its answer checked; its milliseconds, the check not included. */
async function timeCase(api: Api, datasetId: string, item: QueryCase, number: number, count: number): Promise<number> {
  const filter = { $and: [...shown.$and, item.filter(number, count)] }
  const body = { filter, resource: 'items', page: 0, pageSize: item.pageSize, ...item.more }
  const started = performance.now()
  const text = await api.fetchText('POST', `/datasets/${datasetId}/query`, body)
  const ms = performance.now() - started
  const { totalItemsCount, items } = JSON.parse(text) as Found
  const wanted = item.filter(number, count) as Record<string, unknown>
  for (const { metadata } of items) {
    for (const key of ['label', 'kind'] as const) {
      const value = wanted[`metadata.user.${key}`]
      if (typeof value === 'string' && metadata.user[key] !== value)
        throw new Error(`${item.name}: the answer is wrong`)
    }
  }
  if (totalItemsCount < items.length) throw new Error(`${item.name}: the total is wrong`)
  return ms
}
