import { PatternFault } from './fault.ts'

/** Texts that one pattern may stand for: `{a,b}/{c,d}` stands for four. */
const ALTERNATIVES_MAX = 64

/**
 * Writes `{a,b}` out: every text that the pattern stands for, braces gone, backslashes and classes as they were.
 *
 * Braces may stand inside one another and hold slashes. Throws `PatternFault`, also for more than 64 texts.
 */
export function expandBraces(pattern: string): string[] {
  const { texts, end } = expandUntil(pattern, 0, '')
  if (end < pattern.length)
    throw new PatternFault(`“${pattern[end]}” closes nothing; write \\${pattern[end]} to mean it`)
  return texts
}

/** Expands from `start` to the first of the characters `stops` that belongs to this level, or to the end. */
function expandUntil(pattern: string, start: number, stops: string): { texts: string[]; end: number } {
  let texts = ['']
  let at = start
  const append = (tails: readonly string[]) => {
    texts = texts.flatMap((text) => tails.map((tail) => text + tail))
    if (texts.length > ALTERNATIVES_MAX)
      throw new PatternFault(`the braces stand for more than ${ALTERNATIVES_MAX} texts; use several patterns`)
  }
  while (at < pattern.length) {
    const character = pattern[at]!
    if (stops.includes(character)) return { texts, end: at }
    if (character === '}') return { texts, end: at }
    if (character === '{') {
      const group = expandGroup(pattern, at)
      append(group.texts)
      at = group.end
      continue
    }
    const end = character === '\\' ? at + 2 : character === '[' ? endOfClass(pattern, at) : at + 1
    append([pattern.slice(at, end)])
    at = end
  }
  return { texts, end: at }
}

function expandGroup(pattern: string, open: number): { texts: string[]; end: number } {
  const texts: string[] = []
  let at = open + 1
  let parts = 0
  for (;;) {
    const part = expandUntil(pattern, at, ',')
    texts.push(...part.texts)
    parts++
    if (part.end >= pattern.length) throw new PatternFault('a “{” is not closed; write \\{ to mean the character')
    at = part.end + 1
    if (pattern[part.end] === '}') break
  }
  if (parts < 2) throw new PatternFault('braces need a comma, as in {a,b}; ranges as in {1..9} are not known')
  return { texts, end: at }
}

/** Where the class that begins at `open` ends, one past its `]`; classes of patterns are read in earnest elsewhere. */
export function endOfClass(pattern: string, open: number): number {
  let at = open + 1
  if (pattern[at] === '!' || pattern[at] === '^') at++
  // A “]” right at the beginning is a member.
  if (pattern[at] === ']') at++
  while (at < pattern.length && pattern[at] !== ']') at += pattern[at] === '\\' ? 2 : 1
  if (at >= pattern.length) throw new PatternFault('a “[” is not closed; write \\[ to mean the character')
  return at + 1
}
