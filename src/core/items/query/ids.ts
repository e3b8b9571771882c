import { isId } from '#lib/ids.ts'
import { refuse, type Test } from './condition.ts'
import { allOf, anyOf, type Predicate, raw, sql } from './fragment.ts'
import { orderText } from './text.ts'
import { isOrdering, many, one, timeOf } from './values.ts'

/** A column whose numbers are the low part of ids of one dataset: `offset` + number, from 0 to `numberMax`. */
export interface IdColumn {
  readonly column: string
  readonly offset: bigint
  readonly numberMax: bigint
}

const ITEM_ROOM = 1n << 63n
/** Ids of items (and of annotations, which are numbered alike) stand below those of folders. */
export const itemIds = (column: string): IdColumn => ({ column, offset: 0n, numberMax: ITEM_ROOM - 1n })
/** Ids of folders. */
export const dirIds: IdColumn = { column: 'd.dir_no', offset: ITEM_ROOM, numberMax: 0x7fffffffn }

/** A test of an id: equality with any text, order against ids only. */
export function idTest({ column, offset, numberMax }: IdColumn, datasetNo: number, test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  // Every id is a number of 96 bits; this dataset's items, then its folders, are a stretch of them.
  const numberOfId = (id: string): bigint => BigInt(`0x${id}`) - (BigInt(datasetNo) << 64n) - offset
  if (test.op === '$in' || test.op === '$eq' || test.op === '$match') {
    const ids = test.op === '$in' ? many(test) : [one(test)]
    const numbers = ids.filter((id) => typeof id === 'string' && isId(id)).map((id) => numberOfId(id as string))
    const here = numbers.filter((number) => number >= 0n && number <= numberMax).map(String)
    if (here.length === 0) return false
    return here.length === 1 ? sql`${raw(column)} = ${here[0]}::bigint` : sql`${raw(column)} = any(${here}::bigint[])`
  }
  const id = one(test)
  if (!isOrdering(test.op) || typeof id !== 'string' || !isId(id))
    return refuse(test.place, 'give an id of 24 hex characters')
  const bound = numberOfId(id)
  if (bound < 0n) return test.op === '$gt' || test.op === '$gte'
  if (bound > numberMax) return test.op === '$lt' || test.op === '$lte'
  return sql`${raw(`${column} ${orderText[test.op]}`)} ${String(bound)}::bigint`
}

const ITEM_NO_BITS = 21n
const CREATED_MS_MAX = 2 ** 42

/** An item's number carries its creation time, so a test of `createdAt` is a range of numbers, which the primary key serves. */
export function createdTest(test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  const firstAt = (ms: number): string =>
    String(BigInt(Math.min(Math.max(0, Math.ceil(ms)), CREATED_MS_MAX - 1)) << ITEM_NO_BITS)
  const from = (ms: number): Predicate => sql`i.item_no >= ${firstAt(ms)}::bigint`
  const before = (ms: number): Predicate => (ms <= 0 ? false : sql`i.item_no < ${firstAt(ms)}::bigint`)
  const nextMs = (ms: number): number => Math.floor(ms) + 1
  const at = (ms: number): Predicate => (Number.isInteger(ms) ? allOf([from(ms), before(nextMs(ms))]) : false)
  if (test.op === '$in')
    return anyOf(
      many(test)
        .filter((value) => value !== null)
        .map((value) => at(timeOf(value, test.place))),
    )
  if (test.op === '$eq' && test.value === null) return false
  const ms = timeOf(one(test), test.place)
  if (test.op === '$gt') return from(nextMs(ms))
  if (test.op === '$gte') return from(ms)
  if (test.op === '$lt') return before(ms)
  return test.op === '$lte' ? before(nextMs(ms)) : at(ms)
}

/** `srcItem`: the id of the item that this one was cloned from, which may be in any dataset. */
export function originTest(test: Test): Predicate {
  const column = raw('i.origin_item_no')
  if (test.op === '$exists') return test.value === true ? sql`${column} is not null` : sql`${column} is null`
  if (test.op !== '$eq' && test.op !== '$in' && test.op !== '$match')
    return refuse(test.place, 'ids of other datasets are equal or not')
  const values = test.op === '$in' ? many(test) : [one(test)]
  const ids = values.filter((value) => typeof value === 'string' && isId(value)).map((value) => BigInt(`0x${value}`))
  const here = ids.filter((id) => id >> 64n <= 0x7fffffffn && (id & (ITEM_ROOM * 2n - 1n)) < ITEM_ROOM)
  const datasets = here.map((id) => Number(id >> 64n))
  const numbers = here.map((id) => String(id & (ITEM_ROOM - 1n)))
  const isOne = sql`(i.origin_dataset_no, i.origin_item_no) in (select * from unnest(${datasets}::int[], ${numbers}::bigint[]))`
  return anyOf([here.length > 0 && isOne, values.includes(null) && sql`${column} is null`])
}
