import type { Scalar, Test } from './condition.ts'
import { hasWildcard, parseGlob, toRegex } from './glob.ts'
import { holdsOrder, isOrdering, many, numberOf, one, timeOf } from './values.ts'

/** A test of something that is the same for every row. */
export function constantTest(value: Scalar, test: Test): boolean {
  const equals = (operand: Scalar): boolean =>
    operand === value || (value !== null && operand !== null && String(operand) === String(value))
  if (test.op === '$exists') return (value !== null) === test.value
  if (test.op === '$in') return many(test).some(equals)
  // What is a single value is no list and has no parts.
  if (typeof test.value === 'object' && test.value !== null) return false
  const operand = one(test)
  if (test.op === '$eq' || test.op === '$match') {
    if (typeof value === 'string' && typeof operand === 'string' && hasWildcard(operand)) {
      return new RegExp(toRegex(parseGlob(operand, 'flat')), 's').test(value)
    }
    return equals(operand)
  }
  if (value === null || operand === null || !isOrdering(test.op)) return false
  if (typeof value === 'number') return holdsOrder(value, test.op, numberOf(operand, test.place))
  return holdsOrder(String(value), test.op, String(operand))
}

/** A test of a time that is the same for every row, in milliseconds. */
export function constantTime(ms: number, test: Test): boolean {
  if (test.op === '$exists') return test.value === true
  if (test.op === '$in') return many(test).some((value) => timeOf(value, test.place) === ms)
  const operand = timeOf(one(test), test.place)
  return isOrdering(test.op) ? holdsOrder(ms, test.op, operand) : ms === operand
}
