import { type Condition, everything, type Json, type Operator, operators, refuse, type Test } from './condition.ts'
import { hasWildcard, WILDCARDS_MAX, wildcardsOf } from './glob.ts'

/** Most levels of a filter: `$and`/`$or`, lists of values and objects inside one another. */
export const FILTER_DEPTH_MAX = 10
/** Most conditions of a whole query. */
export const CONDITIONS_MAX = 500
/** Most values of one list. */
export const LIST_VALUES_MAX = 10_000
/** Longest text in a filter, in UTF-16 units: a key of 4,096 bytes with its slash fits. */
export const TEXT_LENGTH_MAX = 4_200
/** Longest dotted field, and most parts of it. */
const FIELD_LENGTH_MAX = 512
const FIELD_PARTS_MAX = 16

/** Operators of older releases of the SDK that say the same as one of ours. */
const synonyms: Readonly<Record<string, Operator>> = { $glob: '$match' }
/** Objects that are never lists: what is asked of them is asked of what is in them. */
const plainObjects = new Set(['metadata', 'metadata.user', 'metadata.system', 'metadata.system.storage'])

type JsonObject = Readonly<Record<string, unknown>>

/** What stands around a field: the path it continues, and whether it is inside an element, where further objects are only further steps of the path. */
interface Around {
  readonly prefix: string
  readonly isInside: boolean
}
const top: Around = { prefix: '', isInside: false }
const inElement: Around = { prefix: '', isInside: true }

/** Reads the filters of one query; what it has read so far counts towards the limits. Refuses with the place in the request. */
export class FilterParser {
  #conditions = 0

  /** A filter at the top of a query or of a join; none holds always. */
  filter(value: unknown, place: string): Condition {
    return value === undefined || value === null ? everything : this.#group(object(value, place), place, 1, top)
  }

  /** An object of fields and `$and`/`$or` lists; all of them must hold. */
  #group(value: JsonObject, place: string, depth: number, around: Around): Condition {
    checkDepth(place, depth)
    const parts = Object.entries(value).map(([key, part]) => {
      const at = `${place}.${shorten(key)}`
      if (key === '$and' || key === '$or') return this.#list(key, part, at, depth, around)
      if (key.startsWith('$')) return refuse(at, 'there is no such operator here')
      return this.#field(around.prefix + key, part, at, depth, around.isInside)
    })
    return parts.length === 1 ? parts[0]! : { kind: 'and', of: parts }
  }

  #list(key: '$and' | '$or', value: unknown, place: string, depth: number, around: Around): Condition {
    if (!Array.isArray(value)) refuse(place, 'give a list')
    // By logic nothing would match, by habit everything: so nobody may send it, least of all with a deletion.
    if (key === '$or' && value.length === 0) refuse(place, 'give at least one alternative')
    if (value.length > CONDITIONS_MAX) refuse(place, `at most ${CONDITIONS_MAX} conditions`)
    const of = value.map((part, index) =>
      this.#group(object(part, `${place}[${index}]`), `${place}[${index}]`, depth + 1, around),
    )
    return of.length === 1 ? of[0]! : { kind: key === '$and' ? 'and' : 'or', of }
  }

  #field(field: string, value: unknown, place: string, depth: number, isInside: boolean): Condition {
    checkDepth(place, depth)
    checkField(field, place)
    if (!isPlainObject(value)) return this.#test(field, '$eq', value, place)
    const entries = Object.entries(value)
    if (entries.length === 0) refuse(place, 'give a value')
    const operatorCount = entries.filter(([key]) => key.startsWith('$')).length
    if (operatorCount === 0) return this.#object(field, value, place, depth, isInside)
    if (operatorCount < entries.length) refuse(place, 'give operators or fields, not both')
    const of = entries.map(([op, operand]) =>
      this.#operator(field, op, operand, `${place}.${shorten(op)}`, depth, isInside),
    )
    return of.length === 1 ? of[0]! : { kind: 'and', of }
  }

  #operator(field: string, name: string, operand: unknown, place: string, depth: number, isInside: boolean): Condition {
    if (name === '$and' || name === '$or') {
      if (!Array.isArray(operand) || operand.length === 0) return refuse(place, 'give a list of values')
      if (operand.length > CONDITIONS_MAX) refuse(place, `at most ${CONDITIONS_MAX} conditions`)
      const of = operand.map((part, index) => this.#field(field, part, `${place}[${index}]`, depth + 1, isInside))
      return { kind: name === '$and' ? 'and' : 'or', of }
    }
    const op = synonyms[name] ?? operators.find((known) => known === name)
    if (op === undefined) return refuse(place, 'there is no such operator')
    if (op === '$match' && isPlainObject(operand)) return this.#element(field, operand, place, depth)
    return this.#test(field, op, operand, place)
  }

  #object(field: string, value: JsonObject, place: string, depth: number, isInside: boolean): Condition {
    const around = { prefix: `${field}.`, isInside }
    if (isInside || plainObjects.has(field)) return this.#group(value, place, depth + 1, around)
    return this.#element(field, value, place, depth)
  }

  #element(field: string, value: JsonObject, place: string, depth: number): Condition {
    if (Object.keys(value).length === 0) refuse(place, 'give a condition')
    // Operators alone are about the element itself, as in a list of numbers: one of them fits all.
    const isItself = Object.keys(value).every((key) => key.startsWith('$') && key !== '$and' && key !== '$or')
    const of = isItself
      ? this.#field('', value, place, depth + 1, true)
      : this.#group(value, place, depth + 1, inElement)
    return { kind: 'element', field, of, place }
  }

  #test(field: string, op: Operator, value: unknown, place: string): Test {
    if (++this.#conditions > CONDITIONS_MAX) refuse(place, `at most ${CONDITIONS_MAX} conditions`)
    if ((op === '$in' || op === '$nin') && !Array.isArray(value)) refuse(place, 'give a list')
    if (op === '$exists' && typeof value !== 'boolean') refuse(place, 'say true or false')
    if (op === '$match' && (Array.isArray(value) || value === null)) refuse(place, 'give a text or an object')
    const checked = json(value, place, 1)
    if (typeof checked === 'string' && hasWildcard(checked) && wildcardsOf(checked) > WILDCARDS_MAX)
      refuse(place, `at most ${WILDCARDS_MAX} wildcards`)
    return { kind: 'test', field, op, value: checked, place }
  }
}

/** Checks a value of any form, with its texts, numbers, length and depth. */
function json(value: unknown, place: string, depth: number): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : refuse(place, 'the number is too large')
  if (typeof value === 'string') return checkText(value, place)
  checkDepth(place, depth)
  if (Array.isArray(value)) {
    if (value.length > LIST_VALUES_MAX) refuse(place, `at most ${LIST_VALUES_MAX} values`)
    return value.map((each, index) => json(each, `${place}[${index}]`, depth + 1))
  }
  if (!isPlainObject(value)) return refuse(place, 'give a value')
  const entries = Object.entries(value)
  if (entries.length > CONDITIONS_MAX) refuse(place, `at most ${CONDITIONS_MAX} keys`)
  // Without a prototype: a key named `__proto__` is a key like any other.
  const checked: Record<string, Json> = Object.create(null)
  for (const [key, each] of entries) checked[checkText(key, place)] = json(each, `${place}.${shorten(key)}`, depth + 1)
  return checked
}

/** Checks the form of a dotted field, wherever a query names one. */
export function checkField(field: string, place: string): void {
  const parts = field.split('.')
  if (field.length > FIELD_LENGTH_MAX || parts.length > FIELD_PARTS_MAX || (field !== '' && parts.includes('')))
    refuse(place, 'this is no field')
  checkText(field, place)
}

function checkDepth(place: string, depth: number): void {
  if (depth > FILTER_DEPTH_MAX) refuse(place, `at most ${FILTER_DEPTH_MAX} levels`)
}

/** PostgreSQL refuses NUL, and half a surrogate pair would reach it as another character. */
function checkText(text: string, place: string): string {
  if (text.length > TEXT_LENGTH_MAX) refuse(place, `the text is longer than ${TEXT_LENGTH_MAX} characters`)
  if (text.includes('\0') || !text.isWellFormed()) refuse(place, 'the text has characters that cannot be in a key')
  return text
}

/** Takes an object; refuses anything else. */
export function object(value: unknown, place: string): JsonObject {
  return isPlainObject(value) ? value : refuse(place, 'give an object')
}

function isPlainObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A key as a message may show it. */
export function shorten(key: string): string {
  return key.length > 60 ? `${key.slice(0, 60)}…` : key
}
