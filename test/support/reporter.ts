// Counts a test run for bin/sluice.mjs, which ends every run with a plain `N passed, N failed`.
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/** Vitest reporter; writes `{ passed, failed, skipped }` to the file that SLUICE_TEST_COUNTS names. Vitest wants a default export. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      const before = counts.failed
      for (const test of module.children.allTests()) {
        const state = test.result().state
        counts[state === 'passed' || state === 'failed' ? state : 'skipped']++
      }
      // A file that cannot be loaded, or whose hooks fail, has no failed test to show for it.
      if (!module.ok() && counts.failed === before) counts.failed++
    }
    const file = process.env.SLUICE_TEST_COUNTS
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts))
  }
}
