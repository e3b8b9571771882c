import { type Compiled, itemOnly } from './compiled.ts'
import type { ElementCondition, Test } from './condition.ts'
import { refuse } from './condition.ts'
import { type Fragment, raw, sql } from './fragment.ts'
import { elementPath, type PathText, steps, valuePath } from './json-path.ts'
import { isOrdering, many, one } from './values.ts'

/** A JSON column that can be asked about. */
export interface DocumentColumn {
  readonly value: Fragment
  /** An expression that an index for `@?` is on, where there is one, and the steps at which the document stands in it. */
  readonly indexed?: { readonly value: Fragment; readonly root: string }
}

/**
 * The document of the items of a dataset: what people and programs gave them; what storage tells is in columns.
 *
 * The index is on the document under its dataset's number, so that its entries of one dataset lie apart from all others' (0015_query.sql has the same text).
 */
export function itemDocument(datasetNo: number): DocumentColumn {
  return {
    value: raw('i.metadata'),
    indexed: {
      value: raw(`jsonb_set('{}'::jsonb, array[i.dataset_no::text], i.metadata)`),
      root: steps([String(datasetNo)]),
    },
  }
}

/** Lists of an item's document that are empty where nobody has written them. */
const emptyLists = new Set(['system.refs'])

/** A test of a place in a document. Null means missing or null; a list or an object means exactly this. */
export function documentTest(column: DocumentColumn, keys: readonly string[], test: Test): Compiled {
  const value = sql`${column.value} #> ${keys}::text[]`
  if (test.op === '$exists') {
    const exists = sql`jsonb_path_exists(${column.value}, ${`$${steps(keys)}`}::jsonpath)`
    return itemOnly(test.value === true ? sql`${exists} is true` : sql`${exists} is not true`)
  }
  const isNull = sql`coalesce(${value}, 'null'::jsonb) = 'null'::jsonb`
  if (test.op === '$in') {
    const operands = many(test)
    const isAnyOf = pathHolds(column, keys, valuePath(test))
    return operands.includes(null) ? itemOnly(sql`(${isAnyOf.where as Fragment} or ${isNull})`) : isAnyOf
  }
  if (typeof test.value === 'object' && test.value !== null) {
    if (test.op !== '$eq') return refuse(test.place, 'a list fits equality, $in and $nin only')
    const whole = sql`${value} = ${JSON.stringify(test.value)}::jsonb`
    const isEmptyList = Array.isArray(test.value) && test.value.length === 0
    return itemOnly(isEmptyList && emptyLists.has(keys.join('.')) ? sql`(${whole} or ${isNull})` : whole)
  }
  if (test.op === '$eq' && one(test) === null) return itemOnly(isNull)
  return isOrdering(test.op)
    ? pathHolds({ value: column.value }, keys, valuePath(test))
    : pathHolds(column, keys, valuePath(test))
}

/** One element of the list at a place satisfies a whole condition. */
export function elementTest(column: DocumentColumn, keys: readonly string[], element: ElementCondition): Compiled {
  return pathHolds(column, keys, elementPath(element.of))
}

/** The index answers equality; every other part of a path is looked at in the rows that are left. */
function pathHolds(column: DocumentColumn, keys: readonly string[], { text, lists, isServed }: PathText): Compiled {
  const below = `${steps(keys)} ? (${text})`
  if (Object.keys(lists).length > 0) {
    return itemOnly(
      sql`jsonb_path_exists(${column.value}, ${`$${below}`}::jsonpath, ${JSON.stringify(lists)}::jsonb, true)`,
    )
  }
  const where = sql`${column.value} @? ${`$${below}`}::jsonpath`
  if (column.indexed === undefined || !isServed) return itemOnly(where)
  const rare = sql`${column.indexed.value} @? ${`$${column.indexed.root}${below}`}::jsonpath`
  return { ...itemOnly(where), rare, isGathered: true }
}
