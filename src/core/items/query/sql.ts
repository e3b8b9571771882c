import { packEtag } from '#lib/etag.ts'
import { isId } from '#lib/ids.ts'
import { type Compiled, folderOnly, itemOnly } from './compiled.ts'
import { constantTest, constantTime } from './constant.ts'
import { documentTest } from './document.ts'
import { type Field, fieldOf } from './fields.ts'
import { dirFilename, dirParent, itemDir, itemFilename } from './folders.ts'
import { allOf, anyOf, not, type Predicate, raw, sql } from './fragment.ts'
import { markTest } from './marks.ts'
import { numberTest, timeTest } from './ordered.ts'
import { type Condition, refuse, type Scalar, type Test } from './parse.ts'
import { orderText, textTest } from './text.ts'
import { flagOf, isOrdering, many, one, timeOf } from './values.ts'

/** What of a dataset a query can speak about. */
export interface QueryScope {
  readonly datasetNo: number
  readonly datasetId: string
  readonly creator: string
  readonly createdMs: number
}

/** The two kinds of rows an item query runs over. */
export type Source = 'item' | 'dir'

/** SQL of an item's last change in milliseconds; an item that was never updated was last changed when it came. */
export const itemUpdatedMs = `coalesce(round(date_part('epoch', i.updated_at) * 1000)::bigint, i.item_no >> 21)`
/** SQL of the time the storage says an item was last modified, in milliseconds; null when the storage does not tell. */
export const itemModifiedMs = `round(date_part('epoch', i.modified_at) * 1000)::bigint`

/** The top-level conditions of a filter, all of which must hold, each compiled for one kind of row. */
export function compileFilter(filter: Condition, source: Source, scope: QueryScope): readonly Compiled[] {
  const conditions = filter.kind === 'and' ? flattenAnd(filter.of) : [filter]
  return conditions.map((condition) => compile(condition, source, scope))
}

function flattenAnd(conditions: readonly Condition[]): Condition[] {
  return conditions.flatMap((condition) => (condition.kind === 'and' ? flattenAnd(condition.of) : [condition]))
}

function compile(condition: Condition, source: Source, scope: QueryScope): Compiled {
  if (condition.kind === 'test') return compileTest(condition, source, scope)
  const of = condition.of.map((part) => compile(part, source, scope))
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

function compileTest(test: Test, source: Source, scope: QueryScope): Compiled {
  const field = fieldOf(test.field) ?? refuse(test.place, 'items have no such field')
  if (test.op === '$ne' || test.op === '$nin') {
    const positive = compileField(field, { ...test, op: test.op === '$ne' ? '$eq' : '$in' }, source, scope)
    const where = not(positive.where)
    if (positive.isHidden !== undefined) return { ...positive, where, isHidden: !positive.isHidden }
    return positive.isFolderOnly ? folderOnly(where) : { ...itemOnly(where), usesDir: positive.usesDir }
  }
  return compileField(field, test, source, scope)
}

function compileField(field: Field, test: Test, source: Source, scope: QueryScope): Compiled {
  const ofRow = source === 'item' ? itemOnly : folderOnly
  switch (field.kind) {
    case 'constant':
      return folderOnly(constantTest(constantOf(field, scope), test))
    case 'type':
      return folderOnly(constantTest(source === 'item' ? 'file' : 'dir', test))
    case 'hidden':
      return hiddenTest(test, source)
    case 'id':
      return isOrdering(test.op)
        ? { ...ofRow(idTest(test, source, scope)), isIdBound: true }
        : ofRow(idTest(test, source, scope))
    case 'filename':
      return source === 'item' ? itemFilename(test) : folderOnly(dirFilename(test))
    case 'dir':
      return folderOnly(source === 'item' ? itemDir(test) : dirParent(test, scope.datasetNo))
    case 'name':
      return ofRow(textTest(raw(source === 'item' ? 'i.name' : 'd.name'), test))
    case 'createdAt':
      return source === 'item' ? itemOnly(createdTest(test)) : folderOnly(constantTime(scope.createdMs, test))
    case 'updatedAt':
      return source === 'item'
        ? itemOnly(timeTest(itemUpdatedMs, test))
        : folderOnly(constantTime(scope.createdMs, test))
    case 'metadata':
      return source === 'item' ? itemOnly(documentTest(field.path!, test)) : folderOnly(constantTest(null, test))
    case 'state':
    case 'missingSince':
    case 'changedInStorage':
      return source === 'item' ? markTest(field, test) : folderOnly(constantTest(null, test))
    default:
      return source === 'item' ? itemOnly(storageTest(field, test)) : folderOnly(constantTest(null, test))
  }
}

function storageTest(field: Field, test: Test): Predicate {
  switch (field.kind) {
    case 'size':
      return numberTest('i.size_bytes', test)
    case 'modified':
      return timeTest(itemModifiedMs, test)
    case 'mimetype': {
      if (isOrdering(test.op)) refuse(test.place, 'content types have no order')
      const name = textTest(raw('m.name'), test)
      return typeof name === 'boolean' ? name : sql`i.type_no in (select m.type_no from media_type m where ${name})`
    }
    case 'etag':
      return etagTest(test)
    default:
      throw new Error(`no compiler for field ${field.kind}`)
  }
}

function etagTest(test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  if (test.op !== '$eq' && test.op !== '$in') return refuse(test.place, 'etags are equal or not')
  const etags = test.op === '$in' ? many(test) : [one(test)]
  return sql`i.etag = any(${etags.filter((etag) => etag !== null).map((etag) => packEtag(String(etag)))}::bytea[])`
}

function constantOf(field: Field, scope: QueryScope): Scalar {
  const values = {
    creator: scope.creator,
    datasetId: scope.datasetId,
    annotated: false,
    annotationsCount: 0,
    encoding: '7bit',
    null: null,
  }
  return values[field.constant!]
}

function hiddenTest(test: Test, source: Source): Compiled {
  const is = (isHidden: boolean): Compiled =>
    source === 'item'
      ? // «= 1» is what the index of hidden items says; «<> 1» and not «= 0», because the planner takes an equality to be rare and a difference to be common.
        { ...itemOnly(raw(isHidden ? '(i.flags & 1) = 1' : '(i.flags & 1) <> 1')), isHidden }
      : folderOnly(raw(isHidden ? 'd.is_hidden' : 'not d.is_hidden'))
  if (test.op === '$exists') return folderOnly(test.value === true)
  if (test.op === '$in') {
    const wanted = new Set(many(test).map((value) => flagOf(value, test.place)))
    return wanted.size === 1 ? is(wanted.has(true)) : folderOnly(wanted.size === 2)
  }
  if (test.op !== '$eq') refuse(test.place, 'hidden is true or false')
  return is(flagOf(one(test), test.place))
}

const ITEM_ROOM = 1n << 63n
const DIR_NO_MAX = 0x7fffffffn

function idTest(test: Test, source: Source, scope: QueryScope): Predicate {
  if (test.op === '$exists') return test.value === true
  const column = source === 'item' ? 'i.item_no' : 'd.dir_no'
  const [offset, room] = source === 'item' ? [0n, ITEM_ROOM - 1n] : [ITEM_ROOM, DIR_NO_MAX]
  // Every id is a number of 96 bits; this dataset's items, then its folders, are a stretch of them.
  const numberOfId = (id: string): bigint => BigInt(`0x${id}`) - (BigInt(scope.datasetNo) << 64n) - offset
  const isHere = (number: bigint): boolean => number >= 0n && number <= room
  if (test.op === '$in' || test.op === '$eq') {
    const ids = test.op === '$in' ? many(test) : [one(test)]
    const numbers = ids.filter((id) => typeof id === 'string' && isId(id)).map((id) => numberOfId(id as string))
    const here = numbers.filter(isHere).map(String)
    if (here.length === 0) return false
    return here.length === 1 ? sql`${raw(column)} = ${here[0]}::bigint` : sql`${raw(column)} = any(${here}::bigint[])`
  }
  const id = one(test)
  if (!isOrdering(test.op) || typeof id !== 'string' || !isId(id))
    return refuse(test.place, 'give an id of 24 hex characters')
  const bound = numberOfId(id)
  if (bound < 0n) return test.op === '$gt' || test.op === '$gte'
  if (bound > room) return test.op === '$lt' || test.op === '$lte'
  return sql`${raw(`${column} ${orderText[test.op]}`)} ${String(bound)}::bigint`
}

const ITEM_NO_BITS = 21n
const CREATED_MS_MAX = 2 ** 42

/** An item's number carries its creation time, so a test of `createdAt` is a range of numbers, which the primary key serves. */
function createdTest(test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  const firstAt = (ms: number): string =>
    String(BigInt(Math.min(Math.max(0, Math.ceil(ms)), CREATED_MS_MAX - 1)) << ITEM_NO_BITS)
  const from = (ms: number): Predicate => sql`i.item_no >= ${firstAt(ms)}::bigint`
  const before = (ms: number): Predicate => (ms <= 0 ? false : sql`i.item_no < ${firstAt(ms)}::bigint`)
  const nextMs = (ms: number): number => Math.floor(ms) + 1
  const at = (ms: number): Predicate => (Number.isInteger(ms) ? allOf([from(ms), before(nextMs(ms))]) : false)
  if (test.op === '$in') return anyOf(many(test).map((value) => at(timeOf(value, test.place))))
  const ms = timeOf(one(test), test.place)
  if (test.op === '$gt') return from(nextMs(ms))
  if (test.op === '$gte') return from(ms)
  if (test.op === '$lt') return before(ms)
  return test.op === '$lte' ? before(nextMs(ms)) : at(ms)
}
