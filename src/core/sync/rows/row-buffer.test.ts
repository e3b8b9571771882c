// Proves that what the encoder writes is, byte for byte, a COPY BINARY row of the values it was given; across chunks and for every kind of etag.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packEtag, unpackEtag } from '#lib/etag.ts'
import { RowBuffer } from './row-buffer.ts'

const PG_EPOCH_MS = 946_684_800_000n

/** Reads rows back the slow way: a count, then a length and a value a column. */
function readRows(bytes: Buffer): Buffer[][] {
  const rows: Buffer[][] = []
  let at = 0
  while (at < bytes.length) {
    const columns = bytes.readInt16BE(at)
    at += 2
    const row: Buffer[] = []
    for (let column = 0; column < columns; column++) {
      const length = bytes.readInt32BE(at)
      row.push(bytes.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    rows.push(row)
  }
  return rows
}

const hex = fc.stringMatching(/^[0-9a-f]{32}$/)
const ascii = fc.string({
  minLength: 1,
  maxLength: 70,
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
})
const row = fc.record({
  size: fc.maxSafeNat(),
  modifiedMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  type: fc.integer({ min: 1, max: 2000 }),
  flags: fc.integer({ min: 0, max: 7 }),
  name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
  etag: fc.oneof(
    hex,
    ascii,
    ascii.map((text) => text.padEnd(15, '0').slice(0, 15)),
    hex.map((text) => `${text}-12`),
    hex.map((text) => text.toUpperCase()),
  ),
})

test('rows come back as they were given', () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 60 }),
      fc.bigInt({ min: 0n, max: 2n ** 62n }),
      (given, first) => {
        const buffer = new RowBuffer(77, 123_456_789_012)
        for (const [index, { size, modifiedMs, type, flags, name, etag }] of given.entries()) {
          const bytes = Buffer.from(`folder/${name}`)
          const tag = Buffer.from(`"${etag}"`, 'latin1')
          buffer.add(index * 3, size, modifiedMs, type, flags, bytes, 7, bytes.length, tag, 1, tag.length - 1)
        }
        buffer.number(first, (folder) => folder + 5)
        const rows = readRows(Buffer.concat([...buffer.chunks()]))
        expect(rows).toHaveLength(given.length)
        rows.forEach((columns, index) => {
          const { size, modifiedMs, type, flags, name, etag } = given[index]!
          const [itemNo, bytes, modified, ticket, datasetNo, dirNo, typeNo, flagBits, nameBytes, etagBytes] =
            columns as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
          expect(itemNo.readBigInt64BE()).toBe(first + BigInt(index))
          expect(bytes.readBigInt64BE()).toBe(BigInt(size))
          expect(modified.readBigInt64BE()).toBe((BigInt(modifiedMs) - PG_EPOCH_MS) * 1000n)
          expect(ticket.readBigInt64BE()).toBe(123_456_789_012n)
          expect([datasetNo.readInt32BE(), dirNo.readInt32BE(), typeNo.readInt16BE(), flagBits.readInt16BE()]).toEqual([
            77,
            index * 3 + 5,
            type,
            flags,
          ])
          expect(nameBytes.toString()).toBe(Buffer.from(name).toString())
          expect(etagBytes.equals(packEtag(etag))).toBe(true)
          expect(unpackEtag(etagBytes)).toBe(etag)
        })
      },
    ),
    { numRuns: 200 },
  )
})

test('more rows than a chunk holds are all there', () => {
  const buffer = new RowBuffer(1, 1)
  const name = Buffer.alloc(2000, 'n')
  const etag = Buffer.from('0123456789abcdef0123456789abcdef')
  for (let n = 0; n < 1000; n++) buffer.add(1, n, 0, 1, 0, name, 0, name.length, etag, 0, 32)
  // The low half of the number runs over in between.
  const first = 2n ** 40n - 500n
  buffer.number(first, () => 1)
  const rows = readRows(Buffer.concat([...buffer.chunks()]))
  expect(rows.map((columns) => columns[0]!.readBigInt64BE())).toEqual(rows.map((_, index) => first + BigInt(index)))
  expect(rows.map((columns) => columns[1]!.readBigInt64BE())).toEqual(rows.map((_, index) => BigInt(index)))
})
