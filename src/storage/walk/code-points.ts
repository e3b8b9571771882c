/**
 * Keys as code points: their order is the order of UTF-8 bytes, and whatever is put together of whole code points is valid UTF-8, which a
 * listing's `start-after` has to be. For the files of this folder.
 */
export type CodePoints = readonly number[]

const ZERO = 0x30
const NINE = 0x39

/** The code points of a key's bytes; bytes that are no UTF-8 become U+FFFD, so compare what is made of them with the key itself. */
export function toCodePoints(key: Buffer): number[] {
  return Array.from(key.toString('utf8'), (character) => character.codePointAt(0)!)
}

/** The bytes of so many first code points of a key, and of some more behind them. */
export function toKey(points: CodePoints, length: number, ...more: readonly number[]): Buffer {
  return Buffer.from(String.fromCodePoint(...points.slice(0, length), ...more), 'utf8')
}

/** How many code points two keys have in common at their beginning. */
export function commonLength(a: CodePoints, b: CodePoints): number {
  const end = Math.min(a.length, b.length)
  let at = 0
  while (at < end && a[at] === b[at]) at++
  return at
}

/** The next code point there is, which leaves out the surrogates; null after the last. */
export function following(codePoint: number): number | null {
  if (codePoint === 0xd7ff) return 0xe000
  return codePoint >= 0x10ffff ? null : codePoint + 1
}

/** Whether a code point is an ASCII digit. */
export function isDigit(codePoint: number): boolean {
  return codePoint >= ZERO && codePoint <= NINE
}

/** ASCII's digits, in order. */
export const DIGITS: CodePoints = Array.from({ length: 10 }, (_, index) => ZERO + index)
