import type { Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'

/** Where a dataset has fewer items, no plan is slow. */
const ITEMS_MIN = 2_000
/** A look at a table reads 30,000 rows of it: of a dataset with a smaller share it would meet less than ten, and learn nothing however often it looks. */
const SHARE_MIN = 1 / 3_000
/** The planner may be wrong by this much: how it walks and joins changes with orders of magnitude. */
const FACTOR = 4

/**
 * Keeps the planner from taking a dataset for a handful of rows; for whoever has just written many. A failure is told to the log alone: the work is done.
 *
 * Statistics are by dataset: of one that came after they were made the planner expects a single row, and joins its items with its folders by reading all of
 * one for each of the other. With 60,000 items in 5,001 folders a page took 10 s instead of 0.1 s. Where the new dataset is less than a tenth of the table,
 * PostgreSQL would not look at it again for days. Looking reads 30,000 rows a table, however many there are.
 */
export async function keepEstimates({ db, log }: Pick<Deps, 'db' | 'log'>, datasetNo: number): Promise<void> {
  try {
    const { items, known } = await countItems(db, datasetNo)
    if (items < Math.max(ITEMS_MIN, known * SHARE_MIN)) return
    if (FACTOR * (await plannedItems(db, datasetNo)) >= items) return
    // Whoever else is looking at a table has the same in mind.
    await db.query('analyze (skip_locked) annotation, dir, dir_segment, item')
    log.info({ datasetNo, items }, 'planner told of a dataset')
  } catch (error) {
    log.warn({ datasetNo, err: error }, 'planner could not be told of a dataset')
  }
}

/** Items that a dataset has, and rows that the planner knows of all. */
async function countItems(db: Db, datasetNo: number): Promise<{ items: number; known: number }> {
  const { rows } = await db.query<{ items: number; known: number }>(
    `select deep_items as items, (select reltuples::float8 from pg_class where oid = 'item'::regclass) as known
       from dir where dataset_no = $1 and dir_no = 1`,
    [datasetNo],
  )
  return rows[0] ?? { items: 0, known: 0 }
}

/** Items that the planner expects. Source: https://www.postgresql.org/docs/18/row-estimation-examples.html */
async function plannedItems(db: Db, datasetNo: number): Promise<number> {
  const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    'explain (format json) select 1 from item where dataset_no = $1',
    [datasetNo],
  )
  return rows[0]!['QUERY PLAN'][0].Plan['Plan Rows']
}
