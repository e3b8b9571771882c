// Proves that a walk that is cut off anywhere goes on without losing or repeating a key, with few requests more than there are pages, from
// any ranges, with faults in between, and that a stop is heard while a request hangs; also what holds where keys come in no order.
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seedRanges } from '#test/support/seed-ranges.ts'
import { createMemoryStorage, memoryBucket } from '../memory/memory.ts'
import type { Capabilities, ListPage, ListQuery, Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { type WalkRange, walk } from './walk.ts'

const none = Buffer.alloc(0)
const bytes = (text: string) => Buffer.from(text)
const inOrder = (keys: Iterable<string>) => [...keys].sort((a, b) => Buffer.compare(bytes(a), bytes(b)))
const whole = (): WalkRange => ({ no: 1, from: none, to: null, cursor: none, isDone: false, keys: 0 })
let bucketNo = 0

interface Setting {
  readonly pageMax: number
  readonly can?: Partial<Capabilities>
  /** Called before each listing; may throw. */
  readonly before?: (query: ListQuery) => Promise<void> | void
}

function storageOf(keys: readonly string[], { pageMax, can, before }: Setting): Storage {
  const name = `resume-${bucketNo++}`
  const bucket = memoryBucket(name)
  for (const key of keys) bucket.put(bytes(key), none)
  const storage = createMemoryStorage({ name })
  return {
    ...storage,
    can: { ...storage.can, ...can },
    list: async (query) => {
      await before?.(query)
      return storage.list({ ...query, entriesMax: Math.min(pageMax, query.entriesMax ?? pageMax) })
    },
  }
}

/** What a database would hold: ranges by number as they were last told, and the keys that were taken with them. */
class Ledger {
  readonly taken: string[] = []
  readonly #saved = new Map<number, WalkRange>()
  pages = 0

  constructor(ranges: readonly WalkRange[]) {
    for (const range of ranges) this.save(range)
  }

  save(range: WalkRange): void {
    this.#saved.set(range.no, { ...range })
  }

  take(range: WalkRange, page: ListPage, reach: { cursor: Buffer; isDone: boolean }): void {
    let last: Buffer = range.cursor
    const fresh: string[] = []
    while (page.entries.next()) {
      const key = Buffer.from(page.entries.keyBytes.subarray(page.entries.keyStart, page.entries.keyEnd))
      expect(key.compare(last), 'keys of a range come in order').toBeGreaterThan(0)
      last = key
      if (range.to === null || key.compare(range.to) <= 0) fresh.push(key.toString())
    }
    this.pages++
    this.taken.push(...fresh)
    range.keys += fresh.length
    this.save({ ...range, ...reach })
  }

  get ranges(): WalkRange[] {
    return [...this.#saved.values()].map((range) => ({ ...range, keys: 0 }))
  }
}

class Killed extends Error {}

/** One life of a process: walks from what the ledger says and dies after so many pages; answers whether it lived to the end. */
async function live(
  storage: Storage,
  ledger: Ledger,
  connectionsMax: number,
  pagesMax: number,
  { cost = { requests: 0 }, prefix = '' } = {},
) {
  let pages = 0
  try {
    await walk({
      storage,
      prefix,
      ranges: ledger.ranges,
      connectionsMax,
      mayListBelow: true,
      signal: new AbortController().signal,
      cost,
      onRange: (range) => ledger.save(range),
      onPage: (range, page, reach) => {
        if (pages++ >= pagesMax) throw new Killed()
        ledger.take(range, page, reach)
        return pages % 3 === 0 ? nextTurn() : undefined
      },
    })
    return true
  } catch (error) {
    if (error instanceof Killed) return false
    throw error
  }
}

const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'train',
    '2024-05-01',
    '',
    '..',
    'é',
    'e\u0301',
    '😀',
    '～',
    '\u{10ffff}',
    '\ud7ff',
    '0001',
    ' ',
    '%2F',
    '\r\n',
  ),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.nat(999).map((n) => `img_${String(n).padStart(6, '0')}.jpg`),
)
const key = fc
  .oneof(
    fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/')),
    fc
      .array(segment, { minLength: 1, maxLength: 2 })
      .map((parts) => `one/very/long/prefix/that/all/share/${parts.join('-')}`),
  )
  .filter((text) => text.length > 0 && !text.includes('\0') && bytes(text).toString() === text)

describe('walk', () => {
  test('hands every key over once, in few requests, whatever the keys, the connections, the seeds, the deaths and the faults', async () => {
    const property = fc.asyncProperty(
      fc.record({
        keys: fc.uniqueArray(key, { maxLength: 150 }),
        pageMax: fc.integer({ min: 1, max: 9 }),
        connectionsMax: fc.integer({ min: 1, max: 16 }),
        borders: fc.option(fc.array(key, { maxLength: 20 }), { nil: null }),
        lives: fc.array(fc.nat(12), { maxLength: 4 }),
        faultEvery: fc.constantFrom(0, 0, 3, 7),
        prefix: fc.constantFrom('', '', 'data2024/', '😀9/'),
      }),
      async ({ keys: names, pageMax, connectionsMax, borders, lives, faultEvery, prefix }) => {
        const keys = names.map((name) => prefix + name)
        const others = prefix === '' ? [] : ['data2023/x', 'data2024', 'data2025/y', '😀8/', '😀9', '~'].concat(names)
        const facts = { provider: 'memory', op: 'list', retryAfterMs: 0 } as const
        let calls = 0
        const before = () => {
          if (faultEvery === 0 || ++calls % faultEvery !== 0) return
          throw new StorageError(calls % 2 ? 'throttled' : 'unavailable', 'again', facts)
        }
        const storage = storageOf([...keys, ...others], { pageMax, before })
        const start = bytes(prefix)
        const seeds =
          borders === null
            ? [whole()]
            : seedRanges(
                borders.map((one) => bytes(prefix + one)),
                { prefix: start, rangesMax: connectionsMax },
              )
        const ledger = new Ledger(seeds)
        const cost = { requests: 0 }
        for (const pagesMax of lives) await live(storage, ledger, connectionsMax, pagesMax, { cost, prefix })
        expect(await live(storage, ledger, connectionsMax, Number.POSITIVE_INFINITY, { cost, prefix })).toBe(true)
        for (const { from } of ledger.ranges) if (from.length > 0) expect(from.toString().startsWith(prefix)).toBe(true)
        expect(inOrder(ledger.taken)).toEqual(inOrder(keys))
        expect(ledger.ranges.every(({ isDone }) => isDone)).toBe(true)
        // Pages there are, one at the end of each range, what was under way at each death, and a search a life.
        const ranges = ledger.ranges.length
        const pages = Math.ceil(keys.length / pageMax)
        expect(ledger.pages).toBeLessThanOrEqual(pages + 2 * ranges)
        expect(ranges).toBeLessThanOrEqual(seeds.length + pages + 8 * (lives.length + 1))
        const search = 2 * connectionsMax + 200
        const faulty = faultEvery === 0 ? 1 : 2
        expect(cost.requests).toBeLessThanOrEqual(faulty * (ledger.pages + (lives.length + 1) * (ranges + search)))
      },
    )
    await fc.assert(property, { numRuns: 400 })
  })

  test('what a death throws away is at most a page a range', async () => {
    const keys = Array.from({ length: 2000 }, (_, n) => `d${n % 7}/k${String(n).padStart(5, '0')}`)
    for (let pagesMax = 5; pagesMax < 200; pagesMax += 13) {
      const ledger = new Ledger([whole()])
      // Only answers with entries count: these are what is listed again.
      let answered = 0
      const storage = storageOf(keys, {
        pageMax: 10,
        before: (query) => void (query.delimiter ?? query.entriesMax ?? answered++),
      })
      expect(await live(storage, ledger, 8, pagesMax)).toBe(false)
      const open = ledger.ranges.filter(({ isDone }) => !isDone).length
      expect(answered - ledger.pages).toBeLessThanOrEqual(open + 1)
      expect(await live(storage, ledger, 8, Number.POSITIVE_INFINITY)).toBe(true)
      expect(inOrder(ledger.taken)).toEqual(inOrder(keys))
    }
  })

  test('parts of ranges that were left get numbers that nobody had', async () => {
    const keys = Array.from({ length: 6000 }, (_, n) => `k${String(n).padStart(5, '0')}`)
    const left: WalkRange[] = [
      { ...whole(), to: bytes('k00100'), cursor: bytes('k00100'), isDone: true },
      { ...whole(), no: 7, from: bytes('k00100'), cursor: bytes('k00100') },
    ]
    const numbers: number[] = []
    await walk({
      storage: storageOf(keys, { pageMax: 10, before: () => nextTurn() }),
      prefix: '',
      ranges: left,
      connectionsMax: 8,
      mayListBelow: true,
      signal: new AbortController().signal,
      cost: { requests: 0 },
      onRange: ({ no, cursor, from }) => void (cursor.equals(from) && no !== 7 && numbers.push(no)),
      onPage: () => {},
    })
    expect(numbers.length).toBeGreaterThan(3)
    expect(Math.min(...numbers)).toBe(8)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  test('borders at the ends of pages cost no request', async () => {
    const keys = Array.from({ length: 60 }, (_, n) => `k${String(n).padStart(4, '0')}`)
    const borders = ['k0009', 'k0019', 'k0029', 'k0039', 'k0049'].map(bytes)
    const ledger = new Ledger(seedRanges(borders, { prefix: none, rangesMax: 9 }))
    const cost = { requests: 0 }
    expect(await live(storageOf(keys, { pageMax: 10 }), ledger, 1, Number.POSITIVE_INFINITY, { cost })).toBe(true)
    expect(ledger.taken).toEqual(keys)
    expect(cost.requests).toBe(6)
  })

  test('a stop in the middle of a page is the last that anybody hears of the walk', async () => {
    const keys = Array.from({ length: 600 }, (_, n) => `d${n % 6}/k${String(n).padStart(4, '0')}`)
    for (let stopAt = 1; stopAt < 40; stopAt += 4) {
      const stop = new AbortController()
      const waiting: (() => void)[] = []
      // Answers come in bundles, so that several pages are there when the first of them stops the walk.
      const answerAll = () => {
        for (const wake of waiting.splice(0)) wake()
      }
      const before = async () => {
        const turn = new Promise<void>((resolve) => waiting.push(resolve))
        if (waiting.length === 1) setImmediate(answerAll)
        await turn
      }
      let pages = 0
      const walking = walk({
        storage: storageOf(keys, { pageMax: 10, before }),
        prefix: '',
        ranges: seedRanges(['d1/', 'd2/', 'd3/', 'd4/', 'd5/'].map(bytes), { prefix: none, rangesMax: 6 }),
        connectionsMax: 6,
        mayListBelow: true,
        signal: stop.signal,
        cost: { requests: 0 },
        onRange: () => {},
        onPage: () => {
          expect(stop.signal.aborted).toBe(false)
          if (++pages === stopAt) stop.abort()
        },
      })
      await expect(walking).rejects.toMatchObject({ kind: 'aborted' })
      expect(pages).toBe(stopAt)
    }
  })

  test('a stop ends requests that hang, and gives back nothing after', async () => {
    const stop = new AbortController()
    const keys = Array.from({ length: 500 }, (_, n) => `k${String(n).padStart(4, '0')}`)
    let hanging = 0
    const storage = storageOf(keys, {
      pageMax: 10,
      before: async ({ signal, after }) => {
        if (after === undefined || after.toString() < 'k0050') return
        hanging++
        await new Promise((_, reject) =>
          signal!.addEventListener('abort', () =>
            reject(new StorageError('aborted', 'stopped', { provider: 'memory', op: 'list' })),
          ),
        )
      },
    })
    const ledger = new Ledger([whole()])
    const walking = walk({
      storage,
      prefix: '',
      ranges: ledger.ranges,
      connectionsMax: 4,
      mayListBelow: true,
      signal: stop.signal,
      cost: { requests: 0 },
      onRange: (range) => ledger.save(range),
      onPage: (range, page, reach) => {
        expect(stop.signal.aborted).toBe(false)
        ledger.take(range, page, reach)
      },
    })
    walking.catch(() => {})
    await expect.poll(() => hanging).toBeGreaterThan(0)
    stop.abort()
    await expect(walking).rejects.toMatchObject({ kind: 'aborted' })
  })
})

describe('where a listing cannot begin behind a key, or keys come in no order', () => {
  const keys = Array.from({ length: 57 }, (_, n) => `k${String(n).padStart(4, '0')}`)
  const abilities: Partial<Capabilities>[] = [
    { list_after: false },
    { list_order: 'none' },
    { list_after: false, list_order: 'none' },
  ]

  test.each(abilities)('%j: one connection goes from token to token', async (can) => {
    const asked: ListQuery[] = []
    const storage = storageOf(keys, { pageMax: 10, can, before: (query) => void asked.push(query) })
    const ledger = new Ledger([whole()])
    expect(await live(storage, ledger, 8, Number.POSITIVE_INFINITY)).toBe(true)
    expect(ledger.taken).toEqual(keys)
    expect(asked).toHaveLength(6)
    expect(asked.every(({ after }) => after === undefined)).toBe(true)
  })

  test('cut off, it begins at its start again, whatever the cursor says', async () => {
    const storage = storageOf(keys, { pageMax: 10, can: { list_after: false, list_order: 'none' } })
    const found: string[] = []
    await walk({
      storage,
      prefix: '',
      ranges: [{ ...whole(), cursor: bytes('k0033') }],
      connectionsMax: 4,
      mayListBelow: true,
      signal: new AbortController().signal,
      cost: { requests: 0 },
      onRange: () => {},
      onPage: (_, { entries }) => {
        while (entries.next()) found.push(entries.keyBytes.toString('utf8', entries.keyStart, entries.keyEnd))
      },
    })
    expect(found).toEqual(keys)
  })
})
