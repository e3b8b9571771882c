import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** A connection that can run SQL: the pool, or one client inside a transaction. */
export interface Db {
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>>
}

/** The pool every process has; `withTransaction` borrows a client from it. */
export type DbPool = pg.Pool

/** A client inside a transaction. */
export type DbClient = pg.PoolClient

// int8 comes back as a number: sizes, counts and tickets stay far below 2^53. Item numbers do not, so SQL gives them out as hex text
// (`itemIdSql`); one that slips through fails loudly here instead of losing its last digits.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} does not fit a number; select it as text`)
  return value
})

/**
 * Opens a pool.
 *
 * `url` is any PostgreSQL address, `postgres://…` or `socket:…`; at most `connectionsMax` connections (10 unless said).
 * Nothing is connected until the first query.
 */
export function createPool(url: string, options: { connectionsMax?: number; applicationName?: string } = {}): DbPool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connectionsMax ?? 10,
    application_name: options.applicationName ?? 'sluice',
    // A page of a big folder compiles slower with JIT than it runs without (measured 0.4–0.7 s outliers at 10 M rows).
    options: '-c jit=off',
  })
  // An idle connection that dies (database restart) must not end the process; the next query opens a new one.
  pool.on('error', () => {})
  // The same for one that is lent out while no query of it runs; the borrower's next query fails and tells.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Runs `work` in one transaction: commits when it resolves, rolls back when it throws. */
export async function withTransaction<T>(pool: DbPool, work: (client: DbClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    try {
      await client.query('rollback')
    } catch (rollbackError) {
      broken = rollbackError as Error
    }
    throw error
  } finally {
    client.release(broken)
  }
}

/** When a transaction is repeated. */
export interface Repeating {
  /** Beginnings of PostgreSQL's codes that are worth it; deadlocks and serialization failures unless said. Source: https://www.postgresql.org/docs/18/errcodes-appendix.html */
  readonly codes?: RegExp
  /** Repetitions at the most; 3 unless said. */
  readonly repeatsMax?: number
  /** Longest rest before the first repetition, in milliseconds; as much longer before each further one. None unless said. */
  readonly restMs?: number
}

/**
 * Runs `work` in one transaction, and again when it met others who write the same rows, so it must do nothing but write. Throws what `work` threw at last.
 */
export async function withRepeats<T>(
  pool: DbPool,
  work: (client: DbClient) => Promise<T>,
  { codes = /^40/, repeatsMax = 3, restMs = 0 }: Repeating = {},
): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await withTransaction(pool, work)
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (repeats === repeatsMax || typeof code !== 'string' || !codes.test(code)) throw error
      if (restMs > 0) await sleep(Math.random() * restMs * (repeats + 1))
    }
  }
}

/** SQL for the public id of an item row with the given alias. */
export function itemIdSql(alias: string): string {
  return `lpad(to_hex(${alias}.dataset_no), 8, '0') || lpad(to_hex(${alias}.item_no), 16, '0')`
}
