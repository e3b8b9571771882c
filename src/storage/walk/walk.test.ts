// Proves that a walk hands over every key exactly once and in order within its ranges, whatever the keys, the connections, the pressure and the faults.
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryStorage, memoryBucket } from '../memory/memory.ts'
import type { ListPage, ListQuery, Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { type Reach, type WalkOptions, type WalkRange, walk } from './walk.ts'

let bucketNo = 0
const none = Buffer.alloc(0)
const whole = (): WalkRange => ({ no: 1, from: none, to: null, cursor: none, isDone: false, keys: 0 })

interface Setting {
  readonly pageMax: number
  readonly list?: (query: ListQuery, list: (query: ListQuery) => Promise<ListPage>) => Promise<ListPage>
}

/** A bucket with these keys whose pages are small, and whose listing a test may disturb. */
function storageOf(keys: readonly string[], setting: Setting): Storage {
  const name = `walk-${bucketNo++}`
  const bucket = memoryBucket(name)
  for (const key of keys) bucket.put(Buffer.from(key), Buffer.from(key))
  const storage = createMemoryStorage({ name })
  const list = (query: ListQuery) => storage.list({ ...query, entriesMax: setting.pageMax })
  return { ...storage, can: storage.can, list: (query) => (setting.list ? setting.list(query, list) : list(query)) }
}

/** Walks and collects, checking that no page goes back behind its range's cursor. */
async function collect(
  storage: Storage,
  options: Partial<WalkOptions> & { pressure?: () => Promise<void> | void } = {},
) {
  const found: string[] = []
  const cost = { requests: 0 }
  await walk({
    storage,
    prefix: '',
    ranges: [whole()],
    connectionsMax: 8,
    mayListBelow: true,
    signal: new AbortController().signal,
    cost,
    onRange: () => {},
    onPage: (range: WalkRange, page: ListPage, _reach: Reach) => {
      let last = range.cursor
      while (page.entries.next()) {
        const key = Buffer.from(page.entries.keyBytes.subarray(page.entries.keyStart, page.entries.keyEnd))
        expect(key.compare(last)).toBeGreaterThan(0)
        last = key
        if (range.to !== null && key.compare(range.to) > 0) continue
        found.push(key.toString())
        range.keys++
      }
      return options.pressure?.()
    },
    ...options,
  })
  return { found, cost }
}

const inOrder = (keys: Iterable<string>) => [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

const segment = fc.oneof(
  fc.constantFrom('a', 'b', 'train', '2024-05-01', '', '..', 'é', 'é', '😀', '～', '0001', 'Z'),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
)
const key = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('/'))
  .filter((text) => text.length > 0 && !text.includes('\0'))

describe('walk', () => {
  test('finds exactly the keys of any bucket, with any number of connections, pages and pressure', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 200 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 16 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
        async (keys, pageMax, connectionsMax, presses) => {
          let turn = 0
          const pressure = () => (presses[turn++ % presses.length] ? nextTurn() : undefined)
          const { found } = await collect(storageOf(keys, { pageMax }), {
            connectionsMax,
            pressure: pressure as () => void,
          })
          expect(inOrder(found)).toEqual(inOrder(keys))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a flat folder of numbered files is split although it has no folders', async () => {
    const keys = Array.from({ length: 3000 }, (_, n) => `flat/frame_${String(n).padStart(6, '0')}.jpg`)
    let atOnce = 0
    let most = 0
    const storage = storageOf(keys, {
      pageMax: 20,
      list: async (query, list) => {
        most = Math.max(most, ++atOnce)
        // Long enough that requests overlap; what is asserted does not depend on how long.
        for (let turn = 0; turn < 5; turn++) await nextTurn()
        atOnce--
        return list(query)
      },
    })
    const { found, cost } = await collect(storage)
    expect(inOrder(found)).toEqual(keys)
    expect(most).toBeGreaterThan(4)
    expect(cost.requests).toBeLessThan(2 * (keys.length / 20))
  })

  test('a small bucket costs one request', async () => {
    const { cost } = await collect(storageOf(['a/b/c.txt', 'd.txt'], { pageMax: 1000 }))
    expect(cost.requests).toBe(1)
  })

  test('where listing below the folder is refused, the plain listing goes on', async () => {
    const keys = Array.from({ length: 500 }, (_, n) => `p${n % 20}/${n}.jpg`)
    const storage = storageOf(keys, {
      pageMax: 10,
      list: async (query, list) => {
        if (query.prefix !== '') throw new StorageError('forbidden', 'no', { provider: 'memory', op: 'list' })
        return list(query)
      },
    })
    expect(inOrder((await collect(storage)).found)).toEqual(inOrder(keys))
  })

  test('passing faults are repeated, at most the page they hit; a lasting one ends the walk with its error', async () => {
    const keys = Array.from({ length: 300 }, (_, n) => `k${String(n).padStart(4, '0')}`)
    const facts = { provider: 'memory', op: 'list', retryAfterMs: 1 } as const
    let calls = 0
    const shaky = storageOf(keys, {
      pageMax: 10,
      list: async (query, list) => {
        if (++calls % 3 === 0) throw new StorageError(calls % 2 ? 'throttled' : 'unavailable', 'again', facts)
        return list(query)
      },
    })
    expect(inOrder((await collect(shaky)).found)).toEqual(keys)
    const broken = storageOf(keys, {
      pageMax: 10,
      list: async () => {
        throw new StorageError('bad-credentials', 'no', facts)
      },
    })
    await expect(collect(broken)).rejects.toMatchObject({ kind: 'bad-credentials' })
  })

  test('a storage that goes round in circles is refused, not followed for ever', async () => {
    const keys = Array.from({ length: 50 }, (_, n) => `k${String(n).padStart(4, '0')}`)
    const circles: ((query: ListQuery) => ListQuery)[] = [
      ({ after: _, ...query }) => query,
      (query) => ({ ...query, after: query.after && Buffer.from('k0003') }),
    ]
    for (const circle of circles) {
      const storage = storageOf(keys, { pageMax: 10, list: (query, list) => list(circle(query)) })
      const seen: string[] = []
      const walking = walk({
        storage,
        prefix: '',
        ranges: [whole()],
        connectionsMax: 1,
        mayListBelow: true,
        signal: new AbortController().signal,
        cost: { requests: 0 },
        onRange: () => {},
        onPage: (_, page) => void seen.push(page.lastKey!.toString()),
      })
      await expect(walking).rejects.toMatchObject({ kind: 'invalid' })
      expect(seen.length).toBeLessThan(3)
    }
    const empty = storageOf(keys, {
      pageMax: 10,
      list: async (query, list) => ({ ...(await list(query)), lastKey: null }),
    })
    await expect(collect(empty)).rejects.toMatchObject({ kind: 'invalid' })
  })

  test('stopping ends with `aborted` and hands over nothing more', async () => {
    const keys = Array.from({ length: 300 }, (_, n) => `k${String(n).padStart(4, '0')}`)
    const stop = new AbortController()
    let pages = 0
    await expect(
      collect(storageOf(keys, { pageMax: 10 }), {
        signal: stop.signal,
        onPage: () => {
          expect(stop.signal.aborted).toBe(false)
          if (++pages === 3) stop.abort()
        },
      }),
    ).rejects.toMatchObject({ kind: 'aborted' })
  })

  test('goes on with the ranges a former walk left', async () => {
    const keys = Array.from({ length: 100 }, (_, n) => `k${String(n).padStart(4, '0')}`)
    const bytes = (text: string) => Buffer.from(text)
    const ranges: WalkRange[] = [
      { no: 1, from: none, to: bytes('k0050'), cursor: bytes('k0019'), isDone: false, keys: 0 },
      { no: 2, from: bytes('k0050'), to: null, cursor: bytes('k0090'), isDone: false, keys: 0 },
    ]
    const { found } = await collect(storageOf(keys, { pageMax: 7 }), { ranges })
    expect(inOrder(found)).toEqual([...keys.slice(20, 51), ...keys.slice(91)])
  })
})
