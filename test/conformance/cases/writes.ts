// A write puts exactly its bytes there, or nothing.
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect } from 'vitest'
import { StorageError } from '#storage/storage-error.ts'
import { type ConformanceCase, eachCase, type Stage } from '../stage.ts'
import { contentOf, expectKind, listAll, put, rewrite } from '../storage-calls.ts'

const chunk = Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 31) % 251))
const chunks = Array.from({ length: 48 }, () => chunk)
const whole = Buffer.concat(chunks)

const bodies: readonly { what: string; make: () => Readable | Buffer; bytes: Buffer }[] = [
  { what: 'no bytes', make: () => Buffer.alloc(0), bytes: Buffer.alloc(0) },
  { what: 'a stream without bytes', make: () => Readable.from([]), bytes: Buffer.alloc(0) },
  { what: 'one byte', make: () => Buffer.of(0), bytes: Buffer.of(0) },
  { what: 'bytes of every value', make: () => chunk.subarray(0, 512), bytes: chunk.subarray(0, 512) },
  {
    what: 'a stream of single bytes',
    make: () => Readable.from(Array.from(Buffer.from('abcdef'), (byte) => Buffer.of(byte))),
    bytes: Buffer.from('abcdef'),
  },
  { what: 'three megabytes at once', make: () => whole, bytes: whole },
  { what: 'a stream of three megabytes', make: () => Readable.from(chunks), bytes: whole },
]

const wrongLengths: readonly { what: string; make: () => Readable | Buffer; sizeBytes: number }[] = [
  { what: 'bytes, fewer than said', make: () => Buffer.alloc(10), sizeBytes: 11 },
  { what: 'bytes, more than said', make: () => Buffer.alloc(10), sizeBytes: 9 },
  { what: 'a stream of fewer bytes than said', make: () => Readable.from([Buffer.alloc(1000)]), sizeBytes: 5000 },
  {
    what: 'a stream of more bytes than said',
    make: () => Readable.from([Buffer.alloc(4000), Buffer.alloc(4000)]),
    sizeBytes: 5000,
  },
]

export const writeCases: readonly ConformanceCase[] = [
  ...eachCase(
    bodies,
    ({ what }) => `${what}: given back as written`,
    ['write'],
    async ({ storage, freshFolder }, { make, bytes }) => {
      const key = `${freshFolder()}x`
      const written = await storage.write(key, make(), { sizeBytes: bytes.length })
      expect(written).toMatchObject({ key, sizeBytes: bytes.length })
      expect((await contentOf(storage, key)).equals(bytes)).toBe(true)
      expect(await storage.stat(key)).toMatchObject({ etag: written.etag, sizeBytes: bytes.length })
    },
  ),
  ...eachCase(
    wrongLengths,
    ({ what }) => `${what}: refused, and nothing is left`,
    ['write'],
    async ({ storage, freshFolder }, { make, sizeBytes }) => {
      const folder = freshFolder()
      await expectKind(storage.write(`${folder}x`, make(), { sizeBytes }), 'invalid')
      expect(await listAll(storage, { prefix: folder })).toEqual([])
    },
  ),
  { name: 'a stream that breaks off: an error, and nothing is left', needs: ['write'], run: broken },
  { name: 'a stream that breaks off leaves what was there before', needs: ['write'], run: brokenReplace },
  { name: 'a part across the seam of two chunks', needs: ['write', 'read_range'], run: seam },
  { name: 'replaces what is there, and the etag tells', needs: ['write'], run: replaces },
  { name: 'many writes at once of many keys', needs: ['write'], run: atOnce },
  { name: 'many writes at once of one key: one of them is there, whole', needs: ['write'], run: oneWins },
  { name: 'keeps the content type where the provider keeps one', needs: ['write'], run: contentType },
  { name: 'only where nothing is: the first write is taken', needs: ['write', 'write_if_absent'], run: firstTaken },
  {
    name: 'only where nothing is: a second write is refused, and changes nothing',
    needs: ['write', 'write_if_absent'],
    run: secondRefused,
  },
  {
    name: 'only where nothing is: a stream is refused as well',
    needs: ['write', 'write_if_absent'],
    run: streamRefused,
  },
  {
    name: 'only where nothing is: taken again once it was removed',
    needs: ['write', 'write_if_absent'],
    run: takenAgain,
  },
  {
    name: 'only where nothing is: of eight at once exactly one is taken',
    needs: ['write', 'write_if_absent'],
    run: race,
  },
]

function breaking(): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.alloc(1000)
      throw new Error('the source broke')
    })(),
  )
}

async function broken({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await expect(storage.write(`${folder}x`, breaking(), { sizeBytes: 5000 })).rejects.toThrow(StorageError)
  expect(await listAll(storage, { prefix: folder })).toEqual([])
}

async function brokenReplace({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  const { etag } = await put(storage, key, 'kept')
  await expect(storage.write(key, breaking(), { sizeBytes: 5000 })).rejects.toThrow(StorageError)
  expect((await contentOf(storage, key)).toString()).toBe('kept')
  expect(await storage.stat(key)).toMatchObject({ etag })
}

async function seam({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}big`
  await storage.write(key, Readable.from(chunks), { sizeBytes: whole.length })
  const part = await contentOf(storage, key, { start: 65_530, end: 65_545 })
  expect(part).toEqual(whole.subarray(65_530, 65_546))
}

async function replaces({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}twice`
  const [first, second] = await rewrite(storage, key, 'one', 'two!')
  expect(second.etag).not.toBe(first.etag)
  expect((await contentOf(storage, key)).toString()).toBe('two!')
}

async function atOnce({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  const keys = Array.from({ length: 16 }, (_, i) => `${folder}${i} é`)
  await Promise.all(keys.map((key) => put(storage, key, key)))
  for (const key of keys) expect((await contentOf(storage, key)).toString()).toBe(key)
}

async function oneWins({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}contested`
  const texts = Array.from({ length: 6 }, (_, i) => String(i).repeat(1000 + i))
  // Some storages refuse a write that meets another; what counts is that no mixture is left.
  const ends = await Promise.allSettled(texts.map((text) => put(storage, key, text)))
  expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true)
  expect(texts).toContain((await contentOf(storage, key)).toString())
}

async function contentType({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}typed`
  await storage.write(key, Buffer.from('x'), { sizeBytes: 1, contentType: 'image/x-test' })
  expect([undefined, 'image/x-test']).toContain((await storage.stat(key))?.contentType)
}

function writeOnce({ storage }: Stage, key: string, text: string) {
  return storage.write(key, Buffer.from(text), { sizeBytes: text.length, ifAbsent: true })
}

async function firstTaken(stage: Stage): Promise<void> {
  const key = `${stage.freshFolder()}once`
  await writeOnce(stage, key, 'first')
  expect((await contentOf(stage.storage, key)).toString()).toBe('first')
}

async function secondRefused(stage: Stage): Promise<void> {
  const key = `${stage.freshFolder()}once`
  const { etag } = await writeOnce(stage, key, 'first')
  await expectKind(writeOnce(stage, key, 'second'), 'precondition-failed')
  expect((await contentOf(stage.storage, key)).toString()).toBe('first')
  expect(await stage.storage.stat(key)).toMatchObject({ etag })
}

async function streamRefused({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}once`
  await put(storage, key, 'first')
  const body = Readable.from([Buffer.from('second')])
  await expectKind(storage.write(key, body, { sizeBytes: 6, ifAbsent: true }), 'precondition-failed')
  expect((await contentOf(storage, key)).toString()).toBe('first')
}

async function takenAgain(stage: Stage): Promise<void> {
  const key = `${stage.freshFolder()}once`
  await writeOnce(stage, key, 'first')
  await stage.storage.remove([key])
  await writeOnce(stage, key, 'third')
  expect((await contentOf(stage.storage, key)).toString()).toBe('third')
}

async function race(stage: Stage): Promise<void> {
  const key = `${stage.freshFolder()}raced`
  const texts = Array.from({ length: 8 }, (_, i) => `writer ${i}`)
  const ends = await Promise.allSettled(texts.map((text) => writeOnce(stage, key, text)))
  const taken = texts.filter((_, i) => ends[i]!.status === 'fulfilled')
  expect(taken.length).toBe(1)
  const opened = await stage.storage.read(key)
  expect((await buffer(opened.body)).toString()).toBe(taken[0])
}
