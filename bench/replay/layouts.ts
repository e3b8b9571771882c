/**
 * A set of generated keys that is never held in memory: the key of an index is computed, and keys ascend in UTF-8 byte order with their index.
 * So a listing is a range of indexes and nothing is ever sorted.
 */
export interface Layout {
  readonly name: LayoutName
  /** How many keys there are. */
  readonly count: number
  /** True where every key is written the same raw, as XML and URL-encoded, so that one rendering serves all. */
  readonly isPlain: boolean
  keyAt(index: number): string
}

/** The shapes of buckets there are; `realistic` is what the figures are taken with, the others are hostile to range splitting. */
export const layoutNames = ['realistic', 'flat', 'hex', 'dates', 'lonely', 'utf8', 'lopsided'] as const
export type LayoutName = (typeof layoutNames)[number]

/** Makes the layout of a name for a number of keys. */
export function makeLayout(name: LayoutName, count: number): Layout {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`a layout needs a whole number of keys, not ${count}`)
  return { name, count, isPlain: name !== 'utf8', keyAt: makers[name](count) }
}

const makers: Record<LayoutName, (count: number) => (index: number) => string> = {
  realistic: realisticKeys,
  flat: () => (index) => `obj_${pad(index, 10)}.bin`,
  hex: hexKeys,
  dates: dateKeys,
  lonely: () => (index) => `u/${pad(index, 9)}/only.json`,
  utf8: () => utf8Key,
  lopsided: lopsidedKeys,
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

/** `2024-01-01` and the days after it, remembered by number; four digits of year keep them in byte order. */
const dayNames = new Map<number, string>()
function dayName(day: number): string {
  let name = dayNames.get(day)
  if (name === undefined) {
    name = new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10)
    dayNames.set(day, name)
  }
  return name
}

const splits = ['test', 'train', 'val'] as const
const camerasPerSplit = 12
const framesPerScene = 100
const scenesPerDay = 20

/** Recordings of a fleet of cameras: 36 branches, a folder a day, scenes of 100 frames; about 69 bytes a key. */
function realisticKeys(count: number): (index: number) => string {
  const perCamera = Math.max(1, Math.ceil(count / (splits.length * camerasPerSplit)))
  let lastScene = -1
  let folder = ''
  return (index) => {
    const branch = Math.floor(index / perCamera)
    const frame = index - branch * perCamera
    const scene = Math.floor(frame / framesPerScene)
    const sceneOfAll = branch * 1_000_000 + scene
    if (sceneOfAll !== lastScene) {
      const split = splits[Math.floor(branch / camerasPerSplit)]
      const camera = pad(branch % camerasPerSplit, 2)
      folder = `datasets/av/${split}/cam-${camera}/${dayName(Math.floor(scene / scenesPerDay))}/scene_${pad(scene, 6)}/`
      lastScene = sceneOfAll
    }
    return `${folder}frame_${pad(index, 10)}.jpg`
  }
}

/** Keys spread evenly by a hash, as upload services name them: `00/000010c6f7a0b5ed.bin`, ascending by equal steps of a 48-bit number. */
function hexKeys(count: number): (index: number) => string {
  const step = Math.floor(2 ** 48 / Math.max(1, count))
  return (index) => {
    // A jitter below half a step keeps the order and leaves no regular gaps.
    const value = index * step + (mix(index, 7) % Math.max(1, Math.min(step >> 1 || 1, 0x7fffffff)))
    const hex = value.toString(16).padStart(12, '0')
    return `${hex.slice(0, 2)}/${hex}.bin`
  }
}

/** Logs: `logs/2024/01/01/00/host-000-00000.gz`, 500 an hour. */
function dateKeys(): (index: number) => string {
  const perHour = 500
  return (index) => {
    const hour = Math.floor(index / perHour)
    const day = dayName(Math.floor(hour / 24)).replaceAll('-', '/')
    return `logs/${day}/${pad(hour % 24, 2)}/host-${pad(index % perHour, 3)}-${pad(index, 10)}.gz`
  }
}

// Ascending by code point, which is ascending in UTF-8; one to four bytes each. UTF-16 order differs (U+FB01 and U+FF21 against the emoji),
// and so does every language's own. Space, plus, percent and ampersand are written differently in each encoding of a listing.
const letters = [
  ' ',
  '%',
  '&',
  '+',
  '<',
  'A',
  'a',
  'é',
  'ß',
  'ж',
  'ק',
  'अ',
  '中',
  '한',
  'ﬁ',
  'Ａ',
  '😀',
  '🚗',
  '𠀀',
].sort(byCodePoint)

function byCodePoint(a: string, b: string): number {
  return a.codePointAt(0)! - b.codePointAt(0)!
}

/** Seven letters of a 19-letter alphabet, most significant first, cut into folders: every kind of character meets every other. */
function utf8Key(index: number): string {
  let rest = index
  let text = ''
  for (let place = 0; place < 7; place++) {
    text = letters[rest % letters.length]! + text
    rest = Math.floor(rest / letters.length)
    if (place === 1 || place === 3) text = `/${text}`
  }
  return `ü/${text}.png`
}

/** One key in a hundred stands before the one prefix that has all the others. */
function lopsidedKeys(count: number): (index: number) => string {
  const few = Math.floor(count / 100)
  return (index) =>
    index < few ? `a/${pad(index, 6)}/x_${pad(index, 10)}.jpg` : `archive/all/in/one/place/img_${pad(index, 10)}.jpg`
}

/** A repeatable scrambling of an index to 32 bits; `seed` keeps the uses apart. */
export function mix(index: number, seed: number): number {
  let h = (Math.imul(index ^ seed, 0x9e3779b1) + seed) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The first index whose key is not below `bytes`, in byte order; `layout.count` when all are. */
export function lowerBound(layout: Layout, bytes: Buffer): number {
  let low = 0
  let high = layout.count
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (Buffer.compare(Buffer.from(layout.keyAt(middle)), bytes) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** The first index whose key does not start with `prefix` among those at or after the first that does. */
export function prefixEnd(layout: Layout, prefix: Buffer): number {
  const after = Buffer.from(prefix)
  // Bytes of UTF-8 are never 0xff, so adding one to the last byte gives the bound above every key with that prefix.
  if (after.length === 0) return layout.count
  after[after.length - 1]! += 1
  return lowerBound(layout, after)
}
