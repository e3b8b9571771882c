import { type CodePoints, commonLength, DIGITS, isDigit, toCodePoints, toKey } from './code-points.ts'

/** Marks kept at the most: 60 bytes each are no burden, and no walk is cut that often. */
const MARKS_MAX = 20_000
/** Guessed marks at two places together; at more, one place cuts finely enough. */
const GUESSES_MAX = 500
/** Characters remembered of a place; a place with more is cut finely enough by these. */
const CHARACTERS_MAX = 256

/**
 * What a walk knows of a key space besides what it has listed: marks, which are places where it may be cut, and the characters seen at each
 * place of the keys.
 *
 * Marks are found folders, keys met by soundings and guesses after these; for estimates each is taken to have as much behind it as its neighbours.
 */
export class Terrain {
  /** In order, each once. */
  #marks: Buffer[] = []
  readonly #seen = new Map<number, Set<number>>()
  readonly #placeMin: number

  /** `placeMin`: code points that all keys have in common from the outset, the driver's folder; no guess is made there. */
  constructor(placeMin = 0) {
    this.#placeMin = placeMin
  }

  /** Remembers marks, in any order. */
  add(keys: readonly Buffer[]): void {
    if (keys.length === 0) return
    const all = [...this.#marks, ...keys].sort(Buffer.compare)
    const unique = all.filter((key, index) => index === 0 || !key.equals(all[index - 1]!))
    this.#marks = spread(unique, MARKS_MAX)
  }

  /** Remembers the characters of a key that was met. */
  see(key: Buffer): void {
    for (const [place, character] of toCodePoints(key).entries()) {
      const seen = this.#seen.get(place)
      if (seen === undefined) this.#seen.set(place, new Set([character]))
      else if (seen.size < CHARACTERS_MAX) seen.add(character)
    }
  }

  /** How many marks lie strictly between two keys; null means no end. */
  count(low: Buffer, high: Buffer | null): number {
    return Math.max(0, this.#endOf(high) - this.#after(low))
  }

  /** The mark so far into those strictly between two keys, counted from 0; null where there is none. */
  mark(low: Buffer, high: Buffer | null, index: number): Buffer | null {
    const at = this.#after(low) + index
    return at < this.#endOf(high) ? this.#marks[at]! : null
  }

  /** So many borders, or fewer, among the marks from one on (included) to an end, that leave as many marks in each part. */
  borders(first: Buffer, end: Buffer | null, count: number): Buffer[] {
    const from = this.#firstWhere((mark) => mark.compare(first) >= 0)
    const marks = this.#endOf(end) - from
    if (marks <= count) return this.#marks.slice(from, from + Math.max(0, marks))
    const step = marks / (count + 1)
    return Array.from({ length: count }, (_, index) => this.#marks[from + Math.floor((index + 1) * step)]!)
  }

  /**
   * Characters that may plausibly stand at a place, in order: where digits were seen all digits, and of others those that were seen, if more
   * than one was: a single one is a constant part of every name.
   */
  plausibleAt(place: number): CodePoints {
    const seen = this.#seen.get(place)
    if (seen === undefined) return []
    const characters = new Set(seen)
    if ([...seen].some(isDigit)) for (const digit of DIGITS) characters.add(digit)
    return characters.size < 2 ? [] : [...characters].sort((a, b) => a - b)
  }

  /**
   * Marks before `end` that would be there if names go on behind `cursor` as they were seen: all characters at the first place that leaves
   * room, and at the place behind it. Also those that are passed already, as they tell how far such marks are apart.
   */
  guess(cursor: Buffer, end: Buffer | null): Buffer[] {
    const low = toCodePoints(cursor)
    const high = end === null ? null : toCodePoints(end)
    const bounded = high === null ? -1 : commonLength(low, high)
    for (let place = Math.max(this.#placeMin, bounded); place < low.length; place++) {
      const limit = place === bounded ? (high?.[place] ?? 0) : Number.POSITIVE_INFINITY
      const characters = this.plausibleAt(place).filter((one) => one < limit)
      if ((characters.at(-1) ?? 0) <= low[place]!) continue
      const next = this.plausibleAt(place + 1).slice(1)
      const finer = characters.length * next.length > GUESSES_MAX ? [] : next
      return characters
        .flatMap((one) => [toKey(low, place, one), ...finer.map((other) => toKey(low, place, one, other))])
        .filter((mark) => end === null || mark.compare(end) < 0)
    }
    return []
  }

  /** Place of the first mark behind a key. */
  #after(key: Buffer): number {
    return this.#firstWhere((mark) => mark.compare(key) > 0)
  }

  #endOf(high: Buffer | null): number {
    return high === null ? this.#marks.length : this.#firstWhere((mark) => mark.compare(high) >= 0)
  }

  #firstWhere(isReached: (mark: Buffer) => boolean): number {
    let low = 0
    let high = this.#marks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isReached(this.#marks[middle]!)) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** At most `count` of the given sorted keys, evenly spread. */
export function spread(keys: readonly Buffer[], count: number): Buffer[] {
  if (keys.length <= count) return [...keys]
  // From the middle of each step: the first key of all would cut off next to nothing.
  const step = keys.length / count
  return Array.from({ length: count }, (_, index) => keys[Math.floor((index + 0.5) * step)]!)
}
