import type { Deps } from '#core/deps.ts'
import { DRAIN_JOB, drainSource } from '#core/hints/hints.ts'
import type { Job } from '#queue/queue.ts'

/** How often dirty keys are looked for; also the least time between two readings of one key. */
export const WAKE_MS = 1_000

/** One pass over the dirty keys of one bucket; what is left, or comes meanwhile, is found by the clockwork. */
export const hintDrain: Job<Deps, { sourceNo: number }> = {
  name: DRAIN_JOB,
  attemptMax: 1,
  run: async (deps, { sourceNo }, { signal }) => void (await drainSource(deps, sourceNo, signal)),
}
