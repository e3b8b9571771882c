import { annotationElement, annotationTest } from './annotation-table.ts'
import { type Compiled, folderOnly, itemOnly } from './compiled.ts'
import type { Condition } from './condition.ts'
import { allOf, sql } from './fragment.ts'
import { dirTest, itemElement, itemTest, type QueryScope } from './sql.ts'
import { compileAll, type Table } from './tree.ts'

/** The kinds of rows a query runs over; an item query runs over items and over the folders that are shown among them. */
export type Source = 'item' | 'dir' | 'annotation'

/** The top-level conditions of a filter, all of which must hold, each compiled for one kind of row. */
export function compileFilter(filter: Condition, source: Source, scope: QueryScope): readonly Compiled[] {
  return compileAll(filter, tableOf(source, scope))
}

function tableOf(source: Source, scope: QueryScope): Table {
  if (source === 'item') {
    return {
      test: (test) => itemTest(test, scope),
      element: (condition) => itemElement(condition, scope),
      joined: (of) => itemOnly(hasAnnotation(of, scope)),
    }
  }
  if (source === 'dir') {
    return {
      test: (test) => dirTest(test, scope),
      // Folders have no document and no annotations; what is malformed for items is malformed all the same.
      element: (condition) => folderOnly(itemElement(condition, scope).where === true),
      joined: () => folderOnly(false),
    }
  }
  return {
    test: (test) => annotationTest(test, scope),
    element: annotationElement,
    joined: (of) => itemOnly(isOfItem(of, scope)),
  }
}

/** One annotation of the item satisfies the whole condition. */
function hasAnnotation(of: Condition, scope: QueryScope) {
  const where = allOf(compileFilter(of, 'annotation', scope).map((part) => part.where))
  if (where === false) return false
  const own = sql`a.dataset_no = i.dataset_no and a.item_no = i.item_no`
  const both = where === true ? own : sql`${own} and ${where}`
  return sql`exists (select 1 from annotation a where ${both})`
}

/** The annotation's item satisfies the condition. */
function isOfItem(of: Condition, scope: QueryScope) {
  const where = allOf(compileFilter(of, 'item', scope).map((part) => part.where))
  if (typeof where === 'boolean') return where
  return sql`exists (select 1 from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
    where i.dataset_no = a.dataset_no and i.item_no = a.item_no and ${where})`
}
