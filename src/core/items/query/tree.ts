import { type Compiled, folderOnly, itemOnly } from './compiled.ts'
import type { Condition, ElementCondition, Test } from './condition.ts'
import { allOf, anyOf, not } from './fragment.ts'

/** How the leaves of a filter become SQL for one kind of rows. */
export interface Table {
  /** A test whose operator is not negated. */
  test(test: Test): Compiled
  element(condition: ElementCondition): Compiled
  joined(of: Condition): Compiled
}

/** The top-level conditions of a filter, all of which must hold, each compiled for the rows of a table. */
export function compileAll(filter: Condition, table: Table): readonly Compiled[] {
  const conditions = filter.kind === 'and' ? flattenAnd(filter.of) : [filter]
  return conditions.map((condition) => compileCondition(condition, table))
}

function flattenAnd(conditions: readonly Condition[]): Condition[] {
  return conditions.flatMap((condition) => (condition.kind === 'and' ? flattenAnd(condition.of) : [condition]))
}

/** One condition as SQL. What is unknown (null) counts as not holding, so its opposite does. */
export function compileCondition(condition: Condition, table: Table): Compiled {
  if (condition.kind === 'test') return compileTest(condition, table)
  if (condition.kind === 'element') return table.element(condition)
  if (condition.kind === 'joined') return table.joined(condition.of)
  if (condition.kind === 'not') return opposite(compileCondition(condition.of, table))
  const of = condition.of.map((part) => compileCondition(part, table))
  const combine = condition.kind === 'and' ? allOf : anyOf
  const where = combine(of.map((part) => part.where))
  // One part decides it, so there is nothing left to ask of an item.
  if (typeof where === 'boolean') return folderOnly(where)
  return {
    where,
    folder: combine(of.map((part) => part.folder)),
    isFolderOnly: of.every((part) => part.isFolderOnly),
    usesDir: of.some((part) => part.usesDir),
  }
}

function compileTest(test: Test, table: Table): Compiled {
  if (test.op !== '$ne' && test.op !== '$nin') return table.test(test)
  return opposite(table.test({ ...test, op: test.op === '$ne' ? '$eq' : '$in' }))
}

function opposite(positive: Compiled): Compiled {
  const where = not(positive.where)
  if (positive.isFolderOnly) return folderOnly(where)
  const { isHidden, isAnnotated } = positive
  return {
    ...itemOnly(where),
    usesDir: positive.usesDir,
    ...(isHidden !== undefined && { isHidden: !isHidden }),
    ...(isAnnotated !== undefined && { isAnnotated: !isAnnotated }),
  }
}
