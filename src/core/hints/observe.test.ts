// Proves that a look at keys tells of every one whether it is there, whatever the keys, their neighbours and the pages are; and that an answer which fails or
// makes no sense says nothing about any key.
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OpenDriver } from '#core/drivers/drivers.ts'
import { createMemoryStorage, type MemoryBucket, memoryBucket } from '#storage/memory/memory.ts'
import type { ListPage, ListQuery, Storage } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import { type Reading, readKeys } from './observe.ts'

interface Setting {
  readonly prefix?: string
  readonly pageMax?: number
  readonly isOrdered?: boolean
  /** What becomes of a page. */
  readonly change?: (page: ListPage, query: ListQuery) => ListPage
}

function look(bucket: string, keys: readonly string[], setting: Setting = {}): Promise<Reading[]> {
  const storage = createMemoryStorage({ name: bucket })
  const { prefix = '', pageMax = 1000, isOrdered = true, change = (page: ListPage) => page } = setting
  const changed: Storage = {
    ...storage,
    can: { ...storage.can, list_page_max: pageMax, list_order: isOrdered ? 'utf8' : 'none' },
    list: async (query) => {
      if (query.after !== undefined) expect(Buffer.from(query.after.toString('utf8'))).toEqual(query.after)
      return change(await storage.list({ ...query, entriesMax: Math.min(query.entriesMax ?? 1000, pageMax) }), query)
    },
  }
  const sorted = keys.map((key) => Buffer.from(key)).sort(Buffer.compare)
  const open = { storage: changed, prefix } as Pick<OpenDriver, 'storage' | 'prefix'> as OpenDriver
  return readKeys(open, sorted, new AbortController().signal, { requests: 0 })
}

/** A bucket with these keys, each holding itself. */
function bucketOf(keys: readonly string[]): { name: string; bucket: MemoryBucket } {
  const name = randomUUID()
  const bucket = memoryBucket(name)
  for (const key of keys) bucket.put(Buffer.from(key), Buffer.from(key))
  return { name, bucket }
}

const found = (readings: readonly Reading[]) =>
  readings.map((reading) => ('failure' in reading ? 'failure' : (reading.sighting?.sizeBytes ?? null)))

describe('a look', () => {
  const key = fc
    .array(fc.constantFrom('a', 'b', '/', '0', '1', '.', 'é', '\u{ff5e}', '\u{10ffff}', '~', '!', '\x7f'), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) => parts.join(''))

  test('tells of every key whether it is there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 60 }),
        fc.uniqueArray(key, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (there, asked, pageMax, isOrdered) => {
          const { name } = bucketOf(there)
          const addressable = isOrdered ? asked : asked.filter((one) => !/(^|\/)\.{1,2}(\/|$)/.test(one))
          const sorted = addressable.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)))
          const expected = sorted.map((one) => (there.includes(one) ? Buffer.byteLength(one) : null))
          expect(found(await look(name, addressable, { pageMax, isOrdered }))).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('reads many neighbours that are gone with few requests', async () => {
    const { name } = bucketOf(['a/0', 'z'])
    let pages = 0
    const keys = Array.from({ length: 160 }, (_, n) => `a/${String(n + 1).padStart(3, '0')}`)
    const change = (page: ListPage) => {
      pages++
      return page
    }
    expect(found(await look(name, keys, { change }))).toEqual(keys.map(() => null))
    expect(pages).toBe(16)
  })

  test.each([true, false])('that fails says nothing about any key (in order: %s)', async (isOrdered) => {
    const { name } = bucketOf(['a', 'b', 'c'])
    const fail = () => {
      throw new StorageError('forbidden', 'No.', { provider: 'memory', op: 'list' })
    }
    const storage = createMemoryStorage({ name })
    const refusing = {
      ...storage,
      can: { ...storage.can, list_order: isOrdered ? 'utf8' : 'none' },
      list: fail,
      stat: fail,
    }
    const open = { storage: refusing, prefix: '' } as unknown as OpenDriver
    const keys = ['a', 'b', 'x'].map((one) => Buffer.from(one))
    const readings = await readKeys(open, keys, new AbortController().signal, { requests: 0 })
    expect(found(readings)).toEqual(['failure', 'failure', 'failure'])
  })

  test('that makes no sense says nothing: an empty page with more to follow, entries that contradict themselves', async () => {
    const { name } = bucketOf(['a', 'b', 'c', 'd'])
    const empty = { isTruncated: true, count: 0, lastKey: null, token: 'more' }
    const change = (page: ListPage): ListPage => ({
      ...page,
      ...empty,
      entries: Object.assign(page.entries, { next: () => false }),
    })
    expect(found(await look(name, ['a', 'c'], { change }))).toEqual(['failure', 'failure'])
    const broken = (page: ListPage): ListPage => {
      const next = page.entries.next.bind(page.entries)
      let seen = 0
      page.entries.next = () => {
        if (++seen > 3) throw new StorageError('invalid', 'It contradicts itself.', { provider: 'memory', op: 'list' })
        return next()
      }
      return page
    }
    // Two keys for the first reader, so that its page shows both before it breaks.
    const many = ['a', 'b', ...Array.from({ length: 30 }, (_, n) => `z${String(n).padStart(2, '0')}`)]
    expect(found(await look(name, many, { change: broken })).slice(0, 2)).toEqual(['failure', 'failure'])
  })

  test('names no prefix but the driver’s folder, and begins before each key', async () => {
    const { name } = bucketOf(['f/a', 'f/b/c', 'f/b/d', 'g'])
    const asked: ListQuery[] = []
    const change = (page: ListPage, query: ListQuery) => {
      asked.push(query)
      return page
    }
    const keys = ['f/a', 'f/b/c', 'f/b/d', 'f/zz']
    expect(found(await look(name, keys, { prefix: 'f/', change }))).toEqual([3, 5, 5, null])
    for (const query of asked) expect(query.prefix).toBe('f/')
  })
})
