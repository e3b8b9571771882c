import { defineConfig } from 'vitest/config'
import { smallBatches } from './test/convergence/small-batches.ts'

// Suites by name, one per `npm run test:*` script; `npm test` runs `unit` and `integration`, which need npm packages alone.
const suite = (name: string, include: string[], extra: Record<string, unknown> = {}) => ({
  extends: true as const,
  test: { name, include, ...extra },
})

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 120_000,
    setupFiles: ['test/support/seed.ts'],
    projects: [
      suite('unit', ['src/**/*.test.ts', 'console/src/**/*.test.ts', 'test/*.test.ts', 'bench/**/*.test.ts']),
      suite('integration', ['test/integration/**/*.test.ts', 'test/conformance/*.test.ts'], {
        globalSetup: ['test/support/database-server.ts'],
        maxWorkers: 2,
      }),
      suite('model', ['test/model/**/*.test.ts'], { maxWorkers: 2, testTimeout: 120_000 }),
      {
        ...suite('convergence', ['test/convergence/**/*.test.ts'], {
          globalSetup: ['test/support/database-server.ts'],
          maxWorkers: 2,
          testTimeout: 600_000,
        }),
        plugins: [smallBatches()],
      },
      suite('mutants', ['test/mutants/mutants.test.ts'], {
        globalSetup: ['test/support/database-server.ts'],
        maxWorkers: 1,
      }),
      suite('stores', ['test/stores/**/*.test.ts'], {
        globalSetup: ['test/support/database-server.ts'],
        maxWorkers: 1,
        fileParallelism: false,
      }),
      suite('crash', ['test/crash/**/*.test.ts'], {
        globalSetup: ['test/support/database-server.ts'],
        maxWorkers: 1,
        fileParallelism: false,
      }),
      suite('sdk', ['test/sdk/**/*.test.ts'], {
        globalSetup: ['test/support/database-server.ts'],
        maxWorkers: 1,
        fileParallelism: false,
        testTimeout: 300_000,
      }),
      suite('e2e', ['test/e2e/**/*.test.ts'], {
        globalSetup: ['test/e2e/programs.ts'],
        // Pictures and films come from the bucket while the browser shares 2 cores with it; Vitest's own second is too short for that.
        expect: { poll: { timeout: 20_000 } },
        maxWorkers: 1,
        fileParallelism: false,
        testTimeout: 120_000,
      }),
    ],
  },
})
