// Proves on a real PostgreSQL that queries at random are answered or refused with their place: never by a failure, never by a statement over its time, never
// with a page that its own total or the database's condition contradicts; and that they read allowed columns only and write nothing, because PostgreSQL itself
// forbids the rest. 200,000 queries, or as many as fit three minutes; QUERY_FUZZ says another number and takes its time, QUERY_FUZZ_SEED which; both are printed.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Deps } from '#core/deps.ts'
import { queryAnnotationRows, queryItems } from '#core/items/items.ts'
import type { DbPool } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'
import { QueryMaker } from '../support/random-query.ts'

const asked = process.env.QUERY_FUZZ === undefined ? null : Number(process.env.QUERY_FUZZ)
const SEED = Number(process.env.QUERY_FUZZ_SEED ?? process.env.SLUICE_TEST_SEED ?? Date.now() % 1_000_000_000)
const QUERIES = asked ?? 200_000
/** Longest, where nobody asked for a number. */
const TIME_MS = 170_000
/** Queries under way at once, and the connections they share. */
const LANES = 6
const CONNECTIONS = 4

let api: TestApi
let dataset: SeededDataset
/** The core on connections that may do nothing but read what queries are about. */
let reader: Deps & { db: DbPool }
let role: string
const labels = ['cat', 'dog', 'box', '5', '😀', 'a']
const keys = Array.from({ length: 600 }, (_, index) => ({
  key: `${['', 'a/', 'a/b/', '.h/', 'x/*/'][index % 5]}f${index}.${['jpg', 'png', 'txt'][index % 3]}`,
  state: index % 50 === 1 ? 1 : 0,
  flags: index % 40 === 2 ? 8 : 0,
  ...(index % 3 > 0 && {
    metadata: {
      user: {
        label: labels[index % 6],
        n: index % 2 === 0 ? index : String(index),
        list: [index % 4, labels[index % 5]],
        o: [{ k: 1 }, { k: 'a' }],
      },
      system: {
        refs: [{ id: 'a', type: 'task', metadata: { status: index % 7 === 0 ? null : 'box' } }],
        tags: { train: true },
      },
      fps: index,
    },
  }),
}))

beforeAll(async () => {
  api = await withApi()
  dataset = await seedDataset(api.database.pool, keys, { projectId: await api.addProject() })
  for (let index = 0; index < 60; index++) {
    const annotations = Array.from({ length: index % 4 }, (_, at) => ({
      type: ['box', 'point'][at % 2],
      label: labels[(index + at) % 6],
      coordinates:
        at % 2 === 0
          ? [
              { x: at, y: 1, z: 0 },
              { x: 2, y: 2, z: 0 },
            ]
          : { x: 1, y: 2, z: 0 },
      attributes: { '1': labels.slice(0, at) },
      metadata: { user: { n: at }, system: { automated: at === 0 } },
    }))
    const at = `/api/v1/items/${dataset.idOf(keys[index]!.key)}/annotations`
    const answer = await api.call(api.owner, 'POST', at, { json: annotations })
    expect(answer.status, answer.text).toBe(200)
  }
  await api.database.pool.query('analyze')
  await makeReader()
})
afterAll(async () => {
  await reader?.db.end()
  await api?.database.pool.query(`drop owned by ${role}; drop role ${role}`)
  await api?.close()
})

/** What a query may read, by table. Whoever adds a column here has seen to it that nobody may mind. */
const readable: Readonly<Record<string, string>> = {
  item: `dataset_no, item_no, dir_no, name, size_bytes, modified_at, updated_at, type_no, state, flags, etag, object_key, object_driver_id, metadata,
    missing_at, creator_id, updater_id, description, annotations, origin_dataset_no, origin_item_no`,
  dir: 'dataset_no, dir_no, parent_no, path, name, is_hidden, is_kept, items, bytes, deep_items, deep_bytes',
  annotation: `dataset_no, annotation_no, item_no, type, label, attributes, coordinates, metadata, source, hash, description, suggestions, creator_id,
    updater_id, created_at, updated_at`,
  media_type: 'type_no, name',
  user_account: 'id, email',
  dataset: 'dataset_no, id, creator_id, created_at, driver_id, annotations, annotated, options',
  driver: 'id, folder, config',
}

async function makeReader(): Promise<void> {
  role = `fuzz_${randomBytes(6).toString('hex')}`
  const grants = Object.entries(readable).map(([table, columns]) => `grant select (${columns}) on ${table} to ${role};`)
  await api.database.pool.query(`create role ${role}; ${grants.join(' ')}`)
  const options = `-c jit=off -c role=${role} -c default_transaction_read_only=on`
  const db = new pg.Pool({ connectionString: api.database.url, max: CONNECTIONS, options })
  reader = { ...api.deps, db }
}

test('who queries can read nothing else and write nothing', async () => {
  await expect(reader.db.query('select password_hash from user_account')).rejects.toThrow(/permission denied/)
  await expect(reader.db.query('select ticket from item')).rejects.toThrow(/permission denied/)
  await expect(reader.db.query("update item set name = 'x'")).rejects.toThrow(/permission denied|read-only/)
})

const limitMs = asked === null ? TIME_MS * 2 : 7_200_000
test(`queries at random (QUERY_FUZZ_SEED=${SEED}) are answered in time or refused with their place`, {
  timeout: limitMs,
}, async () => {
  const ids = keys.slice(0, 20).map(({ key }) => dataset.idOf(key))
  const maker = new QueryMaker(SEED, ids)
  const counts = { made: 0, answered: 0, refused: 0, found: 0 }
  const end = asked === null ? Date.now() + TIME_MS : Number.POSITIVE_INFINITY
  const started = Date.now()
  const lane = async (): Promise<void> => {
    while (counts.made < QUERIES && Date.now() < end) {
      const number = counts.made++
      const body = maker.body()
      try {
        const page = await answer(body)
        counts.answered++
        counts.found += page.items.length
        expect(page.totalItemsCount, JSON.stringify(body)).toBeGreaterThanOrEqual(page.items.length)
        expect(page.totalIsEstimate, JSON.stringify(body)).toBeUndefined()
      } catch (error) {
        // A statement over its time is query.too_slow, and on so few rows none may be.
        if (!(error instanceof AppError) || error.code !== 'query.invalid')
          throw new Error(`query ${number} of seed ${SEED}: ${JSON.stringify(body)}`, { cause: error })
        expect(error.details, JSON.stringify(body)).toMatchObject({ place: expect.any(String) })
        counts.refused++
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  const seconds = Math.round((Date.now() - started) / 1000)
  console.info(`${counts.made} queries of seed ${SEED} in ${seconds} s: ${JSON.stringify(counts)}`)
  if (asked !== null) expect(counts.made).toBe(asked)
  expect(counts.answered).toBeGreaterThan(Math.min(200, counts.made / 4))
  expect(counts.found).toBeGreaterThan(Math.min(200, counts.made / 4))
})

async function answer(body: Record<string, unknown>) {
  return body.resource === 'annotations'
    ? (await queryAnnotationRows(reader, dataset.datasetNo, body, 'a.label')).page
    : await queryItems(reader, dataset.datasetNo, body, 'http://x')
}

test('a query and its exception are all items, and have none in common', { timeout: 60_000 }, async () => {
  const maker = new QueryMaker(SEED + 1, [])
  const all = { $and: [{ type: 'file' }] }
  const count = async (query: Record<string, unknown>): Promise<number> =>
    (await queryItems(api.deps, dataset.datasetNo, { ...query, pageSize: 0 }, 'http://x')).totalItemsCount
  let compared = 0
  const end = Date.now() + 20_000
  while (compared < 500 && Date.now() < end) {
    const { filter, join, resource } = maker.body()
    if (resource === 'annotations') continue
    const query = { filter, ...(join === undefined ? {} : { join }) }
    try {
      const inside = await count({ filter: all, intersect: { query } })
      const outside = await count({ filter: all, except: { query } })
      const neither = await count({ filter: all, intersect: { query }, except: { query } })
      expect([inside + outside, neither], JSON.stringify(query)).toEqual([keys.length, 0])
      expect(await count({ ...query, filter: { $and: [all, filter] } }), JSON.stringify(query)).toBe(inside)
      compared++
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'query.invalid') throw error
    }
  }
  expect(compared).toBeGreaterThan(50)
})
