import { type Condition, everything, refuse } from './condition.ts'
import { isSortField, type Resource } from './fields.ts'
import { checkField, FILTER_DEPTH_MAX, FilterParser, object, shorten } from './parse-filter.ts'

export { type Condition, type Json, type Operator, refuse, type Scalar, type Test } from './condition.ts'

/** Most rows of one page; the SDK never asks for more. */
export const PAGE_SIZE_MAX = 1000
/** Rows that may be paged over by number; beyond, page by id. */
const OFFSET_MAX = 100_000_000
const SORT_KEYS_MAX = 5

/** One key of a sort, in the order they count. */
export interface SortKey {
  readonly field: string
  readonly isDescending: boolean
}

/** A query of the items or annotations of one dataset, checked for form but not yet for the types of its values. */
export interface ParsedQuery {
  readonly resource: Resource
  readonly filter: Condition
  readonly sort: readonly SortKey[]
  readonly page: number
  readonly pageSize: number
  /** What is to be done to what the query finds; null: it is read. */
  readonly action: QueryAction | null
}

/** What a query does to all rows it finds. `isSystem`: it may change `metadata.system` as well. */
export type QueryAction =
  | { readonly kind: 'delete' }
  | { readonly kind: 'update'; readonly update: Readonly<Record<string, unknown>>; readonly isSystem: boolean }

type JsonObject = Readonly<Record<string, unknown>>

const knownKeys = new Set([
  ...['filter', 'sort', 'page', 'pageSize', 'resource', 'join', 'update', 'delete', 'intersect', 'except'],
  // The SDK and the console of the vendor send these along; they change nothing here.
  ...['context', 'systemSpace', 'view', 'dqlFilter', 'userQuery', 'user_query'],
])
const setKeys = new Set(['filter', 'join', 'intersect', 'except', 'resource', 'page', 'pageSize', 'sort', 'context'])

/**
 * Reads a query as the vendor's SDK sends it (filters DSL); throws `query.invalid` with the place for whatever it does not know, because a part that was
 * skipped in silence would select other rows than were asked for.
 */
export function parseQuery(body: JsonObject): ParsedQuery {
  checkKeys(body, knownKeys, '')
  const resource = resourceOf(body.resource, 'resource')
  const page = integer(body.page, 'page', 0, OFFSET_MAX, 0)
  // More than a page holds is a page: who goes on by `hasNextPage` still meets everything once.
  const pageSize = Math.min(
    integer(body.pageSize, 'pageSize', 0, Number.MAX_SAFE_INTEGER, PAGE_SIZE_MAX),
    PAGE_SIZE_MAX,
  )
  if (page * pageSize > OFFSET_MAX) refuse('page', 'this is too far to page by number; page by id instead')
  const filter = conditionOf(new FilterParser(), body, resource, '', 1)
  return { resource, filter, sort: parseSort(body.sort, resource), page, pageSize, action: actionOf(body, resource) }
}

/** Filter, join and sets of a query as one condition. `place` is empty or ends in a dot. */
function conditionOf(
  parser: FilterParser,
  query: JsonObject,
  resource: Resource,
  place: string,
  depth: number,
): Condition {
  if (depth > FILTER_DEPTH_MAX) refuse(place, `at most ${FILTER_DEPTH_MAX} levels`)
  const { filter, beside } = takeApart(query, place)
  const parts = [parser.filter(filter, `${place}filter`)]
  const join = beside.get('join')
  if (join !== undefined) parts.push(joinOf(parser, join.value, resource, join.place))
  for (const key of ['intersect', 'except'] as const) {
    const given = beside.get(key)
    if (given === undefined) continue
    const at = given.place
    const set = object(given.value, at)
    checkKeys(set, new Set(['query']), `${at}.`)
    const inner = object(set.query, `${at}.query`)
    checkKeys(inner, setKeys, `${at}.query.`)
    if (resourceOf(inner.resource ?? resource, `${at}.query.resource`) !== resource)
      refuse(`${at}.query.resource`, `sets are of ${resource} here`)
    const of = conditionOf(parser, inner, resource, `${at}.query.`, depth + 1)
    parts.push(key === 'intersect' ? of : { kind: 'not', of })
  }
  return parts.length === 1 ? parts[0]! : { kind: 'and', of: parts }
}

/**
 * The filter of a query and what stands beside it, each with its place. The SDK wraps whatever has no `filter` as one, so join and sets of its saved filters
 * and of bare dictionaries come inside it.
 */
function takeApart(query: JsonObject, place: string) {
  const beside = new Map<string, { readonly value: unknown; readonly place: string }>()
  const inside = new Map<string, unknown>()
  const isObject = typeof query.filter === 'object' && query.filter !== null && !Array.isArray(query.filter)
  for (const [key, value] of isObject ? Object.entries(query.filter as JsonObject) : []) inside.set(key, value)
  for (const key of ['join', 'intersect', 'except']) {
    if (isGiven(query[key])) beside.set(key, { value: query[key], place: `${place}${key}` })
    if (!inside.has(key)) continue
    const value = inside.get(key)
    inside.delete(key)
    if (!isGiven(value)) continue
    if (beside.has(key)) refuse(`${place}filter.${key}`, 'it stands beside the filter already')
    beside.set(key, { value, place: `${place}filter.${key}` })
  }
  return { filter: isObject ? Object.fromEntries(inside) : query.filter, beside }
}

/** `on` says how the rows of two resources belong together, and there is one way only. */
function joinOf(parser: FilterParser, value: unknown, resource: Resource, place: string): Condition {
  const join = object(value, place)
  checkKeys(join, new Set(['on', 'filter']), `${place}.`)
  const other: Resource = resource === 'items' ? 'annotations' : 'items'
  if (isGiven(join.on)) {
    const on = object(join.on, `${place}.on`)
    checkKeys(on, new Set(['resource', 'local', 'forigen', 'foreign']), `${place}.on.`)
    if (isGiven(on.resource) && on.resource !== other)
      refuse(`${place}.on.resource`, `${resource} can be joined with ${other} only`)
  }
  return { kind: 'joined', of: parser.filter(join.filter, `${place}.filter`) }
}

function actionOf(body: JsonObject, resource: Resource): QueryAction | null {
  if (isGiven(body.delete) && body.delete !== false) {
    if (body.delete !== true) refuse('delete', 'say true or false')
    if (isGiven(body.update)) refuse('update', 'delete or update, not both')
    return { kind: 'delete' }
  }
  if (!isGiven(body.update)) return null
  const update = object(body.update, 'update')
  if (resource === 'items') checkUpdate(update)
  return { kind: 'update', update, isSystem: body.systemSpace === true }
}

/** What is not understood is not done by halves. */
function checkUpdate(update: JsonObject): void {
  for (const key of Object.keys(update)) {
    if (key !== 'metadata') refuse(`update.${shorten(key)}`, 'only metadata can be changed by a query')
  }
  if (isGiven(update.metadata)) {
    const metadata = object(update.metadata, 'update.metadata')
    for (const key of ['user', 'system']) if (isGiven(metadata[key])) object(metadata[key], `update.metadata.${key}`)
  }
}

/**
 * Which items a query is about, whatever else it says: pages, sorts and the like are allowed and mean nothing. For exports, clones and bulk work, whose
 * `itemsQuery` is a filter with its join or a whole query. A text is refused, and so is what would change something.
 */
export function parseSelection(query: unknown, at = 'query'): Condition {
  if (!isGiven(query)) return everything
  const given = object(query, at)
  // The SDK sends a bare filter here and there.
  const body = Object.keys(given).some((key) => knownKeys.has(key)) ? given : { filter: given }
  const place = at === '' ? '' : `${at}.`
  checkKeys(body, knownKeys, place)
  for (const key of ['update', 'delete']) {
    if (isGiven(body[key]) && body[key] !== false) refuse(`${place}${key}`, 'a selection changes nothing')
  }
  if (resourceOf(body.resource, `${place}resource`) !== 'items') refuse(`${place}resource`, 'only items here')
  return conditionOf(new FilterParser(), body, 'items', place, 1)
}

function resourceOf(value: unknown, place: string): Resource {
  if (value === undefined || value === null || value === 'items') return 'items'
  return value === 'annotations' ? value : refuse(place, 'only items and annotations can be queried here')
}

function parseSort(value: unknown, resource: Resource): readonly SortKey[] {
  if (!isGiven(value)) return []
  // The order of the keys is significant, as the SDK sends it.
  const entries = Object.entries(object(value, 'sort'))
  if (entries.length > SORT_KEYS_MAX) refuse('sort', `at most ${SORT_KEYS_MAX} fields`)
  return entries.map(([field, direction]) => {
    const place = `sort.${shorten(field)}`
    checkField(field, place)
    if (!isSortField(resource, field)) refuse(place, `${resource} cannot be sorted by this field`)
    if (direction !== 'ascending' && direction !== 'descending') refuse(place, 'say "ascending" or "descending"')
    return { field, isDescending: direction === 'descending' }
  })
}

function checkKeys(value: JsonObject, known: ReadonlySet<string>, place: string): void {
  for (const key of Object.keys(value)) {
    if (key === 'references' && value[key] !== null) refuse(`${place}${key}`, 'there are no tasks here')
    if (!known.has(key) && key !== 'references') refuse(`${place}${shorten(key)}`, 'there is no such part of a query')
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function integer(value: unknown, place: string, min: number, max: number, preset: number): number {
  if (value === undefined || value === null) return preset
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    refuse(place, `give a whole number from ${min} to ${max}`)
  }
  return value
}
