import { type Compiled, itemOnly } from './compiled.ts'
import { type ElementCondition, refuse, type Test } from './condition.ts'
import { constantTest } from './constant.ts'
import { documentTest, elementTest } from './document.ts'
import { type AnnotationField, annotationField } from './fields.ts'
import { type Fragment, type Predicate, raw, sql } from './fragment.ts'
import { idTest, itemIds } from './ids.ts'
import { timeTest } from './ordered.ts'
import type { SortKey } from './parse.ts'
import type { QueryScope } from './sql.ts'
import { optionalTextTest } from './text.ts'
import { userTest } from './users.ts'
import { isOrdering } from './values.ts'

/** A test of an annotation `a`, by an operator that is not negated. */
export function annotationTest(test: Test, scope: QueryScope): Compiled {
  const field = fieldOf(test.field, test.place)
  const where = predicate(field, test, scope)
  return field.kind === 'id' && isOrdering(test.op) ? { ...itemOnly(where), isIdBound: true } : itemOnly(where)
}

/** One element of a list in one of the annotation's documents satisfies a whole condition. */
export function annotationElement(element: ElementCondition): Compiled {
  const field = fieldOf(element.field, element.place)
  if (field.kind !== 'document') return refuse(element.place, 'this field has no parts')
  return elementTest({ value: columnOf(field) }, field.path!, element)
}

function fieldOf(name: string, place: string): AnnotationField {
  return annotationField(name) ?? refuse(place, 'annotations have no such field')
}

function columnOf(field: AnnotationField): Fragment {
  return raw(`a.${field.column}`)
}

function predicate(field: AnnotationField, test: Test, scope: QueryScope): Predicate {
  switch (field.kind) {
    case 'id':
    case 'itemId':
      return idTest(itemIds(`a.${field.column}`), scope.datasetNo, test)
    case 'datasetId':
      return constantTest(scope.datasetId, test)
    case 'text':
      return optionalTextTest(columnOf(field), test)
    case 'user':
      return userTest(columnOf(field), null, test)
    case 'time':
      return timeTest(timeMs(field), test)
    case 'document':
      return documentTest({ value: columnOf(field) }, field.path!, test).where
  }
}

function timeMs(field: AnnotationField): string {
  return `round(date_part('epoch', a.${field.column}) * 1000)::bigint`
}

/** `order by` for annotations: what was asked for, made a total order by the id, which grows with the time of creation. */
export function annotationOrder(sort: readonly SortKey[]): Fragment {
  let order = sql`order by `
  for (const { field: name, isDescending } of sort) {
    const field = annotationField(name)!
    const direction = raw(isDescending ? ' desc nulls last' : ' nulls first')
    if (field.kind === 'id' || name === 'createdAt')
      return sql`${order}${raw(`a.annotation_no${isDescending ? ' desc' : ''}`)}`
    order = sql`${order}${keyOf(field)}${direction}, `
  }
  return sql`${order}a.annotation_no`
}

function keyOf(field: AnnotationField): Fragment {
  if (field.kind === 'text') return sql`${columnOf(field)} collate "C"`
  if (field.kind === 'user')
    return sql`(select u.email from user_account u where u.id = ${columnOf(field)}) collate "C"`
  return field.kind === 'document' ? sql`${columnOf(field)} #> ${field.path!}::text[]` : columnOf(field)
}
