// Counts what a kill costs: listing pages that were read and whose keys are not committed, by the range of the walk that read them.
import { FOLDER } from './content.ts'
import { PAGE_KEYS } from './page-keys.ts'

/** A stretch of the key space as a run saved it; keys with one character a byte, so that comparing texts compares bytes. */
export interface SavedRange {
  readonly from: string
  readonly to: string | null
  readonly cursor: string
  readonly isDone: boolean
}

/** What one worker's death costs. */
export interface Loss {
  /** Pages it had asked for beyond what was committed, also those it had no answer to yet: the next worker asks for these again. */
  readonly pages: number
  /** Ranges that were open: as saved, or with such pages if those are more, because the newest cuts are not saved yet. */
  readonly openRanges: number
  /** Where such pages began, of the range with the most. */
  readonly worstRange: readonly string[]
}

/** Keys of a listing in the order of their bytes. */
export class Listing {
  readonly #keys: readonly string[]
  readonly #pageKeys: number

  constructor(keys: Iterable<string>, isSmall: boolean) {
    this.#keys = [...keys]
      .map(latin1)
      .filter((key) => key.startsWith(FOLDER))
      .sort()
    this.#pageKeys = isSmall ? PAGE_KEYS : 1000
  }

  /** Last key of the page after a key; null where nothing follows. */
  #lastAfter(after: string): string | null {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! <= after) low = middle + 1
      else high = middle
    }
    if (low === this.#keys.length) return null
    return this.#keys[Math.min(low + this.#pageKeys, this.#keys.length) - 1]!
  }

  /** What is lost when the worker that asked for the pages after these keys, in this order, dies with these ranges saved. */
  loss(asked: readonly Listed[], saved: readonly SavedRange[]): Loss {
    // The next page of a range starts where the one before ended, so pages that join on are of one range; unless one of an empty range goes beyond it, and
    // ends where the first page of another begins.
    const rangeOf = (key: string) => saved.find(({ from, to }) => key >= from && (to === null || key < to))
    const chainByEnd = new Map<string, { readonly no: number; readonly range: SavedRange | undefined }>()
    const lost = new Map<number, string[]>()
    for (const [no, after] of walked(asked, this.#pageKeys).entries()) {
      const last = this.#lastAfter(after)
      if (last === null) continue
      const range = rangeOf(after)
      const before = chainByEnd.get(after)
      const chain = before !== undefined && before.range === range ? before.no : no
      chainByEnd.delete(after)
      chainByEnd.set(last, { no: chain, range })
      if (!isBehind(after, saved)) lost.set(chain, [...(lost.get(chain) ?? []), after])
    }
    const ranges = [...lost.values()].sort((a, b) => b.length - a.length)
    return {
      pages: ranges.reduce((sum, pages) => sum + pages.length, 0),
      openRanges: Math.max(ranges.length, saved.filter((range) => !range.isDone).length),
      worstRange: ranges[0] ?? [],
    }
  }

  /** Where pages began that were asked for although a range had come further: it goes on where it was, never before. */
  needless(asked: readonly Listed[], saved: readonly SavedRange[]): string[] {
    return walked(asked, this.#pageKeys).filter((after) => isBehind(after, saved))
  }
}

/** Whether the page after this key is behind what its range has committed. */
function isBehind(after: string, saved: readonly SavedRange[]): boolean {
  return saved.some((range) => after >= range.from && after < range.cursor)
}

/** Where the ranges that were saved do not join on, from the first key to beyond the last: such keys would be listed twice, or by nobody. */
export function seams(saved: readonly SavedRange[]): string[] {
  if (saved.length === 0) return []
  const sorted = saved.toSorted((a, b) => (a.from < b.from ? -1 : 1))
  const borders = [{ to: '' }, ...sorted].map(({ to }, no) => ({ to, from: sorted[no]?.from ?? null }))
  return borders
    .filter(({ to, from }) => to !== from)
    .map(({ to, from }) => `a range ends at ${JSON.stringify(to)} and the next begins at ${JSON.stringify(from)}`)
}

/** A key's bytes, one character each. */
export function latin1(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1')
}

/** A listing request as the bucket saw it. */
export interface Listed {
  /** The key after which it lists, as `latin1` gives it. */
  readonly after: string
  readonly keysMax: number
  /** It asks for folders, too. */
  readonly isFolded: boolean
}

/** Reads a request to the bucket; null for any that lists nothing. */
export function readListing(method: string, url: string): Listed | null {
  const query = new URL(url, 'http://bucket').searchParams
  if (method !== 'GET' || query.get('list-type') !== '2') return null
  return {
    after: latin1(query.get('start-after') ?? ''),
    keysMax: Number(query.get('max-keys')),
    isFolded: query.has('delimiter'),
  }
}

/** What the readers that confirm absences ask for first; the walk is over then (src/core/hints/observe.ts). */
const CONFIRMING_KEYS = 8

/** Where the pages of a worker's walk began: whole pages, before it went on to confirm absences. */
function walked(asked: readonly Listed[], pageKeys: number): string[] {
  const end = asked.findIndex(({ keysMax }) => keysMax === CONFIRMING_KEYS)
  return asked
    .slice(0, end < 0 ? undefined : end)
    .filter(({ keysMax, isFolded }) => keysMax === pageKeys && !isFolded)
    .map(({ after }) => after)
}
