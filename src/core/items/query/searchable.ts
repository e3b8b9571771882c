import { type Condition, type Json, refuse } from './condition.ts'
import { itemField, type Resource } from './fields.ts'
import type { ParsedQuery } from './parse.ts'

/** Paths of a dataset's schema that are kept out of searches, each with all below it; `metadata.` first. */
export type Unsearchable = readonly string[]

/**
 * Refuses a query that asks about a path which the dataset's schema keeps out of searches, or sorts by it: with `query.invalid` and the place. That it finds
 * nothing would be wrong where a condition is negated, and a deletion by it would take everything along.
 */
export function checkSearchable(query: Pick<ParsedQuery, 'resource' | 'filter' | 'sort'>, paths: Unsearchable): void {
  if (paths.length === 0) return
  checkCondition(query.filter, query.resource, '', paths)
  if (query.resource !== 'items') return
  for (const { field } of query.sort) checkPath(pathOf(field), null, `sort.${field}`, paths)
}

/** The same of a selection of items. */
export function checkSelection(filter: Condition, paths: Unsearchable): void {
  checkSearchable({ resource: 'items', filter, sort: [] }, paths)
}

/** `prefix` is the path of the element whose parts are asked about, or empty. */
function checkCondition(condition: Condition, resource: Resource, prefix: string, paths: Unsearchable): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const part of condition.of) checkCondition(part, resource, prefix, paths)
      return
    case 'not':
      checkCondition(condition.of, resource, prefix, paths)
      return
    case 'joined':
      checkCondition(condition.of, resource === 'items' ? 'annotations' : 'items', '', paths)
      return
    case 'element': {
      // The schema is that of items; annotations have metadata of their own.
      if (resource !== 'items') return
      const path = within(prefix, condition.field)
      checkPath(path, null, condition.place, paths)
      checkCondition(condition.of, resource, path, paths)
      return
    }
    case 'test': {
      if (resource !== 'items') return
      const isCompared = condition.op !== '$exists'
      checkPath(within(prefix, condition.field), isCompared ? condition.value : null, condition.place, paths)
    }
  }
}

function within(prefix: string, field: string): string {
  if (prefix === '') return pathOf(field)
  return field === '' ? prefix : `${prefix}.${field}`
}

/** Where in an item's document a field stands, whatever short name it goes by. */
function pathOf(field: string): string {
  const path = itemField(field)?.path
  return path === undefined ? field : ['metadata', ...path].join('.')
}

/** A path below one that is kept out is kept out with it; one above is, where it is compared as a whole. */
function checkPath(path: string, value: Json, place: string, paths: Unsearchable): void {
  const isWhole = hasObject(value)
  const kept = paths.find((each) => `${path}.`.startsWith(`${each}.`) || (isWhole && each.startsWith(`${path}.`)))
  if (kept !== undefined) refuse(place, `the schema of this dataset keeps ${kept} out of searches`)
}

function hasObject(value: Json): boolean {
  if (Array.isArray(value)) return value.some(hasObject)
  return typeof value === 'object' && value !== null
}
