// Global set-up of a mutant's tests: their PostgreSQL was started by whoever runs the mutants, so that a mutant costs seconds.
import type { TestProject } from 'vitest/node'
import type {} from '../support/database-server.ts'

/** Hands the address on. Called by Vitest. */
export function setup(project: TestProject): void {
  project.provide('databaseServerUrl', process.env.SLUICE_MUTANTS_SERVER ?? '')
}
