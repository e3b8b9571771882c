import { AppError } from '#lib/app-error.ts'

/** Conditions inside one another, and conditions altogether; a query of the SDK has a handful. */
const LEVELS_MAX = 8
const CONDITIONS_MAX = 200
/** Values in one `$in`. */
const LIST_MAX = 10_000

/** A field that can be asked for: its SQL, its type there, and how a value of the request becomes one of that type (null: fits nothing). */
export interface Field {
  readonly sql: string
  readonly type: 'text' | 'bigint' | 'float8'
  /**
   * For a number that is named by a public id: SQL that finds it. Looked up once before the rows are read, so that an index over the number serves; a join
   * would put a sort of all rows in its place.
   */
  readonly lookup?: { readonly table: string; readonly number: string }
  read(value: unknown): string | number | null
}

/** A piece of SQL with its parameters, `$1` first. */
export interface Compiled {
  readonly sql: string
  readonly values: unknown[]
}

/** A field of texts. */
export const textField = (sql: string): Field => ({
  sql,
  type: 'text',
  read: (value) => (typeof value === 'string' ? value : null),
})

/** A field of numbers; texts that are numbers count as such. */
export const numberField = (sql: string): Field => ({
  sql,
  type: 'float8',
  read: (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? number : null
  },
})

/** A field of moments; `sql` gives milliseconds. Values are ISO-8601, with or without milliseconds and zone (UTC then). */
export const timeField = (sql: string): Field => ({
  sql,
  type: 'float8',
  read: (value) => {
    if (typeof value === 'number') return value
    if (typeof value !== 'string') return null
    const ms = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(value) || !value.includes('T') ? value : `${value}Z`)
    return Number.isNaN(ms) ? null : ms
  },
})

/** A field of public ids whose rows are found by a number. */
export const lookupField = (sql: string, table: string, number: string): Field => ({
  ...textField(sql),
  lookup: { table, number },
})

const comparisons: Readonly<Record<string, string>> = { $gt: '>', $gte: '>=', $lt: '<', $lte: '<=' }

/**
 * Compiles the filter of a query over feature sets or vectors to a condition of SQL; its parameters come after `values`, to which they are added.
 *
 * Knows `$and`, `$or`, equality (`*` stands for any characters in a text, null for nothing there), `$eq`, `$ne`, `$in`, `$nin`, `$exists` and comparisons.
 * Throws `query.invalid` with the place of what it does not know; nothing of the request becomes SQL but through `fields`.
 */
export function compileFilter(filter: unknown, fields: Readonly<Record<string, Field>>, values: unknown[]): string {
  return new Compiler(fields, values).all(filter, 'filter', 0)
}

/** Compiles a sort; `tie` is the column that orders what is alike otherwise, ascending. */
export function compileSort(
  sort: Readonly<Record<string, string>> | null | undefined,
  fields: Readonly<Record<string, Field>>,
  tie: string,
): string {
  const parts = Object.entries(sort ?? {}).map(([name, direction]) => {
    const field = fieldOf(fields, name, `sort.${name}`)
    if (direction !== 'ascending' && direction !== 'descending')
      throw wrong(`sort.${name}`, 'is ascending or descending')
    return `${field.sql} ${direction === 'descending' ? 'desc' : 'asc'}`
  })
  return [...parts, ...(parts.some((part) => part.startsWith(`${tie} `)) ? [] : [`${tie} asc`])].join(', ')
}

class Compiler {
  readonly #fields: Readonly<Record<string, Field>>
  readonly #values: unknown[]
  #conditions = 0

  constructor(fields: Readonly<Record<string, Field>>, values: unknown[]) {
    this.#fields = fields
    this.#values = values
  }

  all(filter: unknown, place: string, level: number): string {
    if (level > LEVELS_MAX) throw wrong(place, `more than ${LEVELS_MAX} conditions inside one another`)
    if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) throw wrong(place, 'must be an object')
    const parts = Object.entries(filter).map(([name, value]) => {
      const at = `${place}.${name}`
      if (name !== '$and' && name !== '$or') return this.#field(name, value, at)
      if (!Array.isArray(value)) throw wrong(at, 'must be a list')
      // An empty list is no condition, as the SDK means it.
      if (value.length === 0) return 'true'
      const inner = value.map((part, n) => this.all(part, `${at}.${n}`, level + 1))
      return `(${inner.join(name === '$and' ? ' and ' : ' or ')})`
    })
    return parts.length === 0 ? 'true' : `(${parts.join(' and ')})`
  }

  #field(name: string, value: unknown, place: string): string {
    if (++this.#conditions > CONDITIONS_MAX) throw wrong(place, `more than ${CONDITIONS_MAX} conditions`)
    const field = fieldOf(this.#fields, name, place)
    if (typeof value !== 'object' || value === null) return this.#equals(field, value)
    if (Array.isArray(value)) return this.#oneOf(field, value, place)
    const parts = Object.entries(value).map(([operator, operand]) =>
      this.#operator(field, operator, operand, `${place}.${operator}`),
    )
    return parts.length === 0 ? 'true' : `(${parts.join(' and ')})`
  }

  #operator(field: Field, operator: string, operand: unknown, place: string): string {
    const sign = Object.hasOwn(comparisons, operator) ? comparisons[operator] : undefined
    if (sign !== undefined) {
      if (field.lookup !== undefined) throw wrong(place, 'this field has no order')
      const value = field.read(operand)
      if (value === null) throw wrong(place, 'is not a value of this field')
      return `${field.sql} ${sign} ${this.#parameter(field, value)}`
    }
    if (operator === '$eq') return this.#equals(field, operand)
    if (operator === '$ne') return `not coalesce(${this.#equals(field, operand)}, false)`
    if (operator === '$in') return this.#oneOf(field, operand, place)
    if (operator === '$nin') return `not coalesce(${this.#oneOf(field, operand, place)}, false)`
    if (operator === '$exists') return `(${field.sql} is ${operand === false ? '' : 'not '}null)`
    throw wrong(place, 'unknown operator')
  }

  #equals(field: Field, value: unknown): string {
    if (value === null || value === undefined) return `(${field.sql} is null)`
    const read = field.read(value)
    if (read === null) return 'false'
    if (field.type === 'text' && field.lookup === undefined && String(read).includes('*')) {
      const like = String(read)
        .replaceAll(/[\\%_]/g, '\\$&')
        .replaceAll('*', '%')
      return `${field.sql} like ${this.#parameter(field, like)}`
    }
    if (field.lookup !== undefined) {
      const { table, number } = field.lookup
      return `${field.sql} = (select ${number} from ${table} where id = ${this.#parameter(field, read)})`
    }
    return `${field.sql} = ${this.#parameter(field, read)}`
  }

  #oneOf(field: Field, operand: unknown, place: string): string {
    if (!Array.isArray(operand)) throw wrong(place, 'must be a list')
    if (operand.length > LIST_MAX) throw wrong(place, `more than ${LIST_MAX} values`)
    const read = operand.map((value) => field.read(value)).filter((value) => value !== null)
    this.#values.push(read)
    const list = `$${this.#values.length}::${field.type}[]`
    const { lookup } = field
    const listed =
      lookup === undefined
        ? `${field.sql} = any(${list})`
        : `${field.sql} = any(array(select ${lookup.number} from ${lookup.table} where id = any(${list})))`
    return operand.includes(null) ? `(${listed} or ${field.sql} is null)` : listed
  }

  #parameter(field: Field, value: string | number): string {
    this.#values.push(value)
    return `$${this.#values.length}::${field.type}`
  }
}

function fieldOf(fields: Readonly<Record<string, Field>>, name: string, place: string): Field {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field === undefined) throw wrong(place, `unknown field; known are ${Object.keys(fields).join(', ')}`)
  return field
}

/** The error of a query with a fault at `place`. */
export function wrong(place: string, message: string): AppError {
  return new AppError('query.invalid', { details: [{ path: place, message }] })
}
