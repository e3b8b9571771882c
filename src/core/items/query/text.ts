import { refuse, type Test } from './condition.ts'
import { anyOf, type Fragment, type Predicate, raw, sql } from './fragment.ts'
import { hasWildcard, parseGlob, toLike } from './glob.ts'
import { isOrdering, many, type OrderOperator, one, textOf } from './values.ts'

/** The order operators in SQL. */
export const orderText: Readonly<Record<OrderOperator, string>> = { $gt: '>', $gte: '>=', $lt: '<', $lte: '<=' }

/**
 * A test of a text that is never null, in byte order (the columns are collate "C").
 *
 * `$eq` and `$match` read `*` as a wildcard that crosses everything; `$in` is literal, which is the way to ask for a name that has a star in it.
 */
export function textTest(column: Fragment, test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  if (test.op === '$in')
    return sql`${column} = any(${many(test)
      .filter((value) => value !== null)
      .map(String)}::text[])`
  const operand = one(test)
  if (operand === null && test.op === '$eq') return false
  const text = textOf(operand, test.place)
  if (isOrdering(test.op)) return sql`${column} ${raw(orderText[test.op])} ${text}::text collate "C"`
  if (test.op !== '$eq' && test.op !== '$match') return refuse(test.place, 'this operator does not fit a text')
  if (!hasWildcard(text)) return sql`${column} = ${text}::text`
  const like = toLike(parseGlob(text, 'flat'))!
  return /^%+$/.test(like) ? true : sql`${column} like ${like}::text`
}

/** The same of a text that may be null: null is what is not there. */
export function optionalTextTest(column: Fragment, test: Test): Predicate {
  const isNull = sql`${column} is null`
  if (test.op === '$exists') return test.value === true ? sql`${column} is not null` : isNull
  if (test.op === '$eq' && test.value === null) return isNull
  const positive = textTest(column, test)
  if (positive === true) return sql`${column} is not null`
  return test.op === '$in' && many(test).includes(null) ? anyOf([positive, isNull]) : positive
}
