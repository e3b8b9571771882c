import { packEtag } from '#lib/etag.ts'
import { type Compiled, folderOnly, itemOnly } from './compiled.ts'
import { type ElementCondition, refuse, type Scalar, type Test } from './condition.ts'
import { constantTest, constantTime } from './constant.ts'
import { documentTest, elementTest, itemDocument } from './document.ts'
import { type ItemField, itemField } from './fields.ts'
import { dirFilename, dirParent, itemDir, itemFilename } from './folders.ts'
import { not, type Predicate, raw, sql } from './fragment.ts'
import { createdTest, dirIds, idTest, itemIds, originTest } from './ids.ts'
import { markTest } from './marks.ts'
import { numberTest, timeTest } from './ordered.ts'
import { optionalTextTest, textTest } from './text.ts'
import { userTest } from './users.ts'
import { flagOf, isOrdering, many, one } from './values.ts'

/** What of a dataset a query can speak about. */
export interface QueryScope {
  readonly datasetNo: number
  readonly datasetId: string
  readonly creator: string
  readonly createdMs: number
  /** Paths of items' metadata that nobody may search by. */
  readonly unsearchable: readonly string[]
}

/** SQL of an item's last change in milliseconds; an item that was never updated was last changed when it came. */
export const itemUpdatedMs = `coalesce(round(date_part('epoch', i.updated_at) * 1000)::bigint, i.item_no >> 21)`
/** SQL of the time the storage says an item was last modified, in milliseconds; null when the storage does not tell. */
export const itemModifiedMs = `round(date_part('epoch', i.modified_at) * 1000)::bigint`

/** A test of an item `i` in its folder `d`, by an operator that is not negated. */
export function itemTest(test: Test, scope: QueryScope): Compiled {
  const field = fieldOf(test)
  switch (field.kind) {
    case 'constant':
      return folderOnly(constantTest(constantOf(field, scope), test))
    case 'type':
      return folderOnly(constantTest('file', test))
    case 'hidden':
      return flagTest(test, (isHidden) => ({
        // «= 1» is what the index of hidden items says; «<> 1» and not «= 0», because the planner takes an equality to be rare and a difference to be common.
        ...itemOnly(raw(isHidden ? '(i.flags & 1) = 1' : '(i.flags & 1) <> 1')),
        isHidden,
      }))
    case 'annotated':
      return flagTest(test, annotated)
    case 'id':
      return { ...itemOnly(idTest(itemIds('i.item_no'), scope.datasetNo, test)), isIdBound: isOrdering(test.op) }
    case 'filename':
      return itemFilename(test)
    case 'dir':
      return folderOnly(itemDir(test))
    case 'state':
    case 'missingSince':
    case 'changedInStorage':
      return markTest(field, test)
    case 'document':
      // What storage tells is in every item's metadata.system.
      if (test.field === 'metadata.system' && test.op === '$exists') return folderOnly(test.value === true)
      return documentTest(itemDocument(scope.datasetNo), field.path!, test)
    case 'collection':
      return collectionTest(field.path!, test, scope)
    default:
      return itemOnly(rowTest(field, test, scope))
  }
}

/** Tests of what stands in the item's own row. */
function rowTest(field: ItemField, test: Test, scope: QueryScope): Predicate {
  switch (field.kind) {
    case 'name':
      return textTest(raw('i.name'), test)
    case 'createdAt':
      return createdTest(test)
    case 'updatedAt':
      return timeTest(itemUpdatedMs, test)
    case 'size':
      return numberTest('i.size_bytes', test)
    case 'modified':
      return timeTest(itemModifiedMs, test)
    case 'annotationsCount':
      return numberTest('coalesce(i.annotations, 0)', test)
    case 'mimetype': {
      const name = textTest(raw('m.name'), test)
      return typeof name === 'boolean' ? name : sql`i.type_no in (select m.type_no from media_type m where ${name})`
    }
    case 'etag':
      return etagTest(test)
    case 'creator':
      return userTest(raw('i.creator_id'), scope.creator, test)
    case 'updatedBy':
      return userTest(raw('coalesce(i.updater_id, i.creator_id)'), scope.creator, test)
    case 'description':
      return optionalTextTest(raw('i.description'), test)
    case 'srcItem':
      return originTest(test)
    default:
      throw new Error(`no test of item field ${field.kind}`)
  }
}

/** A test of a folder `d` that is shown among items: it has a path and nothing that storage tells. */
export function dirTest(test: Test, scope: QueryScope): Compiled {
  return folderOnly(dirPredicate(fieldOf(test), test, scope))
}

function dirPredicate(field: ItemField, test: Test, scope: QueryScope): Predicate {
  switch (field.kind) {
    case 'constant':
      return constantTest(constantOf(field, scope), test)
    case 'type':
      return constantTest('dir', test)
    case 'hidden':
      return flagTest(test, (isHidden) => folderOnly(raw(isHidden ? 'd.is_hidden' : 'not d.is_hidden'))).where
    case 'annotated':
      return flagTest(test, (isAnnotated) => folderOnly(!isAnnotated)).where
    case 'annotationsCount':
      return constantTest(0, test)
    case 'id':
      return idTest(dirIds, scope.datasetNo, test)
    case 'filename':
      return dirFilename(test)
    case 'dir':
      return dirParent(test, scope.datasetNo)
    case 'name':
      return textTest(raw('d.name'), test)
    case 'createdAt':
    case 'updatedAt':
      return constantTime(scope.createdMs, test)
    case 'creator':
    case 'updatedBy':
      return constantTest(scope.creator, test)
    default:
      return constantTest(null, test)
  }
}

/** One element of a list in the item's document satisfies a whole condition. */
export function itemElement(element: ElementCondition, scope: QueryScope): Compiled {
  const field = itemField(element.field) ?? refuse(element.place, 'items have no such field')
  if (field.kind !== 'document') return refuse(element.place, 'this field has no parts')
  return elementTest(itemDocument(scope.datasetNo), field.path!, element)
}

function fieldOf(test: Test): ItemField {
  return itemField(test.field) ?? refuse(test.place, 'items have no such field')
}

function annotated(isAnnotated: boolean): Compiled {
  const has = raw('i.annotations > 0')
  return isAnnotated
    ? { ...itemOnly(has), isAnnotated, rare: has }
    : { ...itemOnly(raw('(i.annotations > 0) is not true')), isAnnotated }
}

/** In a collection or not; the mark of one that an item was taken out of may stand there as null or false. */
function collectionTest(path: readonly string[], test: Test, scope: QueryScope): Compiled {
  const isIn: Test = { ...test, op: '$eq', value: true }
  const column = itemDocument(scope.datasetNo)
  if (test.op !== '$exists') return documentTest(column, path, test)
  const inside = documentTest(column, path, isIn)
  return test.value === true ? inside : itemOnly(not(inside.where))
}

function etagTest(test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  if (test.op !== '$eq' && test.op !== '$in') return refuse(test.place, 'etags are equal or not')
  const etags = test.op === '$in' ? many(test) : [one(test)]
  return sql`i.etag = any(${etags.filter((etag) => etag !== null).map((etag) => packEtag(String(etag)))}::bytea[])`
}

function constantOf(field: ItemField, scope: QueryScope): Scalar {
  return { datasetId: scope.datasetId, encoding: '7bit', null: null }[field.constant!]
}

/** A test of what is true or false and never null. */
function flagTest(test: Test, is: (flag: boolean) => Compiled): Compiled {
  if (test.op === '$exists') return folderOnly(test.value === true)
  if (test.op === '$in') {
    const wanted = new Set(many(test).map((value) => flagOf(value, test.place)))
    return wanted.size === 1 ? is(wanted.has(true)) : folderOnly(wanted.size === 2)
  }
  if (test.op !== '$eq') refuse(test.place, 'this is true or false')
  return is(flagOf(one(test), test.place))
}
