import type { Deps } from '#core/deps.ts'
import { continueValidation, VALIDATE_JOB } from '#core/drivers/drivers.ts'
import type { Job } from '#queue/queue.ts'

/** Tries a few storage drivers of an integration; what came of each stands in the command, so two of these at once do no harm. */
export const driverValidation: Job<Deps, { commandId: string }> = {
  name: VALIDATE_JOB,
  attemptMax: 25,
  run: (deps, { commandId }) => continueValidation(deps, commandId),
}
