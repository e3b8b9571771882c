import { type Json, refuse, type Scalar, type Test } from './condition.ts'

/** The operators that compare by order. */
export type OrderOperator = '$gt' | '$gte' | '$lt' | '$lte'

/** Whether a test compares by order, and not for equality, membership or existence. */
export function isOrdering(op: Test['op']): op is OrderOperator {
  return op === '$gt' || op === '$gte' || op === '$lt' || op === '$lte'
}

/** The operand of a test that takes one value; a list or an object is refused. */
export function one(test: Test): Scalar {
  if (Array.isArray(test.value)) refuse(test.place, 'a list fits $in and $nin only')
  if (typeof test.value === 'object' && test.value !== null) refuse(test.place, 'this field has no parts')
  return test.value as Scalar
}

/** The operand of `$in` or `$nin`. */
export function many(test: Test): readonly Scalar[] {
  const values = test.value as readonly Json[]
  for (const [index, value] of values.entries()) {
    if (typeof value === 'object' && value !== null)
      refuse(`${test.place}[${index}]`, 'give a text, a number, true, false or null')
  }
  return values as readonly Scalar[]
}

/** A text operand; numbers and flags are taken as they are written. */
export function textOf(value: Scalar, place: string): string {
  return value === null ? refuse(place, 'this field is never null') : String(value)
}

/** A number operand; the SDK's users send numbers as text too. */
export function numberOf(value: Scalar, place: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : refuse(place, 'give a number')
}

/** A flag operand. */
export function flagOf(value: Scalar, place: string): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false' || value === null) return false
  return refuse(place, 'give true or false')
}

/** A moment in milliseconds since 1970: ISO-8601 with or without milliseconds and zone (then UTC), or the number itself. */
export function timeOf(value: Scalar, place: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return clampTime(value)
  if (typeof value !== 'string') return refuse(place, 'give a date')
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(value)
  // As the vendor's first examples write it: month, day, year.
  if (american !== null) {
    const [, month, day, year] = american
    return timeOf(`${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}`, place)
  }
  const match = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?$/i.exec(value)
  if (match === null) return refuse(place, 'give a date like 2026-01-31T12:00:00.000Z')
  const text = value.replace(' ', 'T').replace(',', '.')
  const ms = Date.parse(match[1] === undefined || match[4] !== undefined ? text : `${text}Z`)
  return Number.isNaN(ms) ? refuse(place, 'there is no such date') : ms
}

/** Dates beyond what JavaScript can say mean «always» or «never» all the same. */
function clampTime(ms: number): number {
  return Math.max(-8.64e15, Math.min(8.64e15, ms))
}

/** Whether `left op right` holds, for values that are known before the database is asked. */
export function holdsOrder<T extends number | bigint | string>(left: T, op: OrderOperator, right: T): boolean {
  if (op === '$gt') return left > right
  if (op === '$gte') return left >= right
  return op === '$lt' ? left < right : left <= right
}
