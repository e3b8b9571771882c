import { endOfClass, expandBraces } from './braces.ts'
import { PatternFault } from './fault.ts'

/**
 * What a glob comes to. The first five are tested without a regular expression; `path` and `text` have no slash at the end unless it belongs to a name.
 *
 * - `path`: this very path · `name`: this name in any folder · `suffix`: names that end so, in any folder
 * - `below`: everything below this folder · `below-any`: everything below any folder of this name · `all`: everything
 * - `regex`: an anchored RE2 expression
 */
export type GlobTest =
  | { readonly kind: 'path' | 'name' | 'suffix' | 'below' | 'below-any'; readonly text: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'regex'; readonly source: string }

/** One piece of a glob inside a path's segment. `source` is RE2. */
type Token = { readonly literal: string } | { readonly source: string }

const ANY_IN_SEGMENT = '[^/]*'

/**
 * Reads a glob; answers the tests of which one must hold.
 *
 * `*` any characters but `/`, `?` one such, `[a-z]` and `[!a-z]` one of or one but, `{a,b}` either, `**` as a whole segment any number of folders,
 * `\` takes the next character as it is. As in a .gitignore file: without a `/` (but at the end) a glob is tested against the name in every folder,
 * with one from the driver's folder on; with a `/` at the end it means all that is below that folder. A dot is a character as any other, capitals
 * count. Unlike there: no `!` in front, and a folder is meant only with `/` or `/**` at the end. Throws `PatternFault`.
 */
export function readGlob(pattern: string): GlobTest[] {
  if (pattern.startsWith('!'))
    throw new PatternFault('“!” in front is not known: use the other list, or write \\! to mean the character')
  return expandBraces(pattern).map(readAlternative)
}

function readAlternative(text: string): GlobTest {
  const segments = splitSegments(text)
  if (segments.length === 1 && segments[0] === '') throw new PatternFault('the pattern is empty')
  const isAnchored = segments[0] === '' || segments.length > (segments.at(-1) === '' ? 2 : 1)
  if (segments[0] === '') segments.shift()
  if (segments.length === 1 && segments[0] === '')
    throw new PatternFault('the pattern is “/” alone; write ** for everything')
  if (segments.at(-1) === '') segments[segments.length - 1] = '**'
  if (!isAnchored) segments.unshift('**')
  return shapeOf(mergeStars(segments))
}

/** The quickest test for these segments. */
function shapeOf(segments: readonly string[]): GlobTest {
  if (segments.length === 1 && segments[0] === '**') return { kind: 'all' }
  const inner = segments.filter((segment) => segment !== '**')
  const tokens = inner.map(readSegment)
  const opens = segments[0] === '**'
  const ends = segments.at(-1) === '**'
  const isPlain = inner.length === segments.length - (opens ? 1 : 0) - (ends ? 1 : 0)
  const only = tokens.length === 1 ? tokens[0]! : null
  if (isPlain && opens && !ends && only !== null) {
    const [first, second] = only
    if (only.length === 0) return { kind: 'name', text: '' }
    if (only.length === 1 && 'literal' in first!) return { kind: 'name', text: first.literal }
    if (only.length === 1 && 'source' in first! && first.source === ANY_IN_SEGMENT) return { kind: 'all' }
    if (only.length === 2 && 'source' in first! && first.source === ANY_IN_SEGMENT && 'literal' in second!)
      return { kind: 'suffix', text: second.literal }
  }
  const literals = tokens.map((list) =>
    list.length === 0 ? '' : list.length === 1 && 'literal' in list[0]! ? list[0].literal : null,
  )
  if (isPlain && !literals.includes(null)) {
    const text = literals.join('/')
    if (opens && ends) return { kind: 'below-any', text }
    if (!opens) return { kind: ends ? 'below' : 'path', text }
  }
  return { kind: 'regex', source: regexOf(segments) }
}

function regexOf(segments: readonly string[]): string {
  let source = '^'
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1
    if (segment === '**') source += isLast ? '(?s:.*)' : '(?s:.*/)?'
    else source += readSegment(segment).map(sourceOf).join('') + (isLast ? '' : '/')
  })
  return `${source}$`
}

function sourceOf(token: Token): string {
  return 'source' in token ? token.source : token.literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** Cuts at slashes, escaped or not. */
function splitSegments(text: string): string[] {
  const segments = ['']
  for (let at = 0; at < text.length; ) {
    const isEscape = text[at] === '\\'
    const end = isEscape ? at + 2 : text[at] === '[' ? endOfClass(text, at) : at + 1
    const piece = text.slice(at, end)
    if (piece === '/' || piece === '\\/') segments.push('')
    else if (piece.includes('/')) throw new PatternFault('a “[…]” cannot hold a slash')
    else segments[segments.length - 1] += piece
    at = end
  }
  return segments
}

/** Two `**` after one another mean the same as one. */
function mergeStars(segments: readonly string[]): string[] {
  return segments.filter((segment, index) => segment !== '**' || segments[index - 1] !== '**')
}

/** Reads one segment: neighbouring literals and stars are joined. */
function readSegment(segment: string): Token[] {
  const tokens: Token[] = []
  const add = (token: Token) => {
    const last = tokens.at(-1)
    if (last !== undefined && 'literal' in last && 'literal' in token)
      tokens[tokens.length - 1] = { literal: last.literal + token.literal }
    else if (last === undefined || !('source' in token) || token.source !== ANY_IN_SEGMENT || !isStar(last))
      tokens.push(token)
  }
  for (let at = 0; at < segment.length; ) {
    const character = String.fromCodePoint(segment.codePointAt(at)!)
    let end = at + character.length
    if (character === '*') add({ source: ANY_IN_SEGMENT })
    else if (character === '?') add({ source: '[^/]' })
    else if (character === '[') {
      end = endOfClass(segment, at)
      add({ source: readClass(segment.slice(at + 1, end - 1)) })
    } else if (character === '\\') {
      if (end >= segment.length) throw new PatternFault('the pattern ends in a backslash; write \\\\ to mean it')
      const escaped = String.fromCodePoint(segment.codePointAt(end)!)
      end += escaped.length
      add({ literal: escaped })
    } else add({ literal: character })
    at = end
  }
  return tokens
}

function isStar(token: Token): boolean {
  return 'source' in token && token.source === ANY_IN_SEGMENT
}

/** RE2 for the members of a class; never matches a slash. */
function readClass(members: string): string {
  if (/\[[:.=]/.test(members)) throw new PatternFault('classes such as [[:digit:]] are not known; write [0-9]')
  const isNegated = /^[!^]/.test(members)
  const codes = readMembers(isNegated ? members.slice(1) : members)
  const ranges: string[] = []
  const slash = 0x2f
  const add = (from: number, to: number) => {
    if (from <= to) ranges.push(from === to ? hex(from) : `${hex(from)}-${hex(to)}`)
  }
  for (const [from, to] of codes) {
    if (from > to) throw new PatternFault('a range in “[…]” runs backwards')
    add(from, from <= slash && slash <= to ? slash - 1 : to)
    if (from <= slash && slash <= to) add(slash + 1, to)
  }
  if (isNegated) return `[^/${ranges.join('')}]`
  if (ranges.length === 0) throw new PatternFault('a “[…]” has no members')
  return `[${ranges.join('')}]`
}

/** Members as ranges of code points. */
function readMembers(members: string): [number, number][] {
  const list: { code: number; isEscaped: boolean }[] = []
  let isEscaped = false
  for (const character of members) {
    if (character === '\\' && !isEscaped) {
      isEscaped = true
      continue
    }
    list.push({ code: character.codePointAt(0)!, isEscaped })
    isEscaped = false
  }
  const ranges: [number, number][] = []
  for (let at = 0; at < list.length; at++) {
    const dash = list[at + 1]
    const to = list[at + 2]
    // A dash at either end, or after a backslash, is a member.
    if (dash?.code === 0x2d && !dash.isEscaped && to !== undefined) {
      ranges.push([list[at]!.code, to.code])
      at += 2
    } else ranges.push([list[at]!.code, list[at]!.code])
  }
  return ranges
}

function hex(code: number): string {
  return `\\x{${code.toString(16)}}`
}
