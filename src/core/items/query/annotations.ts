import type pg from 'pg'
import type { Deps } from '#core/deps.ts'
import { type DatasetView, viewDataset } from '../dataset-view.ts'
import { annotationOrder } from './annotation-table.ts'
import { bounded, run } from './budget.ts'
import { compileFilter } from './compile.ts'
import type { Compiled } from './compiled.ts'
import { allOf, type Fragment, raw, sql } from './fragment.ts'
import { answerPage, isIdPage, type Page, type Part } from './pages.ts'
import { parseQuery } from './parse.ts'
import { checkSearchable } from './searchable.ts'
import { countRows, type Total } from './total.ts'

/**
 * Answers `POST /datasets/{id}/query` about annotations: a page of rows with the columns that are asked for, SQL of our own about the annotation `a`.
 *
 * Whoever calls makes annotations of them; this part of the core knows their table and not their form. Errors: `query.invalid`, `query.too_slow`.
 */
export async function queryAnnotationRows<Row extends pg.QueryResultRow>(
  deps: Deps,
  datasetNo: number,
  body: Readonly<Record<string, unknown>>,
  columns: string,
): Promise<{ page: Page<Row>; view: DatasetView }> {
  const query = parseQuery({ ...body, resource: 'annotations' })
  const view = await viewDataset(deps.db, datasetNo)
  checkSearchable(query, view.unsearchable)
  const tests = compileFilter(query.filter, 'annotation', view)
  const from = annotationsFrom(datasetNo, tests)
  if (from === null) return { page: await answerPage<Row>([], query, false), view }
  const select = sql`select ${raw(columns)} ${from} ${annotationOrder(query.sort)}`
  const part: Part<Row> = {
    fetch: (offset, limit) => bounded<Row>(deps.db, sql`${select} limit ${limit}::bigint offset ${offset}::bigint`),
    total: (budgetMs) => totalAnnotations(deps, datasetNo, tests, from, budgetMs),
  }
  return { page: await answerPage([part], query, isIdPage(tests, query)), view }
}

/** `from … where …` of the annotations that satisfy all tests; null when none can. */
export function annotationsFrom(datasetNo: number, tests: readonly Compiled[]): Fragment | null {
  const where = allOf(tests.map((test) => test.where))
  if (where === false) return null
  // Annotations of an item that was removed wait for its return; nobody sees them meanwhile.
  const isLive = sql`exists (select 1 from item o where o.dataset_no = a.dataset_no and o.item_no = a.item_no)`
  const base = sql`from annotation a where a.dataset_no = ${datasetNo}::int and ${isLive}`
  return where === true ? base : sql`${base} and ${where}`
}

/** The dataset counts its annotations; any condition has to be counted out. */
async function totalAnnotations(
  deps: Deps,
  datasetNo: number,
  tests: readonly Compiled[],
  from: Fragment,
  budgetMs: number,
): Promise<Total> {
  if (tests.some((test) => test.where !== true)) return await countRows(deps.db, from, budgetMs)
  const [row] = await run<{ count: number }>(
    deps.db,
    sql`select s.annotations as count from dataset s where s.dataset_no = ${datasetNo}::int`,
  )
  return { count: row?.count ?? 0, isEstimate: false }
}
