import type { Setting } from '#contract/settings.ts'
import { AppError } from '#lib/app-error.ts'
import { matchesStars } from '#lib/stars.ts'

/** Conditions inside one another, at the most. */
const DEPTH_MAX = 10
/** Conditions of one query, at the most. */
const CONDITIONS_MAX = 500

type Test = (value: unknown) => boolean

const scopeFields = ['type', 'id', 'role', 'preventOverride', 'visible']
const fields = new Set([
  ...['id', 'name', 'value', 'valueType', 'defaultValue', 'settingType', 'description', 'icon'],
  ...['sectionName', 'subSectionName', 'hint', 'metadata', 'inputs'],
  ...scopeFields.map((field) => `scope.${field}`),
])

/**
 * Compiles the filter of a query over settings into a test of one; a user sees few enough of them to test one by one.
 *
 * Fields are those that a setting shows, by dotted path, also into metadata and value. Throws `query.invalid` with the place of what it does not know.
 */
export function compileSettingFilter(filter: unknown): (setting: Setting) => boolean {
  let conditions = 0
  const group = (node: unknown, place: string, depth: number): ((setting: Setting) => boolean) => {
    if (depth > DEPTH_MAX) throw wrong(place, `more than ${DEPTH_MAX} conditions inside one another`)
    if (typeof node !== 'object' || node === null || Array.isArray(node)) throw wrong(place, 'must be an object')
    const tests = Object.entries(node).map(([name, value]) => {
      const at = `${place}.${name}`
      if (name === '$and' || name === '$or') {
        const parts = listAt(value, at).map((part, index) => group(part, `${at}.${index}`, depth + 1))
        return name === '$and'
          ? (setting: Setting) => parts.every((test) => test(setting))
          : (setting: Setting) => parts.some((test) => test(setting))
      }
      if (++conditions > CONDITIONS_MAX) throw wrong(at, `more than ${CONDITIONS_MAX} conditions`)
      const [read, test] = [readerOf(name, at), testOf(value, at)]
      return (setting: Setting) => test(read(setting))
    })
    return (setting) => tests.every((test) => test(setting))
  }
  return group(filter, 'filter', 0)
}

/** Sorts settings by what they show, the first field first. The SDK asks for a field called “ascending” by mistake: what a setting has not, sorts nothing. */
export function sortSettings(settings: readonly Setting[], sort: Readonly<Record<string, unknown>>): Setting[] {
  const sorted = [...settings]
  for (const [field, direction] of Object.entries(sort).reverse()) {
    const sign = direction === 'descending' ? -1 : 1
    sorted.sort((a, b) => sign * (compare(valueAt(a, field), valueAt(b, field)) || 0))
  }
  return sorted
}

const operators: Readonly<Record<string, (operand: unknown, place: string) => Test>> = {
  $eq: (operand) => (value) => isLike(value, operand),
  $ne: (operand) => (value) => !isLike(value, operand),
  $in: (operand, place) => oneOf(listAt(operand, place)),
  $nin: (operand, place) => {
    const test = oneOf(listAt(operand, place))
    return (value) => !test(value)
  },
  $exists: (operand) => (value) => (value !== undefined && value !== null) === Boolean(operand),
  $match: (operand) => (value) => isLike(value, operand),
  $gt: (operand) => (value) => compare(value, operand) > 0,
  $gte: (operand) => (value) => compare(value, operand) >= 0,
  $lt: (operand) => (value) => compare(value, operand) < 0,
  $lte: (operand) => (value) => compare(value, operand) <= 0,
}

function testOf(value: unknown, place: string): Test {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return (found) => isLike(found, value)
  const tests = Object.entries(value).map(([operator, operand]) => {
    const make = Object.hasOwn(operators, operator) ? operators[operator] : undefined
    if (make === undefined) throw wrong(`${place}.${operator}`, 'unknown operator')
    return make(operand, `${place}.${operator}`)
  })
  return (found) => tests.every((test) => test(found))
}

function oneOf(operands: readonly unknown[]): Test {
  return (value) => operands.some((operand) => isLike(value, operand))
}

function readerOf(name: string, place: string): (setting: Setting) => unknown {
  const root = name.split('.', 1)[0]!
  if (!fields.has(name) && (root === 'scope' || !fields.has(root))) throw wrong(place, 'unknown field')
  return (setting) => valueAt(setting, name)
}

function valueAt(setting: Setting, path: string): unknown {
  let at: unknown = setting
  for (const step of path.split('.')) {
    const isThere = typeof at === 'object' && at !== null && Object.hasOwn(at, step)
    at = isThere ? (at as Readonly<Record<string, unknown>>)[step] : undefined
  }
  return at
}

/** Equality; a value is like a list that holds it, and a `*` in a text stands for any characters. */
function isLike(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(value) && !Array.isArray(wanted)) return value.some((inner) => isLike(inner, wanted))
  if (typeof value === 'string' && typeof wanted === 'string' && wanted.includes('*'))
    return matchesStars(value, wanted)
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) === JSON.stringify(wanted)
  return (value ?? null) === (wanted ?? null)
}

/** Below, the same or above; not a number where the two cannot be compared. */
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && (typeof b === 'number' || typeof b === 'string')) return a - Number(b)
  if (typeof a !== typeof b || a === null || typeof a === 'object') return Number.NaN
  const [left, right] = [String(a), String(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

function listAt(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(place, 'must be a list')
  return value
}

function wrong(place: string, message: string): AppError {
  return new AppError('query.invalid', { details: [{ path: place, message }] })
}
