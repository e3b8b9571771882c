import { refuse, type Scalar, type Test } from './condition.ts'
import { type Predicate, raw, sql } from './fragment.ts'
import { orderText } from './text.ts'
import { isOrdering, many, numberOf, type OrderOperator, one, timeOf } from './values.ts'

/** A test of a time in milliseconds. */
export function timeTest(column: string, test: Test): Predicate {
  return orderedTest(column, test, timeOf)
}

/** A test of a number. */
export function numberTest(column: string, test: Test): Predicate {
  return orderedTest(column, test, numberOf)
}

/** Equality, membership and order of a numeric column that may be null. */
function orderedTest(column: string, test: Test, read: (value: Scalar, place: string) => number): Predicate {
  const left = raw(column)
  if (test.op === '$exists') return test.value === true ? sql`${left} is not null` : sql`${left} is null`
  if (test.op === '$in') return sql`${left} = any(${many(test).map((value) => read(value, test.place))}::float8[])`
  const value = one(test)
  if (test.op === '$eq' && value === null) return sql`${left} is null`
  if (test.op === '$match') refuse(test.place, 'only a text can be matched')
  const op = isOrdering(test.op) ? orderText[test.op as OrderOperator] : '='
  return sql`${left} ${raw(op)} ${read(value, test.place)}::float8`
}
