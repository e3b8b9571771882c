// Queries at random, by a seed: mostly well-formed ones of every field and operator, nested, joined and in sets; and some that are broken in one place.

/** A seeded stream of numbers (mulberry32), so that a failure can be run again. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const itemFields = [
  ...[
    'id',
    'filename',
    'dir',
    'name',
    'type',
    'hidden',
    'createdAt',
    'updatedAt',
    'size',
    'mimetype',
    'modified',
    'state',
  ],
  ...[
    'missingSince',
    'changedInStorage',
    'creator',
    'updatedBy',
    'annotated',
    'annotationsCount',
    'description',
    'srcItem',
  ],
  ...[
    'annotationStatus',
    'refs',
    'datasetId',
    'spec',
    'collections0',
    'collections9',
    'metadata',
    'metadata.user',
    'metadata.system',
  ],
  ...['metadata.system.size', 'metadata.system.mimetype', 'metadata.system.originalname', 'metadata.system.encoding'],
  ...[
    'metadata.system.storage.etag',
    'metadata.system.storage.state',
    'metadata.system.refs',
    'metadata.system.refs.id',
  ],
  ...[
    'metadata.user.label',
    'metadata.user.n',
    'metadata.user.list',
    'metadata.user.o.k',
    'metadata.fps',
    'metadata.user.é😀-_',
  ],
]
const annotationFields = [
  ...[
    'id',
    'annotationId',
    'itemId',
    'datasetId',
    'type',
    'label',
    'source',
    'hash',
    'description',
    'creator',
    'updatedBy',
  ],
  ...[
    'createdAt',
    'updatedAt',
    'metadata.user.n',
    'metadata.system.automated',
    'attributes',
    'attributes.1',
    'coordinates',
  ],
  ...['coordinates.x', 'labelSuggestions', 'metadata.system.snapshots_'],
]
const strangeFields = [
  ...[
    '',
    '.',
    'a..b',
    'item_no',
    'i.name',
    'password_hash',
    'metadata',
    'metadata.',
    '__proto__',
    'constructor',
    "name'; drop table item; --",
  ],
  ...[
    'metadata.user."x"',
    'metadata.user.$where',
    'metadata.user.x\u0000',
    `metadata.${'a.'.repeat(30)}b`,
    'collections10',
  ],
]
const operators = [
  '$eq',
  '$ne',
  '$gt',
  '$gte',
  '$lt',
  '$lte',
  '$in',
  '$nin',
  '$exists',
  '$match',
  '$glob',
  '$and',
  '$or',
]
const strangeOperators = ['$where', '$regex', '$not', '$', '$$', "$eq'", '$nor', '$expr']
const texts = [
  ...[
    '',
    'a',
    'cat',
    '*',
    '**',
    '/**',
    '/a/**',
    '*.jpg',
    '**/x',
    '/a/*/b*',
    'A%_b',
    "'; drop table item; --",
    '$1',
    '\\',
    '\\*',
    '"',
    '{}',
  ],
  ...[
    '[1]',
    '?',
    '😀',
    'é*',
    'a\nb',
    '5',
    '-1.5e3',
    'NaN',
    'true',
    'file',
    'dir',
    'box',
    'owner@example.com',
    'available',
    'missing',
  ],
  ...['@ == 1', '$.a ? (@ > 1)', '") || 1 == 1 || ("', ') is unknown'],
]
const strangeTexts = [
  '\u0000',
  '\ud800',
  '1e999',
  'soon',
  'x'.repeat(5_000),
  '*a'.repeat(40),
  '9999999999-01-01',
  '2026-02-31',
]
const times = [
  '2026-01-01',
  '2026-01-01T00:00:00.000Z',
  '01/06/2019',
  '2026-01-01 10:00',
  1_767_225_600_000,
  -1,
  1e300,
  null,
]
/** Fields that nothing is sorted by. */
const unsortable = /^collections|^srcItem$|^spec$|^datasetId$|encoding$|etag$/
const flags = [true, false, 'true', null]
/** Values that fit a field, where not any text does. */
const fitting: Readonly<Record<string, readonly unknown[]>> = {
  hidden: flags,
  annotated: flags,
  changedInStorage: flags,
  createdAt: times,
  updatedAt: times,
  modified: times,
  missingSince: times,
}
const numbers: readonly unknown[] = [0, 1, -1, 5, 0.1, 1e21, -1e-7, 1e308, 2 ** 63, Number.MAX_SAFE_INTEGER]

/** Makes one query body after another. `ids` are of rows that there are. */
export class QueryMaker {
  readonly #random: () => number
  readonly #ids: readonly string[]
  #isBroken = false

  constructor(seed: number, ids: readonly string[]) {
    this.#random = randomOf(seed)
    this.#ids = ids
  }

  /** The body of a query that reads; one in six is broken somewhere. */
  body(): Record<string, unknown> {
    this.#isBroken = this.#chance(1 / 6)
    const isAnnotations = this.#chance(0.25)
    const body: Record<string, unknown> = {
      filter: this.#filter(isAnnotations, 0),
      pageSize: this.#pick([0, 1, 5, 50]),
    }
    if (isAnnotations) body.resource = 'annotations'
    if (this.#chance(0.2)) body.page = this.#pick([0, 0, 1, 7])
    if (this.#chance(0.25)) body.sort = this.#sort(isAnnotations)
    if (this.#chance(0.2)) body.join = this.#join(isAnnotations)
    for (const set of ['intersect', 'except'])
      if (this.#chance(0.08))
        body[set] = {
          query: {
            filter: this.#filter(isAnnotations, 1),
            ...(this.#chance(0.3) && { join: this.#join(isAnnotations) }),
          },
        }
    if (this.#breaks(0.2))
      body[this.#pick(['page', 'pageSize', 'sort', 'join', 'filter', 'x', 'resource', 'except', 'intersect'])] =
        this.#value('', 0)
    return body
  }

  #join(isAnnotations: boolean): unknown {
    const filter = this.#filter(!isAnnotations, 1)
    const on = {
      resource: isAnnotations !== this.#breaks(0.2) ? 'items' : 'annotations',
      local: 'itemId',
      forigen: 'id',
    }
    return this.#chance(0.7) ? { on, filter } : { filter }
  }

  #sort(isAnnotations: boolean): unknown {
    const count = 1 + this.#below(3)
    const keys = Array.from({ length: count }, () => this.#field(isAnnotations))
    const fitting = this.#isBroken ? keys : keys.filter((key) => !unsortable.test(key))
    return Object.fromEntries(
      fitting.map((key) => [key, this.#breaks(0.1) ? 'up' : this.#pick(['ascending', 'descending'])]),
    )
  }

  #filter(isAnnotations: boolean, depth: number): unknown {
    if (this.#breaks(0.03)) return this.#value('', 0)
    const filter: Record<string, unknown> = {}
    const count = 1 + this.#below(depth === 0 ? 3 : 2)
    for (let index = 0; index < count; index++) {
      if (depth < 4 && this.#chance(0.35)) {
        const length = this.#breaks(0.1) ? 0 : 1 + this.#below(3)
        const list = Array.from({ length }, () => this.#filter(isAnnotations, depth + 1))
        filter[this.#pick(['$and', '$or'])] = list
      } else {
        const field = this.#field(isAnnotations)
        filter[field] = this.#operand(field, 0)
      }
    }
    return filter
  }

  #field(isAnnotations: boolean): string {
    if (this.#breaks(0.1)) return this.#pick(strangeFields)
    return this.#pick(isAnnotations ? annotationFields : itemFields)
  }

  #operand(field: string, depth: number): unknown {
    if (this.#chance(0.3)) return this.#value(field, depth)
    const operation: Record<string, unknown> = {}
    const count = this.#chance(0.8) ? 1 : 2
    for (let index = 0; index < count; index++) {
      const name = this.#operator(field)
      operation[name] = this.#operandOf(field, name, depth)
    }
    return operation
  }

  #operandOf(field: string, operator: string, depth: number): unknown {
    if (this.#breaks(0.1)) return this.#value(field, depth)
    if (operator === '$exists') return this.#chance(0.5)
    if (operator === '$in' || operator === '$nin') {
      const length = this.#chance(0.02) ? 60 : this.#below(5)
      return Array.from({ length }, () => this.#scalar(field))
    }
    if (operator === '$and' || operator === '$or') {
      return depth > 3
        ? [this.#scalar(field)]
        : Array.from({ length: 1 + this.#below(3) }, () => this.#operand(field, depth + 1))
    }
    if (operator === '$match' && depth < 4 && field.includes('.') && this.#chance(0.5)) return this.#element(depth + 1)
    const value = this.#value(field, depth)
    // What a list, an object or null may not be compared by.
    const isFitting =
      /^\$(eq|ne)$/.test(operator) ||
      (typeof value !== 'object' && (typeof value !== 'boolean' || operator === '$match'))
    return isFitting || this.#isBroken ? value : this.#ordinary(field)
  }

  #element(depth: number): unknown {
    const element: Record<string, unknown> = {}
    for (let index = 0; index <= this.#below(2); index++) {
      const field = this.#pick([
        'id',
        'type',
        'metadata.status',
        'metadata',
        'a',
        '😀',
        ...(this.#isBroken ? ['$gt', '$or'] : []),
      ])
      element[field] = this.#operand(field, depth)
    }
    return element
  }

  #value(field: string, depth: number): unknown {
    const isDocument = field.includes('.') || field === 'refs'
    if (depth < 4 && this.#chance(isDocument ? 0.1 : 0.01))
      return Array.from({ length: this.#below(4) }, () => this.#value(field, depth + 1))
    if (depth < 4 && this.#chance(isDocument ? 0.08 : 0.01)) return this.#element(depth + 1)
    return this.#scalar(field)
  }

  #scalar(field: string): unknown {
    if (this.#breaks(0.05)) return this.#pick(strangeTexts)
    const fit = fitting[field]
    if (fit !== undefined && !this.#breaks(0.2)) return this.#pick(fit)
    if (/size$|Count$/.test(field) && !this.#breaks(0.2)) return this.#chance(0.5) ? this.#pick(numbers) : '5'
    if (/id$/i.test(field) && this.#chance(0.9)) return this.#pick(this.#ids)
    const kind = this.#random()
    if (kind < 0.5) return this.#pick(texts)
    if (kind < 0.65) return this.#pick(this.#ids)
    if (kind < 0.85) return this.#pick(numbers)
    return this.#pick([true, false, null])
  }

  /** An operator; of those that a field knows, unless the query is to be broken. */
  #operator(field: string): string {
    if (this.#breaks(0.1)) return this.#pick(strangeOperators)
    if (this.#isBroken) return this.#pick(operators)
    if (fitting[field] === flags || /^collections|etag$|^srcItem$/.test(field))
      return this.#pick(['$eq', '$ne', '$in', '$nin', '$exists', '$or'])
    if (fitting[field] !== undefined || /size$|Count$/.test(field))
      return this.#pick(operators.filter((name) => !/match|glob/.test(name)))
    return this.#pick(operators)
  }

  /** A value that is compared by any operator. */
  #ordinary(field: string): unknown {
    const fit = (fitting[field] ?? []).filter((value) => value !== null)
    if (fit.length > 0) return this.#pick(fit)
    if (/id$/i.test(field)) return this.#pick(this.#ids)
    return /size$|Count$/.test(field) ? '5' : this.#pick(this.#chance(0.7) ? texts : ['5', '-1.5e3'])
  }

  /** Whether to spoil something, in a query that is to be broken. */
  #breaks(share: number): boolean {
    return this.#isBroken && this.#chance(share)
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.#below(all.length)]!
  }
}
