import { AppError } from '#lib/app-error.ts'
import { PAGE_BUDGET_MS } from './budget.ts'
import type { Compiled } from './compiled.ts'
import type { ParsedQuery } from './parse.ts'
import { COUNT_ALONE_BUDGET_MS, COUNT_BUDGET_MS, type Total } from './total.ts'

/** A page by number, as the SDK pages. */
export interface Page<Row> {
  totalItemsCount: number
  totalPagesCount: number
  hasNextPage: boolean
  items: Row[]
  totalIsEstimate?: true
}

/** One kind of rows of an answer. */
export interface Part<Row> {
  fetch(offset: number, limit: number): Promise<Row[]>
  total(budgetMs: number): Promise<Total>
}

/**
 * Answers a page of parts laid end to end. `hasNextPage` is always exact. The total is exact when the page shows the end, when counters know it, or when
 * counting fits its budget; else it is an estimate and says so. `isIdPage`: the count of what is left must not cost anything.
 */
export async function answerPage<Row>(
  parts: readonly Part<Row>[],
  query: ParsedQuery,
  isIdPage: boolean,
): Promise<Page<Row>> {
  if (query.pageSize === 0) return pageOf([], await totalOf(parts, COUNT_ALONE_BUDGET_MS), false, 1)
  const offset = query.page * query.pageSize
  const rows = await fetchPage(parts, offset, query.pageSize + 1)
  const hasNext = rows.length > query.pageSize
  const isEnd = !hasNext && (rows.length > 0 || offset === 0)
  const total = isEnd
    ? { count: offset + rows.length, isEstimate: false }
    : await totalOf(parts, isIdPage ? 0 : COUNT_BUDGET_MS)
  // An estimate may be lower than what the page itself shows.
  const least = { ...total, count: Math.max(total.count, offset + rows.length) }
  return pageOf(rows.slice(0, query.pageSize), total.isEstimate ? least : total, hasNext, query.pageSize)
}

/** A page of an iteration by id: the count of what is left is of no use to the iterating client. */
export function isIdPage(tests: readonly Compiled[], query: ParsedQuery): boolean {
  return query.page === 0 && query.pageSize > 1 && tests.some((test) => test.isIdBound === true)
}

function pageOf<Row>(items: Row[], total: Total, hasNextPage: boolean, pageSize: number): Page<Row> {
  const page = { totalItemsCount: total.count, totalPagesCount: Math.ceil(total.count / pageSize), hasNextPage, items }
  return total.isEstimate ? { ...page, totalIsEstimate: true } : page
}

async function totalOf<Row>(parts: readonly Part<Row>[], budgetMs: number): Promise<Total> {
  let total: Total = { count: 0, isEstimate: false }
  for (const part of parts) {
    const { count, isEstimate } = await part.total(budgetMs)
    total = { count: total.count + count, isEstimate: total.isEstimate || isEstimate }
  }
  return total
}

/** Takes `limit` rows after the first `offset` of the parts laid end to end. */
async function fetchPage<Row>(parts: readonly Part<Row>[], offset: number, limit: number): Promise<Row[]> {
  const rows: Row[] = []
  let skip = offset
  for (const [index, part] of parts.entries()) {
    const wanted = limit - rows.length
    const found = await part.fetch(skip, wanted)
    rows.push(...found)
    if (found.length === wanted || index === parts.length - 1) break
    // This part has ended. Unless something of it was seen, its length says how much of the next one to skip.
    skip = found.length > 0 || skip === 0 ? 0 : skip - (await exactTotal(part))
  }
  return rows
}

async function exactTotal<Row>(part: Part<Row>): Promise<number> {
  const { count, isEstimate } = await part.total(PAGE_BUDGET_MS)
  if (isEstimate) throw new AppError('query.too_slow')
  return count
}
