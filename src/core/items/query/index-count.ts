import type { Db } from '#db/connect.ts'
import { bounded } from './budget.ts'
import { type Fragment, join, raw, sql } from './fragment.ts'

/** What is read of a node of a plan. Source: https://www.postgresql.org/docs/18/using-explain.html */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Plan Rows': number
  readonly 'Actual Rows'?: number
  readonly Plans?: readonly PlanNode[]
}

/**
 * How many entries the index of documents has for some conditions that must all hold: at least as many as there are items that satisfy them, and as many
 * where the conditions are equalities and the table was vacuumed. Null where the planner has no use for the index, which is so where there is little to read.
 *
 * The index finds all entries before it reads the first row, a few milliseconds per hundred thousand; no statement can return that number, but the
 * analysis of one that stops at the first row tells it. Statistics know nothing about paths in documents: PostgreSQL takes each to be one row in a hundred.
 */
export async function countIndexed(db: Db, datasetNo: number, rare: readonly Fragment[]): Promise<number | null> {
  const rows = sql`select 1 from item i where i.dataset_no = ${datasetNo}::int and ${join(rare, ' and ')}`
  // A limit the planner cannot see: for one row that it can see, it would read the table in the hope to meet one soon.
  const plan = await planOf(db, sql`${rows} limit (select 1)`, 'analyze, timing off, summary off, buffers off')
  const counts = nodesOf(plan).filter((node) => node['Node Type'] === 'Bitmap Index Scan')
  return counts.length === 0 ? null : Math.min(...counts.map((node) => node['Actual Rows']!))
}

/** How many rows the planner expects of a `from … where …`. */
export async function plannedRows(db: Db, from: Fragment): Promise<number> {
  return (await planOf(db, sql`select 1 ${from}`))['Plan Rows']
}

async function planOf(db: Db, statement: Fragment, options?: string): Promise<PlanNode> {
  const explain = raw(`explain (${options === undefined ? '' : `${options}, `}format json)`)
  const rows = await bounded<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(db, sql`${explain} ${statement}`)
  return rows[0]!['QUERY PLAN'][0].Plan
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}
