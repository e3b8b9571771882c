import { type CodePoints, commonLength, DIGITS, following, isDigit, toCodePoints, toKey } from './code-points.ts'

/** Questions at once of one sounding. */
const PROBES_AT_ONCE = 9
/** Rounds in which the characters of one place are found out: digits, then letters, then others. */
const ROUNDS_MAX = 3
/** Ends of ASCII's classes of characters, up to which names are likely to go on. */
const CLASS_ENDS: CodePoints = [0x39, 0x5a, 0x7a]

/** A stretch of the key space of which only the beginning is known. */
export interface Sounded {
  /** The last key that is known. */
  readonly cursor: Buffer
  /** The last key of the stretch; null means no end. */
  readonly to: Buffer | null
  /** Code points that all keys have in common from the outset: the driver's folder. */
  readonly placeMin: number
  /** Characters that may plausibly stand at a place, in order. */
  readonly plausibleAt: (place: number) => CodePoints
  /** The first key there is after another; null when there is none or nobody knows. */
  readonly nextAfter: (key: Buffer) => Promise<Buffer | null>
}

/** What a sounding found. */
export interface Found {
  /** Keys there are in the stretch behind the cursor. */
  readonly keys: readonly Buffer[]
  /** The stretch holds nothing behind this; null where that was not found out. */
  readonly end: Buffer | null
}

/**
 * Finds out where the keys of a stretch go on and end, by asking for single keys: at which place, counted from the left, names differ first
 * (`img_0000…` differ at the fifth digit), and which characters stand there.
 *
 * Two to five rounds of at most nine small requests. Nobody can tell from the first page of `img_0000000999` whether 2,000 keys follow or
 * nine millions; cutting at guesses takes a page's time a guess and lists what was listed already.
 */
export async function sound(stretch: Sounded): Promise<Found> {
  const low = toCodePoints(stretch.cursor)
  const fork = await findFork(stretch, low)
  if (fork === null) return { keys: [], end: null }
  const branches = await findBranches(stretch, low, fork)
  return { keys: [fork.key, ...branches.keys], end: branches.end }
}

interface Fork {
  /** The first place at which keys of the stretch differ from the cursor. */
  readonly place: number
  /** The first key that does. */
  readonly key: Buffer
}

/** The leftmost place at which something follows in the stretch, by search among all places: what follows at one follows at those to its right. */
async function findFork(stretch: Sounded, low: CodePoints): Promise<Fork | null> {
  const high = stretch.to === null ? null : toCodePoints(stretch.to)
  const first = Math.max(stretch.placeMin, high === null ? 0 : commonLength(low, high))
  let least = first
  let most = low.length
  let found: Fork | null = null
  while (least < most) {
    const places = evenly(least, most - 1)
    const answers = await Promise.all(places.map((place) => askBehind(stretch, low, place)))
    const index = answers.findIndex((key) => key !== null)
    if (index < 0) {
      least = places.at(-1)! + 1
    } else {
      most = places[index]!
      const key = answers[index]!
      // Left of the place asked at when the key is the very one that was asked behind of there.
      found = { place: commonLength(toCodePoints(key), low), key }
      if (index > 0) least = places[index - 1]! + 1
    }
  }
  return found
}

/** The first key behind everything that begins as the cursor does up to and including a place. */
async function askBehind(stretch: Sounded, low: CodePoints, place: number): Promise<Buffer | null> {
  const next = following(low[place]!)
  return next === null ? null : ask(stretch, toKey(low, place, next))
}

async function ask(stretch: Sounded, after: Buffer): Promise<Buffer | null> {
  const { cursor, to } = stretch
  if (after.compare(cursor) <= 0 || (to !== null && after.compare(to) >= 0)) return null
  const key = await stretch.nextAfter(after)
  return key === null || (to !== null && key.compare(to) > 0) ? null : key
}

/** The characters at the fork, from the one that is known up. */
async function findBranches(stretch: Sounded, low: CodePoints, fork: Fork): Promise<Found> {
  const keys: Buffer[] = []
  let end: Buffer | null = null
  let last = toCodePoints(fork.key)[fork.place]!
  for (let round = 0; round < ROUNDS_MAX && end === null; round++) {
    const characters = likelyAbove(last, stretch.plausibleAt(fork.place))
    const asked = characters.map((one) => toKey(low, fork.place, one))
    const answers = await Promise.all(asked.map((after) => ask(stretch, after)))
    for (const [index, key] of answers.entries()) {
      const points = key === null ? [] : toCodePoints(key)
      if (key === null) {
        end ??= asked[index]!
        continue
      }
      // A key that is exactly one asked behind of is not among the answers: then the fork may be right of where keys differ first, and of this
      // place there is no more to find.
      if (commonLength(points, low) < fork.place) return { keys: [...keys, key], end: null }
      keys.push(key)
      end = null
      last = Math.max(last, points[fork.place]!)
    }
    if (characters.length === 0) break
  }
  return { keys, end }
}

/** Some characters above one: those of its class or those that are plausible, and the first behind them all. */
function likelyAbove(character: number, plausible: CodePoints): CodePoints {
  const classEnd = CLASS_ENDS.find((end) => character <= end) ?? 0
  const ofClass = isDigit(character) ? DIGITS : Array.from({ length: 26 }, (_, index) => classEnd - 25 + index)
  const known = plausible.filter((one) => one > character)
  const likely = known.length > 0 || classEnd === 0 ? known : ofClass.filter((one) => one > character)
  const some = evenly(0, likely.length - 1).map((index) => likely[index]!)
  const behind = following(likely.at(-1) ?? character)
  return behind === null ? some : [...some.slice(0, PROBES_AT_ONCE - 1), behind]
}

/** At most `PROBES_AT_ONCE` whole numbers from one to another, both included, evenly spread. */
function evenly(from: number, to: number): number[] {
  const count = Math.min(PROBES_AT_ONCE, to - from + 1)
  if (count <= 1) return count === 1 ? [to] : []
  return Array.from({ length: count }, (_, index) => from + Math.round((index * (to - from)) / (count - 1)))
}
