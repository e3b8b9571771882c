// Proves what the core asks of the queue: one waiting job a key, which is put off when it is enqueued again, unless it is to keep its turn.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphileQueue, migrateQueue } from '#queue/graphile-worker.ts'
import { type TestDatabase, withDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await withDatabase()
  await migrateQueue(database.pool)
})
afterAll(() => database.drop())

/** In how many seconds each of the key's waiting jobs is due. */
async function dueIn(key: string): Promise<number[]> {
  const { rows } = await database.pool.query<{ seconds: number }>(
    'select round(extract(epoch from run_at - now()))::int as seconds from graphile_worker.jobs where key = $1',
    [key],
  )
  return rows.map(({ seconds }) => seconds)
}

test('enqueuing again replaces the waiting job of a key, or leaves its turn', async () => {
  const enqueue = (options: { delayMs: number; keepsTurn?: boolean }) =>
    graphileQueue.enqueue(database.pool, 'nothing', {}, { key: 'one', ...options })
  await enqueue({ delayMs: 600_000 })
  await enqueue({ delayMs: 6_000_000 })
  const [first, ...others] = await dueIn('one')
  expect(others).toEqual([])
  expect(first).toBeGreaterThan(5_000)
  await enqueue({ delayMs: 0, keepsTurn: true })
  const [kept] = await dueIn('one')
  expect(kept).toBeGreaterThan(5_000)
})

test('a job that a dead worker holds for hours does not keep its key from being worked on', async () => {
  const enqueue = () => graphileQueue.enqueue(database.pool, 'nothing', {}, { key: 'held', keepsTurn: true })
  await enqueue()
  await database.pool.query(
    `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'the dead', attempts = 1 where key = 'held'`,
  )
  await enqueue()
  const { rows } = await database.pool.query<{ free: number }>(
    `select count(*) as free from graphile_worker.jobs where key = 'held' and locked_at is null`,
  )
  expect(rows[0]!.free).toBe(1)
})
