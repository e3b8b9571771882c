import { RE2JS, RE2JSException, RE2JSSyntaxException, RE2Set } from 're2js'
import { PatternFault } from './fault.ts'

/**
 * Instructions one expression may compile to. A path costs at most instructions × characters, at 20 to 40 ns each where an expression is made to
 * defeat the quick automaton: 1,024 characters × 500 stay at about 20 ms. Ordinary expressions have 10 to 60.
 */
export const INSTRUCTIONS_MAX = 500
/** The same for all expressions of a dataset together, which are tested at once. */
export const INSTRUCTIONS_TOTAL_MAX = 4000
/** Memory of the automaton that is built while paths are tested; beyond it, testing goes on without. */
const AUTOMATON_BYTES = 4 * 2 ** 20

/** Dots also mean line feeds, which keys may have; without it a key could slip past `^private/.*$`. */
const FLAGS = RE2JS.DOTALL

/**
 * How many instructions an expression compiles to. Throws `PatternFault` for what is not RE2 or is too large.
 *
 * RE2 has no backreferences and no looking around, and its time grows with the length of a path only. Capitals count unless it begins with `(?i)`; it
 * may match anywhere in the path unless it has `^` or `$`. Syntax: https://github.com/google/re2/wiki/Syntax
 */
export function measureRegex(source: string): number {
  // Repetition is written out when compiling: ten characters could become half a million instructions before they can be counted.
  if (expandedLength(source) > INSTRUCTIONS_MAX * 4) throw tooLarge()
  const instructions = compile(source).programSize()
  if (instructions > INSTRUCTIONS_MAX) throw tooLarge()
  return instructions
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source, FLAGS)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw new PatternFault(describe(error), { cause: error })
    if (error instanceof RE2JSException) throw new PatternFault(error.message, { cause: error })
    throw error
  }
}

function describe(error: RE2JSSyntaxException): string {
  // The flag for dots is put in front of what was given; it is not the caller's.
  const part = error.getPattern()?.replace(/^\(\?s\)/, '')
  return part ? `${error.getDescription()}: ${part}` : error.getDescription()
}

function tooLarge(): PatternFault {
  return new PatternFault(`the expression compiles to more than ${INSTRUCTIONS_MAX} steps; use smaller repetitions`)
}

/**
 * Roughly how many atoms an expression has once its counted repetitions are written out; never much less than the compiler makes of it.
 * Classes count as one. What is malformed is the compiler's to refuse.
 */
function expandedLength(source: string): number {
  // Length of each open group so far, and of the atom that a repetition would repeat.
  const open: number[] = [0]
  let atom = 0
  const token = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gsu
  for (const [text, least, most] of source.matchAll(token)) {
    if (text === '(') {
      open.push(0)
      atom = 0
      continue
    }
    if (text === ')' && open.length > 1) atom = open.pop()! + 1
    else if (least !== undefined) {
      const times = Math.max(Number(least), Number(most || 0), 1)
      open[open.length - 1]! += atom * (times - 1)
      atom *= times
      continue
    } else if (text === '*' || text === '+' || text === '?') {
      open[open.length - 1]! += 1
      continue
    } else atom = text.startsWith('\\Q') ? text.length : 1
    open[open.length - 1]! += atom
  }
  return open.reduce((sum, length) => sum + length, 0)
}

/** Many expressions that are tested in one pass over a path, whose cost hardly depends on how many they are. */
export class RegexSet {
  readonly #set = new RE2Set(RE2Set.UNANCHORED, FLAGS, AUTOMATON_BYTES)
  readonly #places: readonly number[]

  /** Each expression with a number that `first` answers; expressions must have been measured. */
  constructor(expressions: readonly { readonly source: string; readonly place: number }[]) {
    for (const { source } of expressions) this.#set.add(source)
    this.#set.compile()
    this.#places = expressions.map(({ place }) => place)
  }

  /** The smallest number among the expressions that match; Infinity when none does. */
  first(path: string): number {
    let first = Number.POSITIVE_INFINITY
    for (const index of this.#set.match(path)) first = Math.min(first, this.#places[index]!)
    return first
  }
}
