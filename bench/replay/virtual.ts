import { setImmediate as nextTurn } from 'node:timers/promises'
import { createMemoryStorage } from '#storage/memory/memory.ts'
import type { EntryCursor, ListPage, ListQuery, Storage } from '#storage/port.ts'
import { type WalkRange, walk } from '#storage/walk/walk.ts'
import { type Layout, lowerBound, prefixEnd } from './layouts.ts'

/** What one walk over a layout came to, in virtual time: the same every time it is run. */
export interface VirtualRun {
  readonly requests: number
  /** Keys in all answers ÷ keys of the layout: 1 is the least. */
  readonly listedPerKey: number
  /** Ranges that were made. */
  readonly ranges: number
  readonly seconds: number
}

/** How the virtual storage and consumer behave. */
export interface VirtualSetting {
  readonly connections: number
  readonly latencyMs: number
  readonly pageMax?: number
  /** Where to begin; one range over everything unless said. */
  readonly ranges?: readonly WalkRange[]
  /** Keys of an earlier index, for later cuts. */
  readonly marks?: readonly Buffer[]
}

/** What reading an answer costs this process: a fixed part, and a part a key. About what the S3 driver with a sync behind it takes. */
const MS_PER_PAGE = 0.2
const MS_PER_KEY = 0.001

/**
 * Walks a layout without a server and without waiting: answers come in the order of a virtual clock, which also runs while a page is read.
 *
 * For comparing ways to split a key space on a machine that is busy with other things. Throws unless every key came exactly once.
 */
export async function walkVirtually(layout: Layout, setting: VirtualSetting): Promise<VirtualRun> {
  const world = new VirtualWorld(layout, setting)
  const none = Buffer.alloc(0)
  const cost = { requests: 0 }
  const taken: [from: number, to: number][] = []
  const ranges = new Set<WalkRange>()
  let isOver = false
  const walking = walk({
    storage: world.storage(),
    prefix: '',
    ranges: setting.ranges ?? [{ no: 1, from: none, to: null, cursor: none, isDone: false, keys: 0 }],
    marks: setting.marks ?? [],
    connectionsMax: setting.connections,
    mayListBelow: true,
    signal: new AbortController().signal,
    cost,
    now: () => world.nowMs,
    onRange: (range) => ranges.add(range),
    onPage: (range, page) => {
      const { first, end } = page as VirtualPage
      const kept = range.to === null ? end : Math.min(end, firstAfter(layout, range.to))
      if (kept > first) taken.push([first, kept])
      range.keys += Math.max(0, kept - first)
    },
  }).finally(() => {
    isOver = true
  })
  walking.catch(() => {})
  while (!isOver) {
    // Two turns, so that everything an answer sets off has been asked for before the next one comes.
    await nextTurn()
    await nextTurn()
    if (!isOver && !world.answerNext()) break
  }
  await walking
  refuseGaps(taken, layout.count)
  return {
    requests: cost.requests,
    listedPerKey: world.keys / Math.max(1, layout.count),
    ranges: ranges.size,
    seconds: world.nowMs / 1000,
  }
}

function refuseGaps(taken: [number, number][], count: number): void {
  taken.sort((a, b) => a[0] - b[0])
  let at = 0
  for (const [from, to] of taken) {
    if (from !== at)
      throw new Error(`keys ${Math.min(at, from)} to ${Math.max(at, from)} came ${from > at ? 'never' : 'twice'}`)
    at = to
  }
  if (at !== count) throw new Error(`keys from ${at} on never came`)
}

function firstAfter(layout: Layout, key: Buffer): number {
  return lowerBound(layout, Buffer.concat([key, Buffer.alloc(1)]))
}

interface VirtualPage extends ListPage {
  readonly first: number
  readonly end: number
}

class VirtualWorld {
  nowMs = 0
  keys = 0
  readonly #layout: Layout
  readonly #setting: VirtualSetting
  readonly #coming: { readonly atMs: number; readonly answer: () => void }[] = []

  constructor(layout: Layout, setting: VirtualSetting) {
    this.#layout = layout
    this.#setting = setting
  }

  storage(): Storage {
    const real = createMemoryStorage({ name: 'virtual' })
    return { ...real, can: real.can, list: (query) => this.#list(query) }
  }

  /** Lets the next answer come; false when none is under way. */
  answerNext(): boolean {
    const next = this.#coming.shift()
    if (next === undefined) return false
    this.nowMs = Math.max(this.nowMs, next.atMs)
    next.answer()
    return true
  }

  #list(query: ListQuery): Promise<ListPage> {
    const { promise, resolve } = Promise.withResolvers<ListPage>()
    const atMs = this.nowMs + this.#setting.latencyMs
    const answer = () => {
      const page = this.#page(query)
      const answered = page.count + page.prefixes.length
      this.keys += answered
      this.nowMs += MS_PER_PAGE + MS_PER_KEY * answered
      resolve(page)
    }
    // The latency is the same for all, so what is asked later comes later.
    this.#coming.push({ atMs, answer })
    return promise
  }

  #page(query: ListQuery): VirtualPage {
    const layout = this.#layout
    const max = Math.min(query.entriesMax ?? 1000, this.#setting.pageMax ?? 1000)
    const prefix = Buffer.from(query.prefix)
    const stop = prefixEnd(layout, prefix)
    const start = Math.max(lowerBound(layout, prefix), query.after === undefined ? 0 : firstAfter(layout, query.after))
    if (query.delimiter !== undefined) return this.#foldedPage(start, stop, query.prefix, max)
    const end = Math.max(start, Math.min(stop, start + max))
    return this.#answer({ first: start, end, count: end - start, last: end - 1, isTruncated: end < stop })
  }

  #foldedPage(start: number, stop: number, prefix: string, max: number): VirtualPage {
    const prefixes: Buffer[] = []
    let files = 0
    let last = -1
    let at = start
    while (at < stop && files + prefixes.length < max) {
      const key = this.#layout.keyAt(at)
      const slash = key.indexOf('/', prefix.length)
      if (slash < 0) {
        files++
        last = at++
      } else {
        prefixes.push(Buffer.from(key.slice(0, slash + 1)))
        at = prefixEnd(this.#layout, prefixes.at(-1)!)
      }
    }
    return { ...this.#answer({ first: 0, end: 0, count: files, last, isTruncated: at < stop }), prefixes }
  }

  #answer(facts: { first: number; end: number; count: number; last: number; isTruncated: boolean }): VirtualPage {
    const { first, end, count, last, isTruncated } = facts
    return {
      first,
      end,
      count,
      isTruncated,
      entries: nothing,
      lastKey: count > 0 ? Buffer.from(this.#layout.keyAt(last)) : null,
      prefixes: [],
      token: isTruncated ? 'more' : undefined,
      release() {},
    }
  }
}

/** Keys are counted by their places in the layout, so nobody walks the entries. */
const nothing = { next: () => false } as EntryCursor
