// Collects what trials came to and prints it, so that a claim such as “survived 500 kills” can be run again.
import type { Outcome } from './trial.ts'

/** Sums up the trials of a scenario. */
export class Report {
  readonly #name: string
  readonly #startedMs = Date.now()
  readonly #kinds = new Map<string, number>()
  readonly #moments = new Map<string, number>()
  readonly #failures: string[] = []
  #trials = 0
  #kills = 0
  #slowestMs = 0
  #pagesMax = 0
  #perRangeMax = 0
  /** Trials in which more than one page of a range was lost, with where those pages began. */
  readonly #worse: string[] = []
  #excessMax = Number.NEGATIVE_INFINITY
  #pages = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Takes a trial; `what` says how it can be run again. */
  add(what: string, outcome: Outcome): void {
    this.#trials++
    this.#kills += outcome.losses.length
    this.#slowestMs = Math.max(this.#slowestMs, outcome.tookMs)
    for (const death of outcome.deaths) {
      if (death === null) continue
      this.#kinds.set(death.label, (this.#kinds.get(death.label) ?? 0) + 1)
      this.#moments.set(death.moment, (this.#moments.get(death.moment) ?? 0) + 1)
    }
    for (const loss of outcome.losses) {
      this.#pages += loss.pages
      this.#pagesMax = Math.max(this.#pagesMax, loss.pages)
      this.#perRangeMax = Math.max(this.#perRangeMax, loss.worstRange.length)
      if (loss.worstRange.length > 1) this.#worse.push(`${what}, after ${loss.worstRange.join(', ')}`)
      this.#excessMax = Math.max(this.#excessMax, loss.pages - loss.openRanges)
    }
    if (outcome.wrong.length > 0) this.#failures.push(`${this.#name}, ${what}: ${outcome.wrong.slice(0, 5).join('; ')}`)
  }

  /** Everything that was wrong, each with the trial that showed it. */
  get failures(): readonly string[] {
    return this.#failures
  }

  /** Kills that hit a run at work. */
  get kills(): number {
    return this.#kills
  }

  /** The most pages that any kill made to be read again beyond one for each open range. */
  get excessPagesMax(): number {
    return this.#excessMax
  }

  print(more: Readonly<Record<string, string | number>> = {}): void {
    const list = (counts: Map<string, number>) =>
      [...counts]
        .sort((a, b) => b[1] - a[1])
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')
    const lines: [string, string | number][] = [
      ...Object.entries(more),
      ['trials', this.#trials],
      ['kills of a run at work', this.#kills],
      ['by moment', list(this.#moments) || 'from outside'],
      ['by call', list(this.#kinds) || 'any'],
      ['pages read again', `${this.#pages} in all, at most ${this.#pagesMax} a kill and ${this.#perRangeMax} a range`],
      ['pages read again beyond one a range that is open', `at most ${this.#excessMax}`],
      ['more than one page of a range', this.#worse.slice(0, 5).join('; ') || 'never'],
      ['slowest trial', `${this.#slowestMs} ms`],
      ['took', `${((Date.now() - this.#startedMs) / 1000).toFixed(0)} s`],
      ['failures', this.#failures.length],
    ]
    console.log([`crash: ${this.#name}`, ...lines.map(([name, value]) => `  ${name}: ${value}`)].join('\n'))
  }
}
