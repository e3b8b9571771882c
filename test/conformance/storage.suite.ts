import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStorage } from '#storage/memory/memory.ts'
import type { ListQuery, Storage } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import { keyZoo, unaddressableKeys } from './key-zoo.ts'
import { contentOf, entriesOf, expectKind, fetchSigned, inByteOrder, listAll, put } from './storage-calls.ts'

/** What a provider gives the suite. */
export interface StorageUnderTest {
  /** An empty bucket that nobody else touches. */
  readonly storage: Storage
  /** Ways to the bucket that do not lead through the driver. */
  readonly backdoor: {
    /** Whether the provider has a name for this key at all; one it has not must be refused as `unaddressable`. */
    canName(key: string): boolean
    /** The keys there really are. */
    keys(): Promise<string[]>
  }
  close(): Promise<void>
}

export interface ConformanceOptions {
  /** Runs of the model test; 60 unless said. Each run is some dozens of requests. */
  readonly modelRuns?: number
  /** Pages that begin behind a key may hold one entry fewer than asked for, where the provider's place to begin is inclusive. */
  readonly hasShortPages?: boolean
}

/** What every storage driver must do, as tests; called once a driver, from a test file that opens it. */
export function storageConformance(
  name: string,
  open: () => Promise<StorageUnderTest>,
  options: ConformanceOptions = {},
): void {
  describe(`storage conformance: ${name}`, () => {
    let subject: StorageUnderTest
    let folders = 0
    const here = () => subject.storage
    /** A folder nobody used before. */
    const freshFolder = () => `test-${++folders}/`

    beforeAll(async () => {
      subject = await open()
    })
    afterAll(async () => subject?.close())

    keyCases(() => subject)
    listCases(here, freshFolder)
    objectCases(here, freshFolder)
    refusalCases(here, freshFolder)
    abortCases(here, freshFolder)
    checkCases(() => subject, freshFolder)
    modelCase(here, freshFolder, options)
  })
}

function keyCases(subject: () => StorageUnderTest): void {
  describe('keys', () => {
    test.each(keyZoo.map((key) => [JSON.stringify(key).slice(0, 60), key] as const))(
      'round trip of %s',
      async (_, key) => {
        const { storage, backdoor } = subject()
        const body = Buffer.from(`content of ${key}`)
        if (!backdoor.canName(key)) {
          await expectKind(storage.write(key, body, { sizeBytes: body.length }), 'unaddressable')
          await expectKind(storage.stat(key), 'unaddressable')
          return
        }
        const written = await storage.write(key, body, { sizeBytes: body.length })
        expect(written).toMatchObject({ key, sizeBytes: body.length })
        expect(await backdoor.keys()).toContain(key)

        const found = await storage.stat(key)
        expect(found).toMatchObject({ key, sizeBytes: body.length, etag: written.etag })

        const listed = await entriesOf(await storage.list({ prefix: key }))
        expect(listed[0]).toMatchObject({ key, sizeBytes: body.length, etag: written.etag })
        expect(Math.abs(listed[0]!.modifiedMs - found!.modifiedMs)).toBeLessThan(1000)

        expect(await contentOf(storage, key)).toEqual(body)
        if (storage.can.sign_read) expect(await fetchSigned(storage, key)).toEqual(body)

        expect(await storage.remove([key])).toEqual([{ key, ok: true }])
        expect(await storage.stat(key)).toBeNull()
        expect(await backdoor.keys()).not.toContain(key)
      },
    )

    test.each(unaddressableKeys.map((key) => [JSON.stringify(key).slice(0, 40), key] as const))(
      'refuses to address %s',
      async (_, key) => {
        const { storage } = subject()
        await expectKind(storage.stat(key), 'unaddressable')
        await expectKind(storage.read(key), 'unaddressable')
        await expectKind(storage.write(key, Buffer.alloc(1), { sizeBytes: 1 }), 'unaddressable')
        await expectKind(storage.remove([key]), 'unaddressable')
        const sign = async () => storage.signRead(key, { ttlSeconds: 60 })
        await expectKind(sign(), storage.can.sign_read ? 'unaddressable' : 'unsupported')
      },
    )

    test('lists all of them together, in the order of their bytes where the storage has it', async () => {
      const { storage, backdoor } = subject()
      const keys = keyZoo.filter((key) => backdoor.canName(`zoo/${key}`)).map((key) => `zoo/${key}`)
      for (const key of keys) await put(storage, key, key)
      expect(await listAll(storage, { prefix: 'zoo/' })).toEqual(inByteOrder(keys))
      expect(await listAll(storage, { prefix: 'zoo/', entriesMax: 7 })).toEqual(inByteOrder(keys))
      if (storage.can.list_after) {
        expect(await listAll(storage, { prefix: 'zoo/', entriesMax: 5 }, 'after')).toEqual(inByteOrder(keys))
      }
      // Any key is a place to go on from, where a listing can begin at one.
      for (const [i, key] of inByteOrder(keys).entries()) {
        if (!storage.can.list_after) break
        const page = await storage.list({ prefix: 'zoo/', after: Buffer.from(key) })
        expect(page.count).toBe(keys.length - i - 1)
        page.release()
      }
      const outcomes = await storage.remove(keys)
      expect(outcomes.filter(({ ok }) => !ok)).toEqual([])
      expect(await listAll(storage, { prefix: 'zoo/' })).toEqual([])
    })
  })
}

function listCases(storage: () => Storage, freshFolder: () => string): void {
  describe('list', () => {
    test('a folder with nothing in it is an empty page with nothing behind it', async () => {
      const page = await storage().list({ prefix: freshFolder() })
      expect(page).toMatchObject({ count: 0, lastKey: null, prefixes: [], isTruncated: false, token: undefined })
      expect(page.entries.next()).toBe(false)
      page.release()
      page.release()
    })

    test('a prefix is bytes: no neighbour that only begins alike, and nothing that another case or a wildcard would add', async () => {
      const folder = freshFolder()
      const inside = [`${folder}da_a/x`, `${folder}da_a/y/z`]
      const outside = ['da_ab/x', 'daXa/x', 'DA_A/x', 'da_', 'da%a/x'].map((key) => folder + key)
      for (const key of [...inside, ...outside]) await put(storage(), key)
      expect(await listAll(storage(), { prefix: `${folder}da_a/` })).toEqual(inside)
    })

    test('tells size, etag, date, count and last key, the last key before the entries are walked', async () => {
      const folder = freshFolder()
      const before = Date.now() - 60_000
      for (const [i, name] of ['a', 'b', 'c'].entries()) await put(storage(), folder + name, 'x'.repeat(i))
      const page = await storage().list({ prefix: folder })
      expect(page.count).toBe(3)
      expect(page.lastKey?.toString()).toBe(`${folder}c`)
      const entries = await entriesOf(page)
      expect(entries.map(({ sizeBytes }) => sizeBytes)).toEqual([0, 1, 2])
      for (const entry of entries) {
        expect(entry.modifiedMs).toBeGreaterThan(before)
        expect(entry.modifiedMs).toBeLessThan(Date.now() + 60_000)
        expect(entry.etag).toMatch(/^[^"]+$/)
      }
    })

    test('pages by token and by key give every key once, whatever the size of the page', async () => {
      const folder = freshFolder()
      const keys = Array.from({ length: 23 }, (_, i) => `${folder}${(i * 7) % 23}-é${i % 3 ? '' : '/x'}`)
      for (const key of keys) await put(storage(), key)
      for (const entriesMax of [1, 2, 5, 22, 23, 24]) {
        expect(await listAll(storage(), { prefix: folder, entriesMax })).toEqual(inByteOrder(keys))
        if (!storage().can.list_after) continue
        expect(await listAll(storage(), { prefix: folder, entriesMax }, 'after')).toEqual(inByteOrder(keys))
      }
    })

    test('starts after a key that need not exist, and never repeats it', async () => {
      const folder = freshFolder()
      for (const name of ['a', 'b', 'c']) await put(storage(), folder + name)
      if (!storage().can.list_after) {
        await expectKind(storage().list({ prefix: folder, after: Buffer.from(`${folder}a`) }), 'unsupported')
        return
      }
      const namesAfter = async (name: string) => {
        return (await entriesOf(await storage().list({ prefix: folder, after: Buffer.from(folder + name) }))).map(
          ({ key }) => key.slice(folder.length),
        )
      }
      expect(await namesAfter('a')).toEqual(['b', 'c'])
      expect(await namesAfter('aa')).toEqual(['b', 'c'])
      expect(await namesAfter('c')).toEqual([])
      expect(await namesAfter('')).toEqual(['a', 'b', 'c'])
      const before = await storage().list({ prefix: folder, after: Buffer.from('!') })
      expect(before.count).toBe(3)
      before.release()
      const behind = await storage().list({ prefix: folder, after: Buffer.from('~~~') })
      expect(behind).toMatchObject({ count: 0, isTruncated: false })
    })

    test('folds folders when a delimiter is given, and counts them in', async () => {
      const folder = freshFolder()
      for (const name of ['a/1', 'a/2', 'a-file', 'b/c/d', 'e f+%/x', 'z']) await put(storage(), folder + name)
      const page = await storage().list({ prefix: folder, delimiter: '/' })
      expect(page.prefixes.map(String)).toEqual(['a/', 'b/', 'e f+%/'].map((name) => folder + name))
      expect((await entriesOf(page)).map(({ key }) => key)).toEqual([`${folder}a-file`, `${folder}z`])
      const seen: string[] = []
      let token: string | undefined
      do {
        const part = await storage().list({ prefix: folder, delimiter: '/', entriesMax: 1, token })
        seen.push(...part.prefixes.map(String), ...(await entriesOf(part)).map(({ key }) => key))
        token = part.token
      } while (token !== undefined)
      expect(seen).toEqual(['a-file', 'a/', 'b/', 'e f+%/', 'z'].map((name) => folder + name))
    })

    test('several pages may be held at once', async () => {
      const folder = freshFolder()
      for (const name of ['a', 'b', 'c', 'd']) await put(storage(), folder + name)
      const first = await storage().list({ prefix: folder, entriesMax: 2 })
      const second = await storage().list({ prefix: folder, entriesMax: 2, token: first.token })
      expect((await entriesOf(second)).map(({ key }) => key)).toEqual([`${folder}c`, `${folder}d`])
      expect((await entriesOf(first)).map(({ key }) => key)).toEqual([`${folder}a`, `${folder}b`])
    })

    test('many requests at once each get their own answer', async () => {
      const folder = freshFolder()
      const names = Array.from({ length: 12 }, (_, i) => `${i}/`)
      for (const name of names) await put(storage(), `${folder}${name}file`)
      const all = await Promise.all(names.map((name) => listAll(storage(), { prefix: folder + name })))
      expect(all).toEqual(names.map((name) => [`${folder}${name}file`]))
    })
  })
}

function objectCases(storage: () => Storage, freshFolder: () => string): void {
  describe('objects', () => {
    test('what is not there: stat is null, read is not-found, remove counts as done', async () => {
      const key = `${freshFolder()}absent`
      expect(await storage().stat(key)).toBeNull()
      await expectKind(storage().read(key), 'not-found')
      expect(await storage().remove([key])).toEqual([{ key, ok: true }])
    })

    test('a folder is no object', async () => {
      const folder = freshFolder()
      await put(storage(), `${folder}name/file`)
      expect(await storage().stat(`${folder}name`)).toBeNull()
    })

    test('an object without bytes', async () => {
      const key = `${freshFolder()}empty`
      const written = await storage().write(key, Buffer.alloc(0), { sizeBytes: 0 })
      expect(written.sizeBytes).toBe(0)
      expect(await contentOf(storage(), key)).toEqual(Buffer.alloc(0))
      const ranged = await storage().read(key, { range: { start: 0 } })
      expect(ranged.bodyBytes).toBe(0)
      expect(await buffer(ranged.body)).toEqual(Buffer.alloc(0))
      if (storage().can.sign_read) expect(await fetchSigned(storage(), key)).toEqual(Buffer.alloc(0))
    })

    test.each([
      { range: { start: 0, end: 0 }, bytes: '0' },
      { range: { start: 0, end: 9 }, bytes: '0123456789' },
      { range: { start: 3, end: 5 }, bytes: '345' },
      { range: { start: 9 }, bytes: '9' },
      { range: { start: 4 }, bytes: '456789' },
      { range: { start: 8, end: 99 }, bytes: '89' },
      { range: { start: 0, end: 99 }, bytes: '0123456789' },
    ])('reads the range $range', async ({ range, bytes }) => {
      const key = `${freshFolder()}ten`
      await put(storage(), key, '0123456789')
      const opened = await storage().read(key, { range })
      expect(opened.bodyBytes).toBe(bytes.length)
      expect(opened.entry.sizeBytes).toBe(10)
      expect((await buffer(opened.body)).toString()).toBe(bytes)
    })

    test('refuses a range behind the end', async () => {
      const key = `${freshFolder()}ten`
      await put(storage(), key, '0123456789')
      await expectKind(storage().read(key, { range: { start: 10 } }), 'invalid')
    })

    test('takes a stream, and gives three megabytes back as they were', async () => {
      const key = `${freshFolder()}big`
      const chunk = Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 31) % 251))
      const sizeBytes = chunk.length * 48
      const body = Readable.from(Array.from({ length: 48 }, () => chunk))
      const written = await storage().write(key, body, { sizeBytes })
      expect(written.sizeBytes).toBe(sizeBytes)
      expect((await contentOf(storage(), key)).equals(Buffer.concat(Array.from({ length: 48 }, () => chunk)))).toBe(
        true,
      )
      const opened = await storage().read(key)
      opened.body.destroy()
      expect(await contentOf(storage(), key, { start: 65_530, end: 65_545 })).toEqual(
        Buffer.concat([chunk, chunk]).subarray(65_530, 65_546),
      )
    })

    test('replaces what is there, and the etag tells', async () => {
      const key = `${freshFolder()}twice`
      const first = await put(storage(), key, 'one')
      // Not waiting for a condition but making one: file systems tell two writes apart by their time only.
      await sleep(20)
      const second = await put(storage(), key, 'two!')
      expect(second.etag).not.toBe(first.etag)
      expect((await contentOf(storage(), key)).toString()).toBe('two!')
      await expectKind(storage().read(key, { ifMatch: first.etag }), 'precondition-failed')
      expect((await buffer((await storage().read(key, { ifMatch: second.etag })).body)).toString()).toBe('two!')
    })

    test('writes only where nothing is, when asked', async () => {
      const key = `${freshFolder()}once`
      const write = (text: string) => {
        return storage().write(key, Buffer.from(text), { sizeBytes: text.length, ifAbsent: true })
      }
      if (!storage().can.write_if_absent) return expectKind(write('first'), 'unsupported')
      await write('first')
      await expectKind(write('second'), 'precondition-failed')
      expect((await contentOf(storage(), key)).toString()).toBe('first')
      await storage().remove([key])
      await write('third')
      expect((await contentOf(storage(), key)).toString()).toBe('third')
    })

    test('a write that breaks off leaves nothing', async () => {
      const folder = freshFolder()
      const broken = Readable.from(
        (async function* () {
          yield Buffer.alloc(1000)
          throw new Error('the source broke')
        })(),
      )
      await expect(storage().write(`${folder}x`, broken, { sizeBytes: 5000 })).rejects.toThrow(StorageError)
      expect(await listAll(storage(), { prefix: folder })).toEqual([])
    })

    test('removes many at once, and only those', async () => {
      const folder = freshFolder()
      const keys = Array.from({ length: 20 }, (_, i) => `${folder}k ${i}&+%<é>`)
      for (const key of keys) await put(storage(), key)
      const gone = [...keys.slice(0, 10), `${folder}never-was`]
      const outcomes = await storage().remove(gone)
      expect(outcomes).toEqual(gone.map((key) => ({ key, ok: true })))
      expect(await listAll(storage(), { prefix: folder })).toEqual(inByteOrder(keys.slice(10)))
      expect(await storage().remove([])).toEqual([])
    })

    test('keeps the content type where the provider keeps one, and a signed address gives the one asked for', async () => {
      const key = `${freshFolder()}typed`
      await storage().write(key, Buffer.from('x'), { sizeBytes: 1, contentType: 'image/x-test' })
      const entry = await storage().stat(key)
      expect([undefined, 'image/x-test']).toContain(entry?.contentType)
      if (!storage().can.sign_read) return
      const contentDisposition = `attachment; filename="a b.png"; filename*=UTF-8''%C3%A9.png`
      const signed = await storage().signRead(key, { ttlSeconds: 60, contentType: 'text/plain', contentDisposition })
      const answer = await fetch(signed.url, { headers: signed.headers })
      expect(answer.headers.get('content-type')).toBe('text/plain')
      expect(answer.headers.get('content-disposition')).toBe(contentDisposition)
      await answer.arrayBuffer()
    })

    test('signed addresses: range, expiry, and no use for another key', async () => {
      if (!storage().can.sign_read) return
      const folder = freshFolder()
      await put(storage(), `${folder}a`, '0123456789')
      await put(storage(), `${folder}b`, 'secret')
      const signed = await storage().signRead(`${folder}a`, { ttlSeconds: 60 })
      expect(signed.expiresAtMs).toBeGreaterThan(Date.now())
      expect(signed.expiresAtMs).toBeLessThanOrEqual(Date.now() + 60_000)
      const ranged = await fetch(signed.url, { headers: { range: 'bytes=2-4' } })
      expect([ranged.status, await ranged.text()]).toEqual([206, '234'])
      const bent = await fetch(signed.url.replace('/a?', '/b?'))
      expect([bent.status, await bent.text()]).toEqual([403, expect.not.stringContaining('secret')])
    })

    test('a signed address takes an upload, with its type only', async () => {
      if (!storage().can.sign_write) return
      const key = `${freshFolder()}up é+`
      const signed = await storage().signWrite(key, { ttlSeconds: 60, contentType: 'image/png' })
      const wrong = await fetch(signed.url, { method: 'PUT', headers: { 'content-type': 'text/html' }, body: 'x' })
      expect(wrong.status).toBe(403)
      const answer = await fetch(signed.url, { method: 'PUT', headers: signed.headers, body: 'uploaded' })
      expect(answer.status).toBe(200)
      expect((await contentOf(storage(), key)).toString()).toBe('uploaded')
    })
  })
}

function refusalCases(storage: () => Storage, freshFolder: () => string): void {
  describe('what a driver cannot do it says', () => {
    test('more keys than fit into one removal', async () => {
      const keys = Array.from({ length: storage().can.remove_batch_max + 1 }, (_, i) => `k${i}`)
      await expectKind(storage().remove(keys), 'unsupported')
    })

    test('signing', async () => {
      const key = `${freshFolder()}x`
      const read = async () => storage().signRead(key, { ttlSeconds: 60 })
      const write = async () => storage().signWrite(key, { ttlSeconds: 60 })
      if (storage().can.sign_read) expect((await read()).url).toMatch(/^https?:/)
      else await expectKind(read(), 'unsupported')
      if (storage().can.sign_write) expect((await write()).url).toMatch(/^https?:/)
      else await expectKind(write(), 'unsupported')
    })

    test('a removal of one version only', async () => {
      const key = `${freshFolder()}x`
      const written = await put(storage(), key)
      const { can } = storage()
      if (!can.remove_if_match) {
        await expectKind(storage().remove([key], { ifMatch: written.etag }), 'unsupported')
        expect(await storage().stat(key)).not.toBeNull()
        return
      }
      const [refused] = await storage().remove([key], { ifMatch: '00000000000000000000000000000000' })
      expect(refused).toMatchObject({ key, ok: false, error: { kind: 'precondition-failed' } })
      expect(await storage().stat(key)).not.toBeNull()
      expect(await storage().remove([key], { ifMatch: written.etag })).toEqual([{ key, ok: true }])
      expect(await storage().stat(key)).toBeNull()
    })

    test('errors name the operation and the driver, and nothing else of it', async () => {
      const key = `${freshFolder()}absent`
      const error = await storage()
        .read(key)
        .catch((thrown) => thrown)
      expect(error.facts).toMatchObject({ provider: storage().provider, op: 'read', key })
      expect(error.message).not.toMatch(/https?:|Signature|\/tmp/)
    })
  })
}

function abortCases(storage: () => Storage, freshFolder: () => string): void {
  describe('aborting', () => {
    test('before the call', async () => {
      const signal = AbortSignal.abort()
      const key = `${freshFolder()}x`
      await put(storage(), key)
      await expectKind(storage().list({ prefix: '', signal }), 'aborted')
      await expectKind(storage().stat(key, { signal }), 'aborted')
      await expectKind(storage().read(key, { signal }), 'aborted')
      await expectKind(storage().write(key, Buffer.alloc(1), { sizeBytes: 1, signal }), 'aborted')
      await expectKind(storage().remove([key], { signal }), 'aborted')
      expect(await storage().stat(key)).not.toBeNull()
    })

    test('in the middle of a write: nothing is left', async () => {
      const folder = freshFolder()
      const abort = new AbortController()
      const endless = Readable.from(
        (async function* () {
          yield Buffer.alloc(1000)
          abort.abort()
          await sleep(60_000, undefined, { ref: false, signal: abort.signal }).catch(() => {})
        })(),
      )
      await expectKind(storage().write(`${folder}x`, endless, { sizeBytes: 5000, signal: abort.signal }), 'aborted')
      expect(await listAll(storage(), { prefix: folder })).toEqual([])
    })
  })
}

function checkCases(subject: () => StorageUnderTest, freshFolder: () => string): void {
  describe('check', () => {
    test('everything allowed: all is ok and nothing is left behind', async () => {
      const { storage, backdoor } = subject()
      const folder = freshFolder()
      await put(storage, `${folder}item`)
      const report = await storage.check({ folder, allowDelete: true })
      expect(report.ok).toBe(true)
      expect(report.warnings).toEqual([])
      const failed = report.probes.filter(({ ok }) => !ok).map(({ name }) => name)
      expect(failed).toEqual(storage.can.sign_read ? [] : ['sign'])
      expect((await backdoor.keys()).filter((key) => key.startsWith(folder))).toEqual([`${folder}item`])
    })

    test('an empty folder is a warning', async () => {
      const report = await subject().storage.check({ folder: freshFolder(), allowDelete: false })
      expect([report.ok, report.warnings.length]).toEqual([true, 1])
    })

    test('a folder that is a file is refused with its own code', async () => {
      const { storage } = subject()
      const key = `${freshFolder()}picture.jpg`
      await put(storage, key)
      const report = await storage.check({ folder: `${key}/`, allowDelete: false })
      expect(report.ok).toBe(false)
      expect(report.probes[0]).toMatchObject({ name: 'list', ok: false, code: 'storage.folder_is_file' })
    })
  })
}

/** Any sequence of writes and removals leaves, in every listing, what it leaves in the memory driver. */
function modelCase(storage: () => Storage, freshFolder: () => string, options: ConformanceOptions): void {
  const numRuns = options.modelRuns ?? 60
  const shape = (pages: Outline[]) => {
    if (storage().can.list_order === 'none') return sorted(joined(pages))
    return options.hasShortPages === true ? joined(pages) : pages
  }
  test('any sequence of changes lists as in the model', { timeout: 300_000 }, async () => {
    // Files and folders get names of their own, because a file system cannot have both under one.
    const part = fc.constantFrom('a', 'B', '~', 'é', '\uff5e', '😀', ' +', '%2F', '&', '-')
    const key = fc
      .tuple(fc.array(part, { maxLength: 2 }), part)
      .map(([path, name]) => [...path.map((p) => `d${p}`), `f${name}`].join('/'))
    const change = fc.record({ key, text: fc.constantFrom(null, '', 'x', 'longer') })
    const question = fc.record({
      prefix: fc.constantFrom('', 'd', 'da/', 'dé/', 'd \u002b/', 'f'),
      entriesMax: fc.constantFrom(1, 2, 3, 1000),
      after: fc.option(key, { nil: undefined }),
      isFolded: fc.boolean(),
    })
    const property = fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 12 }),
      fc.array(question, { minLength: 1, maxLength: 4 }),
      async (changes, questions) => {
        const folder = freshFolder()
        const model = createMemoryStorage({ name: `model-${crypto.randomUUID()}` })
        for (const { key: name, text } of changes) {
          for (const one of [storage(), model]) {
            if (text === null) await one.remove([folder + name])
            else await put(one, folder + name, text)
          }
        }
        for (const { prefix, entriesMax, after, isFolded } of questions) {
          const query: ListQuery = isFolded
            ? { prefix: folder + prefix, entriesMax, delimiter: '/' }
            : {
                prefix: folder + prefix,
                entriesMax,
                after: after === undefined || !storage().can.list_after ? undefined : Buffer.from(folder + after),
              }
          expect(shape(await outline(storage(), query))).toEqual(shape(await outline(model, query)))
        }
      },
    )
    await fc.assert(property, { numRuns })
  })
}

type Outline = { readonly prefixes: readonly string[]; readonly entries: readonly unknown[] }

/** The same in one page, whatever the pages were. */
function joined(pages: readonly Outline[]): Outline {
  return { prefixes: pages.flatMap(({ prefixes }) => prefixes), entries: pages.flatMap(({ entries }) => entries) }
}

function sorted({ prefixes, entries }: Outline): Outline {
  return { prefixes: inByteOrder(prefixes), entries: inByteOrder(entries.map((entry) => JSON.stringify(entry))) }
}

/** All that a listing tells and that does not depend on time, page by page. */
async function outline(storage: Storage, query: ListQuery): Promise<Outline[]> {
  const pages: Outline[] = []
  let token: string | undefined
  do {
    const page = await storage.list({ ...query, ...(token === undefined ? {} : { token }) })
    token = page.token
    const { count, isTruncated } = page
    const prefixes = page.prefixes.map(String)
    const entries = (await entriesOf(page)).map(({ key, sizeBytes }) => [key, sizeBytes])
    pages.push(Object.assign({ prefixes, entries }, { count, isTruncated }))
  } while (token !== undefined)
  return pages
}
