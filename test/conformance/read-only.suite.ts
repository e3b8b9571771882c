import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStorage, memoryBucket } from '#storage/memory/memory.ts'
import type { Entry, ListPage, ListQuery, Storage } from '#storage/port.ts'
import { StorageError, type StorageErrorKind } from '#storage/storage-error.ts'
import { unaddressableKeys } from './key-zoo.ts'

/** A file that is in the storage, as whoever put it there knows it. */
export interface KnownFile {
  readonly key: string
  readonly etag: string
  readonly bytes: Buffer
  readonly contentType: string
}

/** What a provider gives the suite. */
export interface ReadOnlyUnderTest {
  readonly storage: Storage
  /** Everything there is in it, put there by other ways: a dozen files at least, in several folders, and one of two bytes or more in each. */
  readonly files: readonly KnownFile[]
  close(): Promise<void>
}

/** What a storage that is read only must do, as tests: what the suite for all storages asks of lists and reading, and that nothing else can be done. */
export function readOnlyConformance(name: string, open: () => Promise<ReadOnlyUnderTest>): void {
  describe(`read-only conformance: ${name}`, () => {
    let subject: ReadOnlyUnderTest
    beforeAll(async () => {
      subject = await open()
    }, 60_000)
    afterAll(async () => subject?.close())
    const storage = () => subject.storage
    const files = () => subject.files

    listCases(storage, files)
    readCases(storage, files)
    refusalCases(storage, files)
    modelCase(storage, files)
  })
}

function listCases(storage: () => Storage, files: () => readonly KnownFile[]): void {
  const keys = () => inByteOrder(files().map(({ key }) => key))

  test('lists everything in the order of bytes, whatever the size of the page, by token and by key', async () => {
    for (const entriesMax of [1, 2, 5, keys().length, 1000]) {
      expect(await listAll(storage(), { prefix: '', entriesMax })).toEqual(keys())
      expect(await listAll(storage(), { prefix: '', entriesMax }, 'after')).toEqual(keys())
    }
  })

  test('tells size, etag, count and last key, the last key before the entries are walked', async () => {
    const page = await storage().list({ prefix: '' })
    expect([page.count, page.lastKey?.toString(), page.isTruncated]).toEqual([keys().length, keys().at(-1), false])
    const wanted = files().map(({ key, etag, bytes }) => ({ key, etag, sizeBytes: bytes.length }))
    const found = entriesOf(page).map(({ key, etag, sizeBytes }) => ({ key, etag, sizeBytes }))
    expect(found.toSorted(byKey)).toEqual(wanted.toSorted(byKey))
  })

  test('tells the same again, times included', async () => {
    const [once, again] = [await storage().list({ prefix: '' }), await storage().list({ prefix: '' })]
    expect(entriesOf(again)).toEqual(entriesOf(once))
  })

  test('any key is a place to go on from, and is never repeated', async () => {
    for (const [i, key] of keys().entries()) {
      expect(await listAll(storage(), { prefix: '', after: Buffer.from(key) })).toEqual(keys().slice(i + 1))
    }
    expect(await listAll(storage(), { prefix: '', after: Buffer.from('!') })).toEqual(keys())
    expect(await listAll(storage(), { prefix: '', after: Buffer.from('~~~') })).toEqual([])
  })

  test('a prefix is bytes, and nothing in a folder is an empty page with nothing behind it', async () => {
    const prefixes = new Set(
      keys().flatMap((key) => [1, 3, key.lastIndexOf('/') + 1, key.length].map((n) => key.slice(0, n))),
    )
    for (const prefix of prefixes) {
      expect(await listAll(storage(), { prefix })).toEqual(keys().filter((key) => key.startsWith(prefix)))
    }
    const page = await storage().list({ prefix: 'no/such/folder/' })
    expect(page).toMatchObject({ count: 0, lastKey: null, prefixes: [], isTruncated: false, token: undefined })
    expect(page.entries.next()).toBe(false)
    page.release()
    page.release()
  })

  test('several pages may be held at once, and many requests each get their own answer', async () => {
    const first = await storage().list({ prefix: '', entriesMax: 2 })
    const second = await storage().list({ prefix: '', entriesMax: 2, token: first.token })
    expect(entriesOf(second).map(({ key }) => key)).toEqual(keys().slice(2, 4))
    expect(entriesOf(first).map(({ key }) => key)).toEqual(keys().slice(0, 2))
    const folders = [...new Set(keys().map((key) => key.slice(0, key.lastIndexOf('/') + 1)))]
    const all = await Promise.all(folders.map((prefix) => listAll(storage(), { prefix })))
    expect(all).toEqual(folders.map((prefix) => keys().filter((key) => key.startsWith(prefix))))
  })
}

function readCases(storage: () => Storage, files: () => readonly KnownFile[]): void {
  test('every file is found by its key and gives its own bytes', async () => {
    for (const { key, etag, bytes, contentType } of files()) {
      expect(await storage().stat(key)).toMatchObject({ key, etag, sizeBytes: bytes.length, contentType })
      const opened = await storage().read(key, { ifMatch: etag })
      expect([key, opened.bodyBytes, opened.entry.etag]).toEqual([key, bytes.length, etag])
      expect((await buffer(opened.body)).equals(bytes)).toBe(true)
    }
  })

  test('every file gives parts, and refuses one behind its end', async () => {
    for (const { key, bytes } of files()) {
      const last = bytes.length - 1
      for (const range of [
        { start: 0, end: 0 },
        { start: 1, end: last + 99 },
        { start: last },
        { start: 0, end: last },
      ]) {
        const opened = await storage().read(key, { range })
        const wanted = bytes.subarray(range.start, (range.end ?? last) + 1)
        expect([key, opened.bodyBytes, opened.entry.sizeBytes]).toEqual([key, wanted.length, bytes.length])
        expect((await buffer(opened.body)).equals(wanted)).toBe(true)
      }
      await expectKind(storage().read(key, { range: { start: bytes.length } }), 'invalid')
    }
  })

  test('what is not there: stat is null, read is not-found, also beside and above what is', async () => {
    const [{ key }] = files() as [KnownFile]
    const folder = key.slice(0, key.lastIndexOf('/'))
    for (const absent of ['absent', 'no/such/file', `${key}x`, folder, `${folder}/absent`, `${key}/x`, '日本/é/😀']) {
      expect([absent, await storage().stat(absent)]).toEqual([absent, null])
      await expectKind(storage().read(absent), 'not-found')
    }
  })

  test('another version than expected is not read', async () => {
    const [{ key }] = files() as [KnownFile]
    await expectKind(storage().read(key, { ifMatch: 'another' }), 'precondition-failed')
  })

  test('an aborted call ends as aborted', async () => {
    const signal = AbortSignal.abort()
    const [{ key }] = files() as [KnownFile]
    await expectKind(storage().list({ prefix: '', signal }), 'aborted')
    await expectKind(storage().stat(key, { signal }), 'aborted')
    await expectKind(storage().read(key, { signal }), 'aborted')
  })
}

function refusalCases(storage: () => Storage, files: () => readonly KnownFile[]): void {
  test('says that it writes, removes and signs nothing, and refuses each', async () => {
    expect(storage().can).toMatchObject({
      write: false,
      write_if_absent: false,
      write_if_match: false,
      remove_if_match: false,
      remove_batch_max: 0,
      sign_write: false,
    })
    const [{ key, bytes }] = files() as [KnownFile]
    const attempt = (work: () => unknown) => expectKind((async () => work())(), 'unsupported')
    await attempt(() => storage().write(key, Buffer.alloc(1), { sizeBytes: 1 }))
    await attempt(() => storage().write('new/tag/file', Buffer.alloc(1), { sizeBytes: 1, ifAbsent: true }))
    await attempt(() => storage().remove([key]))
    await attempt(() => storage().signWrite(key, { ttlSeconds: 60 }))
    if (!storage().can.sign_read) await attempt(() => storage().signRead(key, { ttlSeconds: 60 }))
    expect(await storage().stat(key)).toMatchObject({ sizeBytes: bytes.length })
  })

  test.each(unaddressableKeys.map((key) => [JSON.stringify(key).slice(0, 40), key] as const))(
    'refuses to address %s',
    async (_, key) => {
      for (const work of [
        storage().stat(key),
        storage().read(key),
        storage().write(key, Buffer.alloc(1), { sizeBytes: 1 }),
        storage().remove([key]),
      ])
        await expectKind(work, 'unaddressable')
    },
  )

  test('a check tries what there is to try, and is no failure for what there is not', async () => {
    for (const allowDelete of [false, true]) {
      const report = await storage().check({ folder: '', allowDelete })
      expect(report.ok).toBe(true)
      const failed = report.probes.filter(({ ok }) => !ok).map(({ name, optional }) => [name, optional])
      expect(failed).toEqual(
        (storage().can.sign_read ? ['write', 'delete'] : ['write', 'sign', 'delete']).map((one) => [one, true]),
      )
      for (const { ok, message } of report.probes) if (!ok) expect(message).toMatch(/\.$/)
    }
    const empty = await storage().check({ folder: 'no/such/folder/', allowDelete: false })
    expect([empty.ok, empty.warnings.length]).toEqual([true, 1])
  })

  test('errors name the operation and the driver, and nothing else of it', async () => {
    const error = await storage()
      .read('no/such/file')
      .catch((thrown) => thrown)
    expect(error.facts).toMatchObject({ provider: storage().provider, op: 'read', key: 'no/such/file' })
    expect(error.message).not.toMatch(/https?:|Signature|\/tmp/)
  })
}

function modelCase(storage: () => Storage, files: () => readonly KnownFile[]): void {
  test('any question about its lists has the answer that the memory driver gives', async () => {
    const name = `model-${crypto.randomUUID()}`
    const model = createMemoryStorage({ name })
    for (const { key, bytes } of files()) memoryBucket(name).put(Buffer.from(key), bytes)
    const place = fc
      .constantFrom(...files().map(({ key }) => key))
      .chain((key) => fc.nat(key.length).map((n) => key.slice(0, n)))
    const question = fc.record({
      prefix: fc.oneof(fc.constant(''), place),
      entriesMax: fc.constantFrom(1, 2, 3, 1000),
      after: fc.option(
        place.filter((key) => key !== ''),
        { nil: undefined },
      ),
      isFolded: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(question, async ({ prefix, entriesMax, after, isFolded }) => {
        const query: ListQuery = isFolded
          ? { prefix, entriesMax, delimiter: '/' }
          : { prefix, entriesMax, after: after === undefined ? undefined : Buffer.from(after) }
        expect(await outline(storage(), query)).toEqual(await outline(model, query))
      }),
      { numRuns: 40 },
    )
  })
}

/** All that a listing tells and that does not depend on time, page by page. */
async function outline(storage: Storage, query: ListQuery): Promise<unknown[]> {
  const pages: unknown[] = []
  let token: string | undefined
  do {
    const page = await storage.list({ ...query, ...(token === undefined ? {} : { token }) })
    token = page.token
    const { count, prefixes, isTruncated } = page
    const entries = entriesOf(page).map(({ key, sizeBytes }) => [key, sizeBytes])
    pages.push({ count, prefixes: prefixes.map(String), isTruncated, entries })
  } while (token !== undefined)
  return pages
}

async function listAll(storage: Storage, query: ListQuery, by: 'token' | 'after' = 'token'): Promise<string[]> {
  const keys: string[] = []
  let place: Pick<ListQuery, 'token' | 'after'> = {}
  for (;;) {
    const page = await storage.list({ ...query, ...place })
    const { token, lastKey, isTruncated } = page
    keys.push(...entriesOf(page).map(({ key }) => key))
    if (!isTruncated) return keys
    place = by === 'token' ? { token } : { after: lastKey! }
  }
}

function entriesOf(page: ListPage): Entry[] {
  const entries: Entry[] = []
  const cursor = page.entries
  while (cursor.next()) {
    entries.push({
      key: cursor.keyBytes.toString('utf8', cursor.keyStart, cursor.keyEnd),
      sizeBytes: cursor.sizeBytes,
      etag: cursor.etagBytes.toString('latin1', cursor.etagStart, cursor.etagEnd),
      modifiedMs: cursor.modifiedMs,
    })
  }
  expect(entries.length).toBe(page.count)
  page.release()
  return entries
}

const byKey = (a: { key: string }, b: { key: string }) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))

function inByteOrder(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.from(a).compare(Buffer.from(b)))
}

async function expectKind(promise: Promise<unknown>, kind: StorageErrorKind): Promise<void> {
  const thrown = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(StorageError)
  expect((thrown as StorageError).kind).toBe(kind)
}
