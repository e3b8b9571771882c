import { AppError } from '#lib/app-error.ts'
import { PatternFault } from './fault.ts'
import { type GlobTest, readGlob } from './glob.ts'
import { INSTRUCTIONS_TOTAL_MAX, measureRegex } from './regex.ts'
import { type NumberedTest, RuleList } from './rule-list.ts'

/** Patterns of a dataset, both lists together: with more, nobody knows any more what is kept out. */
export const PATTERNS_MAX = 100
/** UTF-16 units of one pattern: the longest key of S3. */
export const PATTERN_LENGTH_MAX = 1000

/** One line of a list: a glob (see `readGlob`) or an RE2 expression (see `measureRegex`). */
export interface PatternRule {
  readonly kind: 'glob' | 'regex'
  readonly pattern: string
}

/** Which of a dataset's files become items: those that a rule of `include` takes (all where it is empty) and no rule of `exclude` keeps out. */
export interface PatternSettings {
  readonly include: readonly PatternRule[]
  readonly exclude: readonly PatternRule[]
}

/** Settings that are ready for many paths. */
export interface CompiledPatterns {
  /**
   * What keeps a file out; null: it is taken. Else the first rule of `exclude` that holds, or `not-included` where there are rules of `include`
   * and none holds. `path` is the key below the driver's folder as text, without a slash in front.
   */
  refusal(path: string): PatternRule | 'not-included' | null
}

/**
 * Compiles the patterns of a dataset, once a slice; null when nothing is filtered.
 *
 * Time for a path is bounded, whatever the patterns: no engine here goes back. Throws `AppError('patterns.invalid')` with the place of everything
 * that is wrong in `details`.
 */
export function compilePatterns(settings: PatternSettings): CompiledPatterns | null {
  const { include, exclude } = settings
  if (include.length + exclude.length === 0) return null
  if (include.length + exclude.length > PATTERNS_MAX)
    throw invalid([{ path: 'include', message: `more than ${PATTERNS_MAX} patterns in both lists together` }])
  const reader = new Reader()
  const taken = reader.read('include', include)
  const kept = reader.read('exclude', exclude)
  reader.finish()
  const takes = new RuleList(taken)
  const keepsOut = new RuleList(kept)
  return {
    refusal(path) {
      const place = keepsOut.first(path)
      if (place !== Number.POSITIVE_INFINITY) return exclude[place]!
      return include.length === 0 || takes.first(path) !== Number.POSITIVE_INFINITY ? null : 'not-included'
    },
  }
}

interface Fault {
  readonly path: string
  readonly message: string
}

function invalid(faults: readonly Fault[]): AppError {
  const [first] = faults
  return new AppError('patterns.invalid', {
    message: `A pattern is wrong: ${first!.path}: ${first!.message}.`,
    details: faults,
  })
}

/** Reads rules and gathers what is wrong with them. */
class Reader {
  #instructions = 0
  readonly #faults: Fault[] = []

  read(list: 'include' | 'exclude', rules: readonly PatternRule[]): NumberedTest[] {
    return rules.flatMap((rule, place) => {
      try {
        return this.#testsOf(rule).map((test) => ({ place, test }))
      } catch (error) {
        if (!(error instanceof PatternFault)) throw error
        this.#faults.push({ path: `${list}.${place}.pattern`, message: error.message })
        return []
      }
    })
  }

  #testsOf({ kind, pattern }: PatternRule): GlobTest[] {
    if (pattern === '') throw new PatternFault('the pattern is empty')
    if (pattern.length > PATTERN_LENGTH_MAX) throw new PatternFault(`longer than ${PATTERN_LENGTH_MAX} characters`)
    if (!pattern.isWellFormed()) throw new PatternFault('has half a character (a lone surrogate)')
    const tests: GlobTest[] = kind === 'glob' ? readGlob(pattern) : [{ kind: 'regex', source: pattern }]
    for (const test of tests) {
      if (test.kind !== 'regex') continue
      this.#instructions += measureRegex(test.source)
      if (this.#instructions > INSTRUCTIONS_TOTAL_MAX)
        throw new PatternFault('with this one the patterns together are too large; write some of them simpler')
    }
    return tests
  }

  /** Throws when something was wrong. */
  finish(): void {
    if (this.#faults.length > 0) throw invalid(this.#faults)
  }
}
