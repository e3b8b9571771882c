import type { Dataset } from '#contract/datasets.ts'
import { AppError } from '#lib/app-error.ts'
import { matchesStars } from '#lib/stars.ts'

/** Conditions inside one another, at the most. */
const DEPTH_MAX = 10
/** Conditions of one query, at the most. */
const CONDITIONS_MAX = 500

type Matcher = (dataset: Dataset) => boolean
type Test = (value: unknown) => boolean
type Json = Readonly<Record<string, unknown>>

/** What a dataset shows and can be asked for; metadata comes by its path. `projectId` and `type` are other words that people use. */
const fields: Readonly<Record<string, (dataset: Dataset) => unknown>> = {
  id: (dataset) => dataset.id,
  name: (dataset) => dataset.name,
  driver: (dataset) => dataset.driver,
  creator: (dataset) => dataset.creator,
  readonly: (dataset) => dataset.readonly,
  createdAt: (dataset) => dataset.createdAt,
  updatedAt: (dataset) => dataset.updatedAt,
  updatedBy: (dataset) => dataset.updatedBy,
  projects: (dataset) => dataset.projects,
  projectId: (dataset) => dataset.projects[0],
  itemsCount: (dataset) => dataset.itemsCount,
  annotated: (dataset) => dataset.annotated,
  annotationsCount: (dataset) => dataset.annotationsCount,
  isSyncing: (dataset) => dataset.isSyncing,
  readableType: (dataset) => dataset.readableType,
  type: (dataset) => dataset.readableType,
  accessLevel: (dataset) => dataset.accessLevel,
  indexDriver: (dataset) => dataset.indexDriver,
  srcDataset: (dataset) => dataset.srcDataset,
  'expirationOptions.itemMaxDays': (dataset) => dataset.expirationOptions?.itemMaxDays,
}

/**
 * Compiles the filter of a query over datasets into a test of one dataset; there are few enough of them to be tested one by one.
 *
 * Knows every operator that the vendor's SDK sends, `*` in texts, lists inside metadata (a value matches a list that holds it) and nesting in both ways.
 * Throws `query.invalid` with the place of what it does not know.
 */
export function compileDatasetFilter(filter: unknown): Matcher {
  return new FilterCompiler().group(filter, 'filter', 0)
}

/** Sorts datasets by what they show: the first field of `sort` counts most. Throws `query.invalid` for a field that they have not. */
export function sortDatasets(datasets: readonly Dataset[], sort: Readonly<Record<string, string>>): Dataset[] {
  const sorted = [...datasets]
  for (const [field, direction] of Object.entries(sort).reverse()) {
    const read = readerOf(field, `sort.${field}`)
    const sign = direction === 'descending' ? -1 : 1
    // What has no such value comes first, as in the item queries.
    const rank = (dataset: Dataset) => (read(dataset) === undefined || read(dataset) === null ? 0 : 1)
    sorted.sort((a, b) => sign * (rank(a) - rank(b) || compare(read(a), read(b)) || 0))
  }
  return sorted
}

class FilterCompiler {
  #conditions = 0

  group(filter: unknown, place: string, depth: number): Matcher {
    if (depth > DEPTH_MAX) throw wrong(place, `more than ${DEPTH_MAX} conditions inside one another`)
    const tests = Object.entries(objectAt(filter, place)).map(([name, value]): Matcher => {
      const at = `${place}.${name}`
      if (name !== '$and' && name !== '$or') return this.#condition(name, value, at, depth)
      const parts = listAt(value, at).map((part, index) => this.group(part, `${at}.${index}`, depth + 1))
      return name === '$and'
        ? (dataset) => parts.every((test) => test(dataset))
        : (dataset) => parts.some((test) => test(dataset))
    })
    return (dataset) => tests.every((test) => test(dataset))
  }

  #condition(name: string, value: unknown, place: string, depth: number): Matcher {
    const read = readerOf(name, place)
    const test = this.#test(value, place, depth)
    return (dataset) => test(read(dataset))
  }

  #test(value: unknown, place: string, depth: number): Test {
    if (++this.#conditions > CONDITIONS_MAX) throw wrong(place, `more than ${CONDITIONS_MAX} conditions`)
    if (depth > DEPTH_MAX) throw wrong(place, `more than ${DEPTH_MAX} conditions inside one another`)
    if (!isObject(value)) return (found) => isLike(found, value)
    const tests = Object.entries(value).map(([operator, operand]): Test => {
      const at = `${place}.${operator}`
      if (operator === '$and' || operator === '$or') {
        const parts = listAt(operand, at).map((part, index) => this.#test(part, `${at}.${index}`, depth + 1))
        return operator === '$and'
          ? (found) => parts.every((test) => test(found))
          : (found) => parts.some((test) => test(found))
      }
      const make = Object.hasOwn(operators, operator) ? operators[operator] : undefined
      if (!make) throw wrong(at, 'unknown operator')
      return make(operand, at)
    })
    return (found) => tests.every((test) => test(found))
  }
}

const operators: Readonly<Record<string, (operand: unknown, place: string) => Test>> = {
  $eq: (operand) => (value) => isLike(value, operand),
  $match: (operand) => (value) => isLike(value, operand),
  $ne: (operand) => (value) => !isLike(value, operand),
  $in: (operand, place) => oneOf(listAt(operand, place)),
  $nin: (operand, place) => {
    const test = oneOf(listAt(operand, place))
    return (value) => !test(value)
  },
  $exists: (operand) => (value) => (value !== undefined && value !== null) === Boolean(operand),
  $gt: (operand) => (value) => compare(value, operand) > 0,
  $gte: (operand) => (value) => compare(value, operand) >= 0,
  $lt: (operand) => (value) => compare(value, operand) < 0,
  $lte: (operand) => (value) => compare(value, operand) <= 0,
}

function oneOf(operands: readonly unknown[]): Test {
  return (value) => operands.some((operand) => isLike(value, operand))
}

function readerOf(name: string, place: string): (dataset: Dataset) => unknown {
  const known = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (known) return known
  if (!name.startsWith('metadata.')) throw wrong(place, 'unknown field')
  const path = name.split('.').slice(1)
  return (dataset) => {
    let at: unknown = dataset.metadata
    for (const step of path) at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined
    return at
  }
}

/** Equality; a `*` in a text stands for any characters. A value that is a list is like each of its members. */
function isLike(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(value) && !Array.isArray(wanted)) return value.some((member) => isLike(member, wanted))
  if (typeof wanted === 'object' && wanted !== null) return JSON.stringify(value) === JSON.stringify(wanted)
  if (typeof wanted !== 'string' || typeof value !== 'string' || !wanted.includes('*'))
    return (value ?? null) === (wanted ?? null)
  return matchesStars(value, wanted)
}

/** Order of numbers, of times in whatever form, and of texts; not a number where two values have no order. */
function compare(value: unknown, operand: unknown): number {
  if (value === undefined || value === null || operand === undefined || operand === null) return Number.NaN
  if (typeof value === 'number') return value - Number(operand)
  const [a, b] = [String(value), String(operand)]
  if (/^\d{4}-\d\d-\d\dT/.test(a) && !Number.isNaN(Date.parse(b))) return Date.parse(a) - Date.parse(b)
  return a < b ? -1 : a > b ? 1 : 0
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectAt(value: unknown, place: string): Json {
  if (!isObject(value)) throw wrong(place, 'must be an object')
  return value
}

function listAt(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(place, 'must be a list')
  return value
}

function wrong(place: string, message: string): AppError {
  return new AppError('query.invalid', { details: [{ path: place, message }] })
}
