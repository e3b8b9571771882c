// Set-up of a mutant's tests: a property that fails is enough; what the smallest failing case is nobody asks, and finding it takes most of the time.
import fc from 'fast-check'

fc.configureGlobal({ endOnFailure: true })
