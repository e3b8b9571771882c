// Proves the quota of data points: who sees and sets it, that it holds exactly under many writers at once, and that deleting gives it back.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { createOrg } from '#core/access/access.ts'
import {
  auditDataPoints,
  freeDataPoints,
  QuotaExceeded,
  releaseDataPoints,
  repairDataPoints,
  reserveDataPoints,
} from '#core/quota/quota.ts'
import { createPool, type DbPool, withTransaction } from '#db/connect.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'
import { withDatabase } from '../support/database.ts'

let api: TestApi
let pool: DbPool
beforeAll(async () => {
  api = await withApi()
  // Writers wait for one another on the row of their organization: what they have to get past are connections, not one process's pool.
  pool = createPool(api.database.url, { connectionsMax: 24 })
})
afterAll(async () => {
  await pool.end()
  await api.close()
})

async function newOrg(max: number | null): Promise<string> {
  const { deps, owner } = api
  return await createOrg(deps.db, { name: 'Quota', creatorId: owner.userId, nowMs: 0, dataPointsMax: max })
}

const reserve = (orgId: string, n: number) => withTransaction(pool, (tx) => reserveDataPoints(tx, orgId, n))
const release = (orgId: string, n: number) => withTransaction(pool, (tx) => releaseDataPoints(tx, orgId, n))
const addressOf = (orgId = api.orgId) => `/api/v1/orgs/${orgId}/dataPoints`

async function usedOf(orgId: string): Promise<number> {
  const { rows } = await pool.query<{ used: number }>('select used from data_points where org_id = $1', [orgId])
  return rows[0]!.used
}

/** Items of the API's own organization, counted as the API counts them. */
async function seedCounted(keys: readonly string[]): Promise<SeededDataset> {
  const seeded = await seedDataset(api.deps.db, keys, { projectId: await api.addProject() })
  await reserve(api.orgId, keys.length)
  return seeded
}

describe('reserving', () => {
  test('99 free and 100 needed: refused with both numbers, and nothing is reserved', async () => {
    const orgId = await newOrg(100)
    await reserve(orgId, 1)
    const refused = await reserve(orgId, 100).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(QuotaExceeded)
    expect(refused).toMatchObject({ code: 'quota.exceeded', needed: 100, free: 99, details: { needed: 100, free: 99 } })
    expect((refused as Error).message).toContain('quota')
    expect((refused as Error).message).toContain('100 data points are needed and 99 are free')
    expect(await freeDataPoints(pool, orgId)).toBe(99)
    await reserve(orgId, 99)
    expect(await freeDataPoints(pool, orgId)).toBe(0)
  })

  test('what a transaction reserved is free again when it does not commit', async () => {
    const orgId = await newOrg(10)
    const failure = withTransaction(pool, async (tx) => {
      await reserveDataPoints(tx, orgId, 10)
      throw new Error('the rows could not be written')
    })
    await expect(failure).rejects.toThrow('could not be written')
    expect(await freeDataPoints(pool, orgId)).toBe(10)
  })

  test('an organization without a limit is counted too, also one that had no row', async () => {
    const orgId = await newOrg(null)
    await pool.query('delete from data_points where org_id = $1', [orgId])
    await Promise.all(Array.from({ length: 20 }, () => reserve(orgId, 5)))
    expect([await freeDataPoints(pool, orgId), await usedOf(orgId)]).toEqual([null, 100])
  })

  test('more is never given back than was used', async () => {
    const orgId = await newOrg(10)
    await reserve(orgId, 3)
    await release(orgId, 5)
    expect(await freeDataPoints(pool, orgId)).toBe(10)
  })
})

describe('200 writers at once, ten data points below the limit', () => {
  test('never use more than the limit and never lose count, in 4,000 tries over 20 rounds', async () => {
    const rounds = 20
    let reservations = 0
    for (let round = 0; round < rounds; round++) {
      const limit = 1000 + round
      const orgId = await newOrg(limit)
      await reserve(orgId, limit - 10)
      const sizes = Array.from({ length: 200 }, (_, n) => 1 + ((n * 7 + round) % 4))
      const outcomes = await Promise.all(
        sizes.map(async (size, n) => {
          // A third of them give back what they got, as writers do whose rows are dropped; some fail after reserving.
          const kept = await withTransaction(pool, async (tx) => {
            await reserveDataPoints(tx, orgId, size)
            if (n % 7 === 0) throw new Error('the commit failed')
            return size
          }).catch((error: unknown) => {
            if (error instanceof QuotaExceeded) expect(error.free).toBeLessThan(size)
            return 0
          })
          expect(await usedOf(orgId)).toBeLessThanOrEqual(limit)
          if (kept === 0 || n % 3 !== 0) return kept
          await release(orgId, kept)
          return 0
        }),
      )
      reservations += outcomes.length
      expect(await usedOf(orgId)).toBe(limit - 10 + outcomes.reduce((sum, kept) => sum + kept, 0))
    }
    expect(reservations).toBeGreaterThanOrEqual(4000)
  })
})

describe('the API', () => {
  let admin: Actor
  beforeAll(async () => {
    admin = await api.addUser('quota-admin@example.com', 'admin')
  })

  test('tells what is used, allowed and free, and an owner sets the limit', async () => {
    expect((await api.call(admin, 'GET', addressOf())).body).toEqual({ used: 0, max: null, free: null })
    expect((await api.call(admin, 'PATCH', addressOf(), { json: { max: 5 } })).body.code).toBe('access.forbidden')
    const set = await api.call(api.owner, 'PATCH', addressOf(), { json: { max: 5 } })
    expect(set.body).toEqual({ used: 0, max: 5, free: 5 })
    await expect(reserve(api.orgId, 6)).rejects.toThrow('6 data points are needed and 5 are free')
    await reserve(api.orgId, 4)
    const lowered = await api.call(api.owner, 'PATCH', addressOf(), { json: { max: 2 } })
    expect(lowered.body).toEqual({ used: 4, max: 2, free: 0 })
    await release(api.orgId, 4)
    expect((await api.call(api.owner, 'PATCH', addressOf(), { json: { max: null } })).body.free).toBeNull()
  })

  test.each([[-1], [1.5], ['5'], [undefined]])('refuses %j as a limit', async (max) => {
    const { status, body } = await api.call(api.owner, 'PATCH', addressOf(), { json: { max } })
    expect([status, body.code]).toEqual([400, 'request.invalid'])
  })

  test('a new organization gets the limit of the settings', async () => {
    const limited = await withApi({ config: readConfig({ SLUICE_DATA_POINTS_MAX: '1000' }) })
    try {
      const url = `/api/v1/orgs/${limited.orgId}/dataPoints`
      expect((await limited.call(limited.owner, 'GET', url)).body).toEqual({ used: 0, max: 1000, free: 1000 })
    } finally {
      await limited.close()
    }
  })
})

describe('deleting', () => {
  test('a dataset frees its data points at once, before its rows are removed, and once only', async () => {
    const { datasetId } = await seedCounted(['a/1.jpg', 'a/2.jpg', 'b/.hidden'])
    await seedCounted(['c.jpg'])
    expect(await usedOf(api.orgId)).toBe(4)
    const removals = await Promise.all([1, 2].map(() => api.call(api.owner, 'DELETE', `/api/v1/datasets/${datasetId}`)))
    expect(removals.map((answer) => answer.status)).toContain(200)
    expect(await usedOf(api.orgId)).toBe(1)
    expect(await auditDataPoints(pool)).not.toContainEqual(expect.objectContaining({ orgId: api.orgId }))
  })

  test('a project frees those of all its datasets', async () => {
    const before = await usedOf(api.orgId)
    const { projectId } = await seedCounted(['a', 'b'])
    expect((await api.call(api.owner, 'DELETE', `/api/v1/projects/${projectId}`)).status).toBe(200)
    expect(await usedOf(api.orgId)).toBe(before)
  })

  test('waits for a sync that is committing, and frees what that has added as well', async () => {
    const before = await usedOf(api.orgId)
    const { datasetNo, datasetId } = await seedCounted(['a'])
    const runNo = await addRun(datasetNo)
    const writer = await pool.connect()
    await writer.query('begin')
    await writer.query('update dir set deep_items = deep_items + 7 where dataset_no = $1 and dir_no = 1', [datasetNo])
    await writer.query('update sync_run set listed = listed + 7 where run_no = $1', [runNo])
    const removal = api.call(api.owner, 'DELETE', `/api/v1/datasets/${datasetId}`)
    await someoneWaits()
    await reserveDataPoints(writer, api.orgId, 7)
    await writer.query('commit')
    writer.release()
    expect((await removal).status).toBe(200)
    expect(await usedOf(api.orgId)).toBe(before)
  })
})

async function addRun(datasetNo: number): Promise<number> {
  const { rows } = await pool.query<{ run_no: number }>(
    `with made as (insert into command (id, type, status, creator_id) values ('c' || $1::int, 'datasetSync', 'created', $2) returning id)
     insert into sync_run (command_id, dataset_no, driver_epoch, mode, state, ticket, creator_id)
     select id, $1, 1, 'load', 'running', 1, $2 from made returning run_no`,
    [datasetNo, api.owner.userId],
  )
  return rows[0]!.run_no
}

/** Resolves as soon as a statement waits for another transaction. */
async function someoneWaits(): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (rows.length > 0) return
  }
}

test('the audit finds a counter that is wrong, and the repair sets it right while 200 others add items', async () => {
  const { projectId, datasetNo } = await seedDataset(api.deps.db, ['a', 'b', 'c'])
  const { rows } = await pool.query<{ org_id: string }>('select org_id from project where id = $1', [projectId])
  const orgId = rows[0]!.org_id
  expect(await auditDataPoints(pool)).toContainEqual({ orgId, used: 0, counted: 3 })
  expect(await repairDataPoints(pool)).toContainEqual({ orgId, used: 0, counted: 3 })
  // The counter is wrong again, and there is less left than is asked for.
  await pool.query('update data_points set points_max = 100, used = 50 where org_id = $1', [orgId])
  const repairs: Promise<unknown>[] = []
  const added = await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      if (n % 20 === 10) repairs.push(repairDataPoints(pool))
      return await addItem(orgId, datasetNo, n)
    }),
  )
  await Promise.all(repairs)
  expect(await auditDataPoints(pool)).not.toContainEqual(expect.objectContaining({ orgId }))
  expect(await usedOf(orgId)).toBe(3 + added.filter(Boolean).length)
})

/** Adds an item as a writer does: its row, the counters, and its data point last. Answers whether there was one left. */
function addItem(orgId: string, datasetNo: number, n: number): Promise<boolean> {
  return withTransaction(pool, async (tx) => {
    await tx.query(
      `insert into item (item_no, size_bytes, ticket, dataset_no, dir_no, type_no, name, etag) values ($2::bigint, 1, 1, $1, 1, 1, 'item ' || $2::bigint, '')`,
      [datasetNo, 1000 + n],
    )
    await reserveDataPoints(tx, orgId, 1)
    return true
  }).catch((error: unknown) => {
    if (error instanceof QuotaExceeded) return false
    throw error
  })
}

test('a database that has items already starts with them counted', async () => {
  const { pool: old, drop } = await withDatabase()
  try {
    await old.query('drop table data_points; drop index dataset_rescan')
    const { projectId } = await seedDataset(old, ['a', { key: 'b/gone', state: 1 }, '.hidden'])
    await seedDataset(old, ['c'], { projectId })
    await seedDataset(old, [])
    await old.query(await readFile(new URL('../../src/db/migrations/0006_quota.sql', import.meta.url), 'utf8'))
    const { rows } = await old.query('select used, points_max from data_points order by used')
    expect(rows).toEqual([
      { used: 0, points_max: null },
      { used: 4, points_max: null },
    ])
    expect(await auditDataPoints(old)).toEqual([])
  } finally {
    await drop()
  }
})
