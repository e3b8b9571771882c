// One embedded PostgreSQL a test run, with a migrated template that `withDatabase` clones. Vitest's global set-up of the suites that need it.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createPool } from '#db/connect.ts'
import { startEmbeddedPostgres } from '#db/embedded.ts'
import { migrate } from '#db/migrate.ts'
import { inDatabase, TEMPLATE } from './database-names.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the test run's PostgreSQL; see `withDatabase`. */
    databaseServerUrl: string
  }
}

/** Starts the server, makes the template, hands the address on; returns the tear-down. Called by Vitest. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  await chmod(dataDir, 0o711)
  const server = await startEmbeddedPostgres({
    dataDir,
    log: { info() {}, warn: console.warn, error: console.error },
    isDurable: false,
  })
  const admin = createPool(server.url, { connectionsMax: 1 })
  await admin.query(`create database ${TEMPLATE}`)
  await admin.end()
  const pool = createPool(inDatabase(server.url, TEMPLATE), { connectionsMax: 1 })
  await migrate(pool)
  await pool.end()
  project.provide('databaseServerUrl', server.url)
  return async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
