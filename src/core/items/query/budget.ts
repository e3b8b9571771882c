import type pg from 'pg'
import { type Db, type DbPool, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { type Fragment, toStatement } from './fragment.ts'

/** PostgreSQL's code for a statement that was stopped. Source: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const QUERY_CANCELED = '57014'

/** Longest that a statement may take for which somebody waits, in milliseconds; the SDK gives up after 120 s. */
export const PAGE_BUDGET_MS = 30_000

/** Runs a fragment. */
export async function run<Row extends pg.QueryResultRow>(db: Db, fragment: Fragment): Promise<Row[]> {
  const { text, values } = toStatement(fragment)
  return (await db.query<Row>(text, values)).rows
}

/**
 * Runs a fragment for at most `budgetMs`; null when that was not enough. `in index order`: by an index that has the order which is asked for, because it is
 * known to come to an end soon, which the planner does not know: of what it takes to be rare it reads all and sorts it.
 */
export async function runWithin<Row extends pg.QueryResultRow>(
  pool: DbPool,
  fragment: Fragment,
  budgetMs: number,
  how: 'planned' | 'in index order' = 'planned',
): Promise<Row[] | null> {
  try {
    return await withTransaction(pool, async (client) => {
      const order = how === 'in index order' ? '; set local enable_sort = off' : ''
      await client.query(`set local statement_timeout = ${Math.trunc(budgetMs)}${order}`)
      return await run<Row>(client as Db, fragment)
    })
  } catch (error) {
    if ((error as { code?: string }).code === QUERY_CANCELED) return null
    throw error
  }
}

/**
 * Runs a statement within the budget of a page; throws `query.too_slow`. On a client, which has a transaction of its own and nobody who waits, it takes
 * the time it takes.
 */
export async function bounded<Row extends pg.QueryResultRow>(db: Db | DbPool, statement: Fragment): Promise<Row[]> {
  if (!isPool(db)) return await run<Row>(db, statement)
  const rows = await runWithin<Row>(db, statement, PAGE_BUDGET_MS)
  if (rows === null) throw new AppError('query.too_slow')
  return rows
}

function isPool(db: Db | DbPool): db is DbPool {
  return 'totalCount' in db
}
