import { randomBytes } from 'node:crypto'

/**
 * A new id of 24 hex characters for anything but items: 4 bytes of seconds and 8 random ones, so that ids sort by creation to the second
 * and the vendor's SDK, which does arithmetic on them, is content. Externally opaque (D9).
 */
export function newId(nowMs: number): string {
  const bytes = randomBytes(12)
  bytes.writeUInt32BE(Math.floor(nowMs / 1000) >>> 0, 0)
  return bytes.toString('hex')
}

/** Whether a text has the form of an id: 24 lower-case hex characters. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text)
}

const DIR_BIT = 1n << 63n

/** The public id of an item: its dataset's number in 4 bytes, its own in 8. */
export function itemId(datasetNo: number, itemNo: bigint): string {
  return datasetNo.toString(16).padStart(8, '0') + itemNo.toString(16).padStart(16, '0')
}

/** The public id of a folder, shown where the contract shows folders as items: the highest bit keeps it apart from items' ids. */
export function dirId(datasetNo: number, dirNo: number): string {
  return itemId(datasetNo, DIR_BIT | BigInt(dirNo))
}

/** What an item's or folder's public id says; null if the text is no id. Numbers are decimal text, ready to be an SQL parameter. */
export function parseItemId(
  id: string,
): { datasetNo: number; itemNo: string } | { datasetNo: number; dirNo: number } | null {
  if (!isId(id)) return null
  const datasetNo = Number.parseInt(id.slice(0, 8), 16)
  if (datasetNo > 0x7fffffff) return null
  const low = BigInt(`0x${id.slice(8)}`)
  if (low & DIR_BIT) {
    const dirNo = low & ~DIR_BIT
    return dirNo <= 0x7fffffffn ? { datasetNo, dirNo: Number(dirNo) } : null
  }
  return { datasetNo, itemNo: low.toString() }
}

/** Bits of an item number below its creation time in milliseconds: 2,097,152 items a millisecond and dataset. */
export const ITEM_NO_SEQUENCE_BITS = 21n

/** The creation time in milliseconds that an item number carries; so `createdAt` needs no column and always agrees with the id's order. */
export function itemCreatedMs(itemNo: bigint): number {
  return Number(itemNo >> ITEM_NO_SEQUENCE_BITS)
}

/** The lowest item number made at or after a time; for filters on `createdAt`. */
export function firstItemNoAt(ms: number): bigint {
  return BigInt(Math.max(0, Math.ceil(ms))) << ITEM_NO_SEQUENCE_BITS
}
