import type { Dataset } from '#contract/datasets.ts'
import { AppError } from '#lib/app-error.ts'

/** Conditions inside one another, at the most. */
const DEPTH_MAX = 8

type Matcher = (dataset: Dataset) => boolean
type Field = (dataset: Dataset) => unknown

const fields: Readonly<Record<string, Field>> = {
  id: (dataset) => dataset.id,
  name: (dataset) => dataset.name,
  driver: (dataset) => dataset.driver,
  creator: (dataset) => dataset.creator,
  readonly: (dataset) => dataset.readonly,
  createdAt: (dataset) => dataset.createdAt,
  updatedAt: (dataset) => dataset.updatedAt,
}

/**
 * Compiles the filter of a query over datasets into a test of one dataset; there are few enough of them to be tested one by one.
 *
 * Knows `$and`, `$or`, `$eq`, `$ne`, `$in`, `$nin`, `$exists`, comparisons, `*` in texts, and metadata by dotted path. Throws
 * `query.invalid` with the place of what it does not know.
 */
export function compileDatasetFilter(filter: unknown, place = 'filter', depth = 0): Matcher {
  if (depth > DEPTH_MAX) throw wrong(place, `more than ${DEPTH_MAX} conditions inside one another`)
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) throw wrong(place, 'must be an object')
  const tests = Object.entries(filter).map(([name, value]): Matcher => {
    const at = `${place}.${name}`
    if (name !== '$and' && name !== '$or') return condition(name, value, at)
    if (!Array.isArray(value)) throw wrong(at, 'must be a list')
    const parts = value.map((part, index) => compileDatasetFilter(part, `${at}.${index}`, depth + 1))
    return name === '$and'
      ? (dataset) => parts.every((test) => test(dataset))
      : (dataset) => parts.some((test) => test(dataset))
  })
  return (dataset) => tests.every((test) => test(dataset))
}

function condition(name: string, value: unknown, place: string): Matcher {
  const field = fieldOf(name, place)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return (dataset) => isLike(field(dataset), value)
  const tests = Object.entries(value).map(([operator, operand]): Matcher => {
    const make = operators[operator]
    if (!make) throw wrong(`${place}.${operator}`, 'unknown operator')
    const test = make(operand, `${place}.${operator}`)
    return (dataset) => test(field(dataset))
  })
  return (dataset) => tests.every((test) => test(dataset))
}

const operators: Readonly<Record<string, (operand: unknown, place: string) => (value: unknown) => boolean>> = {
  $eq: (operand) => (value) => isLike(value, operand),
  $ne: (operand) => (value) => !isLike(value, operand),
  $in: (operand, place) => oneOf(list(operand, place)),
  $nin: (operand, place) => {
    const test = oneOf(list(operand, place))
    return (value) => !test(value)
  },
  $exists: (operand) => (value) => (value !== undefined && value !== null) === Boolean(operand),
  $gt: (operand) => (value) => compare(value, operand) > 0,
  $gte: (operand) => (value) => compare(value, operand) >= 0,
  $lt: (operand) => (value) => compare(value, operand) < 0,
  $lte: (operand) => (value) => compare(value, operand) <= 0,
}

function list(operand: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(operand)) throw wrong(place, 'must be a list')
  return operand
}

function oneOf(operands: readonly unknown[]): (value: unknown) => boolean {
  return (value) => operands.some((operand) => isLike(value, operand))
}

function fieldOf(name: string, place: string): Field {
  const known = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (known) return known
  if (!name.startsWith('metadata.')) throw wrong(place, 'unknown field')
  const path = name.split('.').slice(1)
  return (dataset) => {
    let at: unknown = dataset.metadata
    for (const step of path)
      at =
        typeof at === 'object' && at !== null && Object.hasOwn(at, step)
          ? (at as Record<string, unknown>)[step]
          : undefined
    return at
  }
}

/** Equality; a `*` in a text stands for any characters. Linear in the text: no regular expression is made of what callers send. */
function isLike(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'string' || typeof value !== 'string' || !wanted.includes('*'))
    return (value ?? null) === (wanted ?? null)
  const parts = wanted.split('*')
  const first = parts.shift()!
  const last = parts.pop()!
  if (!value.startsWith(first) || value.length < first.length + last.length || !value.endsWith(last)) return false
  let at = first.length
  for (const part of parts) {
    const found = value.indexOf(part, at)
    if (found < 0 || found + part.length > value.length - last.length) return false
    at = found + part.length
  }
  return true
}

function compare(value: unknown, operand: unknown): number {
  const [a, b] = [value, operand].map(String) as [string, string]
  return value === undefined || value === null ? Number.NaN : a < b ? -1 : a > b ? 1 : 0
}

function wrong(place: string, message: string): AppError {
  return new AppError('query.invalid', { details: [{ path: place, message }] })
}
