import { type Predicate, sql } from './fragment.ts'
import { hasWildcard, parseGlob, toRegex } from './glob.ts'
import { refuse, type Scalar, type Test } from './parse.ts'
import { orderText } from './text.ts'
import { isOrdering, many, one } from './values.ts'

/**
 * A test of a place in an item's JSON document (`metadata` without what is assembled from columns).
 *
 * By SQL/JSON path in its lax mode, which reaches through arrays as the DSL wants: a scalar against an array means «contains», a path through an array of
 * objects means «in any of them». The path and the values are parameters; keys are quoted in the path as JSON strings.
 * Null means missing or null; a list means exactly this array.
 * Source: https://www.postgresql.org/docs/18/functions-json.html#FUNCTIONS-SQLJSON-PATH
 */
export function documentTest(keys: readonly string[], test: Test): Predicate {
  const path = `$${keys.map((key) => `.${JSON.stringify(key)}`).join('')}`
  const value = sql`i.metadata #> ${keys}::text[]`
  if (test.op === '$exists') {
    const exists = sql`jsonb_path_exists(i.metadata, ${path}::jsonpath)`
    return test.value === true ? sql`${exists} is true` : sql`${exists} is not true`
  }
  const holds = (condition: string, operand: unknown = null): Predicate =>
    sql`jsonb_path_exists(i.metadata, ${`${path} ? (${condition})`}::jsonpath, ${JSON.stringify({ v: operand })}::jsonb, true)`
  const isNull = sql`coalesce(${value}, 'null'::jsonb) = 'null'::jsonb`
  if (test.op === '$in') {
    const operands = many(test)
    const isAnyOf = holds(
      '@ == $v[*]',
      operands.filter((operand) => operand !== null),
    )
    return operands.includes(null) ? sql`(${isAnyOf} or ${isNull})` : isAnyOf
  }
  if (Array.isArray(test.value)) {
    if (test.op !== '$eq') return refuse(test.place, 'a list fits equality, $in and $nin only')
    return sql`${value} = ${JSON.stringify(test.value)}::jsonb`
  }
  const operand = one(test)
  if (test.op === '$eq' && operand === null) return isNull
  if (isOrdering(test.op)) return orderTest(orderText[test.op], operand, test.place, holds)
  if (typeof operand === 'string' && hasWildcard(operand)) {
    return holds(`@ like_regex ${JSON.stringify(toRegex(parseGlob(operand, 'flat')))} flag "s"`)
  }
  return holds('@ == $v', operand)
}

function orderTest(
  op: string,
  operand: Scalar,
  place: string,
  holds: (condition: string, operand: unknown) => Predicate,
): Predicate {
  if (typeof operand === 'number') return holds(`@ ${op} $v`, operand)
  if (typeof operand !== 'string') return refuse(place, 'give a number or a text')
  // A number may arrive as text: it is compared with numbers as a number and with texts as a text.
  const number = operand.trim() === '' ? Number.NaN : Number(operand)
  return Number.isFinite(number)
    ? holds(`@ ${op} $v.number || @ ${op} $v.text`, { number, text: operand })
    : holds(`@ ${op} $v`, operand)
}
