// Proves that archives are read back whole by the directory at their end, also with more entries than the old format can count.
import { inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ZipEntry, zipOf } from './zip.ts'

async function* each(entries: readonly ZipEntry[]) {
  yield* entries
}

async function archive(entries: readonly ZipEntry[]): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of zipOf(each(entries))) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Reads an archive as an unpacker does: from its end. */
function read(zip: Buffer): ZipEntry[] {
  const end = zip.length - 22
  expect(zip.readUInt32LE(end)).toBe(0x06054b50)
  let count = zip.readUInt16LE(end + 10)
  let at = zip.readUInt32LE(end + 16)
  if (count === 0xffff) {
    expect(zip.readUInt32LE(end - 20)).toBe(0x07064b50)
    const end64 = Number(zip.readBigUInt64LE(end - 12))
    expect(zip.readUInt32LE(end64)).toBe(0x06064b50)
    count = Number(zip.readBigUInt64LE(end64 + 32))
    at = Number(zip.readBigUInt64LE(end64 + 48))
  }
  const entries: ZipEntry[] = []
  for (let index = 0; index < count; index++) {
    if (zip.readUInt32LE(at) !== 0x02014b50) throw new Error('no line of the directory')
    const [packed, bytes] = [zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 24)]
    const [nameBytes, extraBytes] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30)]
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes)
    const local = zip.readUInt32LE(at + 42)
    if (zip.readUInt32LE(local) !== 0x04034b50) throw new Error('no header')
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const body = inflateRawSync(zip.subarray(from, from + packed))
    if (body.length !== bytes) throw new Error('not all bytes')
    entries.push({ name, body })
    at += 46 + nameBytes + extraBytes
  }
  return entries
}

test('any names and bytes come back in their order', async () => {
  const entry = fc.record({
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
      expect(read(await archive(entries))).toEqual(
        entries.map((one) => ({ name: one.name, body: Buffer.from(one.body) })),
      )
    }),
    { numRuns: 50 },
  )
})

test('more entries than 16 bits count', async () => {
  const body = Buffer.from('{}')
  const names = Array.from({ length: 66_000 }, (_, index) => `f/${index}.json`)
  const entries = read(await archive(names.map((name) => ({ name, body }))))
  expect(entries.map((entry) => entry.name)).toEqual(names)
})
