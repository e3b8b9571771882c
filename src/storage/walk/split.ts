/**
 * Picks keys at which to cut a range of the key space that nobody has seen yet.
 *
 * Everything works on code points: their order is the order of UTF-8 bytes, and a cut between code points is always valid UTF-8, which a
 * listing's `start-after` has to be.
 */

const DIGITS = [0x30, 0x39] as const
const UPPER = [0x41, 0x5a] as const
const LOWER = [0x61, 0x7a] as const

/** Highest code point that may plausibly stand where `codePoint` stands: digits stay digits, letters letters. */
function ceilingOf(codePoint: number): number {
  for (const [low, high] of [DIGITS, UPPER, LOWER]) if (codePoint >= low && codePoint <= high) return high
  if (codePoint < 0x7f) return 0x7e
  // One Unicode block or so: real names beyond ASCII stay near each other.
  return Math.min(codePoint + 0x200, 0x10ffff)
}

/** Keeps a code point out of the surrogates' gap, which UTF-8 does not have. */
function outsideSurrogates(codePoint: number): number {
  return codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xd7ff : codePoint
}

function toCodePoints(key: Buffer): number[] {
  return Array.from(key.toString('utf8'), (character) => character.codePointAt(0)!)
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length)
  let at = 0
  while (at < end && a[at] === b[at]) at++
  return at
}

/**
 * A key strictly between `cursor` and `to`, near the middle of what is likely still to come; null where there is no room or no telling.
 *
 * `first` is where the listing of this range began: the first place where it and the cursor differ is where the keys are moving, so the
 * cut is made there (in `scene_000100/…` to `scene_000180/…` at the eighth digit, not somewhere in the file name). `to` null: open end.
 */
export function splitKey(first: Buffer, cursor: Buffer, to: Buffer | null): Buffer | null {
  const low = toCodePoints(cursor)
  const high = to === null ? [] : toCodePoints(to)
  const bounded = to === null ? 0 : commonLength(low, high)
  const moving = commonLength(toCodePoints(first), low)
  for (let at = Math.max(bounded, moving); at < low.length; at++) {
    // At the place where cursor and end part, the end's code point is a bound as well; beyond it only plausibility is.
    const limit = at === bounded && at < high.length ? high[at]! - 1 : ceilingOf(low[at]!)
    if (limit <= low[at]!) continue
    const middle = outsideSurrogates(low[at]! + Math.ceil((limit - low[at]!) / 2))
    if (middle <= low[at]!) continue
    const key = Buffer.from(String.fromCodePoint(...low.slice(0, at), middle), 'utf8')
    if (key.compare(cursor) > 0 && (to === null || key.compare(to) < 0)) return key
  }
  return null
}

/** At most `count` of the given sorted keys, evenly spread; for cutting a range at known folders without shattering pages. */
export function spread(keys: readonly Buffer[], count: number): Buffer[] {
  if (keys.length <= count) return [...keys]
  const step = keys.length / count
  return Array.from({ length: count }, (_, index) => keys[Math.floor(index * step)]!)
}
