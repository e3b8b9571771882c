// Set-up of a mutant's tests: a property that fails is enough; what the smallest failing case is nobody asks, and finding it takes most of the time.
import fc from 'fast-check'

// What test/support/seed.ts has set stays: a run with a seed meets every mutant with the same cases.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true })
