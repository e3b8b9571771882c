import { type Condition, type Json, refuse, type Scalar, type Test } from './condition.ts'
import { hasWildcard, parseGlob, toRegex } from './glob.ts'
import { orderText } from './text.ts'
import { isOrdering, many } from './values.ts'

// Tests of a JSON document, written in PostgreSQL's SQL/JSON path language. Its lax mode reaches through lists as the DSL wants: a value against a list
// means «contains», a path through a list of objects means «in any of them». A path is a parameter of its statement; inside it, keys and values stand as
// JSON strings and numbers, so nothing a caller sent can become an operator of the path.
// Source: https://www.postgresql.org/docs/18/functions-json.html#FUNCTIONS-SQLJSON-PATH

/** Longer lists are given apart from the path, which the index does not understand but which any length fits into. */
const LISTED_MAX = 50
/** Longest list inside an element that can be compared as a whole. */
const WHOLE_LIST_MAX = 100

/** A path expression and the lists it speaks of as `$v0`, `$v1`, … */
export interface PathText {
  readonly text: string
  readonly lists: Readonly<Record<string, Json>>
  /** Whether an index of the values of documents knows which may satisfy it. */
  readonly isServed: boolean
}

/** Steps from where a path begins: `."a"."b"`. */
export function steps(keys: readonly string[]): string {
  return keys.map((key) => `.${JSON.stringify(key)}`).join('')
}

/** A path expression of one element that satisfies a condition, for use behind the `?` of a path. */
export function elementPath(condition: Condition): PathText {
  const writer = new PathWriter()
  return { text: writer.condition(condition), lists: writer.lists, isServed: isServed(condition) }
}

/** A path expression of a value that satisfies a test of a scalar: equality, pattern, membership, order. */
export function valuePath(test: Test): PathText {
  const writer = new PathWriter()
  return { text: writer.value(test, '@'), lists: writer.lists, isServed: isServed(test) }
}

/** Equality with a value is served; what may hold where nothing is, is not. */
function isServed(condition: Condition): boolean {
  if (condition.kind === 'and') return condition.of.some(isServed)
  if (condition.kind === 'or') return condition.of.length > 0 && condition.of.every(isServed)
  if (condition.kind !== 'test') return false
  const { op, value } = condition
  if (op === '$in')
    return Array.isArray(value) && value.length > 0 && value.length <= LISTED_MAX && !value.includes(null)
  if ((op !== '$eq' && op !== '$match') || value === null || typeof value === 'object') return false
  return typeof value !== 'string' || !hasWildcard(value)
}

class PathWriter {
  readonly lists: Record<string, Json> = {}

  condition(condition: Condition): string {
    if (condition.kind === 'test') return this.#test(condition)
    if (condition.kind === 'element') {
      return `exists(${subjectOf(condition.field)} ? (${this.condition(condition.of)}))`
    }
    if (condition.kind !== 'and' && condition.kind !== 'or') throw new Error('a part of a document has no joins')
    if (condition.of.length === 0) return '(1 == 1)'
    return `(${condition.of.map((part) => this.condition(part)).join(condition.kind === 'and' ? ' && ' : ' || ')})`
  }

  #test(test: Test): string {
    const subject = subjectOf(test.field)
    if (test.op !== '$ne' && test.op !== '$nin') return this.#positive(test, subject)
    const positive = this.#positive({ ...test, op: test.op === '$ne' ? '$eq' : '$in' }, subject)
    // What cannot be compared is not equal.
    return `(!(${positive}) || (${positive}) is unknown)`
  }

  #positive(test: Test, subject: string): string {
    const { op, value } = test
    if (op === '$exists') return value === true ? `exists(${subject})` : `!exists(${subject})`
    if (op === '$in') {
      const operands = many(test)
      const isAnyOf = this.#anyOf(operands, subject)
      return operands.includes(null) ? `(${isAnyOf} || !exists(${subject}))` : isAnyOf
    }
    if (op === '$eq' && value === null) return `(!exists(${subject}) || ${subject} == null)`
    if (op === '$eq' && Array.isArray(value)) return wholeList(value, subject, test.place)
    return this.value(test, subject)
  }

  value(test: Test, subject: string): string {
    if (test.op === '$in') return this.#anyOf(many(test), subject)
    const operand = test.value
    if (operand !== null && typeof operand === 'object')
      return refuse(test.place, 'a list or an object fits equality only')
    if (isOrdering(test.op)) return order(orderText[test.op], operand as Scalar, subject, test.place)
    if (typeof operand === 'string' && hasWildcard(operand)) {
      return `${subject} like_regex ${JSON.stringify(toRegex(parseGlob(operand, 'flat')))} flag "s"`
    }
    return `${subject} == ${JSON.stringify(operand)}`
  }

  #anyOf(operands: readonly Scalar[], subject: string): string {
    if (operands.length === 0) return '(1 == 0)'
    if (operands.length <= LISTED_MAX) {
      return `(${operands.map((operand) => `${subject} == ${JSON.stringify(operand)}`).join(' || ')})`
    }
    const name = `v${Object.keys(this.lists).length}`
    this.lists[name] = operands
    return `${subject} == $${name}[*]`
  }
}

function subjectOf(field: string): string {
  return field === '' ? '@' : `@${steps(field.split('.'))}`
}

function wholeList(values: readonly Json[], subject: string, place: string): string {
  if (values.length > WHOLE_LIST_MAX) refuse(place, `at most ${WHOLE_LIST_MAX} values of a list inside an element`)
  const each = values.map((value, index) => {
    if (typeof value === 'object' && value !== null) refuse(`${place}[${index}]`, 'give a value without parts')
    return `${subject}[${index}] == ${JSON.stringify(value)}`
  })
  return `(${[`${subject}.type() == "array"`, `${subject}.size() == ${values.length}`, ...each].join(' && ')})`
}

function order(op: string, operand: Scalar, subject: string, place: string): string {
  if (typeof operand === 'number') return `${subject} ${op} ${JSON.stringify(operand)}`
  if (typeof operand !== 'string') return refuse(place, 'give a number or a text')
  // A number may arrive as text: it is compared with numbers as a number and with texts as a text.
  const number = operand.trim() === '' ? Number.NaN : Number(operand)
  const asText = `${subject} ${op} ${JSON.stringify(operand)}`
  return Number.isFinite(number) ? `(${subject} ${op} ${JSON.stringify(number)} || ${asText})` : asText
}
