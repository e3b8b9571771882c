import { AppError } from '#lib/app-error.ts'
import { isSortField, type SortField } from './fields.ts'

/** Most levels of `$and`/`$or` in a filter. */
export const FILTER_DEPTH_MAX = 10
/** Most conditions in a filter. */
export const CONDITIONS_MAX = 500
/** Most values in one `$in`. */
export const LIST_VALUES_MAX = 10_000
/** Longest text in a filter, in UTF-16 units: a key of 4,096 bytes with its slash fits. */
export const TEXT_LENGTH_MAX = 4_200
/** Longest dotted field, and most parts of it. */
const FIELD_LENGTH_MAX = 512
const FIELD_PARTS_MAX = 16
/** Most rows of one page; the SDK never asks for more. */
export const PAGE_SIZE_MAX = 1000
/** Rows that may be paged over by number; beyond, page by id. */
const OFFSET_MAX = 100_000_000
const SORT_KEYS_MAX = 5

/** The operators of a condition. `$match` on a text is a pattern. */
export const operators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$match'] as const
export type Operator = (typeof operators)[number]

/** A value of a condition that is not a list. */
export type Scalar = string | number | boolean | null

/** One test of one field. `place` says where it stands in the request, for error messages. */
export interface Test {
  readonly kind: 'test'
  readonly field: string
  readonly op: Operator
  readonly value: Scalar | readonly Scalar[]
  readonly place: string
}

/** A filter as a tree. An empty `and` holds always. */
export type Condition = { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] } | Test

/** A query of the items of one dataset, checked for form but not yet for the types of its values. */
export interface ItemQuery {
  readonly filter: Condition
  readonly sort: readonly { readonly field: SortField; readonly isDescending: boolean }[]
  readonly page: number
  readonly pageSize: number
}

/** Refuses a query, naming the place in it. */
export function refuse(place: string, message: string): never {
  throw new AppError('query.invalid', {
    message: `The query is malformed at ${place}: ${message}`,
    details: { place, message },
  })
}

/** Keys of a query that change nothing for us: the SDK sends them along. */
const ignoredKeys = new Set(['context', 'systemSpace', 'resource'])
const laterKeys = new Set(['join', 'update', 'delete', 'references', 'intersect', 'except'])

/**
 * Reads a query as the vendor's SDK sends it (filters DSL); throws `query.invalid` with the place for whatever it does not know, because a part that was
 * skipped in silence would select other items than were asked for.
 */
export function parseItemQuery(body: Readonly<Record<string, unknown>>): ItemQuery {
  for (const [key, value] of Object.entries(body)) {
    if (key === 'filter' || key === 'sort' || key === 'page' || key === 'pageSize' || ignoredKeys.has(key)) continue
    if (laterKeys.has(key)) {
      if (value === null || value === undefined || value === false) continue
      refuse(key, 'this is not supported yet')
    }
    refuse(key, 'there is no such part of a query')
  }
  const page = integer(body.page, 'page', 0, OFFSET_MAX, 0)
  const pageSize = integer(body.pageSize, 'pageSize', 0, PAGE_SIZE_MAX, PAGE_SIZE_MAX)
  if (page * pageSize > OFFSET_MAX) refuse('page', 'this is too far to page by number; page by id instead')
  const filter = body.filter === undefined || body.filter === null ? {} : object(body.filter, 'filter')
  return { filter: new FilterParser().group(filter, 'filter', 1), sort: parseSort(body.sort), page, pageSize }
}

function parseSort(value: unknown): ItemQuery['sort'] {
  if (value === undefined || value === null) return []
  // The order of the keys is significant, as the SDK sends it.
  const entries = Object.entries(object(value, 'sort'))
  if (entries.length > SORT_KEYS_MAX) refuse('sort', `at most ${SORT_KEYS_MAX} fields`)
  return entries.map(([field, direction]) => {
    if (!isSortField(field)) refuse(`sort.${shorten(field)}`, 'items cannot be sorted by this field')
    if (direction !== 'ascending' && direction !== 'descending')
      refuse(`sort.${field}`, 'say "ascending" or "descending"')
    return { field, isDescending: direction === 'descending' }
  })
}

class FilterParser {
  #conditions = 0

  /** An object of fields and `$and`/`$or` lists; all of them must hold. */
  group(value: Readonly<Record<string, unknown>>, place: string, depth: number): Condition {
    if (depth > FILTER_DEPTH_MAX) refuse(place, `at most ${FILTER_DEPTH_MAX} levels`)
    const parts = Object.entries(value).map(([key, part]) => {
      const at = `${place}.${shorten(key)}`
      if (key === '$and' || key === '$or') return this.#list(key, part, at, depth)
      if (key.startsWith('$')) return refuse(at, 'there is no such operator here')
      return this.#field(key, part, at)
    })
    return parts.length === 1 ? parts[0]! : { kind: 'and', of: parts }
  }

  #list(key: '$and' | '$or', value: unknown, place: string, depth: number): Condition {
    if (!Array.isArray(value)) refuse(place, 'give a list')
    // By logic nothing would match, by habit everything: so nobody may send it, least of all with a deletion.
    if (key === '$or' && value.length === 0) refuse(place, 'give at least one alternative')
    const of = value.map((part, index) =>
      this.group(object(part, `${place}[${index}]`), `${place}[${index}]`, depth + 1),
    )
    return of.length === 1 ? of[0]! : { kind: key === '$and' ? 'and' : 'or', of }
  }

  #field(field: string, value: unknown, place: string): Condition {
    const parts = field.split('.')
    if (field.length > FIELD_LENGTH_MAX || parts.length > FIELD_PARTS_MAX || parts.includes(''))
      refuse(place, 'this is no field')
    checkText(field, place)
    if (!isPlainObject(value)) return this.#test(field, '$eq', value, place)
    const entries = Object.entries(value)
    if (entries.length === 0) refuse(place, 'give a value')
    const of = entries.map(([op, operand]) => {
      const at = `${place}.${shorten(op)}`
      if (op === '$and' || op === '$or') {
        if (!Array.isArray(operand) || operand.length === 0) return refuse(at, 'give a list of values')
        const each = operand.map((part, index) => this.#field(field, part, `${at}[${index}]`))
        return { kind: op === '$and' ? ('and' as const) : ('or' as const), of: each }
      }
      if (!(operators as readonly string[]).includes(op)) return refuse(at, 'there is no such operator')
      return this.#test(field, op as Operator, operand, at)
    })
    return of.length === 1 ? of[0]! : { kind: 'and', of }
  }

  #test(field: string, op: Operator, value: unknown, place: string): Test {
    if (++this.#conditions > CONDITIONS_MAX) refuse(place, `at most ${CONDITIONS_MAX} conditions`)
    if (op === '$in' || op === '$nin') {
      if (!Array.isArray(value)) refuse(place, 'give a list')
      if (value.length > LIST_VALUES_MAX) refuse(place, `at most ${LIST_VALUES_MAX} values`)
    }
    if (op === '$exists' && typeof value !== 'boolean') refuse(place, 'say true or false')
    if (op === '$match' && typeof value !== 'string') refuse(place, 'only a text can be matched yet')
    if (Array.isArray(value)) {
      return { kind: 'test', field, op, value: value.map((each, index) => scalar(each, `${place}[${index}]`)), place }
    }
    return { kind: 'test', field, op, value: scalar(value, place), place }
  }
}

function scalar(value: unknown, place: string): Scalar {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return value
  if (typeof value === 'string') return checkText(value, place)
  return refuse(place, 'give a text, a number, true, false or null')
}

/** PostgreSQL refuses NUL, and half a surrogate pair would reach it as another character. */
function checkText(text: string, place: string): string {
  if (text.length > TEXT_LENGTH_MAX) refuse(place, `the text is longer than ${TEXT_LENGTH_MAX} characters`)
  if (text.includes('\0') || !text.isWellFormed()) refuse(place, 'the text has characters that cannot be in a key')
  return text
}

function integer(value: unknown, place: string, min: number, max: number, preset: number): number {
  if (value === undefined || value === null) return preset
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    refuse(place, `give a whole number from ${min} to ${max}`)
  }
  return value
}

function object(value: unknown, place: string): Readonly<Record<string, unknown>> {
  return isPlainObject(value) ? value : refuse(place, 'give an object')
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shorten(key: string): string {
  return key.length > 60 ? `${key.slice(0, 60)}…` : key
}
