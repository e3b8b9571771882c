import { defineConfig } from 'vitest/config'

// How a mutant's tests are run in a copy of the work tree; see test/mutants/lane.ts. The suites themselves are those of vitest.config.ts.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/mutants/**'],
    globalSetup: ['test/mutants/given-server.ts'],
    setupFiles: ['test/support/seed.ts', 'test/mutants/first-failure.ts'],
    reporters: ['./test/mutants/reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    bail: 1,
  },
})
