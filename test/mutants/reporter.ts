// How each test of a mutant's run ended, with everything its failure says, for test/mutants/lane.ts.
import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** One test of a run. */
export interface Result {
  readonly test: string
  readonly isPassed: boolean
  /** What it said when it failed: each error with what caused it. */
  readonly failure: string
}

/** What a run came to. */
export interface Report {
  readonly results: readonly Result[]
  /** Why files could not be loaded, or their hooks failed. */
  readonly broken: readonly string[]
}

function said(error: SerializedError | undefined): string {
  if (error === undefined) return ''
  const cause = said(error.cause as SerializedError | undefined)
  return `${error.name}: ${error.message}${cause === '' ? '' : `\nbecause of ${cause}`}`
}

/** Vitest reporter; writes a `Report` to the file that SLUICE_MUTANTS_REPORT names. Vitest wants a default export. */
export default class MutantReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const results: Result[] = []
    const broken = unhandled.map(said)
    for (const module of modules) {
      broken.push(...module.errors().map(said))
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result()
        if (state !== 'passed' && state !== 'failed') continue
        results.push({ test: test.fullName, isPassed: state === 'passed', failure: errors.map(said).join('\n') })
      }
    }
    const report: Report = { results, broken }
    writeFileSync(process.env.SLUICE_MUTANTS_REPORT!, JSON.stringify(report))
  }
}
